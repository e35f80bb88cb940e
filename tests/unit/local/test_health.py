"""A service's own word on its health, followed over mutual TLS."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio

from services.local import credentials, health
from services.local.home import Home

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


@pytest.fixture
def place(tmp_path: Path) -> Home:
    """A home with certificates for one service and the operator."""
    home = Home.at(tmp_path / "home")
    home.create()
    credentials.renew(home, ["session"])
    return home


@asynccontextmanager
async def server(
    place: Home, address: str, servicer: aio.HealthServicer | None
) -> AsyncIterator[str]:
    """Run a server over mutual TLS, with a health service or without."""
    running = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    if servicer is not None:
        health_pb2_grpc.add_HealthServicer_to_server(servicer, running)
    pair = (place.key_file("session").read_bytes(), place.cert_file("session").read_bytes())
    tls = grpc.ssl_server_credentials([pair], place.ca_file.read_bytes(), require_client_auth=True)
    port = running.add_secure_port(address, tls)
    await running.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await running.stop(0)


class Reports:
    """What `follow` reported, and the means to wait for it."""

    def __init__(self) -> None:
        self.seen: list[tuple[bool, str]] = []
        self._came = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    def __call__(self, serving: bool, trouble: str) -> None:
        """Take a report."""
        self.seen.append((serving, trouble))
        self._tasks.add(asyncio.ensure_future(self._tell()))

    async def _tell(self) -> None:
        async with self._came:
            self._came.notify_all()

    async def until(self, condition: Callable[[tuple[bool, str]], bool]) -> None:
        """Wait for a report that fulfils a condition, the last one first."""
        async with asyncio.timeout(20), self._came:
            await self._came.wait_for(lambda: bool(self.seen) and condition(self.seen[-1]))


@asynccontextmanager
async def following(place: Home, address: str) -> AsyncIterator[Reports]:
    """Follow the health of an address as the operator."""
    reports = Reports()
    operator = health.client_credentials(place.client("operator"))
    task = asyncio.create_task(health.follow(address, operator, reports))
    try:
        yield reports
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_every_change_is_reported(place: Home) -> None:
    """SERVING, NOT_SERVING and SERVING again come as they happen, without asking anew."""
    servicer = aio.HealthServicer()
    async with (
        server(place, "127.0.0.1:0", servicer) as address,
        following(place, address) as reports,
    ):
        for state, serving in ((SERVING, True), (NOT_SERVING, False), (SERVING, True)):
            await servicer.set("", state)
            await reports.until(lambda last, serving=serving: last == (serving, ""))


async def test_a_server_that_is_not_there_yet_is_waited_for(place: Home) -> None:
    """Services take a second to start; until then the trouble is reported."""
    async with server(place, "127.0.0.1:0", None) as address:
        pass
    servicer = aio.HealthServicer()
    await servicer.set("", SERVING)
    async with following(place, address) as reports:
        await reports.until(lambda last: last[1].startswith("UNAVAILABLE"))
        async with server(place, address, servicer):
            await reports.until(lambda last: last == (True, ""))


async def test_a_restarted_server_is_found_again(place: Home) -> None:
    """The stream breaks with the process and is opened again with the next one."""
    servicer = aio.HealthServicer()
    await servicer.set("", SERVING)
    async with server(place, "127.0.0.1:0", servicer) as address:
        pass
    async with following(place, address) as reports:
        for _ in range(2):
            async with server(place, address, servicer):
                await reports.until(lambda last: last == (True, ""))
            await reports.until(lambda last: not last[0])


async def test_another_systems_server_need_not_have_a_health_service(place: Home) -> None:
    """It answered over TLS, so it serves."""
    async with (
        server(place, "127.0.0.1:0", None) as address,
        following(place, address) as reports,
    ):
        await reports.until(lambda last: last == (True, ""))


async def test_a_server_of_another_authority_does_not_count(place: Home, tmp_path: Path) -> None:
    """Whoever sits on the port of a service is not taken for it."""
    stranger = Home.at(tmp_path / "stranger")
    stranger.create()
    credentials.renew(stranger, ["session"])
    servicer = aio.HealthServicer()
    await servicer.set("", SERVING)
    async with (
        server(stranger, "127.0.0.1:0", servicer) as address,
        following(place, address) as reports,
    ):
        await reports.until(lambda last: last[1].startswith("UNAVAILABLE"))
        assert (True, "") not in reports.seen
