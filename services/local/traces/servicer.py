"""OTLP's TraceService/Export: protobuf in, spans out."""

from collections.abc import Iterable
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as pb
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as pb_grpc
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2

from services.local.traces.span import Kind, Span
from services.local.traces.store import Store


class TraceServicer(pb_grpc.TraceServiceServicer):
    """Takes the spans that the services export."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def Export(
        self, request: pb.ExportTraceServiceRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.ExportTraceServiceResponse:
        """Keep all spans of a batch."""
        await self._store.add(list(spans(request)))
        return pb.ExportTraceServiceResponse()


def spans(request: pb.ExportTraceServiceRequest) -> Iterable[Span]:
    """Return the spans of a batch; one without a valid id cannot be kept and is left out."""
    for resource in request.resource_spans:
        service = str(_attributes(resource.resource.attributes).get("service.name", "unknown"))
        for scope in resource.scope_spans:
            for span in scope.spans:
                if len(span.trace_id) == 16 and len(span.span_id) == 8:
                    yield _span(service, span)


def _span(service: str, span: trace_pb2.Span) -> Span:
    return Span(
        trace_id=span.trace_id,
        span_id=span.span_id,
        parent_id=span.parent_span_id or None,
        service=service,
        name=span.name,
        kind=Kind(span.kind),
        start_nanos=span.start_time_unix_nano,
        end_nanos=span.end_time_unix_nano,
        failed=span.status.code == trace_pb2.Status.STATUS_CODE_ERROR,
        attributes=_attributes(span.attributes),
    )


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, str | int | float | bool]:
    return {pair.key: _plain(pair.value) for pair in pairs}


def _plain(value: AnyValue) -> str | int | float | bool:
    """Return a scalar as it is and a list joined; nothing here sends anything deeper."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return ", ".join(str(_plain(each)) for each in value.array_value.values)
    if kind in ("string_value", "int_value", "double_value", "bool_value"):
        scalar: str | int | float | bool = getattr(value, kind)
        return scalar
    return ""
