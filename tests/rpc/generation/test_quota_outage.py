"""Redis goes away and comes back: limits hold, nothing hangs, nothing spent is forgotten."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from kefu.generation.v1 import generation_pb2 as pb
from prometheus_client import REGISTRY

from services.generation import ledger, quota
from services.local import valkey
from services.mesh import names
from tests.rpc.generation.limited import MONEY, TOKENS, ask, generation, replicas, usage
from tests.rpc.generation.samples import SECONDS, question
from tests.stubs.behaviour import Behaviour, Fault
from tests.stubs.model_server import ModelServer
from tests.support.mesh import Served


class Redis:
    """A server of this test's own, which it may stop."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.server = valkey.start(folder / "run", folder / "valkey.log")

    def stop(self) -> None:
        """End it; what it kept is gone."""
        self.server.stop()

    def start(self) -> None:
        """Start it again at the same place, empty."""
        self.server = valkey.start(self._folder / "run", self._folder / "valkey.log")

    def pause(self) -> None:
        """Let it accept connections and answer nothing."""
        self.server.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it answer again."""
        self.server.process.send_signal(signal.SIGCONT)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    """A Redis that a test may take away."""
    server = Redis(tmp_path)
    try:
        yield server
    finally:
        server.resume()
        server.stop()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for the moment in which Redis is asked again, or counts are written."""
    monkeypatch.setattr(quota, "REST_SECONDS", 0.0)
    monkeypatch.setattr(ledger, "WRITE_SECONDS", 0.01)


@pytest.fixture
async def server(model: ModelServer, redis: Redis) -> AsyncIterator[Served]:
    """One of four replicas, of a tenant with money for some answers."""
    limits = {"redis_url": redis.server.url, "tenant_money_per_day": "1", "replicas": 4}
    async with replicas(model, **limits) as (served,):
        yield served


def local() -> float | None:
    """What the metric says: 1 while each replica keeps to its part."""
    return REGISTRY.get_sample_value(names.QUOTA_LOCAL)


async def test_while_redis_is_down_a_replica_keeps_to_its_part(
    server: Served, redis: Redis
) -> None:
    """Answers go on, from a quarter of what was left; the metric says so."""
    _, told = await ask(server)
    left = int(told[MONEY])
    assert local() == 0
    redis.stop()
    streamed, told = await ask(server)
    assert streamed.end.mode == pb.ANSWER_MODE_MODEL
    assert int(told[MONEY]) == left // 4 - streamed.end.usage.price_micros
    assert int(told[TOKENS]) <= 500_000
    assert local() == 1
    redis.start()


async def test_a_local_limit_refuses_as_the_shared_one_does(
    model: ModelServer, redis: Redis
) -> None:
    """Nothing is spent beyond it."""
    # A quarter of it is less than one answer may cost.
    limits = {"redis_url": redis.server.url, "tenant_money_per_day": "0.002", "replicas": 4}
    redis.stop()
    async with replicas(model, **limits) as (server,):
        streamed, _ = await ask(server)
        assert streamed.end.degraded_reason == "quota_exceeded"
        redis.start()
    assert model.count == 0


async def test_when_redis_is_back_limits_are_shared_without_a_restart(
    server: Served, redis: Redis
) -> None:
    """With what was spent in between: Redis came back empty, and hears of it."""
    redis.stop()
    during, _ = await ask(server)
    redis.start()
    after, told = await ask(server)
    spent = during.end.usage.price_micros + after.end.usage.price_micros
    assert int(told[MONEY]) == 1_000_000 - spent
    assert local() == 0


async def test_usage_of_an_outage_is_written_after_it(server: Served, redis: Redis) -> None:
    """No count is lost while the process lives."""
    redis.stop()
    await ask(server)
    redis.start()
    await ask(server)
    (row,) = (await usage(server)).rows
    assert row.calls == 2


async def test_a_redis_that_hangs_holds_nobody_up(server: Served, redis: Redis) -> None:
    """It is waited for as long as a person does not notice, at each of three places."""
    await ask(server)
    redis.pause()
    loop = asyncio.get_running_loop()
    begin = loop.time()
    streamed, _ = await ask(server)
    assert streamed.end.mode == pb.ANSWER_MODE_MODEL
    assert loop.time() - begin < 4.0
    redis.resume()


async def test_an_answer_that_began_before_an_outage_is_settled_after_it(
    server: Served, redis: Redis, model: ModelServer
) -> None:
    """Claimed in Redis, settled here: the money is counted once."""
    model.default = Behaviour(fault=Fault.STALL, fault_after=8)
    arrival = model.arrival()
    call = generation(server).Generate(question(), timeout=SECONDS)
    await arrival
    redis.stop()
    *_, last = [response async for response in call]
    redis.start()
    model.default = Behaviour()
    streamed, told = await ask(server)
    spent = last.completed.usage.price_micros + streamed.end.usage.price_micros
    assert last.completed.usage.price_micros > 0
    assert int(told[MONEY]) == 1_000_000 - spent
