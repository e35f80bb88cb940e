"""The files of a folder that can be imported, and why the others cannot."""

import hashlib
import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from services.local.knowledge_files import ENDINGS

LARGEST_BYTES = 20 * 1024 * 1024
"""Largest file that the knowledge service takes unless it is set otherwise."""

_OUTDATED = frozenset(
    {".doc", ".rtf", ".odt", ".wps", ".xls", ".ods", ".et", ".ppt", ".pptx", ".xhtml", ".mhtml"}
)
"""Documents that the service does not read; it is asked all the same, since it knows what each can
be saved as."""

_MEBIBYTE = 1024 * 1024


class Fate(StrEnum):
    """What becomes of a file here, before the service sees it."""

    READY = "ready"
    """It can be sent."""
    SKIPPED = "skipped"
    """Nobody expects it to be imported."""
    FAILED = "failed"
    """It cannot be imported."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file of the folder, or a hidden folder in it.

    Attributes:
        path: Below the folder, with `/`, NFC: some systems write `ü` as two characters.
        file: Where it lies.
        fate: What becomes of it.
        reason: Why it is not sent; empty where it is.
        sha256: Of its bytes, hex; empty where it is not sent.
        size: In bytes.
    """

    path: str
    file: Path
    fate: Fate = Fate.READY
    reason: str = ""
    sha256: str = ""
    size: int = 0


def look_through(root: Path, largest: int = LARGEST_BYTES) -> list[Found]:
    """Look at a file, or at all files of a folder and the folders in it, by path.

    Args:
        root: The file or folder.
        largest: Bytes that a file may have.
    """
    if not root.is_dir():
        return [_looked_at(root.name, root, largest, asked_for=True)]
    return sorted(_below(root, largest), key=lambda found: found.path)


def _below(root: Path, largest: int) -> Iterator[Found]:
    for folder, folders, files in os.walk(root):
        for name in [each for each in folders if _is_hidden(each)]:
            folders.remove(name)
            hidden = Path(folder, name)
            yield Found(f"{_path(root, hidden)}/", hidden, Fate.SKIPPED, "hidden")
        for name in files:
            file = Path(folder, name)
            yield _looked_at(_path(root, file), file, largest)


def _looked_at(path: str, file: Path, largest: int, asked_for: bool = False) -> Found:
    """Judge a file; one that was asked for by its name is not skipped in silence."""
    if _is_hidden(file.name) and not asked_for:
        return Found(path, file, Fate.SKIPPED, "hidden")
    if file.suffix.lower() not in ENDINGS | _OUTDATED:
        fate = Fate.FAILED if asked_for else Fate.SKIPPED
        return Found(path, file, fate, f"unknown kind of file: {file.suffix or 'no ending'}")
    try:
        size = file.stat().st_size
        if size > largest:
            most = f"{largest / _MEBIBYTE:.3g} MiB are taken"
            return Found(path, file, Fate.FAILED, f"too large: {size / _MEBIBYTE:.3g} MiB, {most}")
        with file.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        return Found(path, file, Fate.FAILED, f"cannot be read: {error.strerror or error}")
    return Found(path, file, sha256=digest, size=size)


def _is_hidden(name: str) -> bool:
    # `~$` begins what Office keeps beside a file that is open.
    return name.startswith((".", "~$"))


def _path(root: Path, file: Path) -> str:
    return unicodedata.normalize("NFC", file.relative_to(root).as_posix())
