"""A bench that is connected to a mesh as a customer's system is, and to the mesh's counters."""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
import redis
from kefu.client import connect

from tests.bench.mesh import Mesh
from tests.bench.turns import Bench


@asynccontextmanager
async def connected(running: Mesh, stub: int) -> AsyncIterator[Bench]:
    """Connect to a running mesh whose stub of a model provider has the process id `stub`."""
    files = running.home.client("operator")
    own = {"stub": stub, "client": os.getpid()}
    async with AsyncExitStack() as stack:
        client = connect(
            running.status.services["session"].address,
            cert=files / "cert.pem",
            key=files / "key.pem",
            ca=files / "ca.pem",
        )
        yield Bench(
            running,
            await stack.enter_async_context(client),
            await stack.enter_async_context(aiohttp.ClientSession()),
            stack.enter_context(
                redis.Redis(unix_socket_path=running.status.stores["valkey"].socket)
            ),
            running.processes | own,
        )
