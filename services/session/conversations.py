"""Creates, reads, lists and ends conversations."""

import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from kefu.errors import InvalidRequest, PageTokenInvalid, RequestIdReused, StorageUnavailable

from services.mesh import paging
from services.session.conversation import Conversation
from services.session.draft import TurnResult
from services.session.live_store import LiveStore
from services.session.rehearsal import NoAudience
from services.session.store import SessionRow, Store, TurnRow
from services.session.turn import TurnRunner
from services.session.turns import digest, ensure_open, read_request


@dataclass(frozen=True, slots=True)
class NewSession:
    """What a caller may decide about a session.

    Attributes:
        session: its id; empty: one is made.
        knowledge_base: resource name; empty: the tenant's own, of the tenant's own id.
        ttl_seconds: 0: the default.
    """

    session: str
    knowledge_base: str
    ttl_seconds: int
    profile: Mapping[str, str]


class Conversations:
    """The conversations of all tenants.

    Args:
        rehearsal: runs turns without consequences.
        default_ttl_seconds: life of a session without a turn.
    """

    def __init__(
        self, store: Store, live: LiveStore, rehearsal: TurnRunner, default_ttl_seconds: int
    ) -> None:
        self._store = store
        self._live = live
        self._rehearsal = rehearsal
        self._default_ttl_seconds = default_ttl_seconds

    async def create(self, tenant: str, wanted: NewSession, request_id: str) -> SessionRow:
        """Start a conversation; a repeat returns the first.

        Raises:
            SessionAlreadyExists: another request made a session of this id.
            RequestIdReused: the request_id made a session with other properties.
            InvalidRequest: the knowledge base is another tenant's, or the profile holds NUL.
        """
        parent, _, knowledge_base = wanted.knowledge_base.rpartition("/")
        if knowledge_base and parent != f"tenants/{tenant}/knowledgeBases":
            problem = "must be a knowledge base of the session's tenant"
            raise InvalidRequest(violations=[("session.knowledge_base", problem)])
        if any("\x00" in text for pair in wanted.profile.items() for text in pair):
            raise InvalidRequest(violations=[("session.profile", "must not hold U+0000")])
        conversation = Conversation(
            tenant=tenant,
            session=wanted.session or uuid.uuid4().hex,
            knowledge_base=knowledge_base or tenant,
            ttl_seconds=wanted.ttl_seconds or self._default_ttl_seconds,
        )
        profile = dict(sorted(wanted.profile.items()))
        fingerprint = digest(
            wanted.session, wanted.knowledge_base, str(wanted.ttl_seconds), repr(profile)
        )
        row = await self._store.create(conversation, request_id, fingerprint, profile)
        if row.digest != fingerprint:
            raise RequestIdReused(request_id=request_id)
        return row

    async def get(self, tenant: str, session: str) -> SessionRow:
        """One conversation. Raises SessionNotFound."""
        return await self._store.get(tenant, session)

    async def page(self, tenant: str, size: int, token: str) -> tuple[list[SessionRow], str]:
        """A page of conversations, newest first, and the token of the next.

        Raises:
            PageTokenInvalid: the token is not of this list.
        """
        size = paging.page_size(size)
        key = paging.decode(token, (str, str), "sessions", tenant)
        try:
            before = (datetime.fromisoformat(str(key[0])), str(key[1])) if key else None
        except ValueError:
            raise PageTokenInvalid() from None
        rows = await self._store.list_sessions(tenant, size + 1, before)
        if len(rows) <= size:
            return rows, ""
        last = rows[size - 1]
        following: paging.Key = [last.created.isoformat(), last.conversation.session]
        return rows[:size], paging.encode(following, "sessions", tenant)

    async def close(self, tenant: str, session: str) -> SessionRow:
        """End a conversation; ending one that is over succeeds. Raises SessionNotFound."""
        row = await self._store.close(tenant, session)
        # PostgreSQL knows that it is over; what stays in Redis expires unread.
        with suppress(StorageUnavailable):
            await self._live.forget(tenant, session)
        return row

    async def turn(self, tenant: str, session: str, turn: str) -> TurnRow:
        """One turn. Raises TurnNotFound."""
        return await self._store.turn(tenant, session, turn)

    async def turns(
        self, tenant: str, session: str, size: int, token: str
    ) -> tuple[list[TurnRow], str]:
        """A page of a conversation's turns, oldest first, and the token of the next.

        Raises:
            SessionNotFound, PageTokenInvalid.
        """
        size = paging.page_size(size)
        key = paging.decode(token, (int,), "turns", tenant, session)
        await self._store.get(tenant, session)
        rows = await self._store.list_turns(tenant, session, size + 1, int(key[0]) if key else 0)
        if len(rows) <= size:
            return rows, ""
        return rows[:size], paging.encode([rows[size - 1].index], "turns", tenant, session)

    async def preview(self, tenant: str, session: str, text: str) -> TurnResult:
        """What the next turn would do with a text; changes nothing.

        Raises:
            SessionNotFound, SessionClosed: there is no conversation to go on with.
            InvalidRequest: the text holds what no message may.
        """
        request = read_request(tenant, session, str(uuid.uuid4()), text, "")
        row = await self._store.get(tenant, session)
        ensure_open(row.conversation.name, row.closed, row.expired)
        return await self._rehearsal.run(row.conversation, request, NoAudience())
