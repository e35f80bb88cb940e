"""Tickets in PostgreSQL: each request takes effect once, each change builds on the last."""

import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime

from kefu.errors import RequestIdReused, TicketNotFound
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.desk.ticket import (
    UNFINISHED,
    Change,
    Matter,
    Opening,
    Priority,
    Reason,
    Status,
    Ticket,
    opened,
)
from services.mesh.database import Pool, storage_errors

Connection = AsyncConnection[TupleRow]

_SELECT = (
    "SELECT tenant, ticket_id, session, reason, summary, language_code, slots, sentiment_trend, "
    "status, priority, assignee, create_time, update_time, revision FROM desk_tickets "
    "WHERE tenant = %(tenant)s"
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a request led to."""

    ticket: Ticket
    created: bool
    """Whether it opened this ticket."""


class Store:
    """The tickets of all tenants."""

    def __init__(self, pool: Pool) -> None:
        """Keep tickets in the database of `pool`."""
        self._pool = pool

    async def create(self, opening: Opening, request_id: str) -> Outcome:
        """Open a ticket, or return the unfinished one of the same session and reason.

        Raises:
            RequestIdReused: the id belongs to another request.
        """
        matter = opening.matter
        fingerprint = _fingerprint("create", opening)
        async with self._transaction() as connection:
            first = await self._first_result(connection, matter.tenant, request_id, fingerprint)
            if first:
                return first
            outcome = None
            if matter.session and not opening.allow_duplicate:
                outcome = await self._unfinished(connection, matter)
            if outcome is None:
                outcome = Outcome(opened(opening, datetime.now(UTC)), created=True)
                await _insert(connection, outcome.ticket)
            await _remember(connection, request_id, fingerprint, outcome)
        return outcome

    async def update(self, tenant: str, ticket_id: str, change: Change, request_id: str) -> Ticket:
        """Change a ticket.

        Raises:
            TicketNotFound: there is none of that name.
            EtagMismatch, TicketTransitionInvalid: see `Ticket.changed`.
            RequestIdReused: the id belongs to another request.
        """
        fingerprint = _fingerprint("update", change, ticket_id)
        async with self._transaction() as connection:
            first = await self._first_result(connection, tenant, request_id, fingerprint)
            if first:
                return first.ticket
            ticket = await _load(connection, tenant, ticket_id, " FOR UPDATE")
            after = ticket.changed(change, datetime.now(UTC))
            if after is not ticket:
                await _update(connection, after)
            await _remember(connection, request_id, fingerprint, Outcome(after, created=False))
        return after

    async def get(self, tenant: str, ticket_id: str) -> Ticket:
        """Return a ticket.

        Raises:
            TicketNotFound: there is none of that name.
        """
        async with self._transaction() as connection:
            return await _load(connection, tenant, ticket_id)

    async def list_tickets(
        self, tenant: str, statuses: Sequence[Status], session: str, before: str, limit: int
    ) -> list[Ticket]:
        """Return up to `limit` tickets, newest first.

        Args:
            tenant: Whose.
            statuses: Only these; empty: all.
            session: Only of this session; empty: of all.
            before: Only tickets opened before the one with this id; empty: from the newest.
            limit: How many at most.
        """
        query = (
            _SELECT
            + (" AND status = ANY(%(statuses)s)" if statuses else "")
            + (" AND session = %(session)s" if session else "")
            + (" AND ticket_id < %(before)s" if before else "")
            + " ORDER BY ticket_id DESC LIMIT %(limit)s"
        )
        values = {
            "tenant": tenant,
            "statuses": list(statuses),
            "session": session,
            "before": before,
            "limit": limit,
        }
        async with self._transaction() as connection:
            cursor = await connection.execute(query, values)
            return [_ticket(row) async for row in cursor]

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Connection]:
        async with (
            storage_errors(),
            self._pool.connection() as connection,
            connection.transaction(),
        ):
            yield connection

    async def _first_result(
        self, connection: Connection, tenant: str, request_id: str, fingerprint: bytes
    ) -> Outcome | None:
        """Return what this request led to before; None where it is new.

        Two arrivals of one request at the same moment wait for each other here.
        """
        await _lock(connection, "request", tenant, request_id)
        cursor = await connection.execute(
            "SELECT fingerprint, ticket_id, created, status, priority, assignee, update_time, "
            "revision FROM desk_requests WHERE tenant = %s AND request_id = %s",
            [tenant, request_id],
        )
        row = await cursor.fetchone()
        if row is None:
            return None
        known, ticket_id, created, status, priority, assignee, update_time, revision = row
        if known != fingerprint:
            raise RequestIdReused(request_id=request_id)
        ticket = replace(
            await _load(connection, tenant, ticket_id),
            status=Status(status),
            priority=Priority(priority),
            assignee=assignee,
            update_time=update_time,
            revision=revision,
        )
        return Outcome(ticket, created)

    async def _unfinished(self, connection: Connection, matter: Matter) -> Outcome | None:
        """Return the unfinished ticket of the same session and reason, if there is one.

        Two requests for the same session and reason wait for each other here, so the second one
        sees what the first one opened.
        """
        await _lock(connection, "matter", matter.tenant, matter.session, matter.reason)
        cursor = await connection.execute(
            f"{_SELECT} AND session = %(session)s AND reason = %(reason)s "
            "AND status = ANY(%(statuses)s) ORDER BY ticket_id LIMIT 1",
            {
                "tenant": matter.tenant,
                "session": matter.session,
                "reason": matter.reason,
                "statuses": list(UNFINISHED),
            },
        )
        row = await cursor.fetchone()
        return None if row is None else Outcome(_ticket(row), created=False)


async def _lock(connection: Connection, *what: str) -> None:
    """Hold a lock on `what` until the transaction ends."""
    key = "\n".join(what)
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])


async def _load(connection: Connection, tenant: str, ticket_id: str, locking: str = "") -> Ticket:
    cursor = await connection.execute(
        f"{_SELECT} AND ticket_id = %(ticket_id)s{locking}",
        {"tenant": tenant, "ticket_id": ticket_id},
    )
    row = await cursor.fetchone()
    if row is None:
        raise TicketNotFound(ticket=f"tenants/{tenant}/tickets/{ticket_id}")
    return _ticket(row)


async def _insert(connection: Connection, ticket: Ticket) -> None:
    matter = ticket.matter
    await connection.execute(
        "INSERT INTO desk_tickets (tenant, ticket_id, session, reason, summary, language_code, "
        "slots, sentiment_trend, status, priority, assignee, create_time, update_time, revision) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            matter.tenant, ticket.ticket_id, matter.session, matter.reason, matter.summary,
            matter.language_code, json.dumps(dict(matter.slots)), list(matter.sentiment_trend),
            ticket.status, ticket.priority, ticket.assignee, ticket.create_time,
            ticket.update_time, ticket.revision,
        ],
    )  # fmt: skip


async def _update(connection: Connection, ticket: Ticket) -> None:
    await connection.execute(
        "UPDATE desk_tickets SET status = %s, priority = %s, assignee = %s, update_time = %s, "
        "revision = %s WHERE tenant = %s AND ticket_id = %s",
        [
            ticket.status, ticket.priority, ticket.assignee, ticket.update_time,
            ticket.revision, ticket.matter.tenant, ticket.ticket_id,
        ],
    )  # fmt: skip


async def _remember(
    connection: Connection, request_id: str, fingerprint: bytes, outcome: Outcome
) -> None:
    ticket = outcome.ticket
    await connection.execute(
        "INSERT INTO desk_requests (tenant, request_id, fingerprint, ticket_id, created, status, "
        "priority, assignee, update_time, revision) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            ticket.matter.tenant, request_id, fingerprint, ticket.ticket_id, outcome.created,
            ticket.status, ticket.priority, ticket.assignee, ticket.update_time, ticket.revision,
        ],
    )  # fmt: skip


def _fingerprint(method: str, asked: Opening | Change, ticket_id: str = "") -> bytes:
    """Return a digest of what was asked, the same for the same wish in any order of its maps."""
    text = json.dumps([method, ticket_id, asdict(asked)], sort_keys=True)
    return hashlib.sha256(text.encode()).digest()


def _ticket(row: TupleRow) -> Ticket:
    (
        tenant, ticket_id, session, reason, summary, language_code, slots, sentiment_trend,
        status, priority, assignee, create_time, update_time, revision,
    ) = row  # fmt: skip
    matter = Matter(
        tenant=tenant,
        session=session,
        reason=Reason(reason),
        summary=summary,
        language_code=language_code,
        slots=slots,
        sentiment_trend=tuple(sentiment_trend),
    )
    return Ticket(
        ticket_id=ticket_id,
        matter=matter,
        status=Status(status),
        priority=Priority(priority),
        assignee=assignee,
        create_time=create_time,
        update_time=update_time,
        revision=revision,
    )
