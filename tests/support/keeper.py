"""Starts one server for a whole test run and ends it when the run ends, however it ends.

The workers of pytest-xdist are processes of their own. The first that needs a server starts a
keeper; the keeper starts the server as its child, writes the URL to a file for the other
workers, and waits until the process that runs pytest is gone, be it by `kill -9`.
"""

import fcntl
import importlib
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

OWNER = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
"""Process id of the pytest that was started by hand: a worker's parent, else this process.

Read once: a worker whose parent was killed has another parent, which never ends."""

START_SECONDS = 60.0
"""Longest wait for a keeper; two busy cores make a start take many times its usual second."""


def server_url(module: str) -> str:
    """Return the URL of this run's server, starting it if this worker is the first to ask.

    Args:
        module: a module with `start_for_tests(directory, log)`, whose result has `url` and `stop`.
    """
    directory = run_directory() / module.rpartition(".")[2]
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    ready, log = directory / "url", directory / "keeper.log"
    with open(directory / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            _start_keeper(module, directory, ready, log)
    return ready.read_text()


def run_directory() -> Path:
    """Directory in /tmp that belongs to this test run alone; short, because sockets lie in it."""
    return Path(tempfile.gettempdir()) / f"kefu-tests-{os.getuid()}-{OWNER}"


def _start_keeper(module: str, directory: Path, ready: Path, log: Path) -> None:
    """Start the keeper of a server and wait until it has written the URL."""
    with open(log, "ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, module, str(directory), str(OWNER)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd=Path(__file__).parents[2],
        )
    deadline = time.monotonic() + START_SECONDS
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{module} did not start:\n{log.read_text()}")
        time.sleep(0.02)  # It says that it is ready with a file, for which nothing waits but looks.
    process.returncode = 0  # it outlives this process on purpose; Popen would warn of that


def keep(module: str, directory: Path, owner_pid: int) -> None:
    """Run the server of `module` until the owner is gone, then remove its directory."""
    waiting = select.poll()
    # A process file descriptor becomes readable when the process ends; nothing is polled.
    waiting.register(os.pidfd_open(owner_pid), select.POLLIN)
    server = importlib.import_module(module).start_for_tests(directory, directory / "server.log")
    try:
        unfinished = directory / "url.new"
        unfinished.write_text(server.url)
        unfinished.rename(directory / "url")
        waiting.poll()
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)
        if not any(directory.parent.iterdir()):
            directory.parent.rmdir()


if __name__ == "__main__":
    keep(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
