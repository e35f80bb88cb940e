"""Redis goes away and comes back: limits hold, nothing hangs, nothing spent is forgotten."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from kefu.generation.v1 import generation_pb2 as pb
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from services.generation import advances, ledger, meters
from services.mesh import names
from tests.rpc.generation.limited import MONEY, TOKENS, ask, generation, replicas, usage
from tests.rpc.generation.samples import SECONDS, question
from tests.rpc.generation.stoppable import Redis, redis, until
from tests.stubs.behaviour import Behaviour, Fault
from tests.stubs.model_server import ModelServer
from tests.support.mesh import Served

__all__ = ["redis"]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for the moment in which Redis is asked again, or counts are written."""
    monkeypatch.setattr(meters, "REST_SECONDS", 0.0)
    # Redis rests longer than an advance lasts.
    monkeypatch.setattr(advances, "ADVANCE_SECONDS", 0.0)
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


def defects() -> float:
    """What the metric says: counts that Redis refused by mistake."""
    return REGISTRY.get_sample_value(f"{names.QUOTA_DEFECTS}_total") or 0


@pytest.mark.parametrize(
    ("command", "cause"),
    [
        (("REPLICAOF", "127.0.0.1", "1"), "ReadOnlyError"),
        (("CONFIG", "SET", "maxmemory", "1"), "OutOfMemoryError"),
    ],
)
async def test_a_redis_that_takes_no_counts_is_down(
    server: Served, redis: Redis, command: tuple[str, ...], cause: str
) -> None:
    """A replica of another one, a full one: nobody has to mend anything here."""
    before = defects()
    redis.command(*command)
    with capture_logs() as logs:
        streamed, told = await ask(server)
    assert streamed.end.mode == pb.ANSWER_MODE_MODEL
    assert int(told[TOKENS]) <= 500_000
    assert local() == 1
    said = [line for line in logs if line.get("cause") == cause]
    assert [line["log_level"] for line in said] == ["warning"]
    assert defects() == before


async def test_a_redis_that_is_busy_with_a_script_is_down(server: Served, redis: Redis) -> None:
    """Somebody's endless script; it is over when that is killed."""
    redis.command("CONFIG", "SET", "busy-reply-threshold", "1")
    running = asyncio.create_task(asyncio.to_thread(redis.endless))
    await asyncio.to_thread(redis.wait_until_busy)
    before = defects()
    with capture_logs() as logs:
        await ask(server)
    assert "ResponseError" in [line.get("cause") for line in logs]
    assert (local(), defects()) == (1, before)
    redis.command("SCRIPT", "KILL")
    await running
    await ask(server)
    assert local() == 0


async def test_a_mistake_lets_nobody_through_and_stops_nobody(server: Served, redis: Redis) -> None:
    """The replica keeps to its part for those whom it concerns, and says what is wrong, once."""
    redis.command("DEL", "kefu:{quota}:tokens_per_minute:shop")
    redis.command("LPUSH", "kefu:{quota}:tokens_per_minute:shop", "a list")
    before = defects()
    with capture_logs() as logs:
        for _ in range(2):
            streamed, told = await ask(server)
            assert streamed.end.mode == pb.ANSWER_MODE_MODEL
            assert int(told[TOKENS]) <= 500_000, "a quarter, as in an outage"
        _, told = await ask(server, tenant="tenants/bank")
    assert int(told[TOKENS]) > 500_000, "no outage for anybody else"
    said = [line for line in logs if line["event"] == "Redis cannot count"]
    assert all(line["log_level"] == "error" and "WRONGTYPE" in line["error"] for line in said)
    assert len(said) == len({line["error"] for line in said})
    assert defects() > before + 2
    assert local() == 0


async def test_a_local_part_ends_under_a_mistake_too(model: ModelServer, redis: Redis) -> None:
    """No defect makes a limit endless."""
    limits = {"redis_url": redis.server.url, "tenant_tokens_per_minute": 4000, "replicas": 4}
    redis.command("LPUSH", "kefu:{quota}:tokens_per_minute:shop", "a list")
    async with replicas(model, **limits) as (server,):
        reasons = [(await ask(server))[0].end.degraded_reason for _ in range(9)]
    assert "quota_exceeded" in reasons


async def test_usage_that_cannot_be_written_is_said_and_kept(server: Served, redis: Redis) -> None:
    """By one line in the log; other tenants' rows are written meanwhile."""
    today = datetime.now(UTC).date().isoformat()
    redis.command("LPUSH", f"kefu:usage:shop:{today}", "a list")
    with capture_logs() as logs:
        await ask(server)
        await ask(server, tenant="tenants/bank")
        await until(lambda: redis.has(f"kefu:usage:bank:{today}"))
        redis.command("DEL", f"kefu:usage:shop:{today}")
        await until(lambda: redis.has(f"kefu:usage:shop:{today}"))
    said = [line for line in logs if line["event"] == "usage cannot be written"]
    assert [line["log_level"] for line in said] == ["error"]
    (row,) = (await usage(server)).rows
    assert row.calls == 1
