"""A throwaway mesh and a stub of a model provider, each timed, none of which outlives the bench."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from services.local import child, status
from services.local.home import Home
from services.local.problem import Problem
from services.local.status import MeshStatus, State

START_SECONDS = 120.0
"""Longest wait for a start; a busy machine embeds the sample's knowledge for half a minute."""

STOP_SECONDS = 30.0
"""Longest wait for a drain, before the supervisor is killed and its children with it."""

UNREACHED = {
    "KEFU_CHAT_REQUESTS_PER_SECOND": "1000000",
    "KEFU_CALLER_REQUESTS_PER_SECOND": "1000000",
    "KEFU_TENANT_TOKENS_PER_MINUTE": "1000000000000",
}
"""Limits that the bench does not reach: what they cost is to be measured, not what they refuse."""

_POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Startup:
    """How long `kefu up --sample` took, from its first instruction, in seconds.

    Attributes:
        ready: until the mesh said that it is ready, the sample's knowledge included.
        serving: until the last service served.
        by_process: until each process served; services begin once both stores run.
    """

    ready: float
    serving: float
    by_process: dict[str, float]


@dataclass(frozen=True, slots=True)
class Mesh:
    """A running mesh.

    Attributes:
        home: its directory.
        status: addresses and process ids.
        startup: how long it took.
    """

    home: Home
    status: MeshStatus
    startup: Startup

    @property
    def metrics(self) -> list[str]:
        """`host:port` of every Prometheus page."""
        pages = (each.metrics_address for each in self.status.services.values())
        return [page for page in pages if page]

    @property
    def processes(self) -> dict[str, int]:
        """Process ids of services, stores and the supervisor, by name."""
        running = {name: each.pid for name, each in self.status.processes.items()}
        return running | {"supervisor": self.status.supervisor}

    def restarted(self) -> list[str]:
        """Return the processes that died since the start: their figures are worth nothing."""
        now = status.read(self.home).processes
        return [name for name, each in now.items() if each.restarts]


@asynccontextmanager
async def stub_server(directory: Path) -> AsyncIterator[tuple[str, int]]:
    """Run the stub of a model provider; gives its base URL and its process id.

    Raises:
        Problem: it does not start.
    """
    log = directory / "stub.log"
    log.unlink(missing_ok=True)  # the address of a run before must not be taken for this one's
    process = _spawn(["-m", "tests.stubs.model_server"], log)
    try:
        yield await _line(process, log, "http"), process.pid
    finally:
        child.stop(process, signal.SIGTERM, STOP_SECONDS)


@asynccontextmanager
async def echo_server(directory: Path) -> AsyncIterator[tuple[str, int]]:
    """Run `tests.bench.echo_server`; gives the line that it prints, and its process id.

    Raises:
        Problem: it does not start.
    """
    log = directory / "echo.log"
    log.unlink(missing_ok=True)
    process = _spawn(["-m", "tests.bench.echo_server"], log)
    try:
        yield await _line(process, log, '{"chain"'), process.pid
    finally:
        child.stop(process, signal.SIGTERM, STOP_SECONDS)


@asynccontextmanager
async def running_mesh(
    home: Home, model_url: str, further: dict[str, str] | None = None
) -> AsyncIterator[Mesh]:
    """Run `kefu up --sample` on a home whose model is the stub, with further settings.

    Raises:
        Problem: it does not start.
    """
    home.create()
    home.mesh_file.unlink(missing_ok=True)  # that of a run before would look like this one's
    began = time.monotonic()
    command = ["-m", "services.cli", "up", "--sample", "--home", str(home.root)]
    settings = {"KEFU_CHAT_BASE_URL": model_url, "KEFU_CHAT_MODEL": "stub"} | UNREACHED
    process = _spawn(command, home.log("supervisor"), settings | (further or {}))
    try:
        yield await _wait_until_ready(process, home, began)
    finally:
        child.stop(process, signal.SIGTERM, STOP_SECONDS)


async def _wait_until_ready(process: subprocess.Popen[bytes], home: Home, began: float) -> Mesh:
    """Watch `mesh.json` and note when each process served for the first time."""
    served: dict[str, float] = {}
    while True:
        ended = process.poll() is not None
        now = status.read(home)
        elapsed = time.monotonic() - began
        for name, each in now.processes.items():
            if each.state is State.SERVING:
                served.setdefault(name, elapsed)
        if now.ready:
            return Mesh(home, now, Startup(elapsed, max(served.values()), served))
        if ended or elapsed > START_SECONDS:
            reason = now.problem or child.last_line(home.log("supervisor"))
            raise Problem("the mesh did not start", reason or f"not within {START_SECONDS:.0f} s")
        await asyncio.sleep(_POLL_SECONDS)


def _spawn(
    arguments: list[str], log: Path, settings: dict[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a Python process that dies with this one, without this shell's own Kefu settings."""
    inherited = {name: v for name, v in os.environ.items() if not name.startswith("KEFU_")}
    return child.spawn(
        [sys.executable, *arguments],
        log=log,
        death_signal=signal.SIGTERM,
        environment=inherited | (settings or {}),
    )


async def _line(process: subprocess.Popen[bytes], log: Path, saying: str) -> str:
    """Wait for the line, written at once, with which a process says where it serves."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if line := child.last_line(log, containing=saying):
            return line
        await asyncio.sleep(_POLL_SECONDS)
    raise Problem(f"{log.stem} did not start", child.last_line(log))
