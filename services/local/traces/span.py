"""A span, and the tree that the spans of a trace make. Knows neither gRPC nor the database."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

ERROR_CODES = range(1, 17)
"""gRPC status codes that are failures; 0 is OK."""


class Kind(IntEnum):
    """Where in a call a span was measured (values of OTLP's Span.SpanKind)."""

    UNSPECIFIED = 0
    INTERNAL = 1
    SERVER = 2
    CLIENT = 3
    PRODUCER = 4
    CONSUMER = 5


@dataclass(frozen=True, slots=True)
class Span:
    """One measured piece of work.

    Attributes:
        trace_id: 16 bytes.
        span_id: 8 bytes.
        parent_id: 8 bytes; None for the root of a trace.
        service: the service that measured it.
        name: the method, or what else was done.
        kind: where in a call it was measured.
        start_nanos: begin, in nanoseconds since the epoch.
        end_nanos: end, in the same unit.
        failed: whether its status says error.
        attributes: its attributes by name: ids, labels, counts.
    """

    trace_id: bytes
    span_id: bytes
    parent_id: bytes | None
    service: str
    name: str
    kind: Kind
    start_nanos: int
    end_nanos: int
    failed: bool
    attributes: Mapping[str, str | int | float | bool]


@dataclass(frozen=True, slots=True)
class Branch:
    """A span at its place in the tree.

    Attributes:
        span: the span.
        depth: 0 at the root.
        offset_ms: begin after the first span of the trace, in milliseconds.
        duration_ms: in milliseconds.
    """

    span: Span
    depth: int
    offset_ms: float
    duration_ms: float


def tree(spans: Sequence[Span]) -> list[Branch]:
    """Order the spans of one trace for showing: depth first, siblings by their begin.

    A client span whose only child is the server span of the same call is left out where it adds
    nothing: the hop is shown once, by the side that did the work. Spans whose parent never
    arrived (a process that was killed, a caller outside of the mesh) stand as roots.
    """
    known = {span.span_id for span in spans}
    children: dict[bytes | None, list[Span]] = defaultdict(list)
    for span in sorted(spans, key=lambda each: (each.start_nanos, each.span_id)):
        children[span.parent_id if span.parent_id in known else None].append(span)
    begin = min((span.start_nanos for span in spans), default=0)

    def walk(parent: bytes | None, depth: int) -> Iterator[Branch]:
        for span in children[parent]:
            if _is_answered_call(span, children[span.span_id]):
                yield from walk(span.span_id, depth)
                continue
            yield Branch(
                span,
                depth,
                (span.start_nanos - begin) / 1e6,
                (span.end_nanos - span.start_nanos) / 1e6,
            )
            yield from walk(span.span_id, depth + 1)

    return list(walk(None, 0))


def _is_answered_call(span: Span, below: Sequence[Span]) -> bool:
    return (
        span.kind is Kind.CLIENT
        and len(below) == 1
        and below[0].kind is Kind.SERVER
        and span.failed == below[0].failed
    )
