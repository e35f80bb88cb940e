"""Redis hangs: a replica keeps to its part meanwhile, and who leaves meanwhile holds nothing."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from prometheus_client import REGISTRY

from services.generation import advances, meters, quota_store
from services.mesh import names
from tests.rpc.generation.limited import ask, generation, replicas, usage
from tests.rpc.generation.samples import SECONDS, question
from tests.rpc.generation.stoppable import Redis, redis, until
from tests.rpc.generation.tables import entry, write_table
from tests.stubs.behaviour import Behaviour
from tests.stubs.model_server import ModelServer, model_server
from tests.support.mesh import Served

__all__ = ["redis"]

REST_SECONDS = 0.5


class Gated(ModelServer):
    """A provider whose first answer waits until it may begin."""

    def __init__(self, behaviour: Behaviour) -> None:
        super().__init__(behaviour)
        self.gate = asyncio.Event()
        self.first_waits = asyncio.Event()

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        if not self.first_waits.is_set():
            self.first_waits.set()
            await self.gate.wait()
        return await super()._chat(request)


@pytest.fixture
async def gated() -> AsyncIterator[Gated]:
    """The provider."""
    async with model_server(kind=Gated) as server:
        assert isinstance(server, Gated)
        yield server


async def test_a_replica_keeps_to_its_part_while_redis_hangs(
    gated: Gated, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer waits for Redis to count it; what was spent is not there again meanwhile."""
    monkeypatch.setattr(meters, "REST_SECONDS", REST_SECONDS)
    limits = {"redis_url": redis.server.url, "tenant_money_per_day": "0.06", "replicas": 4}
    async with replicas(gated, **limits, chat_first_token_seconds=SECONDS) as (server,):
        redis.pause()
        slow = generation(server).Generate(question("慢慢来"), timeout=SECONDS)
        first = asyncio.ensure_future(slow.read())
        await gated.first_waits.wait()
        spent, reason = 0, ""
        while not reason:
            streamed, _ = await ask(server)
            spent += streamed.end.usage.price_micros
            reason = streamed.end.degraded_reason
        assert reason == "quota_exceeded"
        assert 0 < spent <= 60_000 / 4
        # Now Redis may be asked again, and the one that is under way does so when it ends.
        await asyncio.sleep(REST_SECONDS)
        gated.gate.set()
        await first
        while not (await slow.read()).HasField("completed"):
            pass
        meanwhile = await asyncio.gather(*(ask(server) for _ in range(3)))
        assert [each.end.degraded_reason for each, _ in meanwhile] == ["quota_exceeded"] * 3
        redis.resume()


@pytest.fixture
async def two_priced(
    first: ModelServer,
    second: ModelServer,
    redis: Redis,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Served]:
    """The service with two providers that cost something, patient with Redis."""
    monkeypatch.setattr(quota_store, "TIMEOUT_SECONDS", 5.0)
    monkeypatch.setattr(advances, "ADVANCE_SECONDS", 0.0)
    price = {"input_price": 2, "output_price": 8}
    servers = {"first": first, "second": second, "vectors": second}
    entries = [entry(server, name, **price) for name, server in servers.items()]
    table = write_table(tmp_path, *entries, use={"chat": ["first", "second"]})
    limits = {"redis_url": redis.server.url, "tenant_money_per_day": "1"}
    async with replicas(None, providers_file=table, **limits) as (server,):
        yield server


def failures() -> float:
    """How often the first provider has failed."""
    labels = {"provider": "first", "outcome": "provider_error"}
    return REGISTRY.get_sample_value(f"{names.ATTEMPTS}_total", labels) or 0


async def test_who_leaves_while_redis_is_asked_holds_no_money(
    two_priced: Served, first: ModelServer, second: ModelServer, redis: Redis
) -> None:
    """Redis counts the claim, and its answer finds nobody: it is given back."""
    first.default = Behaviour(status=500, headers_seconds=0.1)
    before, arrival = failures(), first.arrival()
    call = generation(two_priced).Generate(question(), timeout=SECONDS)
    reading = asyncio.ensure_future(call.read())
    await arrival
    redis.pause()
    await until(lambda: failures() > before)
    # The second provider's turn has begun, with a claim that is on its way to Redis.
    call.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    redis.resume()
    async with asyncio.timeout(5):
        while await money_left(two_priced) != 1_000_000:
            pass
    assert second.count == 0


async def money_left(server: Served) -> int:
    """What is left of the shop's money, in millionths."""
    (found,) = [each for each in (await usage(server)).quotas if each.metric == "money_per_day"]
    return int(found.remaining)
