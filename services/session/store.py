"""Sessions and turns in PostgreSQL, for good."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg.errors
from kefu.errors import SessionAlreadyExists, SessionNotFound, TurnInProgress, TurnNotFound

from services.mesh.database import Pool, storage_errors
from services.session.conversation import Conversation

# PostgreSQL's clock sets the time of the last turn, so it also says when a session is over.
_EXPIRED = "update_time + make_interval(secs => ttl_seconds) <= now()"
_SESSION = f"create_digest, closed, {_EXPIRED}, profile, context, create_time, update_time"


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session as it is stored.

    Attributes:
        digest: of the request that made it.
        closed: by the customer or a caller.
        expired: nobody wrote for its time to live.
    """

    conversation: Conversation
    digest: bytes
    closed: bool
    expired: bool
    profile: dict[str, str]
    created: datetime
    updated: datetime


@dataclass(frozen=True, slots=True)
class TurnRow:
    """A turn as it is stored: protobuf messages, serialised.

    Attributes:
        digest: of the request that made it.
        result: kefu.session.v1.Turn.
        events: kefu.session.v1.TurnEvent, without the last.
    """

    index: int
    digest: bytes
    result: bytes
    events: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Opening:
    """What must be known of a session before a turn begins.

    Attributes:
        turn_count: turns that are stored; a live context with fewer is out of date.
        turn: the turn that the same request made before; None: it is new.
    """

    closed: bool
    expired: bool
    turn_count: int
    turn: TurnRow | None


class Store:
    """The tables `sessions` and `turns`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def create(
        self, conversation: Conversation, request_id: str, digest: bytes, profile: dict[str, str]
    ) -> SessionRow:
        """Insert a session, or return the one that the same request made.

        Raises:
            SessionAlreadyExists: another request made a session of this id.
        """
        statement = (
            "INSERT INTO sessions (tenant, session, create_request_id, create_digest, profile,"
            " context, ttl_seconds) VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"
            f" RETURNING {_SESSION}"
        )
        values = (
            conversation.tenant, conversation.session, request_id, digest, json.dumps(profile),
            json.dumps(conversation.to_json()), conversation.ttl_seconds,
        )  # fmt: skip
        row = await self._one(statement, values)
        if row is None:
            row = await self._one(
                f"SELECT {_SESSION} FROM sessions WHERE tenant = %s AND create_request_id = %s",
                (conversation.tenant, request_id),
            )
        if row is None:
            raise SessionAlreadyExists(session=conversation.name)
        return _session(row)

    async def get(self, tenant: str, session: str) -> SessionRow:
        """One session. Raises SessionNotFound."""
        row = await self._one(
            f"SELECT {_SESSION} FROM sessions WHERE tenant = %s AND session = %s", (tenant, session)
        )
        if row is None:
            raise SessionNotFound(session=f"tenants/{tenant}/sessions/{session}")
        return _session(row)

    async def list_sessions(
        self, tenant: str, size: int, before: tuple[datetime, str] | None
    ) -> list[SessionRow]:
        """Up to `size` sessions, newest first, behind the (time, id) of the page before."""
        time, session = before or ("infinity", "")  # later than any time
        rows = await self._all(
            f"SELECT {_SESSION} FROM sessions WHERE tenant = %s"
            " AND (create_time, session) < (%s::timestamptz, %s)"
            " ORDER BY create_time DESC, session DESC LIMIT %s",
            (tenant, time, session, size),
        )
        return [_session(row) for row in rows]

    async def close(self, tenant: str, session: str) -> SessionRow:
        """End a session. Raises SessionNotFound."""
        row = await self._one(
            "UPDATE sessions SET closed = true,"
            " update_time = CASE WHEN closed THEN update_time ELSE now() END"
            f" WHERE tenant = %s AND session = %s RETURNING {_SESSION}",
            (tenant, session),
        )
        if row is None:
            raise SessionNotFound(session=f"tenants/{tenant}/sessions/{session}")
        return _session(row)

    async def commit(
        self,
        conversation: Conversation,
        turn: str,
        request_id: str,
        row: TurnRow,
        closed: bool,
    ) -> None:
        """Make a turn and the context after it durable, together, in one round trip.

        The session must still have the turn count that the turn began with: of two writers, such as
        one that lost its lease in a long pause and its successor, the first wins.

        Raises:
            TurnInProgress: another turn was stored in the meantime.
        """
        statement = (
            "WITH moved AS (UPDATE sessions SET context = %s, turn_count = %s, update_time = now(),"
            " closed = closed OR %s WHERE tenant = %s AND session = %s AND turn_count = %s"
            " RETURNING 1)"
            " INSERT INTO turns (tenant, session, turn_index, turn, request_id, digest, result,"
            " events) SELECT %s, %s, %s, %s, %s, %s, %s, %s FROM moved RETURNING turn_index"
        )
        where = (conversation.tenant, conversation.session)
        values = (
            json.dumps(conversation.to_json()), row.index, closed, *where, row.index - 1,
            *where, row.index, turn, request_id, row.digest, row.result, list(row.events),
        )  # fmt: skip
        try:
            stored = await self._one(statement, values)
        except psycopg.errors.UniqueViolation:
            stored = None
        if stored is None:
            raise TurnInProgress(session=conversation.name, retry_after_seconds=0.2)

    async def opening(self, tenant: str, session: str, request_id: str) -> Opening:
        """What must be known before a turn begins, in one round trip. Raises SessionNotFound."""
        row = await self._one(
            f"SELECT closed, {_EXPIRED}, turn_count, turn_index, digest, result, events"
            " FROM sessions LEFT JOIN turns ON turns.tenant = sessions.tenant"
            " AND turns.session = sessions.session AND turns.request_id = %s"
            " WHERE sessions.tenant = %s AND sessions.session = %s",
            (request_id, tenant, session),
        )
        if row is None:
            raise SessionNotFound(session=f"tenants/{tenant}/sessions/{session}")
        closed, expired, turn_count, index, *turn = row
        return Opening(closed, expired, turn_count, TurnRow(index, *turn) if index else None)

    async def turn(self, tenant: str, session: str, turn: str) -> TurnRow:
        """One turn by its id. Raises TurnNotFound."""
        row = await self._one(
            "SELECT turn_index, digest, result, events FROM turns"
            " WHERE tenant = %s AND session = %s AND turn = %s",
            (tenant, session, turn),
        )
        if row is None:
            raise TurnNotFound(turn=f"tenants/{tenant}/sessions/{session}/turns/{turn}")
        return TurnRow(*row)

    async def list_turns(self, tenant: str, session: str, size: int, after: int) -> list[TurnRow]:
        """Up to `size` turns behind index `after`, oldest first."""
        rows = await self._all(
            "SELECT turn_index, digest, result, '{}'::bytea[] FROM turns"
            " WHERE tenant = %s AND session = %s AND turn_index > %s ORDER BY turn_index LIMIT %s",
            (tenant, session, after, size),
        )
        return [TurnRow(*row) for row in rows]

    async def _one(self, statement: str, values: Sequence[Any]) -> tuple[Any, ...] | None:
        async with storage_errors(), self._pool.connection() as connection:
            cursor = await connection.execute(statement.encode(), values)
            return await cursor.fetchone()

    async def _all(self, statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        async with storage_errors(), self._pool.connection() as connection:
            cursor = await connection.execute(statement.encode(), values)
            return await cursor.fetchall()


def _session(row: tuple[Any, ...]) -> SessionRow:
    digest, closed, expired, profile, context, created, updated = row
    conversation = Conversation.from_json(context)
    return SessionRow(conversation, digest, closed, expired, profile, created, updated)
