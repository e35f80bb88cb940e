"""Runs turns: exactly once for each request_id, one at a time for each session.

A turn is a task of its own. The call that began it listens to its events; when the caller leaves,
the turn goes on, is stored, and a repeat of the request finds it.
"""

import asyncio
import hashlib
import unicodedata
import uuid
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import structlog
from kefu.errors import Internal, KefuError, RequestIdReused, SessionClosed, TurnNotFound

from services.mesh import names
from services.mesh.calls import current
from services.mesh.telemetry import current_span
from services.session.conversation import Conversation, State
from services.session.draft import TurnRequest
from services.session.journal import Journal
from services.session.live_store import LEASE_SECONDS, Lease, LiveStore
from services.session.store import SessionRow, Store, TurnRow
from services.session.stream import TurnStream
from services.session.turn import TurnRunner

# Namespace of turn ids: a turn is named after its session and request, so that a repeat that
# arrives after a crash is the same turn.
_NAMESPACE = uuid.UUID("6b656675-0000-4000-8000-7475726e0000")
_RENEW_SECONDS = LEASE_SECONDS / 4
_POLL_SECONDS = 0.2


class Turns:
    """The turns of all sessions that this process runs."""

    def __init__(
        self, store: Store, live: LiveStore, runner: TurnRunner, journal: Journal
    ) -> None:
        self._store = store
        self._live = live
        self._runner = runner
        self._journal = journal
        self._running: dict[str, TurnStream] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._log = structlog.get_logger("turns")

    async def begin(
        self, tenant: str, session: str, request_id: str, text: str, language: str
    ) -> TurnStream:
        """Begin a turn, join it where it runs, or replay it where it is done.

        Raises:
            SessionNotFound, SessionClosed: there is no conversation to go on with.
            TurnInProgress: another message of the session is being answered.
            RequestIdReused: the request_id was used for another message.
        """
        request = _request(tenant, session, request_id, text, language)
        stream = self._running.get(request.turn)
        if stream is None:
            stream = await self._stored(tenant, session, request)
        if stream is None:
            stream = await self._start(tenant, session, request)
        if stream.digest != request.digest:
            raise RequestIdReused(request_id=request_id)
        current_span().set_attribute(names.TURN, stream.turn)
        current().labels["turn"] = stream.turn.rpartition("/")[2]
        return stream

    async def resume(self, tenant: str, session: str, turn: str) -> TurnStream:
        """The stream of a turn that runs here, or elsewhere, or is done.

        Raises:
            TurnNotFound: there is no such turn; one that was cut off before it was stored must be
                asked for again with its request_id.
        """
        name = f"tenants/{tenant}/sessions/{session}/turns/{turn}"
        if name in self._running:
            return self._running[name]
        while True:
            try:
                row = await self._store.turn(tenant, session, turn)
                return TurnStream.replay(row.events, row.result, row.digest)
            except TurnNotFound:
                # Another replica may be running it: then the session's lease is taken.
                if not await self._live.is_claimed(tenant, session):
                    raise
                await asyncio.sleep(_POLL_SECONDS)

    async def drain(self) -> None:
        """Wait for the turns that still run, those whose callers have left among them."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _stored(self, tenant: str, session: str, request: TurnRequest) -> TurnStream | None:
        row = await self._store.turn_of_request(tenant, session, request.request_id)
        return TurnStream.replay(row.events, row.result, row.digest) if row else None

    async def _start(self, tenant: str, session: str, request: TurnRequest) -> TurnStream:
        lease = await self._live.claim(tenant, session)
        try:
            conversation = lease.conversation or await self._rebuild(tenant, session)
        except BaseException:
            await self._live.settle(lease, None)
            raise
        stream = TurnStream(request.turn, request.trace_id, request.digest)
        self._running[request.turn] = stream
        task = asyncio.create_task(self._run(lease, conversation, request, stream))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return stream

    async def _rebuild(self, tenant: str, session: str) -> Conversation:
        """The context from PostgreSQL: Redis forgot it, or the session expired."""
        row = await self._store.get(tenant, session)
        ensure_open(row)
        return row.conversation

    async def _run(
        self, lease: Lease, conversation: Conversation, request: TurnRequest, stream: TurnStream
    ) -> None:
        renewing = asyncio.create_task(self._keep(lease))
        after: Conversation | None = None
        try:
            result = await self._runner.run(conversation, request, stream)
            turn, events = stream.serialised(result)
            row = TurnRow(result.index, request.digest, turn.SerializeToString(), events)
            closed = conversation.state is State.CLOSED
            turn_id = request.turn.rpartition("/")[2]
            await self._store.commit(conversation, turn_id, request.request_id, row, closed)
            after = None if closed else conversation
            self._journal.finished(conversation.tenant, result, current_span())
            if closed:
                await self._live.forget(lease.tenant, lease.session)
            stream.finish(turn)
        except KefuError as error:
            stream.fail(error)
        except Exception as error:
            error_id = uuid.uuid4().hex
            self._log.error("turn", error_id=error_id, exc_info=error)
            stream.fail(Internal(error_id=error_id))
        finally:
            renewing.cancel()
            self._running.pop(request.turn, None)
            with suppress(KefuError):
                await self._live.settle(lease, after)

    async def _keep(self, lease: Lease) -> None:
        """Renew the lease until cancelled; a lost one shows at the commit."""
        while True:
            await asyncio.sleep(_RENEW_SECONDS)
            with suppress(KefuError):
                await self._live.renew(lease)


def ensure_open(row: SessionRow) -> None:
    """Raise SessionClosed where a session takes no more turns."""
    if row.closed:
        raise SessionClosed(session=row.conversation.name, state="CLOSED")
    if row.updated + timedelta(seconds=row.conversation.ttl_seconds) <= datetime.now(UTC):
        raise SessionClosed(session=row.conversation.name, state="EXPIRED")


def digest(*parts: str) -> bytes:
    """A fingerprint that tells a repeated request from another one with the same request_id."""
    return hashlib.sha256("\x00".join(parts).encode()).digest()


def turn_name(tenant: str, session: str, request_id: str) -> str:
    """Resource name of the turn that a request makes."""
    parent = f"tenants/{tenant}/sessions/{session}"
    return f"{parent}/turns/{uuid.uuid5(_NAMESPACE, f'{parent}/{request_id.lower()}').hex}"


def _request(
    tenant: str, session: str, request_id: str, text: str, language: str
) -> TurnRequest:
    call = current()
    normal = unicodedata.normalize("NFC", text)
    return TurnRequest(
        turn=turn_name(tenant, session, request_id),
        request_id=request_id,
        text=normal,
        language=language,
        digest=digest(normal, language),
        trace_id=call.trace_id,
        created=datetime.now(UTC),
        end_user=call.caller.end_user if call.caller else "",
    )

