"""Summarize through the front door."""

import json

import pytest
from kefu.errors import InvalidRequest, MethodNotAllowed
from kefu.generation.v1 import generation_pb2 as pb
from kefu.generation.v1.generation_pb2_grpc import GenerationServiceStub

from tests.rpc.generation.samples import SECONDS, TENANT
from tests.stubs.behaviour import Behaviour, Fault
from tests.stubs.model_server import ModelServer
from tests.support.mesh import Served, error_of

ROUNDS = [
    pb.Round(customer="我的订单SO20240017还没到", reply="正在为您查询。"),
    pb.Round(customer="我要退款", reply="已登记退款申请。"),
]


def conversation(**fields: object) -> pb.SummarizeRequest:
    """A request to summarise a Chinese conversation."""
    return pb.SummarizeRequest(**({"tenant": TENANT, "rounds": ROUNDS} | fields))  # type: ignore[arg-type]


async def test_a_model_writes_the_summary(server: Served, model: ModelServer) -> None:
    """The conversation is sent as data, and the result says who wrote it at what cost."""
    model.default = Behaviour(answer="客户要求退款，订单SO20240017。")
    stub = server.stub(GenerationServiceStub, role="session")
    response = await stub.Summarize(conversation(), timeout=SECONDS)
    assert response.summary == "客户要求退款，订单SO20240017。"
    assert response.mode == pb.ANSWER_MODE_MODEL
    assert response.usage.model == "stub"
    data = json.loads(model.seen[0].body["messages"][1]["content"])
    assert data["summary_language"] == "Chinese (simplified)"
    assert len(data["conversation"]) == 2


async def test_a_summary_that_tells_the_prompt_is_replaced(
    server: Served, model: ModelServer
) -> None:
    """Colleagues read what was said, not what a customer got revealed; it is paid for."""
    model.default = Behaviour(answer="what the customer wants, order numbers and other facts given")
    stub = server.stub(GenerationServiceStub, role="session")
    response = await stub.Summarize(conversation(), timeout=SECONDS)
    assert response.mode == pb.ANSWER_MODE_EXTRACTIVE
    assert "order numbers and other facts" not in response.summary
    assert response.usage.output_tokens > 0


async def test_a_wordy_model_is_cut_to_the_limit(server: Served, model: ModelServer) -> None:
    """300 code points are the contract's promise, whatever the model does."""
    model.default = Behaviour(answer="很长的一句话。" * 100)
    stub = server.stub(GenerationServiceStub, role="session")
    response = await stub.Summarize(conversation(), timeout=SECONDS)
    assert 250 < len(response.summary) <= 300
    assert response.summary.endswith("。")


@pytest.mark.parametrize(
    "behaviour",
    [Behaviour(status=500), Behaviour(fault=Fault.CLOSE), Behaviour(fault=Fault.STALL)],
)
async def test_a_failing_model_is_replaced(
    server: Served, model: ModelServer, behaviour: Behaviour
) -> None:
    """Half a summary is worth nothing: the extractive one is given, and named."""
    model.default = behaviour
    stub = server.stub(GenerationServiceStub, role="session")
    response = await stub.Summarize(conversation(), timeout=SECONDS)
    assert response.mode == pb.ANSWER_MODE_EXTRACTIVE
    assert "SO20240017" in response.summary


async def test_without_a_model_facts_and_requests_are_extracted(lonely_server: Served) -> None:
    """In the language of the last round, or the wanted one."""
    stub = lonely_server.stub(GenerationServiceStub, role="session")
    response = await stub.Summarize(conversation(), timeout=SECONDS)
    assert response.summary.startswith("客户要求：我要退款；")
    assert not response.usage.HasField("input_tokens")
    response = await stub.Summarize(conversation(language_code="en"), timeout=SECONDS)
    assert response.summary.startswith("Customer wants: 我要退款; ")


async def test_no_rounds_are_refused_and_so_are_strangers(server: Served) -> None:
    """INVALID_REQUEST and METHOD_NOT_ALLOWED, as documented."""
    stub = server.stub(GenerationServiceStub, role="session")
    error = await error_of(stub.Summarize(conversation(rounds=[]), timeout=SECONDS))
    assert isinstance(error, InvalidRequest)
    stub = server.stub(GenerationServiceStub, role="agent")
    error = await error_of(stub.Summarize(conversation(), timeout=SECONDS))
    assert isinstance(error, MethodNotAllowed)
