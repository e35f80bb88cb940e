"""A provider that fails for a moment is asked again: after how long, how often, and when not."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from kefu.generation.v1 import generation_pb2 as pb
from kefu.generation.v1.generation_pb2_grpc import GenerationServiceStub

from services.generation import retrying
from tests.rpc.generation.samples import SECONDS, Streamed, question, read
from tests.rpc.generation.tables import entry, serving_table
from tests.stubs.behaviour import Behaviour, Fault
from tests.stubs.model_server import ModelServer, model_server
from tests.support.mesh import Served

# Long enough for a retry, short enough to wait for.
PATIENCE = {"first_token": 1.0, "between_tokens": 0.4}


@pytest.fixture
async def only() -> AsyncIterator[ModelServer]:
    """The one provider."""
    async with model_server() as server:
        yield server


@pytest.fixture
async def server(only: ModelServer, tmp_path: Path) -> AsyncIterator[Served]:
    """The service with it."""
    async with serving_table(tmp_path, entry(only, "only", timeouts=PATIENCE)) as served:
        yield served


async def asked(server: Served, text: str = "怎么退货?") -> Streamed:
    """Ask a question and read the whole answer."""
    stub = server.stub(GenerationServiceStub, role="session")
    return await read(stub.Generate(question(text), timeout=SECONDS))


def causes(streamed: Streamed) -> list[str]:
    """Return why each attempt gave no answer; empty for the one that did."""
    return [each.cause for each in streamed.end.attempts]


@pytest.mark.parametrize(
    ("behaviour", "cause"),
    [
        (Behaviour(status=429), "rate_limited"),
        (Behaviour(status=500), "provider_error"),
        (Behaviour(status=503), "provider_error"),
        (Behaviour(fault=Fault.CLOSE, fault_after=0), "unreachable"),
    ],
)
async def test_what_may_pass_is_tried_again(
    server: Served, only: ModelServer, behaviour: Behaviour, cause: str
) -> None:
    """The customer gets the model's answer; both attempts are told."""
    only.next.append(behaviour)
    streamed = await asked(server)
    assert streamed.end.mode == pb.ANSWER_MODE_MODEL
    assert causes(streamed) == [cause, ""]
    assert streamed.end.degraded_reason == ""


@pytest.mark.parametrize(
    "behaviour",
    [
        Behaviour(status=401),
        Behaviour(status=400),
        Behaviour(fault=Fault.BROKEN_JSON, fault_after=0),
        Behaviour(answer=""),
        Behaviour(first_token_seconds=5),
    ],
)
async def test_what_would_fail_again_is_not_tried_again(
    server: Served, only: ModelServer, behaviour: Behaviour
) -> None:
    """A refusal stays one, and after a timeout the customer has waited long enough."""
    only.default = behaviour
    streamed = await asked(server)
    assert streamed.end.mode == pb.ANSWER_MODE_EXTRACTIVE
    assert only.count == 1


async def test_retries_come_to_an_end(server: Served, only: ModelServer) -> None:
    """The answer is extractive after the last one, and names the cause."""
    only.default = Behaviour(status=503)
    streamed = await asked(server)
    assert causes(streamed) == ["provider_error"] * (retrying.RETRIES + 1)
    assert streamed.end.degraded_reason == "provider_error"


async def test_retry_after_is_waited_for(server: Served, only: ModelServer) -> None:
    """Not a moment less: who comes back early is limited again."""
    now = asyncio.get_running_loop().time
    only.next.append(Behaviour(status=429, retry_after_seconds=0.4))
    arrival = only.arrival()
    asking = asyncio.ensure_future(asked(server))
    await arrival
    refused = now()
    came_back: list[float] = []
    only.arrival().add_done_callback(lambda _: came_back.append(now()))
    assert causes(await asking) == ["rate_limited", ""]
    assert came_back[0] - refused >= 0.4


async def test_nobody_waits_longer_than_for_a_first_word(server: Served, only: ModelServer) -> None:
    """A limit that lasts is answered by extraction at once, and the provider left in peace."""
    only.next.append(Behaviour(status=429, retry_after_seconds=30))
    now = asyncio.get_running_loop().time
    begun = now()
    streamed = await asked(server)
    assert streamed.end.degraded_reason == "rate_limited"
    streamed = await asked(server, "多久退款?")
    assert streamed.end.degraded_reason == "rate_limited"
    assert now() - begun < 1.0
    assert only.count == 1


async def test_those_who_come_meanwhile_wait_too_and_that_is_no_retry(
    server: Served, only: ModelServer
) -> None:
    """More of them than there are retries: none has made a request before."""
    only.next.append(Behaviour(status=429, retry_after_seconds=0.4))
    arrival = only.arrival()
    first = asyncio.ensure_future(asked(server))
    await arrival
    others = [asked(server, f"怎么退{number}货?") for number in range(14)]
    answered = await asyncio.gather(first, *others)
    assert [each.end.mode for each in answered] == [pb.ANSWER_MODE_MODEL] * 15
    assert only.count == 16


async def test_nobody_waits_past_the_caller_s_deadline(server: Served, only: ModelServer) -> None:
    """The extractive answer comes in time for it."""
    only.default = Behaviour(status=503, retry_after_seconds=0.6)
    stub = server.stub(GenerationServiceStub, role="session")
    streamed = await read(stub.Generate(question(), timeout=0.8))
    assert causes(streamed) == ["provider_error"]
    assert streamed.end.mode == pb.ANSWER_MODE_EXTRACTIVE


async def test_cancelling_ends_the_wait_for_a_retry(server: Served, only: ModelServer) -> None:
    """No request is made for a customer who left."""
    only.next.append(Behaviour(status=429, retry_after_seconds=0.3))
    arrival = only.arrival()
    call = server.stub(GenerationServiceStub, role="session").Generate(question(), timeout=SECONDS)
    reading = asyncio.ensure_future(call.read())
    await arrival
    call.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    # Answered after the time at which the retry would have come.
    only.next.append(Behaviour(first_token_seconds=0.5))
    await asked(server, "多久退款?")
    assert only.count == 2


async def test_retries_have_a_budget(server: Served, only: ModelServer) -> None:
    """A provider in trouble does not get three times its load from us."""
    only.default = Behaviour(status=429)
    counts = [len(causes(await asked(server, f"怎么退{number}货?"))) for number in range(8)]
    assert counts[:4] == [3, 3, 3, 3]
    assert counts[-2:] == [1, 1]
    assert only.count == sum(counts)


async def test_another_provider_comes_before_a_wait(only: ModelServer, tmp_path: Path) -> None:
    """Both are asked at once, and both again only when both have failed."""
    async with model_server() as other:
        only.next.append(Behaviour(status=503))
        other.next.append(Behaviour(status=503))
        entries = entry(only, "only", timeouts=PATIENCE), entry(other, "other", timeouts=PATIENCE)
        async with serving_table(tmp_path, *entries) as server:
            streamed = await asked(server)
    asked_in_turn = [(each.provider, each.cause) for each in streamed.end.attempts]
    assert asked_in_turn == [("only", "provider_error"), ("other", "provider_error"), ("only", "")]
