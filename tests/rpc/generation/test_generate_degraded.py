"""Generate when the model fails or there is none: an honest answer, or the error asked for."""

from typing import Any

import pytest
from kefu.errors import (
    InvalidRequest,
    MethodNotAllowed,
    ModelNotFound,
    ModelUnavailable,
    TenantNotAllowed,
)
from kefu.generation.v1 import generation_pb2 as pb
from kefu.generation.v1.generation_pb2_grpc import GenerationServiceStub
from kefu.type.v1 import understanding_pb2

from services.generation.__main__ import build
from services.generation.settings import Settings
from tests.rpc.generation.limited import usage
from tests.rpc.generation.samples import (
    KEY,
    PASSAGES,
    SECONDS,
    has_price,
    question,
    read,
    with_model,
)
from tests.stubs.behaviour import Behaviour, Fault
from tests.stubs.model_server import ModelServer
from tests.support.mesh import Served, error_of, serve

FAILURES = [
    (Behaviour(status=429, retry_after_seconds=2), "rate_limited"),
    (Behaviour(status=500), "provider_error"),
    (Behaviour(status=503), "provider_error"),
    (Behaviour(status=401), "refused"),
    (Behaviour(status=404), "refused"),
    (Behaviour(first_token_seconds=5), "timeout"),
    (Behaviour(fault=Fault.STALL, fault_after=0), "timeout"),
    (Behaviour(fault=Fault.CLOSE, fault_after=0), "unreachable"),
    (Behaviour(fault=Fault.SILENT_END, fault_after=0), "unreachable"),
    (Behaviour(fault=Fault.BROKEN_JSON, fault_after=0), "broken_response"),
    (Behaviour(fault=Fault.ERROR, fault_after=0), "provider_error"),
    (Behaviour(answer=" \n"), "empty_answer"),
    (Behaviour(answer="[1]"), "empty_answer"),
]


@pytest.mark.parametrize(("behaviour", "reason"), FAILURES)
async def test_a_failure_before_the_first_delta_is_answered_by_extraction(
    server: Served, model: ModelServer, behaviour: Behaviour, reason: str
) -> None:
    """The customer gets an answer with citations, the caller the reason for its mode."""
    model.default = behaviour
    stub = server.stub(GenerationServiceStub, role="session")
    streamed = await read(stub.Generate(question("多久能退款?"), timeout=SECONDS))
    assert streamed.end.mode == pb.ANSWER_MODE_EXTRACTIVE
    assert streamed.end.degraded_reason == reason
    assert streamed.end.finish_reason == pb.GenerationCompleted.FINISH_REASON_STOP
    assert "退款在3个工作日内原路返回。" in streamed.end.text
    assert streamed.end.text == streamed.text
    assert [document for document, _, _ in streamed.cited()] == ["returns"]
    assert streamed.end.prompt_version.startswith("answer/3@")


@pytest.mark.parametrize(("behaviour", "reason"), FAILURES)
async def test_who_wants_a_model_gets_a_typed_error_instead(
    server: Served, model: ModelServer, behaviour: Behaviour, reason: str
) -> None:
    """With `require_model` the failure is MODEL_UNAVAILABLE with its cause, and no delta."""
    model.default = behaviour
    stub = server.stub(GenerationServiceStub, role="session")
    error = await error_of(stub.Generate(question(require_model=True), timeout=SECONDS))
    assert isinstance(error, ModelUnavailable)
    assert (error.metadata["model"], error.metadata["cause"]) == ("stub", reason)
    assert error.retry_after_seconds == behaviour.retry_after_seconds
    assert KEY not in str(error) + str(error.metadata)


async def test_a_provider_that_is_not_there_is_no_disaster(model: ModelServer) -> None:
    """Nobody listens at the address: extraction, at once."""
    nobody = with_model(model, chat_base_url="http://127.0.0.1:9/v1")
    async with serve("generation", build, Settings, **nobody) as server:
        stub = server.stub(GenerationServiceStub, role="session")
        streamed = await read(stub.Generate(question(), timeout=SECONDS))
    assert streamed.end.degraded_reason == "unreachable"
    assert streamed.end.mode == pb.ANSWER_MODE_EXTRACTIVE


async def test_without_a_model_nothing_went_wrong(lonely_server: Served) -> None:
    """No model is a setting, not a failure: no reason, no usage, no prompt."""
    stub = lonely_server.stub(GenerationServiceStub, role="session")
    end = (await read(stub.Generate(question(), timeout=SECONDS))).end
    assert end.mode == pb.ANSWER_MODE_EXTRACTIVE
    assert (end.degraded_reason, end.prompt_version, end.usage.model) == ("", "", "")
    assert not end.usage.HasField("input_tokens")
    assert not has_price(end.usage)


async def test_a_quotation_is_supported_by_what_it_quotes(lonely_server: Served) -> None:
    """The opening claims nothing, each sentence behind it stands in its passage."""
    stub = lonely_server.stub(GenerationServiceStub, role="session")
    end = (await read(stub.Generate(question("多久能退款?"), timeout=SECONDS))).end
    lead, *quotes = end.grounding.sentences
    assert lead.support == understanding_pb2.SentenceSupport.SUPPORT_NO_CLAIM
    assert {each.support for each in quotes} == {
        understanding_pb2.SentenceSupport.SUPPORT_SUPPORTED
    }
    assert [each.answer_span for each in quotes] == [each.answer_span for each in end.citations]
    assert end.grounding.verdict == understanding_pb2.Grounding.VERDICT_SUPPORTED
    assert end.grounding.withheld_reason == ""


async def test_where_there_is_nothing_to_answer_from_nothing_is_weighed(
    lonely_server: Served,
) -> None:
    """No grounding without passages; where none of them fits, all sentences claim nothing."""
    stub = lonely_server.stub(GenerationServiceStub, role="session")
    end = (await read(stub.Generate(question(passages=[]), timeout=SECONDS))).end
    assert not end.HasField("grounding")
    end = (await read(stub.Generate(question("你们卖飞机票吗"), timeout=SECONDS))).end
    assert {each.support for each in end.grounding.sentences} == {
        understanding_pb2.SentenceSupport.SUPPORT_NO_CLAIM
    }


async def test_without_a_model_who_wants_one_is_told(lonely_server: Served) -> None:
    """Asking for a model where none is configured is an error, not a pretence."""
    stub = lonely_server.stub(GenerationServiceStub, role="session")
    error = await error_of(stub.Generate(question(require_model=True), timeout=SECONDS))
    assert isinstance(error, ModelUnavailable)
    assert error.metadata["cause"] == "not_configured"


@pytest.mark.parametrize("text", ["你们卖飞机票吗", "Do you sell flight tickets?"])
async def test_nothing_found_is_admitted(lonely_server: Served, text: str) -> None:
    """Mode NO_ANSWER, no citation, in the question's language."""
    stub = lonely_server.stub(GenerationServiceStub, role="session")
    streamed = await read(stub.Generate(question(text), timeout=SECONDS))
    assert streamed.end.mode == pb.ANSWER_MODE_NO_ANSWER
    assert not streamed.citations
    assert streamed.text.isascii() == text.isascii()


async def test_without_passages_no_model_is_paid_to_invent(
    server: Served, model: ModelServer
) -> None:
    """Nothing to answer from: nothing is known, whatever the model would say."""
    stub = server.stub(GenerationServiceStub, role="session")
    streamed = await read(stub.Generate(question(passages=[]), timeout=SECONDS))
    assert streamed.end.mode == pb.ANSWER_MODE_NO_ANSWER
    assert model.count == 0


async def test_nobody_pays_for_a_summary_that_no_answer_needs(
    server: Served, model: ModelServer
) -> None:
    """A long conversation, and nothing to answer from: no request, and no usage."""
    history = [pb.Round(customer=f"问题{number}", reply=f"答复{number}") for number in range(9)]
    stub = server.stub(GenerationServiceStub, role="session")
    asked = question("还有呢", passages=[], history=history)
    streamed = await read(stub.Generate(asked, timeout=SECONDS))
    assert streamed.end.mode == pb.ANSWER_MODE_NO_ANSWER
    assert model.count == 0
    assert not (await usage(server)).rows


async def test_the_configured_model_can_be_named_and_no_other(server: Served) -> None:
    """MODEL_NOT_FOUND names what was asked for; an embedding model writes no answers."""
    stub = server.stub(GenerationServiceStub, role="session")
    streamed = await read(stub.Generate(question(model="stub"), timeout=SECONDS))
    assert streamed.end.mode == pb.ANSWER_MODE_MODEL
    for name in ("gpt-0", "stub-embedding"):
        error = await error_of(stub.Generate(question(model=name), timeout=SECONDS))
        assert isinstance(error, ModelNotFound)
        assert error.metadata["model"] == name


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"question": ""}, "question"),
        ({"question": "问" * 4001}, "question"),
        ({"tenant": "shop"}, "tenant"),
        ({"passages": PASSAGES * 11}, "passages"),
        ({"passages": [pb.Passage(document="d", text="")]}, "passages[0].text"),
    ],
)
async def test_bad_requests_name_their_field(
    server: Served, fields: dict[str, Any], field: str
) -> None:
    """INVALID_REQUEST with the field's path, before anything is spent."""
    stub = server.stub(GenerationServiceStub, role="session")
    error = await error_of(stub.Generate(question(**fields), timeout=SECONDS))
    assert isinstance(error, InvalidRequest)
    assert field in [path for path, _ in error.violations]


async def test_strangers_are_refused(server: Served, model: ModelServer) -> None:
    """A role that does not name the method, and a tenant that is not the caller's."""
    error = await error_of(
        server.stub(GenerationServiceStub, role="channel").Generate(question(), timeout=SECONDS)
    )
    assert isinstance(error, MethodNotAllowed)
    error = await error_of(
        server.stub(GenerationServiceStub, role="session-shop").Generate(
            question(tenant="tenants/other"), timeout=SECONDS
        )
    )
    assert isinstance(error, TenantNotAllowed)
    assert model.count == 0
