"""A whole mesh, started through the front door: `kefu up --sample`.

Tests that share one mesh stand in one xdist group, so that it is started once.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from kefu.client import Client, connect

from services.mesh.tls import KeyPair

ROOT = Path(__file__).resolve().parents[2]
KEFU = Path(sys.executable).parent / "kefu"
TENANT = "tenants/shop"


@dataclass(frozen=True)
class Running:
    """A mesh that runs in a home of its own."""

    home: Path

    def kefu(self, *arguments: str, check: bool = True) -> str:
        """Run a `kefu` command on the home and return what it printed."""
        done = subprocess.run(
            [KEFU, *arguments, "--home", self.home],
            capture_output=True,
            text=True,
            timeout=120,
            env=_environment(),
        )
        assert not check or done.returncode == 0, f"kefu {arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def json(self, *arguments: str) -> Any:
        """What a `kefu ... --json` command printed."""
        return json.loads(self.kefu(*arguments, "--json"))

    def services(self) -> dict[str, Any]:
        """`services` of mesh.json: address, state, pid and more by name."""
        found: dict[str, Any] = json.loads((self.home / "mesh.json").read_text())["services"]
        return found

    def address(self, service: str) -> str:
        """Where a service listens."""
        return str(self.services()[service]["address"])

    def keys(self, client: str = "operator") -> KeyPair:
        """The certificate of a client of this home."""
        folder = self.home / "clients" / client
        return KeyPair(folder / "cert.pem", folder / "key.pem", folder / "ca.pem")

    @asynccontextmanager
    async def stub(
        self, service: str, stub: Callable[[Any], Any], client: str = "operator"
    ) -> AsyncIterator[Any]:
        """A stub of a service, as a client of this home."""
        credentials = self.keys(client).channel_credentials()
        async with grpc.aio.secure_channel(self.address(service), credentials) as channel:
            yield stub(channel)

    @asynccontextmanager
    async def client(self, client: str = "operator") -> AsyncIterator[Client]:
        """The client package, as another system uses it."""
        keys = self.keys(client)
        async with connect(
            self.address("session"), cert=keys.cert_file, key=keys.key_file, ca=keys.ca_file
        ) as kefu:
            yield kefu


@contextmanager
def running_mesh(**environment: str) -> Iterator[Running]:
    """A mesh with the sample company, in a directory that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="kefu-e2e-", dir="/tmp") as directory:
        running = Running(Path(directory) / "home")
        up = subprocess.run(
            [KEFU, "up", "--sample", "--detach", "--home", running.home],
            capture_output=True,
            text=True,
            timeout=180,
            env=_environment() | environment,
        )
        try:
            assert up.returncode == 0, f"{up.stdout}{up.stderr}"
            yield running
        finally:
            subprocess.run(
                [KEFU, "down", "--home", running.home],
                capture_output=True,
                timeout=120,
                env=_environment(),
                check=False,
            )


def _environment() -> dict[str, str]:
    """Return this process's environment without what the tests set for themselves.

    The cipher list would otherwise be inherited, and prove nothing about the processes under test.
    """
    return {k: v for k, v in os.environ.items() if not k.startswith(("GRPC_", "KEFU_"))}
