"""Generate with a model: streamed, cited, paid for, and cancelled when nobody listens."""

import asyncio
import json

import pytest
from kefu.generation.v1 import generation_pb2 as pb
from kefu.generation.v1.generation_pb2_grpc import GenerationServiceStub

from services.generation.__main__ import build
from services.generation.settings import Settings
from tests.rpc.generation.samples import (
    DELIVERY_TEXT,
    KEY,
    SECONDS,
    question,
    read,
    with_model,
)
from tests.stubs.behaviour import Behaviour, Fault
from tests.stubs.model_server import ModelServer
from tests.support.mesh import Served, serve

Finish = pb.GenerationCompleted


async def test_an_answer_streams_as_numbered_deltas_and_one_completion(
    server: Served, model: ModelServer
) -> None:
    """Deltas are sentences and count from 1 without gaps; joined they are the completion's text."""
    model.default = Behaviour(token_seconds=0.002)
    stub = server.stub(GenerationServiceStub, role="session")
    streamed = await read(stub.Generate(question(), timeout=SECONDS))
    assert [delta.sequence for delta in streamed.deltas] == [*range(1, len(streamed.deltas) + 1)]
    assert [delta.text for delta in streamed.deltas] == [
        "自签收之日起7天内可无理由退货。",
        " Delivery takes 3 days.",
        " Islands take 5 days.",
    ]
    assert streamed.kinds.count("completed") == 1
    assert streamed.kinds[-1] == "completed"
    assert streamed.end.text == streamed.text
    assert streamed.end.mode == pb.ANSWER_MODE_MODEL
    assert streamed.end.finish_reason == Finish.FINISH_REASON_STOP
    assert streamed.end.degraded_reason == ""


async def test_markers_become_citations_with_spans(server: Served) -> None:
    """Markers split over chunks never show; citations follow their words and are repeated.

    The model marks the last sentence only; the one before it stands in the passage word for word.
    """
    stub = server.stub(GenerationServiceStub, role="session")
    streamed = await read(stub.Generate(question(), timeout=SECONDS))
    assert "[" not in streamed.text
    assert streamed.cited() == [
        ("returns", "自签收之日起7天内可无理由退货。", "自签收之日起7天内可无理由退货。"),
        ("delivery", "Delivery takes 3 days.", "Delivery takes 3 days."),
        ("delivery", "Islands take 5 days.", "Islands take 5 days."),
    ]
    assert streamed.citations == list(streamed.end.citations)
    first, _, last = streamed.end.citations
    assert [each.index for each in streamed.end.citations] == [1, 2, 3]
    assert first.revision == "a" * 64
    assert (first.document_span.start, first.document_span.end) == (100, 116)
    start = DELIVERY_TEXT.index("Islands")
    assert (last.document_span.start, last.document_span.end) == (start, len(DELIVERY_TEXT))


async def test_the_result_names_model_prompt_and_price(server: Served, model: ModelServer) -> None:
    """Tokens come from the provider, the price from the settings."""
    model.default = Behaviour(answer="好的。")
    stub = server.stub(GenerationServiceStub, role="session")
    usage = (streamed := await read(stub.Generate(question(), timeout=SECONDS))).end.usage
    assert usage.model == "stub"
    assert not usage.estimated
    assert usage.output_tokens == 1
    assert usage.cached_tokens == usage.input_tokens // 2
    assert usage.price_micros == usage.input_tokens * 2 + usage.output_tokens * 8
    assert usage.currency_code == "CNY"
    assert streamed.end.prompt_version.startswith("answer/3@")


async def test_tokens_that_the_provider_does_not_report_are_estimated(
    server: Served, model: ModelServer
) -> None:
    """No usage, no guess that looks like a fact."""
    model.default = Behaviour(usage=False, answer="好的。")
    stub = server.stub(GenerationServiceStub, role="session")
    usage = (await read(stub.Generate(question(), timeout=SECONDS))).end.usage
    assert usage.estimated
    assert usage.input_tokens > 100
    assert usage.output_tokens == 3


async def test_the_provider_gets_prompt_parameters_and_key(
    server: Served, model: ModelServer
) -> None:
    """One request: instructions and data apart, streamed, with the configured parameters."""
    stub = server.stub(GenerationServiceStub, role="session")
    history = [pb.Round(customer="你好", reply="您好")]
    await read(stub.Generate(question("怎么退货?", history=history), timeout=SECONDS))
    (seen,) = model.seen
    assert seen.headers["Authorization"] == f"Bearer {KEY}"
    assert (seen.body["model"], seen.body["temperature"], seen.body["max_tokens"]) == (
        "stub",
        0.3,
        500,
    )
    system, user = seen.body["messages"]
    data = json.loads(user["content"])
    assert "退货" not in system["content"]
    assert data["customer_question"] == "怎么退货?"
    assert data["answer_language"] == "Chinese (simplified)"
    assert data["conversation"] == [{"customer": "你好", "reply": "您好"}]


@pytest.mark.parametrize(
    ("text", "code", "name"),
    [
        ("How do I return it?", "", "English"),
        ("How do I return it?", "zh", "Chinese (simplified)"),
        ("怎么退货", "en-GB", "English"),
        ("我的order要cancel", "", "Chinese (simplified)"),
        ("SO2024", "", "Chinese (simplified)"),
    ],
)
async def test_the_answer_s_language_is_the_wanted_one_or_the_question_s(
    server: Served, model: ModelServer, text: str, code: str, name: str
) -> None:
    """Mixed text is a Chinese speaker's; a bare code is in the language of the knowledge."""
    stub = server.stub(GenerationServiceStub, role="session")
    await read(stub.Generate(question(text, language_code=code), timeout=SECONDS))
    data = json.loads(model.seen[0].body["messages"][1]["content"])
    assert data["answer_language"] == name


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("stop", Finish.FINISH_REASON_STOP),
        ("length", Finish.FINISH_REASON_LENGTH),
        ("content_filter", Finish.FINISH_REASON_FILTERED),
    ],
)
async def test_the_end_is_named(
    server: Served, model: ModelServer, reason: str, finish: int
) -> None:
    """An answer cut off by a limit is not taken for a complete one."""
    model.default = Behaviour(finish_reason=reason)
    stub = server.stub(GenerationServiceStub, role="session")
    streamed = await read(stub.Generate(question(), timeout=SECONDS))
    assert streamed.end.finish_reason == finish


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault.CLOSE, "unreachable"),
        (Fault.SILENT_END, "unreachable"),
        (Fault.STALL, "timeout"),
        (Fault.BROKEN_JSON, "broken_response"),
        (Fault.ERROR, "provider_error"),
    ],
)
async def test_a_failure_after_the_first_sentence_keeps_what_was_sent(
    server: Served, model: ModelServer, fault: Fault, reason: str
) -> None:
    """The partial answer ends INTERRUPTED, with its citations, its tokens and the reason.

    The sentence that was begun is dropped: nobody could check it.
    """
    model.default = Behaviour(answer="7天内可退货[1]。以及更多", fault=fault, fault_after=3)
    stub = server.stub(GenerationServiceStub, role="session")
    streamed = await read(stub.Generate(question(), timeout=SECONDS))
    assert streamed.text == streamed.end.text == "7天内可退货。"
    assert streamed.end.finish_reason == Finish.FINISH_REASON_INTERRUPTED
    assert streamed.end.degraded_reason == reason
    assert streamed.end.mode == pb.ANSWER_MODE_MODEL
    assert [document for document, _, _ in streamed.cited()] == ["returns"]
    assert streamed.end.usage.estimated
    assert streamed.end.usage.output_tokens > 0


async def test_cancelling_closes_the_request_to_the_provider(
    server: Served, model: ModelServer
) -> None:
    """Nobody pays for words that nobody will read."""
    model.default = Behaviour(fault=Fault.STALL, fault_after=2)
    stub = server.stub(GenerationServiceStub, role="session")
    arrival = model.arrival()
    call = stub.Generate(question(), timeout=SECONDS)
    await call.read()
    call.cancel()
    async with asyncio.timeout(1):
        await (await arrival).disconnected.wait()


async def test_cancelling_before_the_first_word_closes_the_request_too(
    server: Served, model: ModelServer
) -> None:
    """Also while the provider is still thinking."""
    model.default = Behaviour(fault=Fault.STALL, fault_after=0)
    stub = server.stub(GenerationServiceStub, role="session")
    arrival = model.arrival()
    call = stub.Generate(question(), timeout=SECONDS)
    reading = asyncio.ensure_future(call.read())
    seen = await arrival
    call.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    async with asyncio.timeout(1):
        await seen.disconnected.wait()


async def test_a_slow_model_does_not_cost_the_deadline(server: Served, model: ModelServer) -> None:
    """The extractive answer comes inside the caller's deadline, and the model is let go."""
    model.default = Behaviour(first_token_seconds=5)
    stub = server.stub(GenerationServiceStub, role="session")
    arrival = model.arrival()
    streamed = await read(stub.Generate(question(), timeout=0.6))
    assert streamed.end.mode == pb.ANSWER_MODE_EXTRACTIVE
    assert streamed.end.degraded_reason == "timeout"
    async with asyncio.timeout(1):
        await (await arrival).disconnected.wait()


async def test_an_answer_that_outlasts_the_deadline_ends_interrupted_in_time(
    server: Served, model: ModelServer
) -> None:
    """The caller hears the partial answer's end before it gives up itself."""
    model.default = Behaviour(token_seconds=0.05, chunks=1000)
    stub = server.stub(GenerationServiceStub, role="session")
    streamed = await read(stub.Generate(question(), timeout=0.8))
    assert streamed.text
    assert streamed.end.finish_reason == Finish.FINISH_REASON_INTERRUPTED
    assert streamed.end.degraded_reason == "timeout"


async def test_many_answers_at_once_do_not_mix(model: ModelServer) -> None:
    """Each stream has its own text, numbers and citations."""
    model.default = Behaviour(token_seconds=0.001)
    patient = with_model(model) | {"chat_first_token_seconds": 9, "chat_between_tokens_seconds": 9}
    async with serve("generation", build, Settings, **patient) as server:
        stub = server.stub(GenerationServiceStub, role="session")
        calls = [read(stub.Generate(question(f"问题{n}"), timeout=SECONDS)) for n in range(20)]
        texts = {streamed.text for streamed in await asyncio.gather(*calls)}
    assert len(texts) == 1
    assert model.count == 20
