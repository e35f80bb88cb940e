"""The folder of one training: it holds all utterances, so it does not outlive its training.

Whoever trains locks it, and the lock ends with the process however that ends. So a folder that
can be locked and is not empty is what a dead process has left.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX = "kefu-training-"


@contextmanager
def training_folder() -> Iterator[Path]:
    """Make an empty folder that nobody else can read; it is removed when the block ends."""
    # The process that trains removes it too, where nobody listens to it any more.
    with tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True) as name:
        lock = os.open(name, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield Path(name)
        finally:
            os.close(lock)


def remove_leftovers() -> None:
    """Remove the folders of trainings whose service died together with their process."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        # Another user's, or gone meanwhile; a locked one is somebody's.
        with suppress(OSError):
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # An empty one may be about to be locked by whoever has just made it.
                if os.listdir(lock):
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)
