"""GetUsage and `kefu usage`: what was used, by whom, where and when."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from kefu.client.status import from_rpc_error
from kefu.errors import (
    InvalidRequest,
    MethodNotAllowed,
    PageTokenInvalid,
    StorageUnavailable,
    TenantNotAllowed,
)
from kefu.generation.v1 import generation_pb2
from kefu.generation.v1 import usage_pb2 as pb
from kefu.generation.v1.usage_pb2_grpc import GenerationUsageServiceStub
from typer.testing import CliRunner

from services.cli.main import build as build_cli
from services.local import operator
from services.local.home import Home
from tests.rpc.generation.limited import ask, generation, redis_url, replicas, usage
from tests.rpc.generation.samples import SECONDS, TENANT, question, read
from tests.stubs.behaviour import Behaviour
from tests.stubs.model_server import ModelServer
from tests.support.mesh import Served, error_of

__all__ = ["redis_url"]

DAY = pb.GetUsageRequest.DIMENSION_DAY
IDENTITY = pb.GetUsageRequest.DIMENSION_IDENTITY
PROVIDER = pb.GetUsageRequest.DIMENSION_PROVIDER
SESSION = "spiffe://kefu.local/ns/kefu/sa/test-session"
INTENT = "spiffe://kefu.local/ns/kefu/sa/test-intent"


def today() -> str:
    """The day, UTC."""
    return f"{datetime.now(UTC):%Y-%m-%d}"


async def choose(server: Served) -> generation_pb2.ChooseResponse:
    """A choice that the intent service asks for."""
    request = generation_pb2.ChooseRequest(
        tenant=TENANT, text="别寄了", choices=[generation_pb2.Choice(choice="cancel_order")]
    )
    answer: generation_pb2.ChooseResponse = await generation(server, "intent").Choose(
        request, timeout=SECONDS
    )
    return answer


async def test_usage_is_what_the_answers_said(model: ModelServer, redis_url: str) -> None:
    """Tokens and price of a sum are those of its answers, to the last one."""
    async with replicas(model, redis_url=redis_url) as (server,):
        answers = [(await ask(server))[0].end.usage for _ in range(3)]
        (row,) = (await usage(server)).rows
    assert (row.day, row.identity, row.provider, row.model) == ("", "", "", "")
    assert (row.calls, row.estimated_calls, row.currency_code) == (3, 0, "CNY")
    assert row.input_tokens == sum(each.input_tokens for each in answers)
    assert row.output_tokens == sum(each.output_tokens for each in answers)
    assert row.cached_tokens == sum(each.cached_tokens for each in answers)
    assert row.price_micros == sum(each.price_micros for each in answers)


async def test_a_summary_of_earlier_rounds_is_in_the_answer_it_was_made_for(
    model: ModelServer, redis_url: str
) -> None:
    """The next answers use it, and have not paid for it."""
    rounds = [generation_pb2.Round(customer=f"问题{n}", reply=f"答复{n}") for n in range(8)]
    async with replicas(model, redis_url=redis_url) as (server,):
        stub = generation(server)
        answers = []
        for text in ("怎么退货?", "多久能退款?"):
            asked = question(text, history=rounds)
            answers.append((await read(stub.Generate(asked, timeout=SECONDS))).end.usage)
        (row,) = (await usage(server)).rows
    assert model.count == row.calls == 3
    assert answers[0].input_tokens > answers[1].input_tokens
    assert row.input_tokens == sum(each.input_tokens for each in answers)
    assert row.price_micros == sum(each.price_micros for each in answers)


async def test_tokens_that_were_estimated_are_told_apart(
    model: ModelServer, redis_url: str
) -> None:
    """How far a sum can be trusted."""
    async with replicas(model, redis_url=redis_url) as (server,):
        await ask(server)
        model.default = Behaviour(usage=False)
        await ask(server)
        (row,) = (await usage(server)).rows
    assert (row.calls, row.estimated_calls) == (2, 1)


async def test_rows_are_told_apart_by_day_caller_and_provider(
    model: ModelServer, redis_url: str
) -> None:
    """Each that is asked for, in order; what is not named is summed up."""
    model.default = Behaviour(answer="1")
    async with replicas(model, redis_url=redis_url) as (server,):
        await ask(server)
        await ask(server)
        await choose(server)
        everything = (await usage(server, dimensions=[DAY, IDENTITY, PROVIDER])).rows
        callers = (await usage(server, dimensions=[IDENTITY])).rows
        (provider,) = (await usage(server, dimensions=[PROVIDER])).rows
    assert [(row.day, row.identity, row.provider, row.model, row.calls) for row in everything] == [
        (today(), INTENT, "default", "stub", 1),
        (today(), SESSION, "default", "stub", 2),
    ]
    assert [(row.day, row.identity, row.provider) for row in callers] == [
        ("", INTENT, ""),
        ("", SESSION, ""),
    ]
    assert (provider.provider, provider.calls) == ("default", 3)


async def test_replicas_are_summed_up_and_outlive_their_processes(
    model: ModelServer, redis_url: str
) -> None:
    """A drain writes what is not written yet; another replica, or the next one, tells it."""
    async with replicas(model, redis_url=redis_url) as (staying,):
        await ask(staying)
        async with replicas(model, redis_url=redis_url) as (leaving,):
            await ask(leaving)
        (row,) = (await usage(staying)).rows
        assert row.calls == 2
    async with replicas(None, redis_url=redis_url) as (next_one,):
        (row,) = (await usage(next_one)).rows
        assert row.calls == 2


async def test_other_days_and_other_tenants_are_others(model: ModelServer, redis_url: str) -> None:
    """Yesterday had none, nor had another tenant today."""
    yesterday = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"
    async with replicas(model, redis_url=redis_url) as (server,):
        await ask(server, tenant="tenants/bank")
        assert not (await usage(server)).rows
        await ask(server)
        assert not (await usage(server, start_day=yesterday, end_day=yesterday)).rows
        (row,) = (await usage(server, start_day=yesterday, dimensions=[DAY])).rows
    assert row.day in (today(), yesterday)


async def test_long_lists_come_in_pages(model: ModelServer, redis_url: str) -> None:
    """Every row once; a token of another question is refused."""
    model.default = Behaviour(answer="1")
    async with replicas(model, redis_url=redis_url) as (server,):
        await ask(server)
        await choose(server)
        first = await usage(server, dimensions=[IDENTITY], page_size=1)
        second = await usage(
            server, dimensions=[IDENTITY], page_size=1, page_token=first.next_page_token
        )
        assert [row.identity for row in (*first.rows, *second.rows)] == [INTENT, SESSION]
        assert not second.next_page_token
        stub = server.stub(GenerationUsageServiceStub, role="operator")
        other = pb.GetUsageRequest(parent=TENANT, page_token=first.next_page_token)
        assert isinstance(await error_of(stub.GetUsage(other, timeout=SECONDS)), PageTokenInvalid)


async def test_the_limits_and_what_is_left_of_them_are_told(
    model: ModelServer, redis_url: str
) -> None:
    """Money in millionths, as everywhere; to look costs nothing."""
    limits = {"redis_url": redis_url, "tenant_money_per_day": "2.50"}
    async with replicas(model, **limits) as (server,):
        for _ in range(3):
            quotas = {each.metric: each for each in (await usage(server)).quotas}
            assert (quotas["money_per_day"].limit, quotas["money_per_day"].remaining) == (
                2_500_000,
                2_500_000,
            )
            assert quotas["tokens_per_minute"].remaining == 2_000_000
            assert quotas["caller_requests_per_second"].limit == 200
        streamed, _ = await ask(server)
        quotas = {each.metric: each for each in (await usage(server)).quotas}
        assert quotas["money_per_day"].remaining == 2_500_000 - streamed.end.usage.price_micros


@pytest.mark.parametrize(
    "fields",
    [
        {"start_day": "yesterday"},
        {"start_day": "2026-02-30"},
        {"start_day": "2026-11-30", "end_day": "2026-11-29"},
        {"start_day": "2024-01-01", "end_day": "2026-01-01"},
        {"dimensions": [DAY, DAY]},
        {"dimensions": [0]},
        {"parent": "shop"},
    ],
)
async def test_questions_that_make_no_sense_are_refused(
    lonely_server: Served, fields: dict[str, object]
) -> None:
    """Each names its field."""
    stub = lonely_server.stub(GenerationUsageServiceStub, role="operator")
    request = pb.GetUsageRequest(**({"parent": TENANT} | fields))  # type: ignore[arg-type]
    error = await error_of(stub.GetUsage(request, timeout=SECONDS))
    assert isinstance(error, InvalidRequest)
    assert [field.partition("[")[0] for field, _ in error.violations] == [[*fields][-1]]


async def test_only_operators_see_costs_and_of_their_tenants_only(lonely_server: Served) -> None:
    """The session service spends; what it spent is not its business."""
    request = pb.GetUsageRequest(parent=TENANT)
    stub = lonely_server.stub(GenerationUsageServiceStub, role="session")
    assert isinstance(await error_of(stub.GetUsage(request, timeout=SECONDS)), MethodNotAllowed)
    stub = lonely_server.stub(GenerationUsageServiceStub, role="operator-shop")
    assert not (await stub.GetUsage(request, timeout=SECONDS)).rows
    request.parent = "tenants/bank"
    assert isinstance(await error_of(stub.GetUsage(request, timeout=SECONDS)), TenantNotAllowed)


async def test_without_redis_sums_are_not_told(model: ModelServer) -> None:
    """Half of a sum would pass for a whole one; answers go on."""
    async with replicas(model, redis_url="unix:///nonexistent/redis.sock") as (server,):
        streamed, _ = await ask(server)
        assert streamed.end.mode == generation_pb2.ANSWER_MODE_MODEL
        stub = server.stub(GenerationUsageServiceStub, role="operator")
        request = pb.GetUsageRequest(parent=TENANT)
        error = await error_of(stub.GetUsage(request, timeout=SECONDS))
        assert isinstance(error, StorageUnavailable)


async def kefu(server: Served, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    """What `kefu usage` prints about a service that a test serves."""
    keys = server.keys("test-operator")

    @asynccontextmanager
    async def channel(home: Home, service: str) -> AsyncIterator[grpc.aio.Channel]:
        assert service == "generation"
        opened = grpc.aio.secure_channel(server.address, keys.channel_credentials())
        try:
            yield opened
        except grpc.RpcError as error:
            raise from_rpc_error(error, service) from None
        finally:
            await opened.close()

    monkeypatch.setattr(operator, "channel", channel)
    words = ["usage", *arguments]
    answer = await asyncio.to_thread(CliRunner().invoke, build_cli(words), words)
    assert answer.exit_code == 0, answer.output
    # The log of the service goes to the same output.
    lines = answer.stdout.splitlines()
    return "\n".join(each for each in lines if not re.match(r"\d{4}-\d\d-\d\d \S+ \[", each))


async def test_the_command_prints_rows_and_limits_for_people(
    model: ModelServer, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By day and provider unless asked otherwise; money in units of its currency."""
    limits = {"redis_url": redis_url, "tenant_money_per_day": "2.50"}
    async with replicas(model, **limits) as (server,):
        assert "no model was asked" in await kefu(server, monkeypatch)
        streamed, _ = await ask(server)
        said = await kefu(server, monkeypatch)
        by_caller = await kefu(server, monkeypatch, "--by", "identity")
    price = f"{streamed.end.usage.price_micros / 1_000_000:.4f} CNY"
    assert today() in said
    assert "default" in said
    assert price in said
    assert "2.5000" in said
    assert "money per day" in said
    assert "test-session" in by_caller
    assert "default" not in by_caller


async def test_the_command_prints_json_for_programs(
    model: ModelServer, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All pages as one, numbers as numbers, names as in the contract."""
    async with replicas(model, redis_url=redis_url) as (server,):
        streamed, _ = await ask(server)
        said = await kefu(server, monkeypatch, "--json", "--by", "provider", "--from", today())
        printed = json.loads(said)
    (row,) = printed["rows"]
    assert (row["provider"], row["model"], row["calls"], row["day"]) == ("default", "stub", 1, "")
    assert row["input_tokens"] == streamed.end.usage.input_tokens
    assert row["price_micros"] == streamed.end.usage.price_micros
    assert {each["metric"] for each in printed["quotas"]} == {
        "caller_requests_per_second",
        "tokens_per_minute",
    }
