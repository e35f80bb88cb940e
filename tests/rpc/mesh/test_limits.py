"""What is too much is refused at once, with the time after which to try again."""

import asyncio
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from kefu.client.status import from_rpc_error
from kefu.errors import Code, KefuError, RateLimited, ServerBusy
from kefu.intent.v1.intent_pb2 import ClassifyRequest, ClassifyResponse
from kefu.intent.v1.intent_pb2_grpc import (
    IntentServiceServicer,
    IntentServiceStub,
    add_IntentServiceServicer_to_server,
)

from services.mesh.service import Build
from tests.support.contract import everything
from tests.support.mesh import answering, error_of, serve, wired

REQUEST = ClassifyRequest(tenant="tenants/shop", text="你好")


class Gate:
    """A method that waits until it is let go."""

    def __init__(self) -> None:
        self.running = 0
        self.most = 0
        self.open = asyncio.Event()

    async def classify(self, request: Any, context: Any) -> ClassifyResponse:
        """Count, and wait."""
        self.running += 1
        self.most = max(self.most, self.running)
        await self.open.wait()
        self.running -= 1
        return ClassifyResponse()

    @property
    def build(self) -> Build:
        """It as an intent service."""
        servicer = answering(IntentServiceServicer, Classify=self.classify)
        return wired((add_IntentServiceServicer_to_server, servicer))


async def outcome(call: Any) -> KefuError | None:
    """The error of a call; None where it succeeds."""
    try:
        await call
    except grpc.RpcError as error:
        return from_rpc_error(error, "test")
    return None


async def test_calls_at_once() -> None:
    """Above the limit SERVER_BUSY with RetryInfo, exactly at the limit; then it serves again."""
    gate = Gate()
    async with serve("intent", gate.build, max_concurrent_calls=3) as server:
        stub = server.stub(IntentServiceStub, role="session")
        calls = [asyncio.create_task(outcome(stub.Classify(REQUEST, timeout=5))) for _ in range(5)]
        done, waiting = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        while len(done) < 2:
            more, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            done |= more
        refused = [await each for each in done]
        health = server.stub(health_pb2_grpc.HealthStub, role="operator")
        alive = await health.Check(health_pb2.HealthCheckRequest(), timeout=5)
        gate.open.set()
        served = [await each for each in waiting]
        again = await outcome(stub.Classify(REQUEST, timeout=5))
    assert all(isinstance(each, ServerBusy) for each in refused)
    assert all(each and each.retry_after_seconds for each in refused)
    assert served == [None, None, None]
    assert gate.most == 3
    assert alive.status == health_pb2.HealthCheckResponse.SERVING, "busy is not dead"
    assert again is None


async def test_far_above_the_limit_grpc_itself_refuses() -> None:
    """Nobody waits in a queue: every call above it ends at once with RESOURCE_EXHAUSTED."""
    gate = Gate()
    async with serve("intent", gate.build, max_concurrent_calls=2) as server:
        stub = server.stub(IntentServiceStub, role="session")
        calls = [asyncio.create_task(outcome(stub.Classify(REQUEST, timeout=5))) for _ in range(40)]
        waiting = set(calls)
        while len(waiting) > 2:
            _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        gate.open.set()
        ended = [await each for each in calls]
    assert ended.count(None) == 2
    assert all(each is None or each.code is Code.RESOURCE_EXHAUSTED for each in ended)
    assert gate.most == 2


async def test_calls_per_second_of_one_identity() -> None:
    """The one that calls too often waits; the others do not."""
    async with serve("intent", wired(*everything()), calls_per_second=2, burst=3) as server:
        eager = server.stub(IntentServiceStub, role="session")
        modest = server.stub(IntentServiceStub, role="content-owner")
        for _ in range(3):
            await eager.Classify(REQUEST, timeout=5)
        error = await error_of(eager.Classify(REQUEST, timeout=5))
        await modest.Classify(REQUEST, timeout=5)
        last = server.spooled()[-2]
    assert type(error) is RateLimited
    assert error.metadata["limit"] == "2/s"
    assert error.retry_after_seconds is not None
    assert 0 < error.retry_after_seconds <= 0.5
    assert last.reason == "RATE_LIMITED"
