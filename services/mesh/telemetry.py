"""Spans out over plain OTLP, W3C context to the next hop."""

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from services.mesh.tls import KeyPair

_PROPAGATOR = TraceContextTextMapPropagator()
# Short enough that a trace can be looked at right after its turn, long enough to batch.
_EXPORT_MILLISECONDS = 500


def tracer_provider(service: str, otlp_endpoint: str, keys: KeyPair) -> TracerProvider:
    """The spans of this process, sent to a collector where one is configured.

    Args:
        service: `service.name` of the spans.
        otlp_endpoint: `host:port` over mTLS; empty: nothing is sent.
        keys: this service's certificate.
    """
    provider = TracerProvider(resource=Resource({SERVICE_NAME: service}), shutdown_on_exit=False)
    if otlp_endpoint:
        exporter = OTLPSpanExporter(
            endpoint=f"https://{otlp_endpoint}", credentials=keys.channel_credentials(), timeout=5
        )
        provider.add_span_processor(
            BatchSpanProcessor(exporter, schedule_delay_millis=_EXPORT_MILLISECONDS)
        )
    return provider


def outgoing_metadata() -> list[tuple[str, str]]:
    """The `traceparent` of the current span, for the next hop; empty outside a span."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return list(carrier.items())


def current_span() -> trace.Span:
    """The span of the call being served."""
    return trace.get_current_span()
