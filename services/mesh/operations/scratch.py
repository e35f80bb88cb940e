"""The folder of one piece of work: it holds what a customer gave, so it does not outlive the work.

Whoever works locks it, and the lock ends with the process however that ends. So a folder that
can be locked and is not empty is what a dead process has left.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def work_folder(prefix: str) -> Iterator[Path]:
    """Make an empty folder that nobody else can read; it is removed when the block ends.

    Args:
        prefix: Of its name; tells this kind of work from others.
    """
    # A process that works in it may remove it too, where nobody listens to it any more.
    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as name:
        lock = os.open(name, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield Path(name)
        finally:
            os.close(lock)


def remove_leftovers(prefix: str) -> None:
    """Remove the folders of a kind of work whose process died."""
    for folder in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
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
