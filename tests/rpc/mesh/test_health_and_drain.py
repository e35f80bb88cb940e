"""Health, reflection, and a drain that loses no call."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest
from grpc_reflection.v1alpha.reflection_pb2_grpc import ServerReflectionStub
from kefu.client.status import from_rpc_error
from kefu.errors import KefuError, ServiceUnavailable, ShuttingDown
from kefu.intent.v1.intent_pb2 import ClassifyRequest, ClassifyResponse
from kefu.intent.v1.intent_pb2_grpc import (
    IntentServiceServicer,
    IntentServiceStub,
    add_IntentServiceServicer_to_server,
)

from services.mesh.service import Build
from tests.support.contract import everything
from tests.support.mesh import Served, answering, error_of, serve, wired

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
REQUEST = ClassifyRequest(tenant="tenants/shop", text="你好")


class Patient:
    """A method that ends when it is told to."""

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.finish = asyncio.Event()
        self.cancelled = False

    @property
    def build(self) -> Build:
        """It as an intent service."""

        async def classify(request: Any, context: Any) -> ClassifyResponse:
            self.started.set()
            try:
                await self.finish.wait()
            except asyncio.CancelledError:
                self.cancelled = True
                raise
            return ClassifyResponse(classification={"language_code": "zh"})

        servicer = answering(IntentServiceServicer, Classify=classify)
        return wired((add_IntentServiceServicer_to_server, servicer))


@asynccontextmanager
async def client(server: Served, name: str) -> AsyncIterator[grpc.aio.Channel]:
    """A channel that outlives the server, unlike those that the server hands out."""
    credentials = server.keys(name).channel_credentials()
    async with grpc.aio.secure_channel(server.address, credentials) as channel:
        yield channel


async def test_a_server_is_healthy_from_its_first_moment() -> None:
    """It listens only when it can serve; an unknown service is NOT_FOUND, as the protocol says."""
    async with serve("intent", wired(*everything())) as server:
        stub = server.stub(HealthStub, role="operator")
        whole = await stub.Check(health_pb2.HealthCheckRequest(), timeout=5)
        unknown = health_pb2.HealthCheckRequest(service="nobody")
        error = await error_of(stub.Check(unknown, timeout=5))
        assert server.spooled()[-1].outcome == "NOT_FOUND"
    assert whole.status == SERVING
    assert error.code.name == "NOT_FOUND"


async def test_reflection_names_the_services_to_those_who_may() -> None:
    """An operator's tools find the methods by themselves."""
    async with serve("intent", wired(*everything())) as server:
        stub = server.stub(ServerReflectionStub, role="operator")
        call = stub.ServerReflectionInfo(iter([ServerReflectionRequest(list_services="")]))
        answer = await anext(aiter(call))
        denied = server.stub(ServerReflectionStub, role="channel")
        error = await error_of(
            denied.ServerReflectionInfo(iter([ServerReflectionRequest(list_services="")]))
        )
    names = {service.name for service in answer.list_services_response.service}
    assert {"kefu.intent.v1.IntentService", "grpc.health.v1.Health"} <= names
    assert error.reason == "METHOD_NOT_ALLOWED"


async def test_a_drain_loses_no_call() -> None:
    """NOT_SERVING is said, new calls are turned away, and the running one gets its answer."""
    patient = Patient()
    async with AsyncExitStack() as clients:
        stack = AsyncExitStack()
        server = await stack.enter_async_context(serve("intent", patient.build, drain_seconds=5))
        channel = await clients.enter_async_context(client(server, "test-session"))
        operator = await clients.enter_async_context(client(server, "operator"))
        watch = HealthStub(operator).Watch(health_pb2.HealthCheckRequest(), timeout=20)
        statuses = [(await watch.read()).status]
        running = asyncio.ensure_future(IntentServiceStub(channel).Classify(REQUEST, timeout=10))
        await asyncio.wait_for(patient.started.wait(), 5)
        closing = asyncio.create_task(stack.aclose())
        statuses.append((await watch.read()).status)
        watch.cancel()
        late = await late_call(server, IntentServiceStub(operator))
        assert not running.done()
        patient.finish.set()
        answer = await running
        await asyncio.wait_for(closing, 5)
    assert statuses == [SERVING, NOT_SERVING]
    assert isinstance(late, ServiceUnavailable)
    assert answer.classification.language_code == "zh"


async def late_call(server: Served, stub: Any) -> KefuError:
    """What a call gets that comes after the drain began."""
    error: KefuError = await error_of(stub.Classify(REQUEST, timeout=5))
    return error


async def test_a_call_that_does_not_finish_is_cut_off_after_the_grace() -> None:
    """A process ends, whatever its handlers do; the cancelled call is on record."""
    patient = Patient()
    async with AsyncExitStack() as clients:
        stack = AsyncExitStack()
        server = await stack.enter_async_context(serve("intent", patient.build, drain_seconds=0.2))
        channel = await clients.enter_async_context(client(server, "test-session"))
        running = asyncio.ensure_future(
            error_of(IntentServiceStub(channel).Classify(REQUEST, timeout=10))
        )
        await asyncio.wait_for(patient.started.wait(), 5)
        await asyncio.wait_for(stack.aclose(), 5)
        error = await running
    assert error.code.name in {"UNAVAILABLE", "CANCELLED"}
    assert patient.cancelled


async def test_a_drain_does_not_wait_for_those_who_watch() -> None:
    """A supervisor watches for as long as there is a server; it is told, and let go."""
    async with AsyncExitStack() as clients:
        stack = AsyncExitStack()
        server = await stack.enter_async_context(
            serve("intent", wired(*everything()), drain_seconds=30)
        )
        operator = await clients.enter_async_context(client(server, "operator"))
        watch = HealthStub(operator).Watch(health_pb2.HealthCheckRequest(), timeout=20)
        statuses = [(await watch.read()).status]
        closing = asyncio.create_task(stack.aclose())
        statuses.append((await watch.read()).status)
        with pytest.raises(grpc.RpcError) as caught:
            await watch.read()
        await asyncio.wait_for(closing, 5)
    assert statuses == [SERVING, NOT_SERVING]
    assert type(from_rpc_error(caught.value, "intent")) is ShuttingDown


async def test_two_servers_never_share_a_port() -> None:
    """The second says so; half of the calls would vanish else."""
    async with serve("intent", wired(*everything())) as server:
        with pytest.raises(KefuError, match="is taken by another process"):
            async with serve("intent", wired(), listen=server.address):
                pass
