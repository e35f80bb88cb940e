"""A throwaway certificate authority, and the shop's action server as a process of its own."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.local.ca import Authority, Leaf

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 20
"""A Python process with grpcio starts in one second; a busy machine may need many."""


@dataclass(frozen=True, slots=True)
class Files:
    """PEM files that a process is started with."""

    certificate: Path
    key: Path
    authority: Path


def write(folder: Path, leaf: Leaf, authority: Authority) -> Files:
    """Write a leaf, its key and the authority to trust into `folder`."""
    folder.mkdir(parents=True)
    files = Files(folder / "tls.crt", folder / "tls.key", folder / "ca.crt")
    files.certificate.write_bytes(leaf.certificate)
    files.key.write_bytes(leaf.key)
    files.authority.write_bytes(authority.certificate_pem)
    return files


def environment() -> dict[str, str]:
    """What another team's process has: the `kefu` package, and nothing that Kefu's services set."""
    folders = (ROOT, ROOT / "gen", ROOT / "services/sdk")
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("GRPC_", "KEFU_"))}
    return {**inherited, "PYTHONPATH": os.pathsep.join(map(str, folders))}


@dataclass(frozen=True, slots=True)
class ActionServer:
    """A running action server, the authority of its certificate, and its process if it has one."""

    address: str
    process: asyncio.subprocess.Process | None
    authority: Authority


@asynccontextmanager
async def action_server(folder: Path) -> AsyncIterator[ActionServer]:
    """Run `python -m examples.shop.orders` as a user would, and end it."""
    authority = Authority.create()
    files = write(folder, authority.issue("shop"), authority)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "examples.shop.orders", "--listen", "127.0.0.1:0"),
        *("--cert", files.certificate, "--key", files.key, "--ca", files.authority),
        cwd=ROOT,
        env=environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), START_SECONDS)
        word, _, address = line.decode().strip().partition(" ")
        assert word == "listening", f"the action server said {line!r}"
        yield ActionServer(address, process, authority)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ActionServer]:
    """The shop's action server, with its orders as they are in orders.json."""
    async with action_server(tmp_path / "shop") as running:
        yield running
