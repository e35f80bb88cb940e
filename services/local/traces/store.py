"""The SQL of the spans."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from psycopg import Connection, connect
from psycopg.rows import TupleRow

from services.local.traces.span import Kind, Span
from services.mesh.database import Pool, storage_errors

MOST_SPANS = 10_000
"""Spans of one trace that are read back: a turn has some dozens."""


class Store:
    """Spans in the database `kefu_traces`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add(self, spans: Sequence[Span]) -> None:
        """Keep spans; those already kept are left as they are.

        Raises:
            StorageUnavailable: the database does not answer.
        """
        columns = list(zip(*map(_row, spans), strict=True))
        if not columns:
            return
        async with storage_errors(), self._pool.connection() as connection:
            # One statement for the batch: a turn makes seven spans, and each would be a statement.
            await connection.execute(
                "INSERT INTO spans (trace_id, span_id, parent_id, service, name, kind, start_time,"
                " start_nanos, end_nanos, failed, attributes) SELECT * FROM unnest(%s::bytea[],"
                " %s::bytea[], %s::bytea[], %s::text[], %s::text[], %s::smallint[],"
                " %s::timestamptz[], %s::bigint[], %s::bigint[], %s::boolean[], %s::jsonb[])"
                " ON CONFLICT DO NOTHING",
                [list(column) for column in columns],
            )

    async def forget(self, age: timedelta) -> int:
        """Delete spans that began longer ago than `age`; return how many.

        Raises:
            StorageUnavailable: the database does not answer.
        """
        async with storage_errors(), self._pool.connection() as connection:
            done = await connection.execute(
                "DELETE FROM spans WHERE start_time < %s", [datetime.now(UTC) - age]
            )
            return done.rowcount


@contextmanager
def reader(url: str) -> Iterator[Connection[TupleRow]]:
    """A connection for `find`, closed after the block.

    Args:
        url: libpq connection string of the database `kefu_traces`.
    """
    with connect(url, autocommit=True) as connection:
        yield connection


def find(connection: Connection[TupleRow], wanted: str) -> list[Span]:
    """Return the spans of a trace, by begin; none where it is not known.

    Args:
        connection: to the database `kefu_traces`.
        wanted: a trace id of 32 hex digits, the name of a turn, or the last part of that name.
    """
    found = _of_trace(connection, _hex(wanted))
    return found or _of_trace(connection, _by_turn(connection, wanted))


def _of_trace(connection: Connection[TupleRow], trace_id: bytes) -> list[Span]:
    rows = connection.execute(
        "SELECT trace_id, span_id, parent_id, service, name, kind, start_nanos, end_nanos, failed,"
        " attributes FROM spans WHERE trace_id = %s ORDER BY start_nanos LIMIT %s",
        [trace_id, MOST_SPANS],
    )
    return [
        Span(trace, span, parent, service, name, Kind(kind), start, end, failed, attributes)
        for trace, span, parent, service, name, kind, start, end, failed, attributes in rows
    ]


def _by_turn(connection: Connection[TupleRow], turn: str) -> bytes:
    """Return the trace in which a turn was taken first: a repeat of it has a trace of its own."""
    found = connection.execute(
        "SELECT trace_id FROM spans WHERE attributes ? 'kefu.turn'"
        " AND (attributes ->> 'kefu.turn' = %s"
        " OR split_part(attributes ->> 'kefu.turn', '/turns/', 2) = %s)"
        " ORDER BY start_nanos LIMIT 1",
        [turn, turn],
    ).fetchone()
    return found[0] if found else b""


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def _row(span: Span) -> tuple[object, ...]:
    begin = datetime.fromtimestamp(span.start_nanos / 1e9, UTC)
    return (
        span.trace_id,
        span.span_id,
        span.parent_id,
        span.service,
        span.name,
        int(span.kind),
        begin,
        span.start_nanos,
        span.end_nanos,
        span.failed,
        json.dumps(dict(span.attributes)),
    )
