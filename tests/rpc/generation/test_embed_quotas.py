"""Vectors of a provider are limited and counted like answers: before they cost, each to its own."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from kefu.errors import KefuError, ModelUnavailable, QuotaExceeded
from kefu.generation.v1 import generation_pb2 as pb
from kefu.generation.v1 import usage_pb2
from redis import Redis

from tests.rpc.generation.limited import (
    CALLER,
    MONEY,
    TOKENS,
    generation,
    one_estimate_is_paid,
    redis_url,
    refusal,
    replicas,
    usage,
    violation,
)
from tests.rpc.generation.samples import SECONDS, TENANT
from tests.rpc.generation.tables import entry, write_table
from tests.stubs.behaviour import Behaviour, Fault
from tests.stubs.model_server import ModelServer, Seen, model_server
from tests.support.mesh import Served, error_of

__all__ = ["redis_url"]

PROVIDER = usage_pb2.GetUsageRequest.DIMENSION_PROVIDER
NO_MONEY = "0.000001"
"""A price of one token."""
GATHERING: dict[str, Any] = {"embedding_batch_milliseconds": 1000}
"""Whoever comes while a request is under way waits until it is back."""


def embed(server: Served, *texts: str, tenant: str = TENANT) -> Any:
    """The vectors of questions, which a tenant pays for."""
    request = pb.EmbedRequest(tenant=tenant, texts=texts, purpose=pb.EMBED_PURPOSE_QUERY)
    return generation(server).Embed(request, timeout=SECONDS)


async def begun(model: ModelServer, server: Served) -> tuple[Any, Seen]:
    """A call that keeps the provider busy, so that those behind it go out together."""
    model.next.append(Behaviour(first_token_seconds=1.0))
    arrival = model.arrival()
    first = asyncio.ensure_future(embed(server, "the first one", tenant="tenants/first"))
    return first, await arrival


async def test_a_tenant_without_money_is_refused_before_it_costs(
    model: ModelServer, redis_url: str
) -> None:
    """With the limit, its owner and when to come back; the provider hears nothing."""
    limits = {"redis_url": redis_url, "tenant_money_per_day": NO_MONEY}
    async with replicas(model, **limits) as (server,):
        status, trailers = await refusal(embed(server, "怎么退货"))
        assert violation(status) == (TENANT, "money_per_day", 1)
        assert trailers[MONEY] == "1"
        error: KefuError = await error_of(embed(server, "怎么退货"))
        assert isinstance(error, QuotaExceeded)
        assert error.retry_after_seconds is not None
        assert not (await usage(server)).rows
    assert model.count == 0


async def test_what_is_known_is_given_to_whoever_asks(model: ModelServer, redis_url: str) -> None:
    """It costs nothing; only texts that are new have to be paid for."""
    poor = {"poor": {"money_per_day": NO_MONEY}}
    async with replicas(model, redis_url=redis_url, tenant_limits=poor) as (server,):
        await embed(server, "怎么退货")
        known = await embed(server, "怎么退货", tenant="tenants/poor")
        assert len(known.embeddings) == 1
        error = await error_of(embed(server, "怎么退货", "运费", tenant="tenants/poor"))
        assert isinstance(error, QuotaExceeded)


async def test_tokens_are_claimed_and_settled_by_all_replicas_together(
    model: ModelServer, redis_url: str
) -> None:
    """What one replica has under way the other one has no more; in the end it is what was used."""
    limits = {"redis_url": redis_url, "tenant_tokens_per_minute": 6000}
    async with replicas(model, 2, **limits) as (first, second):
        model.next.append(Behaviour(first_token_seconds=0.5))
        arrival = model.arrival()
        embedding = asyncio.ensure_future(embed(first, "很长的一段话" * 500))
        await arrival
        # An estimated token a character; a hundred a second come back meanwhile.
        assert await tokens_left(second) < 6000 - 2000
        used = (await embedding).usage.input_tokens
        assert used == 1000
        assert await tokens_left(second) >= 6000 - used


async def tokens_left(server: Served) -> int:
    """What is left of the shop's tokens."""
    quotas = {each.metric: each for each in (await usage(server)).quotas}
    return int(quotas["tokens_per_minute"].remaining)


async def test_usage_names_the_provider_of_vectors(model: ModelServer, redis_url: str) -> None:
    """Beside those that write; the sums are those of the answers."""
    async with replicas(model, redis_url=redis_url) as (server,):
        told = [(await embed(server, text)).usage for text in ("怎么退货退款", "运费谁来出")]
        await embed(server, "运费谁来出")
        (row,) = (await usage(server, dimensions=[PROVIDER])).rows
    assert (row.provider, row.model, row.calls) == ("default-embedding", "stub-embedding", 2)
    assert row.input_tokens == sum(each.input_tokens for each in told) > 0
    assert row.price_micros == sum(each.price_micros for each in told) > 0
    assert (row.output_tokens, row.estimated_calls) == (0, 0)


async def test_those_who_go_out_together_pay_for_their_own_texts(
    model: ModelServer, redis_url: str
) -> None:
    """One request, its tokens split by what each wanted; nobody is told of another's limits."""
    limits = {"redis_url": redis_url, "tenant_money_per_day": "1"}
    async with replicas(model, **GATHERING, **limits) as (server,):
        first, _ = await begun(model, server)
        wanted = {"shop": "怎么退货退款" * 50, "bank": "开户要带什么证件" * 5, "inn": "早餐几点"}
        calls = [embed(server, text, tenant=f"tenants/{name}") for name, text in wanted.items()]
        told = [(await call).usage for call in calls]
        await first
        assert model.count == 2
        counted = sum(max(1, len(text) // 3) for text in model.seen[-1].body["input"])
        assert sum(each.input_tokens for each in told) == counted
        assert told[0].input_tokens > 6 * told[1].input_tokens > 6 * told[2].input_tokens > 0
        for call, each in zip(calls, told, strict=True):
            trailers = dict(await call.trailing_metadata())
            assert trailers[MONEY] == str(1_000_000 - each.price_micros)
        (row,) = (await usage(server)).rows
        assert (row.calls, row.input_tokens) == (1, told[0].input_tokens)


async def test_who_may_not_pay_keeps_no_other_back(model: ModelServer, redis_url: str) -> None:
    """He is left out of the request that the others make, wherever he stood in the queue."""
    poor = {"poor": {"money_per_day": NO_MONEY}}
    limits = {"redis_url": redis_url, "tenant_limits": poor}
    async with replicas(model, **GATHERING, **limits) as (server,):
        first, _ = await begun(model, server)
        refused = [error_of(embed(server, f"{n}吗?", tenant="tenants/poor")) for n in range(2)]
        served = [embed(server, f"{n}怎么退货") for n in range(2)]
        errors = await asyncio.gather(*refused)
        assert [len((await call).embeddings) for call in served] == [1, 1]
        await first
        assert all(isinstance(error, QuotaExceeded) for error in errors)
    sent = [text for seen in model.seen for text in seen.body["input"]]
    assert sorted(sent) == sorted(["the first one", "0怎么退货", "1怎么退货"])


async def test_the_same_text_of_one_who_may_not_pay_is_asked_for_by_another(
    model: ModelServer, redis_url: str
) -> None:
    """What two want at the same time is computed once, and never refused on another's account."""
    poor = {"poor": {"money_per_day": NO_MONEY}}
    limits = {"redis_url": redis_url, "tenant_limits": poor}
    async with replicas(model, **GATHERING, **limits) as (server,):
        first, _ = await begun(model, server)
        tenants = ["tenants/poor", TENANT, "tenants/poor", TENANT]
        calls = [asyncio.ensure_future(embed(server, "怎么退货", tenant=each)) for each in tenants]
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        await first
    # In whatever order they come: the poor one may find what the shop has had computed meanwhile.
    assert not any(isinstance(each, BaseException) for each in outcomes[1::2]), outcomes
    assert [seen.body["input"] for seen in model.seen] == [["the first one"], ["怎么退货"]]


async def test_a_request_of_many_is_one_to_its_provider(
    model: ModelServer, redis_url: str, tmp_path: Path
) -> None:
    """Two in twenty seconds are enough for ten callers; a third has to wait for its turn."""
    vectors = entry(model, "vectors", model="stub-embedding", requests_per_second=2)
    table = write_table(tmp_path, vectors, use={"embedding": ["vectors"], "chat": []})
    limits = {"redis_url": redis_url, "providers_file": table}
    async with replicas(None, **GATHERING, **limits) as (server,):
        first, _ = await begun(model, server)
        calls = [embed(server, f"问题{n}") for n in range(10)]
        assert [len((await call).embeddings) for call in calls] == [1] * 10
        await first
    assert model.count == 2


async def test_a_provider_s_rate_sends_vectors_to_the_next_one(
    model: ModelServer, redis_url: str, tmp_path: Path
) -> None:
    """And behind the last one they are refused, with the time until they are not."""
    slow = {"model": "stub-embedding", "requests_per_second": 0.05}
    async with model_server() as other:
        table = write_table(
            tmp_path,
            entry(model, "first", **slow),
            entry(other, "second", **slow),
            use={"embedding": ["first", "second"], "chat": []},
        )
        async with replicas(None, redis_url=redis_url, providers_file=table) as (server,):
            providers = [(await embed(server, f"问题{n}")).provider for n in range(2)]
            assert providers == ["first", "second"]
            error = await error_of(embed(server, "问题3"))
            assert isinstance(error, ModelUnavailable)
            assert error.metadata["cause"] == "rate_limited"
            assert 15 < (error.retry_after_seconds or 0) <= 20
            (row,) = (await usage(server)).rows
            assert row.calls == 2
        assert (model.count, other.count) == (1, 1)


@pytest.mark.parametrize("behaviour", [Behaviour(status=500), Behaviour(fault=Fault.BROKEN_JSON)])
async def test_a_provider_that_fails_costs_nothing(
    model: ModelServer, redis_url: str, behaviour: Behaviour
) -> None:
    """What was claimed for it is given back."""
    model.default = behaviour
    async with replicas(model, redis_url=redis_url, tenant_money_per_day="1") as (server,):
        call = embed(server, "怎么退货")
        assert isinstance(await error_of(call), ModelUnavailable)
        assert dict(await call.trailing_metadata())[MONEY] == "1000000"
        (row,) = (await usage(server)).rows
        assert (row.calls, row.input_tokens) == (model.count, 0)


async def test_a_provider_that_is_too_slow_is_paid_as_well(
    model: ModelServer, redis_url: str, tmp_path: Path
) -> None:
    """It goes on computing; the result tells the price of both, the sums that of each."""
    price = {"model": "stub-embedding", "input_price": 1, "output_price": 0}
    model.default = Behaviour(first_token_seconds=5)
    async with model_server() as other:
        table = write_table(
            tmp_path,
            entry(model, "slow", **price, timeouts={"total": 0.2}),
            entry(other, "quick", **price),
            use={"embedding": ["slow", "quick"], "chat": []},
        )
        async with replicas(None, redis_url=redis_url, providers_file=table) as (server,):
            response = await embed(server, "怎么退货退款")
            rows = (await usage(server, dimensions=[PROVIDER])).rows
    quick, slow = rows
    assert (quick.provider, quick.input_tokens, quick.estimated_calls) == ("quick", 2, 0)
    assert (slow.provider, slow.estimated_calls) == ("slow", 1)
    assert slow.input_tokens >= len("怎么退货退款")
    assert response.provider == "quick"
    assert response.usage.estimated
    assert response.usage.input_tokens == quick.input_tokens + slow.input_tokens
    assert response.usage.price_micros == quick.price_micros + slow.price_micros


async def test_a_caller_who_leaves_pays_for_what_was_sent(
    model: ModelServer, redis_url: str
) -> None:
    """The provider computes it, and its bill comes: an estimate stands for its count."""
    model.default = Behaviour(headers_seconds=5)
    async with replicas(model, redis_url=redis_url, tenant_money_per_day="1") as (server,):
        arrival = model.arrival()
        call = embed(server, "怎么退货")
        leaving = asyncio.ensure_future(call)
        seen = await arrival
        call.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        await one_estimate_is_paid(server, seen)


async def test_the_local_model_is_neither_limited_nor_counted(
    model: ModelServer, redis_url: str
) -> None:
    """It asks Redis for nothing, beside models that are limited too."""
    limits = {"redis_url": redis_url, "tenant_money_per_day": NO_MONEY}
    local = {"embedding_base_url": "", "embedding_model": ""}
    async with replicas(model, **limits, **local) as (server,):
        with Redis.from_url(redis_url) as redis:
            before = redis.info("stats")["total_commands_processed"]
            call = embed(server, "怎么退货")
            assert len((await call).embeddings) == 1
            after = redis.info("stats")["total_commands_processed"]
        assert after - before == 1, "the question itself"
        assert not {CALLER, MONEY, TOKENS} & dict(await call.trailing_metadata()).keys()
        assert not (await usage(server)).rows
