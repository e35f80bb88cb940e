"""Runs turns: exactly once for each request_id, one at a time for each session.

A turn is a task of its own. The call that began it listens to its events; when the caller leaves,
the turn goes on, is stored, and a repeat of the request finds it.
"""

import asyncio
import hashlib
import unicodedata
import uuid
from contextlib import suppress
from datetime import UTC, datetime

import structlog
from kefu.errors import (
    DeadlineExceeded,
    Internal,
    InvalidRequest,
    KefuError,
    RequestIdReused,
    SessionClosed,
    ShuttingDown,
    StorageUnavailable,
    TurnNotFound,
)

from services.mesh import names
from services.mesh.calls import current
from services.mesh.telemetry import current_span
from services.session.conversation import Conversation, State
from services.session.draft import TurnRequest, TurnResult
from services.session.event_messages import Turn
from services.session.journal import Journal
from services.session.live_store import LEASE_SECONDS, Lease, LiveStore
from services.session.store import Opening, Store, TurnRow
from services.session.stream import TurnStream
from services.session.turn import TurnRunner

# Namespace of turn ids: a turn is named after its session and request, so that a repeat that
# arrives after a crash is the same turn.
_NAMESPACE = uuid.UUID("6b656675-0000-4000-8000-7475726e0000")
_RENEW_SECONDS = LEASE_SECONDS / 4
_POLL_SECONDS = 0.2
# A healthy store opens a turn in milliseconds; a repeat must not wait for ever for one that hangs.
_OPENING_SECONDS = 10.0
# Every hop ends before the caller's deadline; a turn that lasts longer than this beyond it hangs.
_GRACE_SECONDS = 5.0
_MAX_TEXT = 4000


class Turns:
    """The turns of all sessions that this process runs."""

    def __init__(self, store: Store, live: LiveStore, runner: TurnRunner, journal: Journal) -> None:
        self._store = store
        self._live = live
        self._runner = runner
        self._journal = journal
        # From the first look at the database to the end of the turn, by resource name.
        self._opened: dict[str, asyncio.Task[TurnStream]] = {}
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
            InvalidRequest: the text holds what no message may.
        """
        request = read_request(tenant, session, request_id, text, language)
        opened = self._opened.get(request.turn)
        if opened is None:
            # A task, so that a caller who leaves now takes nobody with her who joined.
            opened = asyncio.create_task(self._open(tenant, session, request))
            self._opened[request.turn] = opened
        stream = await asyncio.shield(opened)
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
        opened = self._opened.get(f"tenants/{tenant}/sessions/{session}/turns/{turn}")
        if opened is not None:
            return await asyncio.shield(opened)
        claimed = True
        while True:
            try:
                row = await self._store.turn(tenant, session, turn)
                return TurnStream.replay(row.events, row.result, row.digest)
            except TurnNotFound:
                if not claimed:
                    raise
            # While the session's lease is taken, another replica may be running it; when it no
            # longer is, the turn is stored or never will be, so one more look decides.
            claimed = await self._live.is_claimed(tenant, session)
            if claimed:
                await asyncio.sleep(_POLL_SECONDS)

    async def drain(self, seconds: float) -> None:
        """Wait for the turns that still run, those whose callers have left among them.

        Those that take longer are cut off: they give their session back, nothing of them is
        stored, and a repeat of their request runs them again.
        """
        if self._opened:
            await asyncio.wait(self._opened.values(), timeout=seconds)
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _open(self, tenant: str, session: str, request: TurnRequest) -> TurnStream:
        """Start the turn, or replay it where it is stored."""
        running = False
        try:
            async with asyncio.timeout(_OPENING_SECONDS):
                opening = await self._store.opening(tenant, session, request.request_id)
                done = opening.turn
                if done is not None:
                    return TurnStream.replay(done.events, done.result, done.digest)
                lease, conversation = await self._claim(tenant, session, opening)
            stream = TurnStream(request.turn, request.trace_id, request.digest)
            task = asyncio.create_task(self._run(lease, conversation, request, stream))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            running = True
            return stream
        except TimeoutError:
            raise StorageUnavailable() from None
        finally:
            if not running:
                del self._opened[request.turn]

    async def _claim(
        self, tenant: str, session: str, opening: Opening
    ) -> tuple[Lease, Conversation]:
        """The right to run a turn, and the newest context."""
        name = f"tenants/{tenant}/sessions/{session}"
        ensure_open(name, opening.closed, opening.expired)
        lease = await self._live.claim(tenant, session)
        live = lease.conversation
        if live is not None and live.turn_count >= opening.turn_count:
            return lease, live
        # Redis lost it, or missed the last turn: a process died between commit and settling.
        try:
            return lease, (await self._store.get(tenant, session)).conversation
        except BaseException:
            await self._settle(lease, None)
            raise

    async def _run(
        self, lease: Lease, conversation: Conversation, request: TurnRequest, stream: TurnStream
    ) -> None:
        """Run, commit, then tell: whoever hears TurnCompleted can rely on the turn."""
        renewing = asyncio.create_task(self._keep(lease))
        turn: Turn | None = None
        failure: KefuError = ShuttingDown()  # of a task that is cancelled
        try:
            async with asyncio.timeout(_turn_seconds()):
                result = await self._runner.run(conversation, request, stream)
            turn = await self._commit(conversation, result, stream)
            self._write_down(lease.tenant, result)
        except KefuError as error:
            failure = error
        except TimeoutError:
            failure = DeadlineExceeded(turn=request.turn)
        except Exception as error:
            failure = Internal(error_id=uuid.uuid4().hex)
            self._log.error("turn", **failure.metadata, turn=request.turn, exc_info=error)
        finally:
            renewing.cancel()
            goes_on = turn is not None and conversation.state is not State.CLOSED
            # Before the last event: whoever got it may send the next message at once.
            await self._settle(lease, conversation if goes_on else None)
            del self._opened[request.turn]
            if turn is not None:
                stream.finish(turn)
            else:
                stream.fail(failure)

    async def _commit(
        self, conversation: Conversation, result: TurnResult, stream: TurnStream
    ) -> Turn:
        turn, events = stream.serialised(result)
        request = result.request
        row = TurnRow(result.index, request.digest, turn.SerializeToString(), events)
        turn_id = request.turn.rpartition("/")[2]
        closed = conversation.state is State.CLOSED
        await self._store.commit(conversation, turn_id, request.request_id, row, closed)
        return turn

    def _write_down(self, tenant: str, result: TurnResult) -> None:
        """Record a durable turn; a record that cannot be kept does not undo it.

        The caller of a full disk hears of it all the same: her call's own record fails too.
        """
        try:
            self._journal.finished(tenant, result, current_span())
        except Exception as error:
            self._log.error("turn not recorded", turn=result.request.turn, exc_info=error)

    async def _settle(self, lease: Lease, conversation: Conversation | None) -> None:
        """Give the session back; where Redis does not answer, the lease runs out by itself."""
        with suppress(KefuError):
            await self._live.settle(lease, conversation)

    async def _keep(self, lease: Lease) -> None:
        """Renew the lease until cancelled; a lost one shows at the commit."""
        while True:
            await asyncio.sleep(_RENEW_SECONDS)
            with suppress(KefuError):
                await self._live.renew(lease)


def _turn_seconds() -> float:
    """The most that the turn of the current call may take."""
    return current().remaining_seconds + _GRACE_SECONDS


def ensure_open(name: str, closed: bool, expired: bool) -> None:
    """Raise SessionClosed where a session takes no more turns."""
    if closed or expired:
        raise SessionClosed(session=name, state="CLOSED" if closed else "EXPIRED")


def digest(*parts: str) -> bytes:
    """A fingerprint that tells a repeated request from another one with the same request_id."""
    return hashlib.sha256("\x00".join(parts).encode()).digest()


def turn_name(tenant: str, session: str, request_id: str) -> str:
    """Resource name of the turn that a request makes."""
    parent = f"tenants/{tenant}/sessions/{session}"
    return f"{parent}/turns/{uuid.uuid5(_NAMESPACE, f'{parent}/{request_id.lower()}').hex}"


def read_request(
    tenant: str, session: str, request_id: str, text: str, language: str
) -> TurnRequest:
    """The message of the current call.

    Raises:
        InvalidRequest: the text holds NUL, which no store of text takes, or is too long in NFC.
    """
    call = current()
    normal = unicodedata.normalize("NFC", text)
    if "\x00" in normal:
        raise InvalidRequest(violations=[("input.text", "must not hold U+0000")])
    if len(normal) > _MAX_TEXT:
        problem = f"must be at most {_MAX_TEXT} code points in NFC"
        raise InvalidRequest(violations=[("input.text", problem)])
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
