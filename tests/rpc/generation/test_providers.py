"""Several providers: who is asked, who comes next, and what the result says about it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from kefu.errors import ModelNotFound, ModelUnavailable
from kefu.generation.v1 import generation_pb2 as pb
from kefu.generation.v1.generation_pb2_grpc import GenerationServiceStub
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import REGISTRY

from services.mesh import names
from tests.rpc.generation.samples import SECONDS, TENANT, Streamed, question, read
from tests.rpc.generation.tables import entry, serving_table
from tests.stubs.behaviour import Behaviour, Fault
from tests.stubs.model_server import ModelServer, model_server
from tests.support.mesh import Served, error_of

FAILURES = [
    *((Behaviour(status=status), "refused") for status in (400, 401, 403, 404, 422)),
    (Behaviour(status=429), "rate_limited"),
    *((Behaviour(status=status), "provider_error") for status in (500, 502, 503, 504)),
    (Behaviour(headers_seconds=5), "timeout"),
    (Behaviour(first_token_seconds=5), "timeout"),
    (Behaviour(fault=Fault.STALL, fault_after=0), "timeout"),
    (Behaviour(fault=Fault.CLOSE, fault_after=0), "unreachable"),
    (Behaviour(fault=Fault.SILENT_END, fault_after=0), "unreachable"),
    (Behaviour(fault=Fault.ERROR_PAGE, fault_after=0), "unreachable"),
    (Behaviour(fault=Fault.BROKEN_JSON, fault_after=0), "broken_response"),
    (Behaviour(fault=Fault.ENDLESS_LINE, fault_after=0), "broken_response"),
    (Behaviour(fault=Fault.ERROR, fault_after=0), "provider_error"),
    (Behaviour(answer=" \n"), "empty_answer"),
]

# The default answer's first sentence with its marker takes five chunks.
SENTENCE_CHUNKS = 6


@pytest.fixture
async def both(first: ModelServer, second: ModelServer, tmp_path: Path) -> AsyncIterator[Served]:
    """The service with both providers."""
    async with serving_table(tmp_path, entry(first, "first"), entry(second, "second")) as served:
        yield served


async def asked(server: Served, text: str = "怎么退货?", **fields: object) -> Streamed:
    """Ask a question and read the whole answer."""
    stub = server.stub(GenerationServiceStub, role="session")
    return await read(stub.Generate(question(text, **fields), timeout=SECONDS))


def attempts(streamed: Streamed) -> list[tuple[str, str]]:
    """Return who was asked and why that gave no answer."""
    return [(each.provider, each.cause) for each in streamed.end.attempts]


async def test_the_preferred_provider_writes_and_the_result_names_it(
    both: Served, second: ModelServer
) -> None:
    """Provider, model and the one attempt; nobody else is asked."""
    streamed = await asked(both)
    assert (streamed.end.provider, streamed.end.usage.model) == ("first", "first-model")
    assert list(streamed.end.attempts) == [
        pb.Attempt(provider="first", model="first-model", cause="")
    ]
    assert second.count == 0


@pytest.mark.parametrize(("behaviour", "cause"), FAILURES)
async def test_before_the_first_word_the_next_provider_takes_over(
    both: Served, first: ModelServer, second: ModelServer, behaviour: Behaviour, cause: str
) -> None:
    """The customer gets a whole answer and notices nothing; the result says what happened."""
    first.default = behaviour
    streamed = await asked(both)
    assert streamed.end.mode == pb.ANSWER_MODE_MODEL
    assert streamed.end.finish_reason == pb.GenerationCompleted.FINISH_REASON_STOP
    assert streamed.end.text == streamed.text
    assert streamed.cited()
    assert attempts(streamed) == [("first", cause), ("second", "")]
    assert (streamed.end.provider, streamed.end.usage.model) == ("second", "second-model")
    assert streamed.end.degraded_reason == ""
    assert (first.count, second.count) == (1, 1)


async def test_a_provider_that_is_down_is_followed_by_the_next(
    second: ModelServer, tmp_path: Path
) -> None:
    """Nobody listens at its address."""
    async with model_server() as down:
        pass
    async with serving_table(tmp_path, entry(down, "down"), entry(second, "second")) as server:
        streamed = await asked(server)
    assert attempts(streamed) == [("down", "unreachable"), ("second", "")]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault.CLOSE, "unreachable"),
        (Fault.STALL, "timeout"),
        (Fault.BROKEN_JSON, "broken_response"),
        (Fault.ERROR, "provider_error"),
    ],
)
async def test_after_the_first_word_nobody_else_is_asked(
    both: Served, first: ModelServer, second: ModelServer, fault: Fault, reason: str
) -> None:
    """What was written is kept, ends INTERRUPTED and is paid for."""
    first.default = Behaviour(fault=fault, fault_after=SENTENCE_CHUNKS)
    streamed = await asked(both)
    assert streamed.text.startswith("自签收之日起7天内可无理由退货。")
    assert streamed.end.finish_reason == pb.GenerationCompleted.FINISH_REASON_INTERRUPTED
    assert streamed.end.degraded_reason == reason
    assert streamed.end.provider == "first"
    assert streamed.end.usage.output_tokens > 0
    assert streamed.end.usage.estimated
    assert second.count == 0


@pytest.mark.parametrize(
    "fault", [Fault.STALL, Fault.CLOSE, Fault.SILENT_END, Fault.BROKEN_JSON, Fault.ERROR]
)
async def test_what_fails_behind_the_end_costs_the_account_only(
    both: Served, first: ModelServer, second: ModelServer, fault: Fault
) -> None:
    """The answer was complete; its tokens are estimated."""
    first.default = Behaviour(chunks=5, fault=fault, fault_after=5)
    streamed = await asked(both)
    assert streamed.end.finish_reason == pb.GenerationCompleted.FINISH_REASON_STOP
    assert streamed.end.degraded_reason == ""
    assert streamed.end.usage.estimated
    assert second.count == 0


async def test_when_nobody_answers_the_result_tells_of_each(
    both: Served, first: ModelServer, second: ModelServer
) -> None:
    """The extractive answer, why it is one, and who was asked."""
    first.default, second.default = Behaviour(status=401), Behaviour(answer="")
    streamed = await asked(both)
    assert streamed.end.mode == pb.ANSWER_MODE_EXTRACTIVE
    assert streamed.end.degraded_reason == "empty_answer"
    assert attempts(streamed) == [("first", "refused"), ("second", "empty_answer")]
    assert streamed.end.provider == ""


async def test_who_requires_a_model_hears_when_to_come_back(
    both: Served, first: ModelServer, second: ModelServer
) -> None:
    """The soonest of all providers, since any of them will do."""
    first.default = Behaviour(status=429, retry_after_seconds=30)
    second.default = Behaviour(status=503, retry_after_seconds=20)
    stub = both.stub(GenerationServiceStub, role="session")
    error = await error_of(stub.Generate(question(require_model=True), timeout=SECONDS))
    assert isinstance(error, ModelUnavailable)
    assert error.retry_after_seconds == pytest.approx(20, abs=0.5)


async def test_a_model_that_is_asked_for_by_name_writes_or_nobody_does(
    both: Served, first: ModelServer, second: ModelServer
) -> None:
    """No other model's words are passed off as its own."""
    streamed = await asked(both, model="second-model")
    assert streamed.end.provider == "second"
    second.default = Behaviour(status=500)
    streamed = await asked(both, "多久退款?", model="second-model")
    assert streamed.end.mode == pb.ANSWER_MODE_EXTRACTIVE
    assert first.count == 0
    stub = both.stub(GenerationServiceStub, role="session")
    error = await error_of(stub.Generate(question(model="third-model"), timeout=SECONDS))
    assert isinstance(error, ModelNotFound)


async def test_each_use_has_its_own_order(
    first: ModelServer, second: ModelServer, tmp_path: Path
) -> None:
    """A cheap model may summarise and choose while a better one answers."""
    second.default = Behaviour(answer="1")
    use = {"chat": ["first"], "summary": ["second"], "judge": ["second", "first"]}
    entries = entry(first, "first"), entry(second, "second")
    async with serving_table(tmp_path, *entries, use=use) as server:
        assert (await asked(server)).end.provider == "first"
        stub = server.stub(GenerationServiceStub, role="session")
        rounds = [pb.Round(customer="怎么退货?", reply="七天内可以。")]
        request = pb.SummarizeRequest(tenant=TENANT, rounds=rounds)
        summary = await stub.Summarize(request, timeout=SECONDS)
        assert summary.usage.model == "second-model"
        choices = [pb.Choice(choice="return", description="return goods")]
        chooser = server.stub(GenerationServiceStub, role="intent")
        wanted = pb.ChooseRequest(tenant=TENANT, text="退货", choices=choices)
        chosen = await chooser.Choose(wanted, timeout=SECONDS)
        assert chosen.usage.model == "second-model"
        second.default = Behaviour(status=500)
        first.default = Behaviour(answer="1")
        chosen = await chooser.Choose(wanted, timeout=SECONDS)
        assert chosen.usage.model == "first-model"


async def test_extraction_in_an_order_ends_it(first: ModelServer, tmp_path: Path) -> None:
    """An operator switches models off for a use without taking them out of the table."""
    use = {"chat": ["none", "first"]}
    entries = entry(first, "first"), {"name": "none", "kind": "extractive"}
    async with serving_table(tmp_path, *entries, use=use) as server:
        streamed = await asked(server)
    assert streamed.end.mode == pb.ANSWER_MODE_EXTRACTIVE
    assert streamed.end.degraded_reason == ""
    assert first.count == 0


async def test_a_full_provider_is_waited_for_and_then_passed_over(
    first: ModelServer, second: ModelServer, tmp_path: Path
) -> None:
    """No longer than for a first word; the request that fills it is not disturbed."""
    first.default = Behaviour(token_seconds=0.1)
    entries = entry(first, "first", concurrency=1), entry(second, "second")
    async with serving_table(tmp_path, *entries) as server:
        arrival = first.arrival()
        slow = asyncio.ensure_future(asked(server, "怎么退货?"))
        await arrival
        streamed = await asked(server, "多久退款?")
        assert attempts(streamed) == [("first", "saturated"), ("second", "")]
        assert (await slow).end.provider == "first"


async def test_a_short_deadline_leaves_time_for_the_next_provider(
    both: Served, first: ModelServer
) -> None:
    """A provider that stalls gets half of the time that is left, not all of it."""
    first.default = Behaviour(first_token_seconds=5)
    stub = both.stub(GenerationServiceStub, role="session")
    streamed = await read(stub.Generate(question(), timeout=0.8))
    assert attempts(streamed) == [("first", "timeout"), ("second", "")]


async def test_a_provider_that_keeps_failing_is_left_alone(
    both: Served, first: ModelServer
) -> None:
    """After five failures nobody waits for it any more, and operators can see that."""
    first.default = Behaviour(status=500)
    for number in range(5):
        await asked(both, f"怎么退{number}货?")
    streamed = await asked(both, "多久退款?")
    assert attempts(streamed) == [("first", "circuit_open"), ("second", "")]
    assert first.count == 5
    assert state("first") == "open"
    assert state("second") == "closed"


@pytest.mark.parametrize("fault", [Fault.STALL, Fault.CLOSE])
async def test_a_provider_that_never_ends_its_answers_is_left_alone_too(
    both: Served, first: ModelServer, fault: Fault
) -> None:
    """Each of its customers has half an answer."""
    first.default = Behaviour(fault=fault, fault_after=SENTENCE_CHUNKS)
    for number in range(5):
        assert (await asked(both, f"怎么退{number}货?")).end.provider == "first"
    assert (await asked(both, "多久退款?")).end.provider == "second"
    assert state("first") == "open"


async def test_callers_in_a_hurry_do_not_keep_others_from_a_provider(
    both: Served, first: ModelServer
) -> None:
    """It would have answered in time for everybody else."""
    first.default = Behaviour(first_token_seconds=0.3)
    stub = both.stub(GenerationServiceStub, role="session")
    for number in range(6):
        await read(stub.Generate(question(f"怎么退{number}货?"), timeout=0.5))
    assert state("first") == "closed"
    assert (await asked(both, "多久退款?")).end.provider == "first"


def state(provider: str) -> str:
    """Return the state of a provider's breaker, as the metric tells it."""
    values = {
        each: REGISTRY.get_sample_value(names.PROVIDER_STATE, {"provider": provider, "state": each})
        for each in ("closed", "open", "half_open")
    }
    (found,) = [each for each, value in values.items() if value]
    return found


async def test_refusals_do_not_keep_others_from_a_provider(
    both: Served, first: ModelServer
) -> None:
    """A customer whose words a provider refuses could otherwise switch it off for everybody."""
    first.default = Behaviour(status=400)
    for number in range(8):
        await asked(both, f"怎么退{number}货?")
    assert first.count == 8


async def test_cancelling_closes_the_request_of_whoever_writes(
    both: Served, first: ModelServer, second: ModelServer
) -> None:
    """Also that of the second provider, and also before its first word."""
    first.default = Behaviour(status=500)
    second.default = Behaviour(fault=Fault.STALL, fault_after=0)
    arrival = second.arrival()
    call = both.stub(GenerationServiceStub, role="session").Generate(question(), timeout=SECONDS)
    reading = asyncio.ensure_future(call.read())
    seen = await arrival
    call.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    async with asyncio.timeout(1):
        await seen.disconnected.wait()


async def test_each_request_has_a_span(
    first: ModelServer, second: ModelServer, tmp_path: Path
) -> None:
    """Provider, model, tokens and cause, as any trace tool understands them; no words."""
    exporter = InMemorySpanExporter()
    first.default = Behaviour(status=503)
    entries = entry(first, "first"), entry(second, "second")
    async with serving_table(tmp_path, *entries, spans=exporter) as server:
        await asked(server)
    failed, wrote = (each for each in exporter.get_finished_spans() if "chat" in each.name)
    served = next(each for each in exporter.get_finished_spans() if "Generate" in each.name)
    assert failed.name == "chat first-model"
    assert (failed.attributes or {})[names.ERROR_TYPE] == "provider_error"
    assert not failed.status.is_ok
    facts = dict(wrote.attributes or {})
    assert facts.pop(names.GEN_AI_FIRST_TOKEN) >= 0  # type: ignore[operator]
    assert facts.pop(names.GEN_AI_INPUT_TOKENS) > 0  # type: ignore[operator]
    assert facts.pop(names.GEN_AI_OUTPUT_TOKENS) > 0  # type: ignore[operator]
    assert facts == {
        names.GEN_AI_OPERATION: "chat",
        names.GEN_AI_PROVIDER: "openai",
        names.GEN_AI_MODEL: "second-model",
        names.PROVIDER: "second",
        names.GEN_AI_FINISH: ("stop",),
    }
    assert wrote.parent is not None
    assert served.context is not None
    assert wrote.parent.span_id == served.context.span_id


async def test_models_are_listed_with_their_providers(
    first: ModelServer, second: ModelServer, tmp_path: Path
) -> None:
    """The same model at two providers stands twice; an internal one is local."""
    entries = (
        entry(first, "first", model="shared-model"),
        entry(second, "second", model="shared-model", internal=True),
    )
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving_table(tmp_path, *entries))
        stub = server.stub(GenerationServiceStub, role="operator")
        pages, token = [], ""
        for _ in range(3):
            request = pb.ListModelsRequest(page_size=1, page_token=token)
            response = await stub.ListModels(request, timeout=SECONDS)
            pages += [(each.model, each.provider, each.local) for each in response.models]
            token = response.next_page_token
    assert pages == [
        ("shared-model", "first", False),
        ("shared-model", "second", True),
        ("stub-embedding", "vectors", False),
    ]
    assert token == ""
