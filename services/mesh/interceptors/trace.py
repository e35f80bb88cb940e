"""One span for each call served, in the trace that the caller's `traceparent` names (W3C)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from services.mesh import names
from services.mesh.calls import Call, Middleware

_PROPAGATOR = TraceContextTextMapPropagator()
# Calls that carry telemetry themselves, or come every second, tell nothing about a turn.
UNTRACED = frozenset(
    {
        "opentelemetry.proto.collector.trace.v1.TraceService/Export",
        "kefu.audit.v1.AuditService/Record",
        "grpc.health.v1.Health/Check",
        "grpc.health.v1.Health/Watch",
    }
)


class Trace(Middleware):
    """Outermost: what every other step does is inside the span."""

    name = "trace"

    def __init__(self, tracer: trace.Tracer) -> None:
        self._tracer = tracer

    @asynccontextmanager
    async def around(self, call: Call) -> AsyncIterator[None]:
        """Open the span and tell the call its trace id; name the outcome when it ends."""
        if call.method in UNTRACED:
            yield
            return
        service, _, method = call.method.rpartition("/")
        with self._tracer.start_as_current_span(
            call.method,
            context=_PROPAGATOR.extract(call.metadata),
            kind=SpanKind.SERVER,
            attributes={
                names.RPC_SYSTEM: "grpc",
                names.RPC_SERVICE: service,
                names.RPC_METHOD: method,
            },
            record_exception=False,  # its text could hold a customer's words or a DSN
            set_status_on_exception=False,
        ) as span:
            context = span.get_span_context()
            call.trace_id = trace.format_trace_id(context.trace_id)
            call.span_id = trace.format_span_id(context.span_id)
            try:
                yield
            finally:
                _describe(span, call)


def _describe(span: trace.Span, call: Call) -> None:
    span.set_attribute(names.PEER_IDENTITY, call.identity)
    span.set_attribute(names.TENANT, call.tenant)
    if call.error is None:
        span.set_attribute(names.RPC_STATUS, 0)
        return
    span.set_attribute(names.RPC_STATUS, int(call.error.code))
    span.set_attribute(names.ERROR_REASON, call.error.reason)
    span.set_status(Status(StatusCode.ERROR, call.error.reason))
