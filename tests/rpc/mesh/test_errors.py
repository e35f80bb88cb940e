"""Errors are raised with meaning on one side and arrive with the same meaning on the other."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from kefu import errors
from kefu.client.status import DETAILS_KEY, from_rpc_error, to_status
from kefu.errors import Code, KefuError, TurnInProgress
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

from services.mesh.server import Registration
from services.mesh.service import Build
from tests.rpc.mesh.conftest import Lines
from tests.support.mesh import answering, error_of, serve, wired

REQUEST = ClassifyRequest(tenant="tenants/shop", text="我的电话是13800138000")
SECRET = "postgresql://kefu:hunter2@10.0.0.5/db 13800138000"


def intent(classify: Any) -> Build:
    """A service whose Classify does that."""
    servicer = answering(IntentServiceServicer, Classify=classify)
    return wired((add_IntentServiceServicer_to_server, servicer))


def raising(error: BaseException) -> Build:
    """A service whose Classify fails so."""

    async def classify(request: Any, context: Any) -> ClassifyResponse:
        raise error

    return intent(classify)


async def failure(build: Build) -> KefuError:
    """What the caller of Classify gets."""
    async with serve("intent", build) as server:
        stub = server.stub(IntentServiceStub, role="session")
        error: KefuError = await error_of(stub.Classify(REQUEST, timeout=5))
        return error


async def test_a_domain_error_arrives_as_itself() -> None:
    """Class, code, facts and the time to wait; and the trace to look it up by."""
    raised = TurnInProgress(session="tenants/shop/sessions/1", retry_after_seconds=1.5)
    error = await failure(raising(raised))
    assert type(error) is TurnInProgress
    assert error.metadata["session"] == "tenants/shop/sessions/1"
    assert error.retry_after_seconds == 1.5
    assert len(error.trace_id) == 32


async def test_the_status_carries_what_google_asks_for() -> None:
    """AIP-193: one ErrorInfo, RetryInfo, and a sentence for the customer in each language."""
    async with serve("intent", raising(TurnInProgress(retry_after_seconds=2))) as server:
        stub = server.stub(IntentServiceStub, role="session")
        with pytest.raises(grpc.RpcError) as caught:
            await stub.Classify(REQUEST, timeout=5)
    trailers = dict(caught.value.trailing_metadata())
    status = status_pb2.Status.FromString(trailers[DETAILS_KEY])
    assert status.code == Code.ABORTED
    assert status.message == caught.value.details()
    kinds = [detail.type_url.rpartition(".")[2] for detail in status.details]
    assert kinds == ["ErrorInfo", "RetryInfo", "LocalizedMessage", "LocalizedMessage"]
    info = error_details_pb2.ErrorInfo.FromString(status.details[0].value)
    assert (info.reason, info.domain) == ("TURN_IN_PROGRESS", "kefu")
    assert trailers["kefu-trace-id"] == info.metadata["trace_id"]


@pytest.mark.parametrize("word", ["x" * 60, "长" * 20])
async def test_an_error_that_no_client_would_take_is_shortened(word: str) -> None:
    """It travels in trailers, which have a limit: reason, facts and the beginning arrive."""
    raised = errors.InvalidRequest(
        "\n".join([word] * 200), violations=[(f"field_{n}", word) for n in range(200)]
    )
    raised.metadata["limit"] = "7"
    error = await failure(raising(raised))
    assert type(error) is errors.InvalidRequest
    assert error.message.startswith(word)
    assert error.message.endswith("(shortened)")
    assert error.metadata["limit"] == "7"
    assert error.violations == []


async def test_an_unmapped_exception_keeps_its_text_to_itself(log_lines: Lines) -> None:
    """The caller gets an error id; the log has it too, with types and places but no text."""
    cause = KeyError(SECRET)
    exception = RuntimeError(SECRET)
    exception.__cause__ = cause
    error = await failure(raising(exception))
    lines = log_lines()
    assert (error.code, error.reason) == (Code.INTERNAL, "INTERNAL")
    assert SECRET not in str(error) + str(error.metadata)
    [line] = [each for each in lines if each.get("error_id") == error.metadata["error_id"]]
    assert [each["type"] for each in line["exception"]] == ["RuntimeError", "KeyError"]
    assert any("test_errors.py" in frame for frame in line["exception"][0]["frames"])
    assert line["trace_id"] == error.trace_id
    assert "hunter2" not in str(lines)
    assert "13800138000" not in str(lines)


async def test_an_answer_of_the_wrong_type_is_a_defect_of_ours() -> None:
    """It fails where it is written to the wire, which is inside the chain as well."""

    async def classify(request: Any, context: Any) -> Any:
        return SECRET

    error = await failure(intent(classify))
    assert error.code is Code.INTERNAL
    assert SECRET not in str(error)


async def test_a_stray_cancellation_is_answered() -> None:
    """A handler that awaited something cancelled fails; its caller does not wait in vain."""

    async def classify(request: Any, context: Any) -> ClassifyResponse:
        task = asyncio.create_task(asyncio.sleep(60))
        task.cancel()
        await task
        return ClassifyResponse()

    assert (await failure(intent(classify))).code is Code.INTERNAL


async def test_a_stream_ends_with_the_status_of_its_error() -> None:
    """What was sent before stays; then the typed error comes."""

    async def generate(request: Any, context: Any) -> AsyncIterator[GenerateResponse]:
        yield GenerateResponse(delta={"sequence": 1, "text": "七天"})
        raise errors.ModelUnavailable(provider="stub")

    servicer = answering(GenerationServiceServicer, Generate=generate)
    build = wired((add_GenerationServiceServicer_to_server, servicer))
    async with serve("generation", build) as server:
        stub = server.stub(GenerationServiceStub, role="session")
        call = stub.Generate(GenerateRequest(tenant="tenants/shop", question="退货？"), timeout=5)
        received = [(await call.read()).delta.text]
        with pytest.raises(grpc.RpcError) as caught:
            await call.read()
        error = from_rpc_error(caught.value, "generation")
        [event] = server.spooled()
    assert received == ["七天"]
    assert type(error) is errors.ModelUnavailable
    assert error.retryable
    assert (event.outcome, event.reason) == ("UNAVAILABLE", "MODEL_UNAVAILABLE")


async def test_an_unknown_method_is_unimplemented() -> None:
    """A service that is not served here has a class of its own on the client."""
    async with serve("intent", raising(RuntimeError())) as server:
        stub = server.stub(GenerationServiceStub, role="session")
        request = GenerateRequest(tenant="tenants/shop", question="?")
        error = await error_of(stub.Generate(request, timeout=5))
    assert type(error) is errors.MethodNotFound


def caller_of(address: str) -> Build:
    """A generation service whose Generate asks an intent service first, as services do."""

    @asynccontextmanager
    async def build(_settings: Any, mesh: Any) -> AsyncIterator[list[Registration]]:
        peer = mesh.peer("intent", IntentServiceStub, target=address)

        async def generate(request: Any, context: Any) -> AsyncIterator[GenerateResponse]:
            await peer.unary("Classify", REQUEST)
            yield GenerateResponse()

        servicer = answering(GenerationServiceServicer, Generate=generate)
        yield [(add_GenerationServiceServicer_to_server, servicer)]

    return build


async def through_a_hop(callee: Build) -> KefuError:
    """What a caller gets whose callee's callee fails."""
    async with (
        serve("intent", callee) as far,
        # Under the identity of the session service, which may call Classify.
        serve("session", caller_of(far.address), beside=far) as near,
    ):
        stub = near.stub(GenerationServiceStub, role="session")
        request = GenerateRequest(tenant="tenants/shop", question="?")
        error: KefuError = await error_of(stub.Generate(request, timeout=5))
        return error


async def test_an_error_crosses_two_hops_intact() -> None:
    """Raised two services away, caught by its class here."""
    error = await through_a_hop(raising(errors.IntentModelNotFound(tenant="tenants/shop")))
    assert type(error) is errors.IntentModelNotFound
    assert error.metadata["tenant"] == "tenants/shop"


async def test_the_words_of_a_foreign_server_do_not_cross() -> None:
    """Another company's action server may send anything as details; we say only that it failed."""

    async def classify(request: Any, context: Any) -> None:
        foreign = to_status(KefuError(SECRET))
        foreign.message = SECRET
        trailers = ((DETAILS_KEY, foreign.SerializeToString()),)
        await context.abort(grpc.StatusCode.UNKNOWN, SECRET, trailers)

    error = await through_a_hop(intent(classify))
    assert error.code is Code.UNKNOWN
    assert error.message == "the intent service failed with UNKNOWN"
    assert SECRET not in str(error.metadata)
