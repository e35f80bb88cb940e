"""The trace sink: spans in over OTLP and mutual TLS, the story of a turn out."""

from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import count
from typing import Any

import grpc
import psycopg
import pytest
from kefu.client.status import from_rpc_error
from kefu.errors import MethodNotAllowed
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as pb
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub

from services.local.traces.__main__ import build
from services.local.traces.servicer import spans
from services.local.traces.settings import Settings
from services.local.traces.span import Branch, Kind, Span, tree
from services.local.traces.store import Store, find
from services.mesh.database import open_pool
from tests.support.mesh import Served, serve

TRACE = bytes(range(16))
TURN = "tenants/shop/sessions/s1/turns/t1"
MILLISECOND = 1_000_000
_ids = count(1)


def span(
    name: str,
    parent: Span | None = None,
    *,
    kind: Kind = Kind.SERVER,
    start_ms: int = 0,
    took_ms: int = 1,
    failed: bool = False,
    trace: bytes = TRACE,
    **attributes: Any,
) -> Span:
    """Make a span; its begin counts from a fixed moment of the year 2100."""
    begin = 4_102_444_800 * 1000 * MILLISECOND + start_ms * MILLISECOND
    return Span(
        trace_id=trace,
        span_id=next(_ids).to_bytes(8),
        parent_id=parent.span_id if parent else None,
        service=name.partition("/")[0],
        name=name,
        kind=kind,
        start_nanos=begin,
        end_nanos=begin + took_ms * MILLISECOND,
        failed=failed,
        attributes={key.replace("_", "."): value for key, value in attributes.items()},
    )


def outline(branches: list[Branch]) -> list[str]:
    """Return a tree as indented names."""
    return ["  " * each.depth + each.span.name for each in branches]


def test_a_tree_is_depth_first_and_siblings_stand_by_their_begin() -> None:
    """The reader follows the turn from top to bottom."""
    root = span("session/Reply", took_ms=50)
    late = span("generation/Generate", root, start_ms=30)
    early = span("intent/Classify", root, start_ms=5)
    below = span("intent/embed", early, kind=Kind.INTERNAL, start_ms=6)
    assert outline(tree([late, below, root, early])) == [
        "session/Reply",
        "  intent/Classify",
        "    intent/embed",
        "  generation/Generate",
    ]


def test_offsets_count_from_the_first_span() -> None:
    """Milliseconds from the begin of the turn, and how long each step took."""
    root = span("session/Reply", start_ms=100, took_ms=50)
    hop = span("intent/Classify", root, start_ms=107, took_ms=12)
    assert [(b.offset_ms, b.duration_ms) for b in tree([root, hop])] == [(0, 50), (7, 12)]


def test_a_hop_is_shown_once_by_the_side_that_did_the_work() -> None:
    """A client span is left out where the server span below it says the same."""
    root = span("session/Reply")
    call = span("call intent", root, kind=Kind.CLIENT)
    answered = span("intent/Classify", call)
    assert outline(tree([root, call, answered])) == ["session/Reply", "  intent/Classify"]


def test_a_call_that_never_arrived_is_shown() -> None:
    """A dead service leaves no span, so the caller's has to stand for it."""
    root = span("session/Reply")
    lost = span("call intent", root, kind=Kind.CLIENT, failed=True)
    assert outline(tree([root, lost])) == ["session/Reply", "  call intent"]


def test_spans_of_a_lost_parent_stand_as_roots() -> None:
    """A process that was killed before it exported takes nothing else with it."""
    lost = span("session/Reply")
    assert outline(tree([span("intent/Classify", lost)])) == ["intent/Classify"]


def test_no_spans_make_no_tree() -> None:
    """An unknown trace is empty, not an error."""
    assert tree([]) == []


def batch(*found: Span, service: str = "session") -> pb.ExportTraceServiceRequest:
    """Return spans as an exporter sends them."""
    request = pb.ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = service
    scope = resource.scope_spans.add()
    for each in found:
        sent = scope.spans.add(
            trace_id=each.trace_id,
            span_id=each.span_id,
            parent_span_id=each.parent_id or b"",
            name=each.name,
            kind=int(each.kind),
            start_time_unix_nano=each.start_nanos,
            end_time_unix_nano=each.end_nanos,
        )
        sent.status.code = 2 if each.failed else 0
        for key, value in each.attributes.items():
            field = "int_value" if isinstance(value, int) else "string_value"
            setattr(sent.attributes.add(key=key).value, field, value)
    return request


def test_a_batch_is_read_as_it_was_sent() -> None:
    """Service, parents, times, status and typed attributes survive."""
    root = span("session/Reply", kefu_turn=TURN, rpc_code=0)
    hop = span("session/embed", root, failed=True)
    assert list(spans(batch(root, hop))) == [root, hop]


def test_a_span_without_valid_ids_is_left_out() -> None:
    """It could be found by nothing; the rest of the batch is kept."""
    request = batch(good := span("session/Reply"))
    request.resource_spans[0].scope_spans[0].spans.add(trace_id=b"short", span_id=b"x")
    assert list(spans(request)) == [good]


def test_a_list_attribute_becomes_one_text() -> None:
    """`gen_ai.response.finish_reasons` is a list by its convention."""
    request = batch(span("generation/chat"))
    value = request.resource_spans[0].scope_spans[0].spans[0].attributes.add(key="reasons").value
    for word in ("stop", "length"):
        value.array_value.values.add(string_value=word)
    assert next(iter(spans(request))).attributes == {"reasons": "stop, length"}


@pytest.fixture
async def sink(database_url: str) -> AsyncIterator[Served]:
    """The sink, as `kefu up` runs it."""
    async with serve("traces", build, Settings, database_url=database_url) as served:
        yield served


def stored(database_url: str, wanted: str) -> list[Span]:
    """Look spans up as `kefu trace` does."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        return find(connection, wanted)


async def test_exported_spans_are_found_by_trace_and_by_turn(
    sink: Served, database_url: str
) -> None:
    """A trace id, the name of a turn, or the last part of that name lead to the same spans."""
    root = span("session/Reply", kefu_turn=TURN)
    hop = span("session/embed", root, start_ms=1)
    stub = sink.stub(TraceServiceStub, role="reporter")
    await stub.Export(batch(root, hop), timeout=10)
    for wanted in (TRACE.hex(), TURN, "t1"):
        assert stored(database_url, wanted) == [root, hop]


async def test_a_batch_that_is_sent_again_changes_nothing(sink: Served, database_url: str) -> None:
    """Exporters repeat a batch whose answer was lost."""
    trace = b"again".ljust(16)
    request = batch(span("session/Reply", trace=trace))
    stub = sink.stub(TraceServiceStub, role="reporter")
    for _ in range(2):
        await stub.Export(request, timeout=10)
    assert len(stored(database_url, trace.hex())) == 1


async def test_only_services_may_export(sink: Served) -> None:
    """A customer's channel cannot write into anybody's trace."""
    stub = sink.stub(TraceServiceStub, role="channel")
    with pytest.raises(grpc.RpcError) as refused:
        await stub.Export(batch(span("session/Reply")), timeout=10)
    assert isinstance(from_rpc_error(refused.value, "traces"), MethodNotAllowed)


async def test_the_first_trace_of_a_turn_is_shown(sink: Served, database_url: str) -> None:
    """A repeat of a request is a trace of its own; the story is in the first."""
    turn = "tenants/shop/sessions/s1/turns/repeated"
    first = span("session/Reply", trace=b"first".ljust(16), kefu_turn=turn)
    repeat = span("session/Reply", trace=b"repeat".ljust(16), kefu_turn=turn, start_ms=900)
    stub = sink.stub(TraceServiceStub, role="reporter")
    await stub.Export(batch(repeat, first), timeout=10)
    assert stored(database_url, turn) == [first]


async def test_a_turn_id_of_32_hex_digits_is_found_all_the_same(
    sink: Served, database_url: str
) -> None:
    """A turn's id may look like a trace id."""
    turn = "ab" * 16
    sent = span(
        "session/Reply", trace=b"hex".ljust(16), kefu_turn=f"tenants/shop/sessions/s/turns/{turn}"
    )
    await sink.stub(TraceServiceStub, role="reporter").Export(batch(sent), timeout=10)
    assert stored(database_url, turn) == [sent]


async def test_old_spans_are_forgotten(sink: Served, database_url: str) -> None:
    """Retention goes by the begin of the span; younger ones stay."""
    old = span("session/Reply", trace=b"old".ljust(16), start_ms=-4_000_000_000_000)
    young = span("session/Reply", trace=b"young".ljust(16))
    await sink.stub(TraceServiceStub, role="reporter").Export(batch(old, young), timeout=10)
    async with open_pool(database_url) as pool:
        assert await Store(pool).forget(timedelta(days=7)) == 1
    assert not stored(database_url, old.trace_id.hex())
    assert stored(database_url, young.trace_id.hex()) == [young]


def test_nothing_is_found_for_an_unknown_word(database_url: str) -> None:
    """A typing error is an empty answer."""
    assert stored(database_url, "no such turn") == []
