"""How this machine's tools call the services: as `operator`, over the same mutual TLS."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
from kefu.client.channel import open_channel
from kefu.client.status import from_rpc_error

from services.local import health, lock, status
from services.local.credentials import OPERATOR
from services.local.home import Home
from services.local.problem import Problem


@asynccontextmanager
async def channel(home: Home, service: str) -> AsyncIterator[grpc.aio.Channel]:
    """Open a channel to a service of the mesh that runs on a home.

    Inside the block a failed call raises the `KefuError` that the service raised.

    Raises:
        Problem: no mesh runs there.
    """
    opened = open_channel(address(home, service), health.client_credentials(home.client(OPERATOR)))
    try:
        yield opened
    except grpc.RpcError as error:
        raise from_rpc_error(error, service) from None
    finally:
        await opened.close()


def address(home: Home, service: str) -> str:
    """Return the address, `host:port`, of a service of the mesh that runs on a home.

    Raises:
        Problem: no mesh runs there.
    """
    if not lock.holder(home):
        raise Problem(f"no mesh runs on {home.root}", f"start it: kefu up --home {home.root}")
    try:
        return status.read(home).services[service].address
    except KeyError:
        raise Problem(f"the mesh has no service {service}", "see `kefu status`") from None
