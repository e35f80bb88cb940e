"""Conversations through the front door: created, read, listed, ended, and who may."""

import asyncio
import base64
import json
from typing import Any

import psycopg
import pytest
import redis
from kefu.errors import (
    InvalidRequest,
    MethodNotAllowed,
    PageTokenInvalid,
    RequestIdReused,
    SessionAlreadyExists,
    SessionClosed,
    SessionNotFound,
    TenantNotAllowed,
    TurnNotFound,
)
from kefu.session.v1 import session_pb2 as pb
from kefu.session.v1.session_pb2_grpc import SessionServiceStub
from kefu.session.v1.turn_pb2 import DIALOGUE_STATE_CLOSED, DIALOGUE_STATE_IDLE

from tests.rpc.session.company import Company
from tests.rpc.session.front import (
    SECONDS,
    Front,
    message,
    new_id,
    open_session,
    reply,
    streamed,
)
from tests.support.mesh import error_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOWHERE = "tenants/shop/sessions/nowhere"


def creation(**values: Any) -> pb.CreateSessionRequest:
    """A request for a session of the shop."""
    return pb.CreateSessionRequest(**({"parent": "tenants/shop", "request_id": new_id()} | values))


async def get(channel: SessionServiceStub, name: str) -> pb.Session:
    """A session as it is now."""
    response = await channel.GetSession(pb.GetSessionRequest(name=name), timeout=SECONDS)
    session: pb.Session = response.session
    return session


def expire(database: psycopg.Connection, session: str) -> None:
    """Let a session's time to live pass."""
    query = "UPDATE sessions SET update_time = now() - interval '2 days' WHERE session = %s"
    database.execute(query, (session.rpartition("/")[2],))


async def test_a_session_has_its_defaults(channel: SessionServiceStub) -> None:
    """A made-up id, the tenant's own knowledge base, half an hour to live, Kefu answering."""
    session = (await channel.CreateSession(creation(), timeout=SECONDS)).session
    assert session.name.startswith("tenants/shop/sessions/")
    assert session.knowledge_base == "tenants/shop/knowledgeBases/shop"
    assert session.ttl.seconds == 1800
    assert (session.state, session.owner) == (pb.Session.STATE_ACTIVE, pb.Session.OWNER_BOT)
    assert session.dialogue_state == DIALOGUE_STATE_IDLE
    assert session.expire_time.seconds - session.update_time.seconds == 1800
    assert await get(channel, session.name) == session


async def test_a_caller_decides_id_life_knowledge_and_profile(
    channel: SessionServiceStub, company: Company
) -> None:
    """And turns are answered from the knowledge base that she named."""
    wanted = pb.Session(
        knowledge_base="tenants/shop/knowledgeBases/vip",
        profile={"level": "gold", "备注": "老客户"},
    )
    wanted.ttl.FromSeconds(60)
    name = await open_session(channel, session=wanted, session_id=f"app-{new_id()}")
    session = await get(channel, name)
    assert session.ttl.seconds == 60
    assert dict(session.profile) == {"level": "gold", "备注": "老客户"}
    await reply(channel, name, "我想退货")
    assert {each.parent for each in company.asked["Search"]} == {wanted.knowledge_base}


async def test_creating_again_with_the_same_request_gives_the_first(
    channel: SessionServiceStub,
) -> None:
    """Also five times at the same moment, and with an id that the server made."""
    request = creation()
    calls = [channel.CreateSession(request, timeout=SECONDS) for _ in range(5)]
    made = {each.session.name for each in await asyncio.gather(*calls)}
    assert len(made) == 1
    again = await channel.CreateSession(request, timeout=SECONDS)
    assert {again.session.name} == made


async def test_a_request_id_makes_one_session(channel: SessionServiceStub) -> None:
    """With other properties it is a mistake of the caller."""
    request = creation()
    await channel.CreateSession(request, timeout=SECONDS)
    for other in (
        creation(request_id=request.request_id, session_id="other"),
        creation(request_id=request.request_id, session=pb.Session(profile={"a": "b"})),
    ):
        assert (
            type(await error_of(channel.CreateSession(other, timeout=SECONDS))) is RequestIdReused
        )


async def test_an_id_is_taken_once_in_a_tenant(front: Front, channel: SessionServiceStub) -> None:
    """Another tenant may use the same."""
    session_id = f"app-{new_id()}"
    await open_session(channel, session_id=session_id)
    call = channel.CreateSession(creation(session_id=session_id), timeout=SECONDS)
    assert type(await error_of(call)) is SessionAlreadyExists
    other = creation(session_id=session_id, parent="tenants/other")
    made = await channel.CreateSession(other, timeout=SECONDS)
    assert made.session.name == f"tenants/other/sessions/{session_id}"


@pytest.mark.parametrize(
    ("session", "field"),
    [
        ({"knowledge_base": "tenants/other/knowledgeBases/shop"}, "session.knowledge_base"),
        ({"profile": {"note": "a\x00b"}}, "session.profile"),
        ({"profile": {"a\x00": "b"}}, "session.profile"),
        ({"ttl": {"seconds": 59}}, "session.ttl"),
        ({"ttl": {"seconds": 86401}}, "session.ttl"),
    ],
)
async def test_a_session_that_cannot_be_is_refused_by_field(
    channel: SessionServiceStub, session: dict[str, Any], field: str
) -> None:
    """One precise status, never INTERNAL; nothing is stored."""
    request = creation(session=session)
    error = await error_of(channel.CreateSession(request, timeout=SECONDS))
    assert type(error) is InvalidRequest
    assert any(path.startswith(field) for path, _ in error.violations)


@pytest.mark.parametrize("text", ["", "长" * 4001, "a\x00b", "\x00", "\ufb2c" * 3000])
async def test_a_message_that_cannot_be_is_refused_by_field(
    channel: SessionServiceStub, company: Company, text: str
) -> None:
    """Empty, too long, with NUL, or too long once it is in NFC; no service is asked."""
    session = await open_session(channel)
    request = message(session, text)
    for call in (
        channel.Reply(request, timeout=SECONDS),
        channel.Converse(streamed(request), timeout=SECONDS),
    ):
        error = await error_of(call)
        assert type(error) is InvalidRequest
        assert [path for path, _ in error.violations] == ["input.text"]
    assert company.asked == {}
    assert (await get(channel, session)).turn_count == 0


async def test_text_is_kept_in_nfc(channel: SessionServiceStub) -> None:
    """The same words written otherwise are the same request."""
    session = await open_session(channel)
    request = message(session, "cafe\u0301")
    turn = (await channel.Reply(request, timeout=SECONDS)).turn
    assert turn.input_text == "caf\u00e9"
    composed = message(session, "caf\u00e9", request.request_id)
    assert (await channel.Reply(composed, timeout=SECONDS)).turn == turn


async def test_a_session_shows_where_its_dialogue_stands(channel: SessionServiceStub) -> None:
    """Slots, turns, and the person who took over."""
    name = await open_session(channel)
    await reply(channel, name, "取消订单", "SO20260001")
    session = await get(channel, name)
    assert dict(session.slots) == {"order_number": "SO20260001"}
    assert session.turn_count == 2
    await reply(channel, name, "转人工")
    assert (await get(channel, name)).owner == pb.Session.OWNER_HUMAN


async def test_closing_ends_a_session_and_may_be_repeated(channel: SessionServiceStub) -> None:
    """It takes no turns any more; what was said can still be read."""
    name = await open_session(channel)
    await reply(channel, name, "取消订单")
    request = pb.CloseSessionRequest(name=name, request_id=new_id())
    closed = (await channel.CloseSession(request, timeout=SECONDS)).session
    assert (closed.state, closed.dialogue_state) == (pb.Session.STATE_CLOSED, DIALOGUE_STATE_CLOSED)
    assert (await channel.CloseSession(request, timeout=SECONDS)).session == closed
    assert await get(channel, name) == closed
    error = await error_of(channel.Reply(message(name, "谢谢"), timeout=SECONDS))
    assert type(error) is SessionClosed
    assert error.metadata["state"] == "CLOSED"
    turns = await channel.ListTurns(pb.ListTurnsRequest(parent=name), timeout=SECONDS)
    assert len(turns.turns) == 1


async def test_a_goodbye_closes_the_session(channel: SessionServiceStub) -> None:
    """And the goodbye itself can be asked for again."""
    name = await open_session(channel)
    request = message(name, "再见")
    turn = (await channel.Reply(request, timeout=SECONDS)).turn
    assert turn.dialogue_state == DIALOGUE_STATE_CLOSED
    assert (await get(channel, name)).state == pb.Session.STATE_CLOSED
    assert (await channel.Reply(request, timeout=SECONDS)).turn == turn
    assert type(await error_of(channel.Reply(message(name, "谢谢")))) is SessionClosed


async def test_a_session_expires_though_its_live_context_is_there(
    channel: SessionServiceStub, database: psycopg.Connection, live: redis.Redis
) -> None:
    """PostgreSQL knows when the last turn was; a context that Redis kept does not revive it."""
    name = await open_session(channel)
    await reply(channel, name, "谢谢")
    assert live.keys(f"kefu:context:*{name.rpartition('/')[2]}*")
    expire(database, name)
    assert (await get(channel, name)).state == pb.Session.STATE_EXPIRED
    for call in (
        channel.Reply(message(name, "谢谢"), timeout=SECONDS),
        channel.Converse(streamed(message(name, "谢谢")), timeout=SECONDS),
    ):
        error = await error_of(call)
        assert type(error) is SessionClosed
        assert error.metadata["state"] == "EXPIRED"


async def test_the_live_context_has_the_life_of_the_session(
    channel: SessionServiceStub, live: redis.Redis
) -> None:
    """Nothing of a conversation stays in Redis beyond it; a closed one leaves nothing at all."""
    wanted = pb.Session()
    wanted.ttl.FromSeconds(90)
    name = await open_session(channel, session=wanted)
    await reply(channel, name, "谢谢")
    (key,) = live.keys(f"kefu:*{name.rpartition('/')[2]}*")
    assert 80 < live.ttl(key) <= 90
    await reply(channel, name, "再见")
    assert live.exists(key) == 0


async def test_lists_are_paged_in_order(channel: SessionServiceStub, front: Front) -> None:
    """Sessions newest first, turns oldest first; every row once, no row of another tenant."""
    agent = front.served.stub(SessionServiceStub, role="agent")
    tenant = f"t-{new_id()[:8]}"
    made = []
    for _ in range(5):
        request = creation(parent=f"tenants/{tenant}")
        made.append((await channel.CreateSession(request, timeout=SECONDS)).session.name)
    token, seen = "", []
    while True:
        page = await agent.ListSessions(
            pb.ListSessionsRequest(parent=f"tenants/{tenant}", page_size=2, page_token=token),
            timeout=SECONDS,
        )
        seen += [each.name for each in page.sessions]
        token = page.next_page_token
        if not token:
            break
    assert seen == made[::-1]
    for _ in range(3):
        await reply(channel, made[0], "谢谢")
    first = pb.ListTurnsRequest(parent=made[0], page_size=2)
    page = await agent.ListTurns(first, timeout=SECONDS)
    assert [each.turn_index for each in page.turns] == [1, 2]
    second = pb.ListTurnsRequest(parent=made[0], page_size=2, page_token=page.next_page_token)
    last = await agent.ListTurns(second, timeout=SECONDS)
    assert [each.turn_index for each in last.turns] == [3]
    assert last.next_page_token == ""


async def test_a_page_token_is_good_for_its_list_only(
    channel: SessionServiceStub, front: Front
) -> None:
    """Made up, damaged, of another list, or with a key that is none: one precise status."""
    agent = front.served.stub(SessionServiceStub, role="agent")
    name = await open_session(channel)
    await open_session(channel)
    await reply(channel, name, "谢谢", "谢谢")
    sessions = await agent.ListSessions(
        pb.ListSessionsRequest(parent="tenants/shop", page_size=1), timeout=SECONDS
    )
    turns = await agent.ListTurns(pb.ListTurnsRequest(parent=name, page_size=1), timeout=SECONDS)
    digest, *key = json.loads(base64.urlsafe_b64decode(sessions.next_page_token))
    no_time = base64.urlsafe_b64encode(json.dumps([digest, "soon", key[1]]).encode()).decode()
    for token in ("?", "AAAA", turns.next_page_token, no_time):
        request = pb.ListSessionsRequest(parent="tenants/shop", page_token=token)
        assert (
            type(await error_of(agent.ListSessions(request, timeout=SECONDS))) is PageTokenInvalid
        )
    for token in ("?", sessions.next_page_token):
        request = pb.ListTurnsRequest(parent=name, page_token=token)
        assert type(await error_of(agent.ListTurns(request, timeout=SECONDS))) is PageTokenInvalid


async def test_what_is_not_there_is_said_so(channel: SessionServiceStub, front: Front) -> None:
    """Each method with its own reason; no session is made by asking for one."""
    owner = front.served.stub(SessionServiceStub, role="content-owner")
    request = message(NOWHERE, "谢谢")
    missing = [
        channel.GetSession(pb.GetSessionRequest(name=NOWHERE)),
        channel.CloseSession(pb.CloseSessionRequest(name=NOWHERE, request_id=new_id())),
        channel.Reply(request),
        channel.Converse(streamed(request)),
        channel.ListTurns(pb.ListTurnsRequest(parent=NOWHERE)),
        owner.MatchIntent(pb.MatchIntentRequest(session=NOWHERE, input=request.input)),
    ]
    for call in missing:
        assert type(await error_of(call)) is SessionNotFound
    name = f"{await open_session(channel)}/turns/none"
    assert type(await error_of(channel.GetTurn(pb.GetTurnRequest(name=name)))) is TurnNotFound
    assert type(await error_of(channel.ResumeTurn(pb.ResumeTurnRequest(name=name)))) is TurnNotFound


async def test_a_tenant_is_closed_to_the_others(channel: SessionServiceStub, front: Front) -> None:
    """The same answer for what is there and what is not: nobody can feel her way."""
    inside = front.served.stub(SessionServiceStub, role="channel")
    there = f"tenants/other/sessions/{new_id()}"
    await inside.CreateSession(
        creation(parent="tenants/other", session_id=there.rpartition("/")[2]), timeout=SECONDS
    )
    stranger = front.served.stub(SessionServiceStub, identity="test-channel-shop")
    for name in (there, "tenants/other/sessions/nowhere"):
        for call in (
            stranger.GetSession(pb.GetSessionRequest(name=name)),
            stranger.Reply(message(name, "谢谢")),
            stranger.Converse(streamed(message(name, "谢谢"))),
            stranger.ResumeTurn(pb.ResumeTurnRequest(name=f"{name}/turns/t")),
        ):
            assert type(await error_of(call)) is TenantNotAllowed
    borrowed = pb.Session(knowledge_base="tenants/other/knowledgeBases/other")
    call = stranger.CreateSession(creation(session=borrowed), timeout=SECONDS)
    assert type(await error_of(call)) is TenantNotAllowed


async def test_a_channel_does_not_see_the_list_of_all(channel: SessionServiceStub) -> None:
    """Who holds conversations reads her own by name; lists are for those who work on them."""
    call = channel.ListSessions(pb.ListSessionsRequest(parent="tenants/shop"), timeout=SECONDS)
    assert type(await error_of(call)) is MethodNotAllowed
