"""What a service tells its caller with the end of a call, however that ends."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from grpc.aio import AioRpcError
from kefu.client.status import from_rpc_error
from kefu.errors import SessionClosed
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

from services.mesh.calls import trail
from tests.support.mesh import answering, serve, wired

CLASSIFY = ClassifyRequest(tenant="tenants/shop", text="你好")
GENERATE = GenerateRequest(tenant="tenants/shop", question="你好")


async def classify(request: Any, context: Any) -> ClassifyResponse:
    """Say two things, one of them twice."""
    trail({"kefu-left": "9", "kefu-other": "x"})
    trail({"kefu-left": "8"})
    return ClassifyResponse()


async def refuse(request: Any, context: Any) -> ClassifyResponse:
    """Say something and fail."""
    trail({"kefu-left": "0"})
    raise SessionClosed()


async def generate(request: Any, context: Any) -> AsyncIterator[GenerateResponse]:
    """Say something between two responses."""
    yield GenerateResponse()
    trail({"kefu-left": "7"})
    yield GenerateResponse()


async def test_the_newest_word_comes_with_the_answer() -> None:
    """A later value replaces an earlier one; other keys stay."""
    servicer = answering(IntentServiceServicer, Classify=classify)
    async with serve("intent", wired((add_IntentServiceServicer_to_server, servicer))) as server:
        call = server.stub(IntentServiceStub, role="session").Classify(CLASSIFY, timeout=5)
        await call
        told = dict(await call.trailing_metadata())
    assert (told["kefu-left"], told["kefu-other"]) == ("8", "x")


async def test_it_comes_with_the_end_of_a_stream() -> None:
    """Also what was said when the first response had left already."""
    servicer = answering(GenerationServiceServicer, Generate=generate)
    registration = (add_GenerationServiceServicer_to_server, servicer)
    async with serve("generation", wired(registration)) as server:
        call = server.stub(GenerationServiceStub, role="session").Generate(GENERATE, timeout=5)
        assert len([response async for response in call]) == 2
        told = dict(await call.trailing_metadata())
    assert told["kefu-left"] == "7"


async def test_it_comes_with_an_error_beside_its_details() -> None:
    """A refusal is what callers most want to know more about."""
    servicer = answering(IntentServiceServicer, Classify=refuse)
    async with serve("intent", wired((add_IntentServiceServicer_to_server, servicer))) as server:
        stub = server.stub(IntentServiceStub, role="session")
        with pytest.raises(AioRpcError) as refused:
            await stub.Classify(CLASSIFY, timeout=5)
    assert dict(refused.value.trailing_metadata())["kefu-left"] == "0"
    assert isinstance(from_rpc_error(refused.value, "intent"), SessionClosed)
