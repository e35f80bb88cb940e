"""Uploaded files on this machine's disk, until they are imported."""

import asyncio
import hashlib
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.knowledge.conversion.limits import MEBIBYTE
from services.knowledge.document import Scope
from services.mesh.operations.scratch import work_folder

FOLDER_PREFIX = "kefu-import-"
"""Of the name of the folder of each upload."""


@dataclass(frozen=True, slots=True)
class SpoolLimits:
    """What uploads may take.

    Attributes:
        upload_bytes: All files of one together.
        upload_files: Files of one.
        file_bytes: One file; a larger one fails alone and is not kept.
        seconds: From its first message to its last.
        at_once: Uploads that this process holds, those included that are being imported.
    """

    upload_bytes: int = 512 * MEBIBYTE
    upload_files: int = 10_000
    file_bytes: int = 20 * MEBIBYTE
    seconds: float = 900.0
    at_once: int = 4


@dataclass(frozen=True, slots=True)
class Described:
    """A file as its caller describes it, before its bytes.

    Attributes:
        path: Relative path.
        size: Its bytes will be so many.
        sha256: They will have this hash, hex; empty: not said.
        scope: What its owner says of it.
    """

    path: str
    size: int
    sha256: str = ""
    scope: Scope = field(default_factory=Scope)


@dataclass(frozen=True, slots=True)
class Spooled:
    """A file that has arrived.

    Attributes:
        described: What its caller said of it.
        sha256: Of the bytes that came, hex.
        problem: Why it cannot be imported; empty where it can.
    """

    described: Described
    sha256: str
    problem: str = ""

    def asked(self) -> list[Any]:
        """Return what makes another upload the same one, as JSON values."""
        scope = self.described.scope
        moments = [each and each.isoformat() for each in (scope.valid_from, scope.valid_until)]
        return [self.described.path, self.sha256, dict(scope.metadata), *moments]


class Spool:
    """The files of one upload, in a folder of their own that goes with `close`."""

    def __init__(self, limits: SpoolLimits) -> None:
        """Make the folder."""
        self._limits = limits
        self._folder = ExitStack()
        self._path = self._folder.enter_context(work_folder(FOLDER_PREFIX))
        self._writing = ExitStack()
        self.files: list[Spooled] = []

    def content(self, place: int) -> bytes:
        """Return the bytes of a file that has no problem, by its place in `files`."""
        return self._file(place).read_bytes()

    async def close(self) -> None:
        """Remove the files."""
        self._writing.close()
        # Thousands of files take their time.
        await asyncio.to_thread(self._folder.close)

    def open(self, described: Described) -> "Arriving":
        """Begin with the next file."""
        target = None
        if described.size <= self._limits.file_bytes:
            target = self._writing.enter_context(self._file(len(self.files)).open("wb"))
        return Arriving(described, target)

    def keep(self, arrived: "Arriving") -> None:
        """Finish the file that was opened last."""
        self._writing.close()
        said, sha256 = arrived.described, arrived.digest.hexdigest()
        problem = ""
        if said.size > self._limits.file_bytes:
            most = self._limits.file_bytes
            problem = f"too large: {said.size} bytes, at most {most} are taken; split the file"
        elif said.sha256 not in ("", sha256):
            problem = "damaged on its way: its bytes have another SHA-256; import it again"
        self.files.append(Spooled(said, sha256, problem))

    def _file(self, place: int) -> Path:
        # Not the path that the caller gave: it could lead elsewhere.
        return self._path / f"{place:06}"


class Arriving:
    """A file whose bytes are coming."""

    def __init__(self, described: Described, target: Any) -> None:
        """Write to `target`, an open file; None: the bytes are only looked at."""
        self.described = described
        self.left = described.size
        self.digest = hashlib.sha256()
        self._target = target

    def write(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self.left -= len(chunk)
        self.digest.update(chunk)
        if self._target is not None:
            self._target.write(chunk)
