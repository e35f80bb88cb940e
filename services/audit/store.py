"""The record in PostgreSQL: appended under the chain's lock, read, verified, and let go by day.

There is no statement here that changes or deletes a record; the database refuses them as well.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import structlog
from psycopg import AsyncConnection, sql
from psycopg.errors import LockNotAvailable
from psycopg.rows import TupleRow

from services.audit.append import carry_on, empty_head
from services.audit.checkpoint import Checkpoint, Purpose, Signer, Statement
from services.audit.event import NO_TENANT, Event, EventFilter, Record
from services.audit.verify import Evidence, Kind, Problem, Verdict, Verifier
from services.mesh.database import Pool, storage_errors

Connection = AsyncConnection[TupleRow]

PARTITION_DAYS_AHEAD = 7
"""Partitions made in advance: a week of failed upkeep passes before an append finds no place."""

CLOCK_SKEW = timedelta(days=1)
"""How far a caller's clock may be ahead of ours before a time filter overlooks its events."""

WALK_ROWS = 500
"""Rows fetched at once while verifying: some 300 kB, and 10 ms of work between two waits."""

_EVENT_COLUMNS = (
    "event_id", "time", "service", "method", "identity", "end_user", "resource", "outcome",
    "reason", "latency_us", "trace_id",
)  # fmt: skip

_COLUMNS = ", ".join(
    ("chain", "sequence", "recorded_at", *_EVENT_COLUMNS, "labels", "previous_hash", "hash")
)

_SELECT = f"SELECT {_COLUMNS} FROM audit_events WHERE chain = %(chain)s"

_SELECT_STATEMENTS = (
    "SELECT purpose, chain, sequence, hash, time, signature, public_key FROM audit_statements "
)

_INSERT_STATEMENT = (
    "INSERT INTO audit_statements (purpose, chain, sequence, hash, time, signature, public_key) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (chain, purpose) "
)

_KEEP = "DO NOTHING"

_REPLACE = (
    "DO UPDATE SET (sequence, hash, time, signature, public_key) = (excluded.sequence, "
    "excluded.hash, excluded.time, excluded.signature, excluded.public_key)"
)

_CONDITIONS = {
    "start_time": "time >= %(start_time)s AND recorded_at >= %(start_time)s - %(skew)s",
    "end_time": "time < %(end_time)s",
    "method": "method = %(method)s",
    "identity": "identity = %(identity)s",
    "outcome": "outcome = %(outcome)s",
    "trace_id": "trace_id = %(trace_id)s",
    "resource_prefix": "starts_with(resource, %(resource_prefix)s)",
}

_log = structlog.get_logger("kefu.audit")


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of a batch."""

    appended: int
    duplicates: int


def utc_now() -> datetime:
    """Return the present moment, in UTC."""
    return datetime.now(UTC)


class Store:
    """The chains of all tenants."""

    def __init__(self, pool: Pool, signer: Signer, clock: Callable[[], datetime] = utc_now) -> None:
        """Keep the record in the database of `pool`; sign heads and anchors with `signer`.

        Args:
            pool: Connections to the database.
            signer: Holder of the service's key.
            clock: Tells when records are appended, in UTC.
        """
        self.public_key = signer.public_key
        """Raw Ed25519 key that heads and anchors are signed with, 32 bytes."""
        self._pool = pool
        self._signer = signer
        self._clock = clock

    async def append(self, events: Sequence[Event]) -> Appended:
        """Append a batch, all or nothing; events whose id is known are left out.

        Batches of one chain wait for each other. Chains are locked, and ids are taken, in sorted
        order, so that two batches never wait for one another in a circle.

        Raises:
            StorageUnavailable: nothing was appended, or it was and the answer was lost; the same
                batch can be sent again.
        """
        async with self._transaction() as connection:
            heads = await self._lock_heads(connection, sorted({event.chain for event in events}))
            fresh = await self._take_ids(connection, events)
            now = self._clock()
            records: list[Record] = []
            for chain, head in heads.items():
                mine = [event for event in fresh if event.chain == chain]
                if not mine:
                    continue
                extension = carry_on(head, mine, self._signer, now)
                if extension.head_was_replaced:
                    _log.error("audit.head_replaced", chain=chain, sequence=head.statement.sequence)
                records += extension.records
                await self._put_statement(connection, extension.head, _REPLACE)
            await self._copy(connection, records)
        return Appended(len(fresh), len(events) - len(fresh))

    async def list_records(
        self, chain: str, wanted: EventFilter, before: int | None, limit: int
    ) -> list[Record]:
        """Return up to `limit` records of a chain, newest first, with sequences below `before`."""
        given = {name: getattr(wanted, name) for name in _CONDITIONS if getattr(wanted, name)}
        conditions = [_CONDITIONS[name] for name in given]
        if before is not None:
            conditions.append("sequence < %(before)s")
        query = " AND ".join([_SELECT, *conditions]) + " ORDER BY sequence DESC LIMIT %(limit)s"
        values = {**given, "chain": chain, "before": before, "limit": limit, "skew": CLOCK_SKEW}
        async with self._transaction() as connection:
            cursor = await connection.execute(query, values)
            return [_record(row) async for row in cursor]

    async def statements(self, chain: str) -> tuple[Checkpoint, Checkpoint | None]:
        """Return a chain's signed head and, where retention removed records, its anchor.

        The head of a chain without records has sequence 0 and is signed at this moment.
        """
        async with self._transaction() as connection:
            head = await self._statement(connection, chain, Purpose.CHECKPOINT)
            anchor = await self._statement(connection, chain, Purpose.ANCHOR)
        return head or empty_head(chain, self._signer, self._clock()), anchor

    async def verify(self, chain: str, known: Checkpoint | None) -> Verdict:
        """Walk a chain as it stands now, while appends go on, and find the first problem.

        Args:
            chain: Its name.
            known: A checkpoint kept elsewhere that the chain must still contain.
        """
        async with self._transaction() as connection:
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            head = await self._statement(connection, chain, Purpose.CHECKPOINT)
            anchor = await self._statement(connection, chain, Purpose.ANCHOR)
            evidence = Evidence(
                chain=chain,
                public_key=self.public_key,
                anchor=anchor,
                head=head,
                checkpoint=known,
            )
            verifier = Verifier(evidence)
            # Whoever stops at a problem closes the cursor before the connection serves another.
            async with aclosing(_walk(connection, chain)) as records:
                async for record in records:
                    if not verifier.feed(record):
                        break
        verdict = verifier.finish()
        if verdict.ok and verdict.records and head is None:
            problem = Problem(Kind.HEAD_REPLACED, verdict.records, "", "the chain's head is gone")
            return Verdict(verdict.records, problem)
        return verdict

    async def make_partitions(self, today: date) -> None:
        """Make the partitions of `today` and the days ahead, where they are missing."""
        for ahead in range(PARTITION_DAYS_AHEAD + 1):
            async with self._transaction() as connection:
                day = today + timedelta(days=ahead)
                await connection.execute("SELECT audit_make_partition(%s)", [day])

    async def drop_before(self, first_kept: date) -> list[date]:
        """Let go of whole days before `first_kept`, oldest first; return those that went.

        Each chain keeps a signed anchor of its last record that went, from which the rest
        verifies. A day that a running verification reads is left for the next time, because
        waiting for it would make every append wait as well.
        """
        async with self._transaction() as connection:
            cursor = await connection.execute("SELECT audit_partition_days()")
            expired = [day async for (day,) in cursor if day < first_kept]
        for done, day in enumerate(expired):
            try:
                await self._drop(day)
            except LockNotAvailable:
                _log.warning("audit.retention_postponed", day=day.isoformat())
                return expired[:done]
        return expired

    async def _drop(self, day: date) -> None:
        table = sql.Identifier(f"audit_events_{day:%Y%m%d}")
        newest = sql.SQL(
            "SELECT DISTINCT ON (chain) chain, sequence, hash, recorded_at "
            "FROM {} ORDER BY chain, sequence DESC"
        )
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute("SET LOCAL lock_timeout = '2s'")
            cursor = await connection.execute(newest.format(table))
            for chain, sequence, digest, recorded_at in await cursor.fetchall():
                last = Statement(Purpose.ANCHOR, chain, sequence, digest, recorded_at)
                await self._put_statement(connection, self._signer.sign(last), _REPLACE)
            await connection.execute(sql.SQL("DROP TABLE {}").format(table))
            await connection.execute("DELETE FROM audit_event_ids WHERE recorded_on <= %s", [day])

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Connection]:
        async with (
            storage_errors(),
            self._pool.connection() as connection,
            connection.transaction(),
        ):
            yield connection

    async def _lock_heads(self, connection: Connection, chains: list[str]) -> dict[str, Checkpoint]:
        """Lock the heads of `chains` until the transaction ends, making those that are missing."""
        query = (
            f"{_SELECT_STATEMENTS} WHERE purpose = 'checkpoint' AND chain = ANY(%s) "
            "ORDER BY chain FOR UPDATE"
        )
        while True:
            cursor = await connection.execute(query, [chains])
            heads = [_checkpoint(row) async for row in cursor]
            found = {head.statement.chain: head for head in heads}
            if len(found) == len(chains):
                return found
            for chain in chains:
                if chain not in found:
                    await self._make_head(connection, chain)

    async def _make_head(self, connection: Connection, chain: str) -> None:
        """Make the head of a new chain, unless another batch makes it at this moment."""
        cursor = await connection.execute(
            "SELECT sequence, hash, recorded_at FROM audit_events WHERE chain = %s "
            "ORDER BY sequence DESC LIMIT 1",
            [chain],
        )
        row = await cursor.fetchone()
        if row is None:
            head = empty_head(chain, self._signer, self._clock())
        else:
            # Somebody removed the head of a chain that has records: go on without signing for it.
            head = Checkpoint(Statement(Purpose.CHECKPOINT, chain, *row), b"", b"")
        await self._put_statement(connection, head, _KEEP)

    async def _put_statement(
        self, connection: Connection, item: Checkpoint, on_conflict: str
    ) -> None:
        statement = item.statement
        await connection.execute(
            _INSERT_STATEMENT + on_conflict,
            [
                statement.purpose, statement.chain, statement.sequence, statement.hash,
                statement.time, item.signature, item.public_key,
            ],
        )  # fmt: skip

    async def _statement(
        self, connection: Connection, chain: str, purpose: Purpose
    ) -> Checkpoint | None:
        cursor = await connection.execute(
            f"{_SELECT_STATEMENTS} WHERE chain = %s AND purpose = %s", [chain, purpose]
        )
        row = await cursor.fetchone()
        return None if row is None else _checkpoint(row)

    async def _take_ids(self, connection: Connection, events: Sequence[Event]) -> list[Event]:
        """Return the events whose ids were not known, each once, in the order of the batch."""
        first: dict[str, Event] = {}
        for event in events:
            first.setdefault(event.event_id, event)
        cursor = await connection.execute(
            "INSERT INTO audit_event_ids (event_id, recorded_on) "
            "SELECT id, %s FROM unnest(%s::uuid[]) AS id ORDER BY id "
            "ON CONFLICT DO NOTHING RETURNING event_id::text",
            [self._clock().date(), list(first)],
        )
        taken = {event_id async for (event_id,) in cursor}
        return [event for event in first.values() if event.event_id in taken]

    async def _copy(self, connection: Connection, records: Iterable[Record]) -> None:
        async with (
            connection.cursor() as cursor,
            cursor.copy(f"COPY audit_events ({_COLUMNS}) FROM STDIN") as copy,
        ):
            for record in records:
                await copy.write_row(_row(record))


async def _walk(connection: Connection, chain: str) -> AsyncGenerator[Record, None]:
    async with connection.cursor(name="walk") as cursor:
        cursor.itersize = WALK_ROWS
        await cursor.execute(f"{_SELECT} ORDER BY sequence, recorded_at", {"chain": chain})
        async for row in cursor:
            yield _record(row)


def _row(record: Record) -> tuple[object, ...]:
    event = record.event
    values = (getattr(event, name) for name in _EVENT_COLUMNS)
    place = (event.chain, record.sequence, record.recorded_at)
    return (*place, *values, json.dumps(dict(event.labels)), record.previous_hash, record.hash)


def _record(row: TupleRow) -> Record:
    chain, sequence, recorded_at, *values, labels, previous_hash, digest = row
    tenant = chain.removeprefix("tenants/")
    event = Event(
        tenant="" if tenant == NO_TENANT else tenant,
        labels=labels,
        **dict(zip(_EVENT_COLUMNS, values, strict=True)),
    )
    return Record(sequence, recorded_at, event, previous_hash, digest)


def _checkpoint(row: TupleRow) -> Checkpoint:
    purpose, chain, sequence, digest, time, signature, public_key = row
    return Checkpoint(
        Statement(Purpose(purpose), chain, sequence, digest, time), signature, public_key
    )
