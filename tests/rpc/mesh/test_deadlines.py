"""Deadlines are kept, reported in time and handed on; whoever leaves stops the work."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from kefu.client.status import from_rpc_error
from kefu.errors import DeadlineExceeded
from kefu.generation.v1.generation_pb2 import GenerateRequest, GenerateResponse
from kefu.generation.v1.generation_pb2_grpc import (
    GenerationServiceServicer,
    GenerationServiceStub,
    add_GenerationServiceServicer_to_server,
)
from kefu.intent.v1.intent_pb2 import ClassifyRequest, ClassifyResponse
from kefu.intent.v1.intent_pb2_grpc import (
    IntentServiceServicer,
    IntentServiceStub,
    add_IntentServiceServicer_to_server,
)

from services.mesh.calls import current
from services.mesh.server import Registration
from services.mesh.service import Build
from tests.support.mesh import answering, error_of, serve, wired

REQUEST = ClassifyRequest(tenant="tenants/shop", text="你好")
QUESTION = GenerateRequest(tenant="tenants/shop", question="退货？")


class Slow:
    """A method that never ends, and what became of its calls."""

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.seconds_left: list[float] = []

    async def classify(self, request: Any, context: Any) -> ClassifyResponse:
        """Wait until somebody stops it."""
        self.seconds_left.append(current().remaining_seconds)
        self.started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return ClassifyResponse()

    async def generate(self, request: Any, context: Any) -> AsyncIterator[GenerateResponse]:
        """One delta, then the same."""
        yield GenerateResponse(delta={"sequence": 1})
        await self.classify(request, context)

    @property
    def intent(self) -> Build:
        """It as an intent service."""
        servicer = answering(IntentServiceServicer, Classify=self.classify)
        return wired((add_IntentServiceServicer_to_server, servicer))

    @property
    def generation(self) -> Build:
        """It as a generation service."""
        servicer = answering(GenerationServiceServicer, Generate=self.generate)
        return wired((add_GenerationServiceServicer_to_server, servicer))


async def test_the_server_reports_the_deadline_itself() -> None:
    """The caller hears the typed error before its own clock runs out, and the work is stopped."""
    slow = Slow()
    async with serve("intent", slow.intent) as server:
        stub = server.stub(IntentServiceStub, role="session")
        begin = time.monotonic()
        error = await error_of(stub.Classify(REQUEST, timeout=1))
        elapsed = time.monotonic() - begin
        [event] = server.spooled()
    assert type(error) is DeadlineExceeded
    assert error.trace_id, "it came from the server, not from the client's own clock"
    assert elapsed < 1
    assert slow.cancelled.is_set()
    assert (event.outcome, event.reason) == ("DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED")


async def test_a_stream_has_a_deadline_too() -> None:
    """It ends with the same error behind what was already sent."""
    slow = Slow()
    async with serve("generation", slow.generation) as server:
        stub = server.stub(GenerationServiceStub, role="session")
        error = await error_of(stub.Generate(QUESTION, timeout=0.5))
    assert type(error) is DeadlineExceeded
    assert error.trace_id
    assert slow.cancelled.is_set()


async def test_no_call_lives_longer_than_the_server_allows() -> None:
    """A caller without a deadline, or with a very long one, gets the server's own."""
    slow = Slow()
    async with serve("intent", slow.intent, max_call_seconds=0.2) as server:
        stub = server.stub(IntentServiceStub, role="session")
        for timeout in (None, 3600):
            assert type(await error_of(stub.Classify(REQUEST, timeout=timeout))) is DeadlineExceeded
    assert all(left <= 0.2 for left in slow.seconds_left)


async def test_a_timeout_inside_the_handler_is_not_the_deadline() -> None:
    """A TimeoutError of the handler's own is a defect, and must not look like the caller's."""

    async def classify(request: Any, context: Any) -> ClassifyResponse:
        raise TimeoutError

    servicer = answering(IntentServiceServicer, Classify=classify)
    build = wired((add_IntentServiceServicer_to_server, servicer))
    async with serve("intent", build) as server:
        stub = server.stub(IntentServiceStub, role="session")
        error = await error_of(stub.Classify(REQUEST, timeout=5))
    assert error.reason == "INTERNAL"


@pytest.mark.parametrize("kind", ["unary", "stream"])
async def test_a_caller_that_leaves_stops_the_work(kind: str) -> None:
    """Cancellation reaches the handler, so that no model goes on writing for nobody."""
    slow = Slow()
    build = slow.intent if kind == "unary" else slow.generation
    async with serve("test", build) as server:
        channel = server.channel(server.keys("test-session"))
        if kind == "unary":
            call: Any = IntentServiceStub(channel).Classify(REQUEST, timeout=60)
            sending = asyncio.ensure_future(call)
        else:
            call = GenerationServiceStub(channel).Generate(QUESTION, timeout=60)
            sending = asyncio.ensure_future(call.read())
        await asyncio.wait_for(slow.started.wait(), 5)
        call.cancel()
        await asyncio.wait_for(slow.cancelled.wait(), 5)
        await asyncio.wait([sending])
        await until(lambda: server.spooled())
        [event] = server.spooled()
    assert event.outcome == "CANCELLED"


async def until(true: Any) -> None:
    """Let other tasks run until something is so; the test's own timeout is the limit."""
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110 (the event is a file)
            await asyncio.sleep(0.005)


def hop(address: str) -> Build:
    """A generation service that asks an intent service and passes on what it is told."""

    @asynccontextmanager
    async def build(_settings: Any, mesh: Any) -> AsyncIterator[list[Registration]]:
        peer = mesh.peer("intent", IntentServiceStub, target=address)

        async def generate(request: Any, context: Any) -> AsyncIterator[GenerateResponse]:
            await peer.unary("Classify", REQUEST, timeout_seconds=30)
            yield GenerateResponse()

        servicer = answering(GenerationServiceServicer, Generate=generate)
        yield [(add_GenerationServiceServicer_to_server, servicer)]

    return build


async def test_the_next_hop_gets_what_is_left_less_a_margin() -> None:
    """Each hop keeps a little back, so that the error comes back typed through all of them."""
    slow = Slow()
    async with (
        serve("intent", slow.intent) as far,
        serve("session", hop(far.address), beside=far) as near,
    ):
        stub = near.stub(GenerationServiceStub, role="session")
        call = stub.Generate(QUESTION, timeout=1)
        with pytest.raises(grpc.RpcError) as caught:
            await anext(aiter(call))
    error = from_rpc_error(caught.value, "test")
    assert type(error) is DeadlineExceeded
    assert error.trace_id
    [left] = slow.seconds_left
    assert 0.6 < left < 0.93, "a margin is a twentieth, and there were two by then"
    assert slow.cancelled.is_set()


async def test_cancellation_goes_through_two_hops() -> None:
    """The far service stops when the caller of the near one leaves."""
    slow = Slow()
    async with (
        serve("intent", slow.intent) as far,
        serve("session", hop(far.address), beside=far) as near,
    ):
        call = near.stub(GenerationServiceStub, role="session").Generate(QUESTION, timeout=60)
        waiting = asyncio.ensure_future(call.read())
        await asyncio.wait_for(slow.started.wait(), 5)
        call.cancel()
        await asyncio.wait_for(slow.cancelled.wait(), 5)
        await asyncio.wait([waiting])
