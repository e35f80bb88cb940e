"""A provider that breaks off before anything of its answer was shown: another one writes it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from kefu.generation.v1 import generation_pb2 as pb
from kefu.generation.v1.generation_pb2_grpc import GenerationServiceStub
from kefu.generation.v1.usage_pb2 import GetUsageRequest
from kefu.generation.v1.usage_pb2_grpc import GenerationUsageServiceStub

from tests.rpc.generation.samples import SECONDS, TENANT, Streamed, question, read
from tests.rpc.generation.tables import entry, serving_table
from tests.stubs.behaviour import Behaviour, Fault
from tests.stubs.model_server import ModelServer
from tests.support.mesh import Served

FAULTS = [
    (Fault.CLOSE, "unreachable"),
    (Fault.SILENT_END, "unreachable"),
    (Fault.STALL, "timeout"),
    (Fault.BROKEN_JSON, "broken_response"),
    (Fault.ERROR, "provider_error"),
]

PRICES = {"input_price": 2, "output_price": 8, "currency": "CNY"}


@pytest.fixture
async def both(first: ModelServer, second: ModelServer, tmp_path: Path) -> AsyncIterator[Served]:
    """The service with both providers."""
    entries = entry(first, "first", **PRICES), entry(second, "second", **PRICES)
    async with serving_table(tmp_path, *entries) as served:
        yield served


async def asked(server: Served, text: str = "怎么退货?", seconds: float = SECONDS) -> Streamed:
    """Ask a question and read the whole answer."""
    stub = server.stub(GenerationServiceStub, role="session")
    return await read(stub.Generate(question(text), timeout=seconds))


def attempts(streamed: Streamed) -> list[tuple[str, str]]:
    """Return who was asked and why that gave no answer."""
    return [(each.provider, each.cause) for each in streamed.end.attempts]


@pytest.mark.parametrize(("fault", "cause"), FAULTS)
async def test_within_its_first_sentence_the_next_provider_takes_over(
    both: Served, first: ModelServer, second: ModelServer, fault: Fault, cause: str
) -> None:
    """The customer reads the second's answer alone, from its beginning."""
    first.default = Behaviour(answer="退货需要先登录账户[1]。", fault=fault)
    second.default = Behaviour(answer="7天内可无理由退货[1]。")
    streamed = await asked(both)
    assert streamed.text == streamed.end.text == "7天内可无理由退货。"
    assert streamed.end.mode == pb.ANSWER_MODE_MODEL
    assert streamed.end.finish_reason == pb.GenerationCompleted.FINISH_REASON_STOP
    assert streamed.end.degraded_reason == ""
    assert attempts(streamed) == [("first", cause), ("second", "")]
    assert streamed.end.provider == "second"
    assert [document for document, _, _ in streamed.cited()] == ["returns"]


async def test_the_usage_is_that_of_all_attempts(
    both: Served, first: ModelServer, second: ModelServer
) -> None:
    """Tokens and price add up, under the name of who wrote; the ledger has each by itself."""
    first.default = Behaviour(answer="退货需要先登录账户[1]。", fault=Fault.CLOSE)
    second.default = Behaviour(answer="7天内可无理由退货[1]。")
    usage = (await asked(both)).end.usage
    assert (usage.model, usage.estimated) == ("second-model", True)
    request = GetUsageRequest(parent=TENANT, dimensions=[GetUsageRequest.DIMENSION_PROVIDER])
    stub = both.stub(GenerationUsageServiceStub, role="operator")
    rows = {each.provider: each for each in (await stub.GetUsage(request, timeout=SECONDS)).rows}
    assert set(rows) == {"first", "second"}
    assert min(each.output_tokens for each in rows.values()) > 0
    assert usage.input_tokens == sum(each.input_tokens for each in rows.values())
    assert usage.output_tokens == sum(each.output_tokens for each in rows.values())
    assert usage.price_micros == sum(each.price_micros for each in rows.values()) > 0
    assert usage.currency_code == "CNY"


@pytest.mark.parametrize(("fault", "cause"), FAULTS)
async def test_a_greeting_that_waits_has_not_been_seen(
    both: Served, first: ModelServer, fault: Fault, cause: str
) -> None:
    """It goes with its provider."""
    first.default = Behaviour(answer="您好！很高兴为您服务。关于", fault=fault, fault_after=3)
    streamed = await asked(both)
    assert "很高兴" not in streamed.text
    assert attempts(streamed) == [("first", cause), ("second", "")]


@pytest.mark.parametrize(("fault", "cause"), FAULTS)
async def test_after_the_first_released_sentence_nobody_else_is_asked(
    both: Served, first: ModelServer, second: ModelServer, fault: Fault, cause: str
) -> None:
    """What the customer has read is kept, and ends INTERRUPTED."""
    answer = "7天内可无理由退货[1]。退款在3个工作日内"
    first.default = Behaviour(answer=answer, fault=fault, fault_after=5)
    streamed = await asked(both)
    assert streamed.text == streamed.end.text == "7天内可无理由退货。"
    assert streamed.end.finish_reason == pb.GenerationCompleted.FINISH_REASON_INTERRUPTED
    assert streamed.end.degraded_reason == cause
    assert attempts(streamed) == [("first", "")]
    assert second.count == 0


async def test_words_that_are_withheld_are_no_failure_of_their_provider(
    both: Served, first: ModelServer, second: ModelServer
) -> None:
    """Another one is not asked for what this one has invented."""
    first.default = Behaviour(answer="退款在9个工作日内原路返回[1]。")
    streamed = await asked(both, "多久能退款?")
    assert streamed.end.mode == pb.ANSWER_MODE_EXTRACTIVE
    assert streamed.end.degraded_reason == "unsupported_figure"
    assert attempts(streamed) == [("first", "")]
    assert second.count == 0


async def test_when_all_break_off_the_passages_answer(
    both: Served, first: ModelServer, second: ModelServer
) -> None:
    """With the last cause, and with what all of them cost."""
    first.default = Behaviour(answer="退货需要先登录账户", fault=Fault.BROKEN_JSON)
    second.default = Behaviour(answer="退货需要先登录账户", fault=Fault.BROKEN_JSON)
    streamed = await asked(both)
    assert streamed.end.mode == pb.ANSWER_MODE_EXTRACTIVE
    assert streamed.end.degraded_reason == "broken_response"
    assert attempts(streamed) == [("first", "broken_response"), ("second", "broken_response")]
    assert streamed.end.provider == ""
    assert streamed.end.usage.estimated
    assert streamed.end.usage.output_tokens > 0


async def test_a_lonely_provider_is_asked_again(first: ModelServer, tmp_path: Path) -> None:
    """By the rules of every retry: what may pass, after a moment, under the budget."""
    first.next.append(Behaviour(answer="退货需要先登录账户", fault=Fault.CLOSE))
    async with serving_table(tmp_path, entry(first, "first")) as server:
        streamed = await asked(server)
    assert attempts(streamed) == [("first", "unreachable"), ("first", "")]
    assert streamed.end.mode == pb.ANSWER_MODE_MODEL


async def test_the_caller_s_deadline_holds_for_all_of_them(
    both: Served, first: ModelServer, second: ModelServer
) -> None:
    """Where no time is left, the passages answer in time."""
    first.default = Behaviour(answer="退货需要先登录账户并且", token_seconds=0.3)
    second.default = Behaviour(first_token_seconds=5)
    streamed = await asked(both, seconds=0.7)
    assert streamed.end.mode == pb.ANSWER_MODE_EXTRACTIVE
    assert streamed.end.degraded_reason == "timeout"
