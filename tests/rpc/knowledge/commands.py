"""Commands of `kefu knowledge`, run against the service that a test serves."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import grpc
import pytest
from kefu.client.status import from_rpc_error
from typer.testing import CliRunner

from services.cli.main import build
from services.local import operator
from services.local.home import Home
from tests.support.mesh import Served


def channel_to(server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let commands call a service that a test serves; each has an event loop of its own."""
    keys = server.keys("test-content-owner")

    @asynccontextmanager
    async def channel(home: Home, service: str) -> AsyncIterator[grpc.aio.Channel]:
        opened = grpc.aio.secure_channel(server.address, keys.channel_credentials())
        try:
            yield opened
        except grpc.RpcError as error:
            raise from_rpc_error(error, service) from None
        finally:
            await opened.close()

    monkeypatch.setattr(operator, "channel", channel)


@pytest.fixture
def kb(server: Served, base: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of a knowledge base that commands import into."""
    channel_to(server, monkeypatch)
    return base.rpartition("/")[2]


@dataclass(frozen=True)
class Said:
    """What a command printed, without the log of the service in the same process."""

    exit_code: int
    stdout: str
    stderr: str


async def kefu(*arguments: object) -> Said:
    """Run a command; a failure that it explains comes out as it is."""
    words = ["knowledge", *map(str, arguments)]
    answer = await asyncio.to_thread(CliRunner().invoke, build(words), words)
    if answer.exception and not isinstance(answer.exception, SystemExit):
        raise answer.exception
    return Said(answer.exit_code, _without_log(answer.stdout), _without_log(answer.stderr))


def _without_log(text: str) -> str:
    lines = text.splitlines(keepends=True)
    return "".join(each for each in lines if not re.match(r"\d{4}-\d\d-\d\d \S+ \[", each))
