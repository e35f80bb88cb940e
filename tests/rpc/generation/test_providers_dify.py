"""A Dify app as a provider: its protocol both ways, its failures, its end when nobody listens."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from kefu.generation.v1 import generation_pb2 as pb
from kefu.generation.v1.generation_pb2_grpc import GenerationServiceStub
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from services.mesh import names
from tests.rpc.generation.samples import KEY, SECONDS, TENANT, Streamed, question, read
from tests.rpc.generation.tables import entry, serving_table
from tests.stubs.behaviour import Behaviour, Fault
from tests.stubs.dify_server import DifyServer, dify_server
from tests.stubs.model_server import model_server
from tests.support.mesh import Served

CHOICES = [
    pb.Choice(choice="cancel_order", description="cancel an order"),
    pb.Choice(choice="track_order", description="where is my parcel"),
]


@pytest.fixture
async def dify() -> AsyncIterator[DifyServer]:
    """A Dify server with one app."""
    async with dify_server() as running:
        yield running


def app(dify: DifyServer, **settings: Any) -> dict[str, Any]:
    """The app as the table describes it."""
    return entry(dify, "app", kind="dify", **settings)


@pytest.fixture
async def server(
    dify: DifyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Served]:
    """The service with a chat app as its provider."""
    monkeypatch.setenv("DIFY_APP_KEY", KEY)
    async with serving_table(tmp_path, app(dify, api_key_env="DIFY_APP_KEY")) as served:
        yield served


async def asked(server: Served, text: str = "怎么退货?") -> Streamed:
    """Ask a question and read the whole answer."""
    stub = server.stub(GenerationServiceStub, role="session")
    return await read(stub.Generate(question(text), timeout=SECONDS))


async def choose(server: Served) -> pb.ChooseResponse:
    """Have the app choose."""
    stub = server.stub(GenerationServiceStub, role="intent")
    request = pb.ChooseRequest(tenant=TENANT, text="别给我寄了", choices=CHOICES)
    response: pb.ChooseResponse = await stub.Choose(request, timeout=SECONDS)
    return response


async def test_a_chat_app_streams_a_cited_answer(server: Served, dify: DifyServer) -> None:
    """Its events become deltas; its pings, workflow and speech events are no words."""
    streamed = await asked(server)
    assert streamed.cited()[0][0] == "returns"
    assert streamed.end.finish_reason == pb.GenerationCompleted.FINISH_REASON_STOP
    assert list(streamed.end.attempts) == [pb.Attempt(provider="app", model="app-model")]
    (seen,) = dify.seen
    assert seen.path == "/v1/chat-messages"
    assert seen.headers["Authorization"] == f"Bearer {KEY}"


async def test_the_request_is_what_dify_wants(server: Served, dify: DifyServer) -> None:
    """Instructions lead the query, no customer is named, and no model is paid for a title."""
    await asked(server)
    body = dict(dify.seen[0].body)
    instructions, _, data = body.pop("query").rpartition("\n\n")
    assert json.loads(data)["customer_question"] == "怎么退货?"
    assert "passages" in instructions
    assert body == {
        "inputs": {},
        "response_mode": "streaming",
        "user": "kefu-shop",
        "auto_generate_name": False,
        "conversation_id": "",
    }


async def test_the_trace_tells_which_conversation_to_look_for(
    dify: DifyServer, tmp_path: Path
) -> None:
    """So that a turn can be found again in Dify's own console."""
    exporter = InMemorySpanExporter()
    async with serving_table(tmp_path, app(dify), spans=exporter) as server:
        await asked(server)
    (span,) = (each for each in exporter.get_finished_spans() if each.name == "chat app-model")
    attributes = span.attributes or {}
    assert attributes[names.GEN_AI_PROVIDER] == "dify"
    assert uuid.UUID(str(attributes[names.GEN_AI_CONVERSATION]))


async def test_its_own_account_is_taken(server: Served) -> None:
    """Tokens and price as Dify reports them at the end of a message."""
    usage = (await asked(server)).end.usage
    assert not usage.estimated
    assert usage.input_tokens == 100
    assert (usage.price_micros, usage.currency_code) == (1200, "USD")


async def test_without_its_account_tokens_are_estimated(server: Served, dify: DifyServer) -> None:
    """Some of its models report none."""
    dify.default = Behaviour(usage=False)
    usage = (await asked(server)).end.usage
    assert usage.estimated
    assert usage.output_tokens > 0
    assert not usage.HasField("price_micros")


async def test_instructions_can_have_a_variable_of_their_own(
    dify: DifyServer, tmp_path: Path
) -> None:
    """So that what a customer wrote and what is to be done stand apart inside Dify too."""
    described = app(dify, instructions_variable="instructions")
    async with serving_table(tmp_path, described) as server:
        await asked(server)
    body = dify.seen[0].body
    assert "passages" in body["inputs"]["instructions"]
    assert json.loads(body["query"])["customer_question"] == "怎么退货?"


async def test_a_completion_app_streams_too(dify: DifyServer, tmp_path: Path) -> None:
    """Its text goes into the variable `query`, and it knows no conversations."""
    async with serving_table(tmp_path, app(dify, app="completion")) as server:
        streamed = await asked(server)
    assert streamed.cited()
    body = dify.seen[0].body
    assert dify.seen[0].path == "/v1/completion-messages"
    assert "customer_question" in body["inputs"]["query"]
    assert body.keys() == {"inputs", "response_mode", "user"}


@pytest.mark.parametrize("kind", ["chat", "completion"])
async def test_a_choice_comes_in_one_piece(dify: DifyServer, tmp_path: Path, kind: str) -> None:
    """A number is not streamed."""
    dify.default = Behaviour(answer="1")
    async with serving_table(tmp_path, app(dify, app=kind)) as server:
        chosen = await choose(server)
    assert chosen.choice == "cancel_order"
    assert chosen.usage.input_tokens == 100
    assert dify.seen[0].body["response_mode"] == "blocking"


async def test_an_agent_app_streams_choices_as_well(dify: DifyServer, tmp_path: Path) -> None:
    """Dify's agents refuse to answer in one piece."""
    dify.default, dify.blocking_allowed = Behaviour(answer="1"), False
    async with serving_table(tmp_path, app(dify, app="agent")) as server:
        assert (await choose(server)).choice == "cancel_order"


@pytest.mark.parametrize(
    ("behaviour", "cause"),
    [
        (Behaviour(status=400), "refused"),
        (Behaviour(status=401), "refused"),
        (Behaviour(status=429), "rate_limited"),
        (Behaviour(status=500), "provider_error"),
        (Behaviour(first_token_seconds=5), "timeout"),
        (Behaviour(fault=Fault.CLOSE, fault_after=0), "unreachable"),
        (Behaviour(fault=Fault.SILENT_END, fault_after=0), "unreachable"),
        (Behaviour(fault=Fault.BROKEN_JSON, fault_after=0), "broken_response"),
        (Behaviour(fault=Fault.ERROR, fault_after=0), "provider_error"),
        (Behaviour(answer=""), "empty_answer"),
    ],
)
async def test_its_failures_have_the_same_names(
    dify: DifyServer, tmp_path: Path, behaviour: Behaviour, cause: str
) -> None:
    """And another provider takes over before the first word."""
    dify.default = behaviour
    async with (
        model_server() as other,
        serving_table(tmp_path, app(dify), entry(other, "other")) as server,
    ):
        streamed = await asked(server)
    attempts = [(each.provider, each.cause) for each in streamed.end.attempts]
    assert attempts == [("app", cause), ("other", "")]


@pytest.mark.parametrize(
    ("behaviour", "cause"),
    [
        (Behaviour(fault=Fault.BROKEN_JSON), "broken_response"),
        (Behaviour(first_token_seconds=5), "timeout"),
        (Behaviour(answer=" "), "empty_answer"),
        (Behaviour(status=503), "provider_error"),
    ],
)
async def test_answers_in_one_piece_fail_by_the_same_names(
    dify: DifyServer, tmp_path: Path, behaviour: Behaviour, cause: str
) -> None:
    """The next provider's number is taken."""
    dify.default = behaviour
    async with (
        model_server(Behaviour(answer="2")) as other,
        serving_table(tmp_path, app(dify), entry(other, "other")) as server,
    ):
        chosen = await choose(server)
    assert chosen.choice == "track_order"
    assert (chosen.provider, chosen.usage.model) == ("other", "other-model")
    attempts = [(each.provider, each.cause) for each in chosen.attempts]
    assert attempts == [("app", cause), ("other", "")]


async def test_after_the_first_word_the_partial_answer_is_kept(
    server: Served, dify: DifyServer
) -> None:
    """An error event in the stream interrupts it."""
    dify.default = Behaviour(fault=Fault.ERROR, fault_after=6)
    streamed = await asked(server)
    assert streamed.text.startswith("自签收之日起7天内可无理由退货。")
    assert streamed.end.finish_reason == pb.GenerationCompleted.FINISH_REASON_INTERRUPTED
    assert streamed.end.degraded_reason == "provider_error"


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("invalid_param", "refused"),
        ("too_many_requests", "rate_limited"),
        ("provider_quota_exceeded", "provider_error"),
        ("internal_server_error", "provider_error"),
    ],
)
async def test_an_error_event_is_told_by_its_code(
    server: Served, dify: DifyServer, code: str, cause: str
) -> None:
    """What a customer wrote may be the reason of a refusal, and then the app is not at fault."""
    dify.default, dify.error_code = Behaviour(fault=Fault.ERROR, fault_after=0), code
    assert (await asked(server)).end.degraded_reason == cause


async def test_what_its_moderation_takes_back_ends_as_filtered(
    server: Served, dify: DifyServer
) -> None:
    """What was sent stays sent; Dify's replacement of it is not put behind it."""
    dify.default = Behaviour(finish_reason="content_filter")
    streamed = await asked(server)
    assert streamed.end.finish_reason == pb.GenerationCompleted.FINISH_REASON_FILTERED
    assert "Withheld" not in streamed.text


async def test_cancelling_closes_the_request_and_stops_the_task(
    server: Served, dify: DifyServer
) -> None:
    """Dify would write on for a client that left, and its owner would pay."""
    dify.default = Behaviour(fault=Fault.STALL, fault_after=8)
    arrival = dify.arrival()
    call = server.stub(GenerationServiceStub, role="session").Generate(question(), timeout=SECONDS)
    await call.read()
    call.cancel()
    async with asyncio.timeout(2):
        await (await arrival).disconnected.wait()
        await dify.stopping.wait()
    assert dify.stopped == [dify.last_task]


async def test_cancelling_closes_a_request_for_one_piece(server: Served, dify: DifyServer) -> None:
    """There is no task to stop yet, so the connection is all."""
    dify.default = Behaviour(fault=Fault.STALL)
    arrival = dify.arrival()
    choosing = asyncio.ensure_future(choose(server))
    seen = await arrival
    choosing.cancel()
    async with asyncio.timeout(1):
        await seen.disconnected.wait()


async def test_nobody_waits_for_what_comes_behind_the_end(dify: DifyServer, tmp_path: Path) -> None:
    """Dify goes on with speech and what not; the customer's answer is complete."""
    dify.default = Behaviour(chunks=5, fault=Fault.STALL, fault_after=5)
    patience = {"first_token": 8, "between_tokens": 8}
    async with serving_table(tmp_path, app(dify, timeouts=patience)) as server:
        streamed = await asyncio.wait_for(asked(server), timeout=4)
    assert streamed.end.finish_reason == pb.GenerationCompleted.FINISH_REASON_STOP
    assert not streamed.end.usage.estimated


async def test_a_finished_answer_is_not_stopped(server: Served, dify: DifyServer) -> None:
    """There is nothing to stop."""
    await asked(server)
    assert dify.stopped == []
