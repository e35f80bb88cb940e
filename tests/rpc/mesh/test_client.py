"""The thin client: a conversation that goes on after its stream breaks, and typed errors."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from kefu.client import Client, connect
from kefu.errors import (
    KefuError,
    MethodNotAllowed,
    SessionClosed,
    StorageUnavailable,
    TurnInProgress,
    TurnNotFound,
)
from kefu.session.v1 import session_pb2 as pb
from kefu.session.v1.session_pb2_grpc import (
    SessionServiceServicer,
    add_SessionServiceServicer_to_server,
)
from kefu.session.v1.turn_pb2 import TurnEvent

from tests.support.mesh import answering, serve, wired

SESSION = "tenants/shop/sessions/1"
TURN = f"{SESSION}/turns/1"
EVENTS = [
    TurnEvent(sequence=1, started={"turn": TURN}),
    TurnEvent(sequence=2, delta={"text": "七天内"}),
    TurnEvent(sequence=3, delta={"text": "可以退货"}),
    TurnEvent(sequence=4, completed={"turn": {"name": TURN, "text": "七天内可以退货"}}),
]


class Flaky:
    """A session service whose streams break.

    Args:
        breaks: after how many events each stream breaks, in order; the last one lasts.
        failure: what they break with.

    `forgets`: ResumeTurn knows no turn. `busy`: so often Converse refuses once nothing breaks.
    """

    def __init__(self, breaks: list[int], failure: KefuError | None = None) -> None:
        self.breaks = breaks
        self.failure = failure or StorageUnavailable()
        self.request_ids: list[str] = []
        self.resumed_after: list[int] = []
        self.end_users: list[str] = []
        self.forgets = False
        self.busy = 0

    async def converse(self, request: Any, context: Any) -> AsyncIterator[pb.ConverseResponse]:
        """The turn, or a part of it."""
        self.request_ids.append(request.request_id)
        self.end_users += [v for k, v in context.invocation_metadata() if k == "kefu-end-user"]
        if not self.breaks and self.busy:
            self.busy -= 1
            raise TurnInProgress(session=SESSION, retry_after_seconds=0.05)
        for each in self.part(EVENTS):
            yield pb.ConverseResponse(event=each)
        self.maybe_break()

    async def resume(self, request: Any, context: Any) -> AsyncIterator[pb.ResumeTurnResponse]:
        """The rest of the turn, or a part of it."""
        assert request.name == TURN
        if self.forgets:
            raise TurnNotFound(turn=TURN)
        self.resumed_after.append(request.after_sequence)
        for each in self.part(EVENTS[request.after_sequence :]):
            yield pb.ResumeTurnResponse(event=each)
        self.maybe_break()

    def part(self, events: list[TurnEvent]) -> list[TurnEvent]:
        """What is sent before the stream breaks."""
        return events[: self.breaks[0]] if self.breaks else events

    def maybe_break(self) -> None:
        """Fail, as often as was asked for."""
        if self.breaks:
            self.breaks.pop(0)
            raise self.failure

    async def create(self, request: Any, context: Any) -> pb.CreateSessionResponse:
        """As it was asked for."""
        name = f"{request.parent}/sessions/{request.session_id or 'made'}"
        return pb.CreateSessionResponse(session={"name": name})

    async def reply(self, request: Any, context: Any) -> pb.ReplyResponse:
        """The whole turn, or the failure."""
        self.request_ids.append(request.request_id)
        if self.breaks:
            self.maybe_break()
        return pb.ReplyResponse(turn=EVENTS[-1].completed.turn)


@asynccontextmanager
async def talking_to(service: Flaky, name: str = "test-channel", **options: Any) -> Any:
    """A client as another system would make it: an address and three files."""
    servicer = answering(
        SessionServiceServicer,
        Converse=service.converse,
        ResumeTurn=service.resume,
        CreateSession=service.create,
        Reply=service.reply,
    )
    async with serve("session", wired((add_SessionServiceServicer_to_server, servicer))) as server:
        keys = server.keys(name)
        async with connect(
            server.address, cert=keys.cert_file, key=keys.key_file, ca=keys.ca_file, **options
        ) as kefu:
            yield kefu


async def conversation(kefu: Client, received: list[TurnEvent] | None = None) -> list[TurnEvent]:
    """All events of one turn; `received` has those before a failure too."""
    events = [] if received is None else received
    async for each in kefu.converse(SESSION, "能退货吗？"):
        events.append(each)
    return events


@pytest.mark.parametrize(
    ("breaks", "resumed_after"),
    [
        pytest.param([], [], id="whole"),
        pytest.param([1], [1], id="right after it began"),
        pytest.param([2, 1], [2, 3], id="twice"),
        pytest.param([2, 0, 0, 0, 0], [2] * 5, id="as often as it is tried again"),
        pytest.param([4], [], id="after the last event, when nothing is missing"),
    ],
)
async def test_a_broken_stream_goes_on(breaks: list[int], resumed_after: list[int]) -> None:
    """ResumeTurn continues behind the last event that arrived; each event comes exactly once."""
    service = Flaky(breaks)
    async with talking_to(service) as kefu:
        events = await conversation(kefu)
    assert events == EVENTS
    assert service.resumed_after == resumed_after
    assert len(service.request_ids) == 1, "a second Converse would be a second message"


async def test_a_turn_that_never_began_is_asked_for_again() -> None:
    """With the same request_id, so that the customer's message is one turn at most."""
    service = Flaky([0, 0])
    async with talking_to(service) as kefu:
        events = await conversation(kefu)
    assert events == EVENTS
    assert len(service.request_ids) >= 2
    assert len(set(service.request_ids)) == 1


async def test_it_gives_up_some_time() -> None:
    """A service that always breaks ends the conversation, in time, with the error it broke with."""
    service = Flaky([2, *[0] * 60])
    received: list[TurnEvent] = []
    async with talking_to(service, timeout_seconds=1.0) as kefu:
        with pytest.raises(StorageUnavailable):
            await conversation(kefu, received)
    assert received == EVENTS[:2]


async def test_a_turn_that_died_with_its_server_begins_again() -> None:
    """The server knows nothing of the turn any more: the same request_id makes the same turn."""
    service = Flaky([2])
    service.forgets = True
    async with talking_to(service) as kefu:
        events = await conversation(kefu)
    assert events == [*EVENTS[:2], *EVENTS], "the second `started` voids what came before"
    assert len(service.request_ids) == 2
    assert len(set(service.request_ids)) == 1


async def test_a_turn_that_runs_elsewhere_after_a_break_is_waited_for() -> None:
    """TURN_IN_PROGRESS after a break means our own turn; it is asked for again when told."""
    service = Flaky([1])
    service.forgets, service.busy = True, 2
    async with talking_to(service) as kefu:
        events = await conversation(kefu)
    assert events == [*EVENTS[:1], *EVENTS]
    assert len(service.request_ids) == 4
    assert len(set(service.request_ids)) == 1


async def test_a_busy_session_is_told_to_the_caller_at_once() -> None:
    """Before any break, TURN_IN_PROGRESS means another message: the caller decides."""
    service = Flaky([])
    service.busy = 1
    async with talking_to(service) as kefu:
        with pytest.raises(TurnInProgress) as refused:
            await conversation(kefu)
    assert refused.value.retry_after_seconds == pytest.approx(0.05)


async def test_an_error_that_is_no_break_is_not_retried() -> None:
    """A closed session stays closed."""
    service = Flaky([2], SessionClosed(session=SESSION, state="EXPIRED"))
    async with talking_to(service) as kefu:
        with pytest.raises(SessionClosed) as caught:
            await conversation(kefu)
    assert caught.value.metadata["state"] == "EXPIRED"
    assert service.resumed_after == []


async def test_typed_errors_of_every_method() -> None:
    """What the server raised is what the caller catches."""
    async with talking_to(Flaky([]), name="test-auditor") as kefu:
        with pytest.raises(MethodNotAllowed):
            await kefu.create_session("tenants/shop")
        with pytest.raises(MethodNotAllowed):
            await kefu.reply(SESSION, "你好")
        with pytest.raises(MethodNotAllowed):
            await conversation(kefu)


async def test_sessions_and_whole_replies() -> None:
    """The two short calls; a request_id of the caller's own is kept through a retry."""
    service, mine = Flaky([0]), str(uuid.uuid4())
    async with talking_to(service) as kefu:
        named = await kefu.create_session("tenants/shop", "mine")
        made = await kefu.create_session("tenants/shop")
        turn = await kefu.reply(SESSION, "能退货吗？", request_id=mine)
    assert (named.name, made.name) == (
        "tenants/shop/sessions/mine",
        "tenants/shop/sessions/made",
    )
    assert turn.text == "七天内可以退货"
    assert service.request_ids == [mine, mine], "UNAVAILABLE is retried by the channel itself"


async def test_files_that_cannot_be_read() -> None:
    """One clear sentence in place of a traceback of the TLS library."""
    with pytest.raises(KefuError, match=r"/nowhere/ca\.pem: No such file"):
        async with connect("127.0.0.1:1", cert="c", key="k", ca="/nowhere/ca.pem"):
            pass
