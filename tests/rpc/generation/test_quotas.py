"""Limits through the front door: shared by replicas, refused before they cost, told to callers."""

import asyncio
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from kefu.errors import KefuError, QuotaExceeded
from kefu.generation.v1 import generation_pb2 as pb

from services.generation import accounting
from services.generation.quota_store import QuotaStore
from tests.rpc.generation.limited import (
    CALLER,
    MONEY,
    TOKENS,
    ask,
    generation,
    one_estimate_is_paid,
    redis_url,
    refusal,
    replicas,
    retry_seconds,
    usage,
    violation,
)
from tests.rpc.generation.samples import SECONDS, TENANT, question
from tests.rpc.generation.tables import entry, write_table
from tests.stubs.behaviour import Behaviour, Fault
from tests.stubs.model_server import ModelServer
from tests.support.mesh import Served, error_of

__all__ = ["redis_url"]

ROUNDS = [pb.Round(customer="我的订单SO20240017还没到", reply="正在为您查询。")]
CHOICES = [pb.Choice(choice="cancel_order", description="cancel an order")]


def summarize() -> pb.SummarizeRequest:
    """A conversation of the shop's."""
    return pb.SummarizeRequest(tenant=TENANT, rounds=ROUNDS)


def choose() -> pb.ChooseRequest:
    """A message of the shop's."""
    return pb.ChooseRequest(tenant=TENANT, text="别寄了", choices=CHOICES)


async def test_two_replicas_share_the_tokens_of_a_tenant(
    model: ModelServer, redis_url: str
) -> None:
    """What one uses the other has no more; the trailing metadata of each says so."""
    limits = {"redis_url": redis_url, "tenant_tokens_per_minute": 6000}
    async with replicas(model, 2, **limits) as (first, second):
        streamed, told = await ask(first)
        spent = streamed.end.usage.input_tokens + streamed.end.usage.output_tokens
        # A bucket refills while the test runs, 100 a second, and never beyond what it holds.
        assert 6000 - spent <= int(told[TOKENS]) < 6000
        model.default = Behaviour(fault=Fault.STALL, fault_after=0)
        arrival = model.arrival()
        held = generation(first).Generate(question("还在写的问题"), timeout=SECONDS)
        await arrival
        (quota,) = [
            each for each in (await usage(second)).quotas if each.metric == "tokens_per_minute"
        ]
        assert quota.limit == 6000
        assert quota.remaining <= 6000 - 500, "what the other may still write is claimed"
        held.cancel()


async def test_what_a_hurried_tenant_claims_ahead_is_exact_in_the_end(
    model: ModelServer, redis_url: str
) -> None:
    """The replica itself knows at once what is left, the other one after a second."""
    limits = {"redis_url": redis_url, "tenant_money_per_day": "100"}
    async with replicas(model, 2, **limits) as (first, second):
        spent = 0
        for _ in range(4):
            streamed, told = await ask(first)
            spent += streamed.end.usage.price_micros
        assert int(told[MONEY]) == 100_000_000 - spent
        assert await money_left(second) < 100_000_000 - spent, "some more are claimed"
        async with asyncio.timeout(5):
            while await money_left(second) != 100_000_000 - spent:
                pass


async def money_left(server: Served) -> int:
    """What a replica says is left of the shop's money, in millionths."""
    (found,) = [each for each in (await usage(server)).quotas if each.metric == "money_per_day"]
    return int(found.remaining)


async def test_two_replicas_share_the_rate_of_a_caller(model: ModelServer, redis_url: str) -> None:
    """One request in twenty seconds, whichever replica gets it; the error says when."""
    limits = {"redis_url": redis_url, "caller_requests_per_second": 0.05}
    async with replicas(model, 2, **limits) as (first, second):
        _, told = await ask(first)
        assert told[CALLER] == "0"
        status, trailers = await refusal(generation(second).Generate(question(), timeout=SECONDS))
        identity = "spiffe://kefu.local/ns/kefu/sa/test-session"
        assert violation(status) == (identity, "caller_requests_per_second", 1)
        assert 15 < retry_seconds(status) <= 20
        assert trailers[CALLER] == "0"
        assert model.count == 1, "refusal comes before spend"
        again = await error_of(generation(first).Summarize(summarize(), timeout=SECONDS))
        assert isinstance(again, QuotaExceeded)


async def test_two_replicas_share_the_rate_of_a_provider(
    model: ModelServer, redis_url: str, tmp_path: Path
) -> None:
    """It is asked once in twenty seconds by both; the second answer is extractive and says why."""
    table = write_table(tmp_path, entry(model, "slow", requests_per_second=0.05))
    async with replicas(None, 2, redis_url=redis_url, providers_file=table) as (first, second):
        streamed, _ = await ask(first)
        assert streamed.end.mode == pb.ANSWER_MODE_MODEL
        streamed, _ = await ask(second)
        assert streamed.end.mode == pb.ANSWER_MODE_EXTRACTIVE
        assert streamed.end.degraded_reason == "rate_limited"
        assert [(each.provider, each.cause) for each in streamed.end.attempts] == [
            ("slow", "rate_limited")
        ]
    assert model.count == 1


async def test_without_money_the_answer_is_extractive_and_costs_nothing(
    model: ModelServer, redis_url: str
) -> None:
    """The provider saw no request; the answer says why, and what is left is told."""
    async with replicas(model, redis_url=redis_url, tenant_money_per_day="0.000001") as (server,):
        streamed, told = await ask(server)
        assert streamed.end.mode == pb.ANSWER_MODE_EXTRACTIVE
        assert streamed.end.degraded_reason == "quota_exceeded"
        assert "退款在3个工作日内原路返回" in streamed.end.text
        assert not streamed.end.usage.HasField("price_micros")
        assert told[MONEY] == "1"
        response = await generation(server).Summarize(summarize(), timeout=SECONDS)
        assert response.mode == pb.ANSWER_MODE_EXTRACTIVE
        assert response.degraded_reason == "quota_exceeded"
        assert not (await usage(server)).rows
    assert model.count == 0


async def test_who_wants_a_model_is_told_which_limit_and_until_when(
    model: ModelServer, redis_url: str
) -> None:
    """QuotaFailure and RetryInfo, and the typed error of the SDK with both."""
    limits = {"redis_url": redis_url, "tenant_money_per_day": "0.000001"}
    async with replicas(model, **limits) as (server,):
        wanted = question(require_model=True)
        status, trailers = await refusal(generation(server).Generate(wanted, timeout=SECONDS))
        assert violation(status) == (TENANT, "money_per_day", 1)
        now = datetime.now(UTC)
        till_midnight = 86_400 - (now - now.replace(hour=0, minute=0, second=0)).total_seconds()
        # Around the clock, for it may be midnight between the two.
        apart = (retry_seconds(status) - till_midnight + 43_200) % 86_400 - 43_200
        assert apart == pytest.approx(0, abs=30)
        assert trailers[MONEY] == "1"
        error: KefuError = await error_of(generation(server).Generate(wanted, timeout=SECONDS))
        assert isinstance(error, QuotaExceeded)
        assert error.metadata["quota"] == "money_per_day"
        assert error.quotas[0][:3] == (TENANT, "money_per_day", 1)
    assert model.count == 0


async def test_a_choice_needs_a_model_and_is_refused(model: ModelServer, redis_url: str) -> None:
    """There is no choosing by extraction."""
    limits = {"redis_url": redis_url, "tenant_money_per_day": "0.000001"}
    async with replicas(model, **limits) as (server,):
        stub = generation(server, role="intent")
        status, trailers = await refusal(stub.Choose(choose(), timeout=SECONDS))
        assert violation(status)[1] == "money_per_day"
        assert trailers[MONEY] == "1"
    assert model.count == 0


async def test_trailing_metadata_tells_what_is_left(model: ModelServer, redis_url: str) -> None:
    """Of each limit, after each of the three methods that cost something."""
    model.default = Behaviour(answer="1")
    limits = {"redis_url": redis_url, "tenant_money_per_day": "1"}
    async with replicas(model, **limits) as (server,):
        _, told = await ask(server)
        assert {CALLER, TOKENS, MONEY} <= told.keys()
        call = generation(server).Summarize(summarize(), timeout=SECONDS)
        price = (await call).usage.price_micros
        after = dict(await call.trailing_metadata())
        assert int(told[MONEY]) - int(after[MONEY]) == price
        stub = generation(server, role="intent")
        call = stub.Choose(choose(), timeout=SECONDS)
        price = (await call).usage.price_micros
        last = dict(await call.trailing_metadata())
        assert int(after[MONEY]) - int(last[MONEY]) == price


async def test_where_nothing_is_limited_nothing_is_told(model: ModelServer, redis_url: str) -> None:
    """Money has no limit unless somebody sets one."""
    async with replicas(model, redis_url=redis_url, tenant_tokens_per_minute=0) as (server,):
        _, told = await ask(server)
    assert CALLER in told
    assert not {TOKENS, MONEY} & told.keys()


async def test_a_tenant_may_have_limits_of_its_own(model: ModelServer, redis_url: str) -> None:
    """By JSON in the settings; what they do not name is as for all."""
    own = {"shop": {"money_per_day": "0.000001"}}
    async with replicas(model, redis_url=redis_url, tenant_limits=own) as (server,):
        streamed, told = await ask(server)
        assert streamed.end.degraded_reason == "quota_exceeded"
        assert TOKENS in told
        streamed, told = await ask(server, tenant="tenants/bank")
        assert streamed.end.mode == pb.ANSWER_MODE_MODEL
        assert MONEY not in told


async def test_the_day_s_money_is_new_at_midnight_utc(
    model: ModelServer, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second before it nobody is asked, a second later somebody is."""
    now = [datetime(2026, 11, 30, 12, 0, tzinfo=UTC).timestamp()]
    store = partial(QuotaStore, clock=lambda: now[0])
    monkeypatch.setattr(accounting, "QuotaStore", store)
    async with replicas(model, redis_url=redis_url, tenant_money_per_day="0.02") as (server,):
        spent = []
        for _ in range(30):
            streamed, told = await ask(server)
            spent.append(streamed.end.usage.price_micros)
            if streamed.end.degraded_reason:
                break
        assert streamed.end.degraded_reason == "quota_exceeded"
        assert told[MONEY] == str(20_000 - sum(spent))
        now[0] = datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC).timestamp()
        streamed, _ = await ask(server)
        assert streamed.end.degraded_reason == "quota_exceeded"
        now[0] = datetime(2026, 12, 1, tzinfo=UTC).timestamp()
        streamed, told = await ask(server)
        assert streamed.end.mode == pb.ANSWER_MODE_MODEL
        assert told[MONEY] == str(20_000 - streamed.end.usage.price_micros)


@pytest.mark.parametrize("fault", [Fault.CLOSE, Fault.STALL])
async def test_an_interrupted_answer_is_settled(
    model: ModelServer, redis_url: str, fault: Fault
) -> None:
    """What it cost is gone, what it might have cost is not."""
    model.default = Behaviour(fault=fault, fault_after=8)
    async with replicas(model, redis_url=redis_url, tenant_money_per_day="1") as (server,):
        streamed, told = await ask(server)
        cost = streamed.end.usage.price_micros
        assert streamed.end.usage.estimated
        assert told[MONEY] == str(1_000_000 - cost)


async def test_a_cancelled_answer_is_settled(model: ModelServer, redis_url: str) -> None:
    """Nobody heard the end of it; the words up to there are counted, as an estimate."""
    model.default = Behaviour(fault=Fault.STALL, fault_after=8)
    async with replicas(model, redis_url=redis_url, tenant_money_per_day="1") as (server,):
        arrival = model.arrival()
        call = generation(server).Generate(question(), timeout=SECONDS)
        seen = await arrival
        await call.read()
        call.cancel()
        await one_estimate_is_paid(server, seen)


async def test_a_provider_that_fails_costs_nothing(model: ModelServer, redis_url: str) -> None:
    """What was claimed for it is given back."""
    model.default = Behaviour(status=500)
    async with replicas(model, redis_url=redis_url, tenant_money_per_day="1") as (server,):
        streamed, told = await ask(server)
        assert streamed.end.degraded_reason == "provider_error"
        assert told[MONEY] == "1000000"


async def test_without_a_provider_nothing_is_limited(redis_url: str) -> None:
    """An extractive answer costs nothing, and nobody is told of limits."""
    limits = {"redis_url": redis_url, "caller_requests_per_second": 0.05}
    async with replicas(None, **limits) as (server,):
        for _ in range(3):
            streamed, told = await ask(server)
            assert streamed.end.mode == pb.ANSWER_MODE_EXTRACTIVE
    assert not {CALLER, TOKENS, MONEY} & told.keys()


async def test_one_process_without_redis_keeps_limits_too(model: ModelServer) -> None:
    """The default of a desk: the whole limit is its own."""
    async with replicas(model, tenant_money_per_day="1") as (server,):
        streamed, told = await ask(server)
        assert told[MONEY] == str(1_000_000 - streamed.end.usage.price_micros)
        (row,) = (await usage(server)).rows
        assert row.price_micros == streamed.end.usage.price_micros


async def test_many_at_once_cannot_spend_a_limit_twice(model: ModelServer, redis_url: str) -> None:
    """Two replicas, twenty requests, money for a few: the day's limit holds to the last one."""
    limits = {"redis_url": redis_url, "tenant_money_per_day": "0.02"}
    async with replicas(model, 2, **limits) as (first, second):
        answers = await asyncio.gather(*(ask(each) for _ in range(10) for each in (first, second)))
        spent = sum(streamed.end.usage.price_micros for streamed, _ in answers)
        quotas = (await usage(first)).quotas
    refused = [each for each, _ in answers if each.end.degraded_reason == "quota_exceeded"]
    assert 0 < spent <= 20_000
    assert refused
    assert model.count == len(answers) - len(refused)
    assert 20_000 - spent in [each.remaining for each in quotas]
