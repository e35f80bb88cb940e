"""Summarize through the front door."""

import json
import re

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
    assert (response.provider, response.degraded_reason) == ("default", "")
    assert list(response.attempts) == [pb.Attempt(provider="default", model="stub")]
    assert re.fullmatch(r"summary/\d+@[0-9a-f]{12}", response.prompt_version)
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
    assert (response.provider, response.degraded_reason) == ("", "prompt")


async def test_a_wordy_model_is_cut_to_the_limit(server: Served, model: ModelServer) -> None:
    """300 code points are the contract's promise, whatever the model does."""
    model.default = Behaviour(answer="很长的一句话。" * 100)
    stub = server.stub(GenerationServiceStub, role="session")
    response = await stub.Summarize(conversation(), timeout=SECONDS)
    assert 250 < len(response.summary) <= 300
    assert response.summary.endswith("。")


@pytest.mark.parametrize(
    ("behaviour", "reason", "paid"),
    [
        (Behaviour(status=500), "provider_error", False),
        (Behaviour(fault=Fault.CLOSE), "unreachable", True),
        (Behaviour(fault=Fault.STALL), "timeout", True),
    ],
)
async def test_a_failing_model_is_replaced(
    server: Served, model: ModelServer, behaviour: Behaviour, reason: str, paid: bool
) -> None:
    """Half a summary is worth nothing: the extractive one is given, and says why, at what cost."""
    model.default = behaviour
    stub = server.stub(GenerationServiceStub, role="session")
    response = await stub.Summarize(conversation(), timeout=SECONDS)
    assert response.mode == pb.ANSWER_MODE_EXTRACTIVE
    assert "SO20240017" in response.summary
    assert (response.provider, response.degraded_reason) == ("", reason)
    assert {each.cause for each in response.attempts} == {reason}
    assert response.prompt_version
    assert (response.usage.output_tokens > 0) is paid


async def test_who_asks_for_the_same_at_the_same_time_shares_it(
    server: Served, model: ModelServer
) -> None:
    """One of them is told what it cost and who was asked; all are told who wrote."""
    model.default = Behaviour(answer="客户要求退款。", first_token_seconds=0.2)
    stub = server.stub(GenerationServiceStub, role="session")
    calls = [stub.Summarize(conversation(), timeout=SECONDS) for _ in range(3)]
    responses = [await call for call in calls]
    assert model.count == 1
    assert sorted(len(each.attempts) for each in responses) == [0, 0, 1]
    assert sum(each.usage.HasField("input_tokens") for each in responses) == 1
    assert {each.provider for each in responses} == {"default"}


async def test_without_a_model_facts_and_requests_are_extracted(lonely_server: Served) -> None:
    """In the language of the last round, or the wanted one."""
    stub = lonely_server.stub(GenerationServiceStub, role="session")
    response = await stub.Summarize(conversation(), timeout=SECONDS)
    assert response.summary.startswith("客户要求：我要退款；")
    assert not response.usage.HasField("input_tokens")
    assert (response.provider, response.degraded_reason, response.prompt_version) == ("", "", "")
    assert not response.attempts
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
