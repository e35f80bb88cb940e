"""Redis forgets, replicas die, leases are lost, disks fill: no turn is lost, none happens twice."""

import asyncio
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import redis
from kefu.errors import StorageUnavailable, TurnInProgress
from kefu.session.v1 import session_pb2 as pb
from kefu.session.v1.session_pb2_grpc import SessionServiceStub
from kefu.session.v1.turn_pb2 import DIALOGUE_STATE_CONFIRMING, ActionResult
from psycopg import sql

from services.mesh.spool import AuditSpool
from tests.rpc.session.company import Company
from tests.rpc.session.front import (
    SECONDS,
    Front,
    events_of,
    message,
    open_session,
    replica,
    reply,
    stored_turns,
    streamed,
)
from tests.support.mesh import error_of
from tests.support.postgres import fresh_database
from tests.support.valkey import fresh_redis

pytestmark = pytest.mark.asyncio(loop_scope="module")


def lease_of(session: str) -> str:
    """The key of a session's lease."""
    return session.replace("tenants/", "kefu:lease:{").replace("/sessions/", "/") + "}"


def context_of(session: str) -> str:
    """The key of a session's live context."""
    return lease_of(session).replace("lease", "context")


async def test_what_redis_forgets_is_rebuilt(
    channel: SessionServiceStub, live: redis.Redis, company: Company
) -> None:
    """In the middle of an operation: the customer notices nothing."""
    session = await open_session(channel)
    await reply(channel, session, "取消订单")
    live.flushdb()
    turn = await reply(channel, session, "SO20260001")
    assert (turn.dialogue_state, turn.turn_index) == (DIALOGUE_STATE_CONFIRMING, 2)
    live.flushdb()
    turn = await reply(channel, session, "确认")
    assert [each.outcome for each in turn.actions] == [ActionResult.OUTCOME_SUCCEEDED]
    await reply(channel, session, "我想退货")
    history = company.asked["Generate"][-1].history
    assert [each.customer for each in history] == ["取消订单", "SO20260001", "确认"]


async def test_a_live_context_that_missed_a_turn_is_not_used(
    channel: SessionServiceStub, live: redis.Redis
) -> None:
    """The process died between commit and settling: Redis has the context of the turn before."""
    session = await open_session(channel)
    await reply(channel, session, "取消订单")
    old = live.get(context_of(session))
    await reply(channel, session, "SO20260001")
    live.set(context_of(session), old)
    turn = await reply(channel, session, "确认")
    assert [each.outcome for each in turn.actions] == [ActionResult.OUTCOME_SUCCEEDED]
    assert turn.turn_index == 3


async def test_a_dead_process_holds_a_session_for_seconds_at_most(
    channel: SessionServiceStub, live: redis.Redis
) -> None:
    """Its lease runs out by itself; until then the caller hears when to come again."""
    session = await open_session(channel)
    live.set(lease_of(session), "somebody who is gone", px=1000)
    request = message(session, "谢谢")
    error = await error_of(channel.Reply(request, timeout=SECONDS))
    assert type(error) is TurnInProgress
    while True:
        error = await error_or_none(channel.Reply(request, timeout=SECONDS))
        if error is None:
            break
        assert type(error) is TurnInProgress
        await asyncio.sleep(error.retry_after_seconds)
    (turn,) = (await channel.ListTurns(pb.ListTurnsRequest(parent=session))).turns
    assert turn.request_id == request.request_id


async def test_of_two_writers_the_second_loses(
    channel: SessionServiceStub, company: Company, live: redis.Redis, database: psycopg.Connection
) -> None:
    """A paused process wakes up without its lease: its turn is fenced off, and its repeat works."""
    session = await open_session(channel)
    gate = company.hold("Generate")
    slow = message(session, "我想退货")
    paused = asyncio.ensure_future(error_of(channel.Reply(slow, timeout=SECONDS)))
    await company.arrived("Generate")
    live.delete(lease_of(session))
    second = await reply(channel, session, "谢谢")
    gate.set()
    assert type(await paused) is TurnInProgress
    assert stored_turns(database, session) == [second]
    turn = (await channel.Reply(slow, timeout=SECONDS)).turn
    assert stored_turns(database, session) == [second, turn]


async def test_a_turn_tried_again_acts_under_the_same_key(
    channel: SessionServiceStub, company: Company, live: redis.Redis
) -> None:
    """The first try acted and could not commit; the company's system sees one key, acts once."""
    session = await open_session(channel)
    await reply(channel, session, "取消订单", "SO20260001")
    gate = company.hold("Execute")
    request = message(session, "确认")
    lost = asyncio.ensure_future(error_of(channel.Reply(request, timeout=SECONDS)))
    await company.arrived("Execute")
    live.delete(lease_of(session))
    await reply(channel, session, "谢谢")
    gate.set()
    assert type(await lost) is TurnInProgress
    turn = (await channel.Reply(request, timeout=SECONDS)).turn
    assert [each.outcome for each in turn.actions] == [ActionResult.OUTCOME_SUCCEEDED]
    assert len(company.asked["Execute"]) == 2
    assert len(company.executed) == 1


async def test_a_lease_is_renewed_while_the_turn_runs(
    channel: SessionServiceStub, company: Company, live: redis.Redis
) -> None:
    """A turn may take longer than a lease lives: a slow action does not outlive its lock."""
    session = await open_session(channel)
    gate = company.hold("Generate")
    call = asyncio.ensure_future(reply(channel, session, "我想退货"))
    await company.arrived("Generate")
    live.pexpire(lease_of(session), 1500)
    while live.pttl(lease_of(session)) <= 1500:  # noqa: ASYNC110 (Redis tells nobody)
        await asyncio.sleep(0.05)
    gate.set()
    assert (await call).turn_index == 1
    assert live.exists(lease_of(session)) == 0


async def test_two_replicas_share_a_conversation(front: Front, company: Company) -> None:
    """A turn that runs on one is refused on the other, resumed there, and repeated there."""
    async with replica(front.behind, front.settings) as (other, _):
        there = other.stub(SessionServiceStub, role="channel")
        session = await open_session(front.channel)
        gate = company.hold("Generate")
        request = message(session, "我想退货")
        call = front.channel.Converse(streamed(request), timeout=SECONDS)
        started = (await call.read()).event.started
        await company.arrived("Generate")
        again = await error_of(there.Reply(request, timeout=SECONDS))
        assert type(again) is TurnInProgress
        waiting = there.ResumeTurn(pb.ResumeTurnRequest(name=started.turn), timeout=SECONDS)
        resumed = asyncio.ensure_future(events_of(waiting))
        gate.set()
        turn = (await events_of(call))[-1].completed.turn
        assert (await resumed)[-1].completed.turn == turn
        assert (await there.Reply(request, timeout=SECONDS)).turn == turn
        assert (await reply(there, session, "谢谢")).turn_index == 2


async def test_a_server_that_stops_finishes_its_turns_first(
    front: Front, company: Company, database: psycopg.Connection
) -> None:
    """Also one whose caller has left: what was begun is stored."""
    gate = company.hold("Generate")
    async with replica(front.behind, front.settings) as (leaving, _):
        session = await abandoned(leaving.stub(SessionServiceStub, role="channel"), company)
        asyncio.get_running_loop().call_later(0.1, gate.set)
    (turn,) = stored_turns(database, session)
    assert turn.text == "签收后 15 天内可以退货。"


async def test_a_turn_that_a_stopping_server_cuts_off_can_be_tried_again(
    front: Front, company: Company, live: redis.Redis, database: psycopg.Connection
) -> None:
    """Nothing of it is stored, and the session is free at once rather than after its lease."""
    gate = company.hold("Generate")
    settings = front.settings | {"drain_seconds": 0.1}
    async with replica(front.behind, settings) as (leaving, _):
        session = await abandoned(leaving.stub(SessionServiceStub, role="channel"), company)
    assert stored_turns(database, session) == []
    assert live.exists(lease_of(session)) == 0
    gate.set()
    assert (await reply(front.channel, session, "我想退货")).turn_index == 1


async def test_a_record_that_cannot_be_kept_does_not_undo_a_turn(
    channel: SessionServiceStub,
    database: psycopg.Connection,
    logs: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The turn is durable when its record is written: it is told, and the log has the failure.

    (On a full disk the call's own record fails as well, which its caller does hear of.)
    """

    def refuse(*_: Any) -> None:
        raise StorageUnavailable("disk full")

    session = await open_session(channel)
    with monkeypatch.context() as patch:
        patch.setattr("services.session.journal.Journal.finished", refuse)
        turn = await reply(channel, session, "谢谢")
    assert stored_turns(database, session) == [turn]
    assert [each["turn"] for each in logs if each["event"] == "turn not recorded"] == [turn.name]
    assert (await reply(channel, session, "谢谢")).turn_index == 2


async def test_a_full_disk_is_told_to_the_caller(
    channel: SessionServiceStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call without a record does not succeed; its repeat finds the turn."""

    def refuse(*_: Any) -> None:
        raise StorageUnavailable("disk full")

    session = await open_session(channel)
    request = message(session, "谢谢")
    with monkeypatch.context() as patch:
        patch.setattr(AuditSpool, "append", refuse)
        assert type(await error_of(channel.Reply(request, timeout=1))) is StorageUnavailable
    assert (await channel.Reply(request, timeout=SECONDS)).turn.turn_index == 1


async def test_without_redis_stored_turns_are_told_and_new_ones_wait(
    front: Front, redis_url: str
) -> None:
    """The lease cannot be had, so the caller hears "retry"; what is durable needs no lease."""
    session = await open_session(front.channel)
    request = message(session, "谢谢")
    turn = (await front.channel.Reply(request, timeout=SECONDS)).turn
    broken = front.settings | {"redis_url": redis_url.replace("unix:///", "unix:///no/")}
    async with replica(front.behind, broken) as (other, _):
        there = other.stub(SessionServiceStub, role="channel")
        call = there.Reply(message(session, "谢谢"), timeout=SECONDS)
        assert type(await error_of(call)) is StorageUnavailable
        assert (await there.Reply(request, timeout=SECONDS)).turn == turn
        resume = there.ResumeTurn(pb.ResumeTurnRequest(name=turn.name), timeout=SECONDS)
        assert (await events_of(resume))[-1].completed.turn == turn
        closing = pb.CloseSessionRequest(name=session, request_id=request.request_id)
        closed = await there.CloseSession(closing, timeout=SECONDS)
        assert closed.session.state == pb.Session.STATE_CLOSED


async def test_without_postgresql_everything_says_retry(
    database: psycopg.Connection, front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No turn is told that is not stored; the message of the error names no host and no SQL."""
    monkeypatch.setattr("services.mesh.database._WAIT_SECONDS", 0.2)
    with fresh_redis() as redis_url, fresh_database() as database_url:
        settings = {"database_url": database_url, "redis_url": redis_url}
        async with replica(front.behind, front.settings | settings) as (other, _):
            there = other.stub(SessionServiceStub, role="channel")
            session = await open_session(there)
            name = urlsplit(database_url).path.lstrip("/")
            database.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
            for call in (
                there.Reply(message(session, "谢谢"), timeout=SECONDS),
                there.GetSession(pb.GetSessionRequest(name=session), timeout=SECONDS),
            ):
                error = await error_of(call)
                assert type(error) is StorageUnavailable
                assert error.message == StorageUnavailable.summary
            database.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


async def abandoned(channel: SessionServiceStub, company: Company) -> str:
    """A session whose turn runs and whose caller has left; its name."""
    session = await open_session(channel)
    call = channel.Converse(streamed(message(session, "我想退货")), timeout=SECONDS)
    await call.read()
    await company.arrived("Generate")
    call.cancel()
    return session


async def error_or_none(call: Any) -> Any:
    """The typed error of a call; None where it succeeds."""
    try:
        return await error_of(call)
    except AssertionError:
        return None
