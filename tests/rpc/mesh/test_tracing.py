"""One trace across all hops, in W3C form; telemetry holds no word of a customer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from kefu import errors
from kefu.generation.v1.generation_pb2 import EmbedRequest, EmbedResponse
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
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from services.mesh.calls import current
from services.mesh.server import Registration
from services.mesh.service import Build
from tests.support.contract import everything
from tests.support.mesh import answering, error_of, serve, wired

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT_ID = "00f067aa0ba902b7"
TRACEPARENT = (("traceparent", f"00-{TRACE_ID}-{PARENT_ID}-01"),)
WORDS = "我的电话是13800138000"
REQUEST = EmbedRequest(tenant="tenants/shop", texts=[WORDS], purpose=1)


def intent(seen: list[str], error: Exception | None = None) -> Build:
    """A service that notes its trace id, and fails where told to."""

    async def classify(request: Any, context: Any) -> ClassifyResponse:
        seen.append(current().trace_id)
        if error:
            raise error
        return ClassifyResponse()

    servicer = answering(IntentServiceServicer, Classify=classify)
    return wired((add_IntentServiceServicer_to_server, servicer))


def hop(address: str, spans: InMemorySpanExporter) -> Build:
    """A generation service that classifies what it is to embed.

    Args:
        address: of the intent service as a system outside; empty: as the mesh's own.
        spans: takes what is traced.
    """

    @asynccontextmanager
    async def build(_settings: Any, mesh: Any) -> AsyncIterator[list[Registration]]:
        mesh.tracer.span_processor.add_span_processor(SimpleSpanProcessor(spans))
        peer = mesh.peer("intent", IntentServiceStub, target=address)

        async def embed(request: Any, context: Any) -> EmbedResponse:
            question = ClassifyRequest(tenant=request.tenant, text=request.texts[0])
            await peer.unary("Classify", question)
            return EmbedResponse()

        servicer = answering(GenerationServiceServicer, Embed=embed)
        yield [(add_GenerationServiceServicer_to_server, servicer)]

    return build


def hexadecimal(span: ReadableSpan) -> tuple[str, str]:
    """Trace id and id of the parent."""
    assert span.context is not None
    parent = f"{span.parent.span_id:016x}" if span.parent else ""
    return f"{span.context.trace_id:032x}", parent


async def test_the_callers_trace_goes_through_every_hop() -> None:
    """In from the caller's traceparent, out to the next hop and into the audit of both."""
    seen: list[str] = []
    spans = InMemorySpanExporter()
    async with (
        serve("intent", intent(seen)) as far,
        serve("session", hop("", spans), beside=far, peers={"intent": far.address}) as near,
    ):
        stub = near.stub(GenerationServiceStub, role="session")
        await stub.Embed(REQUEST, timeout=5, metadata=TRACEPARENT)
        events = [*near.spooled(), *far.spooled()]
    [span] = spans.get_finished_spans()
    assert seen == [TRACE_ID]
    assert [event.trace_id for event in events] == [TRACE_ID, TRACE_ID]
    assert hexadecimal(span) == (TRACE_ID, PARENT_ID)
    assert span.name == "kefu.generation.v1.GenerationService/Embed"
    assert span.kind is SpanKind.SERVER
    assert span.attributes is not None
    assert span.attributes["kefu.peer.identity"] == "spiffe://kefu.local/ns/kefu/sa/test-session"
    assert span.attributes["kefu.tenant"] == "shop"
    assert span.attributes["rpc.grpc.status_code"] == 0
    assert WORDS not in span.to_json()


async def test_a_call_to_a_system_outside_leaves_a_client_span() -> None:
    """A company's own system sends no spans here; what was asked of it is still in the trace."""
    spans = InMemorySpanExporter()
    async with (
        serve("intent", intent([])) as far,
        serve("session", hop(far.address, spans), beside=far) as near,
    ):
        stub = near.stub(GenerationServiceStub, role="session")
        await stub.Embed(REQUEST, timeout=5, metadata=TRACEPARENT)
    outgoing, served = spans.get_finished_spans()
    assert (outgoing.kind, outgoing.name) == (SpanKind.CLIENT, "intent/Classify")
    assert outgoing.status.is_ok
    assert hexadecimal(outgoing) == (TRACE_ID, f"{served.context.span_id:016x}")


async def test_a_call_without_a_trace_starts_one() -> None:
    """Also where the header makes no sense."""
    spans = InMemorySpanExporter()
    async with serve("generation", wired(*everything(), spans=spans)) as server:
        stub = server.stub(GenerationServiceStub, role="session")
        await stub.Embed(REQUEST, timeout=5)
        await stub.Embed(REQUEST, timeout=5, metadata=(("traceparent", "00-nonsense"),))
        recorded = [event.trace_id for event in server.spooled()]
    ids = [hexadecimal(span) for span in spans.get_finished_spans()]
    assert [trace for trace, _ in ids] == recorded
    assert len(set(recorded)) == 2
    assert all(len(each) == 32 for each in recorded)
    assert [parent for _, parent in ids] == ["", ""]


async def test_a_failed_call_to_a_peer_leaves_a_client_span() -> None:
    """A call that never arrived has no server span; its place in the trace is not empty."""
    spans = InMemorySpanExporter()
    gone = "127.0.0.1:1"  # nothing listens there
    async with serve("session", hop(gone, spans)) as server:
        stub = server.stub(GenerationServiceStub, role="session")
        error = await error_of(stub.Embed(REQUEST, timeout=5, metadata=TRACEPARENT))
    client, served = spans.get_finished_spans()
    assert type(error) is errors.ServiceUnavailable
    assert error.metadata["service"] == "intent"
    assert (client.name, client.kind) == ("intent/Classify", SpanKind.CLIENT)
    assert client.status.status_code is StatusCode.ERROR
    assert client.attributes is not None
    assert client.attributes["kefu.error.reason"] == "SERVICE_UNAVAILABLE"
    assert served.context is not None
    assert hexadecimal(client) == (TRACE_ID, f"{served.context.span_id:016x}")


async def test_a_failed_call_says_so_on_its_span() -> None:
    """Code and reason; the text of an exception could hold a customer's words."""
    spans = InMemorySpanExporter()

    async def embed(request: Any, context: Any) -> EmbedResponse:
        raise ValueError(WORDS)

    servicer = answering(GenerationServiceServicer, Embed=embed)
    build = wired((add_GenerationServiceServicer_to_server, servicer), spans=spans)
    async with serve("generation", build) as server:
        stub = server.stub(GenerationServiceStub, role="session")
        await error_of(stub.Embed(REQUEST, timeout=5))
    [span] = spans.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == "INTERNAL"
    assert span.events == ()
    assert WORDS not in span.to_json()
