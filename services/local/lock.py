"""One supervisor per home: a file lock, which the kernel gives back even after `kill -9`."""

import contextlib
import fcntl
import os
from collections.abc import Iterator

from services.local.home import Home
from services.local.problem import Problem


@contextlib.contextmanager
def held(home: Home) -> Iterator[None]:
    """Hold a home's lock, making the home if need be.

    Raises:
        Problem: another supervisor holds it.
    """
    home.create()
    with open(home.lock_file, "a+", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Problem(
                f"a mesh already runs on {home.root} (process {_holder(home)})",
                f"stop it with `kefu down --home {home.root}`, or choose another --home",
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def holder(home: Home) -> int:
    """Return the process id of the supervisor that runs on a home; 0 where none does."""
    try:
        with open(home.lock_file, encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return 0
    except BlockingIOError:
        return _holder(home)
    return 0


def _holder(home: Home) -> int:
    return int(home.lock_file.read_text().strip() or 0)
