"""A turn that was acknowledged is stored, and goes on without its caller."""

import asyncio

import psycopg
import pytest
from kefu.errors import DeadlineExceeded
from kefu.session.v1 import session_pb2 as pb
from kefu.session.v1.session_pb2_grpc import SessionServiceStub

from tests.rpc.session.company import Company
from tests.rpc.session.front import (
    SECONDS,
    events_of,
    message,
    open_session,
    stored_turns,
    streamed,
)
from tests.support.mesh import error_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_completed_turn_is_in_the_database(
    channel: SessionServiceStub, database: psycopg.Connection
) -> None:
    """At the moment in which the event arrives: what was acknowledged survives a kill."""
    session = await open_session(channel)
    async for response in channel.Converse(streamed(message(session, "我想退货"))):
        event = response.event
        # Words may still be on their way when the turn is stored, its end never comes before.
        rows = stored_turns(database, session) if event.HasField("completed") else []
    assert rows == [event.completed.turn]


async def test_nothing_is_completed_before_it_is_durable(
    channel: SessionServiceStub, database: psycopg.Connection
) -> None:
    """While the commit waits the words are heard and the end is not."""
    session = await open_session(channel)
    call = channel.Converse(streamed(message(session, "我想退货")), timeout=SECONDS)
    with database.transaction():
        lock(database, session)
        heard = [(await call.read()).event for _ in range(4)]
        assert heard[-1].HasField("citation")
        last = asyncio.ensure_future(call.read())
        done, _ = await asyncio.wait([last], timeout=0.1)
        assert not done
    assert (await last).event.HasField("completed")


async def test_a_turn_goes_on_when_its_caller_leaves(
    channel: SessionServiceStub, company: Company
) -> None:
    """It is completed and stored; ResumeTurn gives exactly what was missed."""
    session = await open_session(channel)
    gate = company.hold("Generate")
    request = message(session, "我想退货")
    call = channel.Converse(streamed(request), timeout=SECONDS)
    heard = [(await call.read()).event for _ in range(2)]
    await company.arrived("Generate")
    call.cancel()
    resume = pb.ResumeTurnRequest(name=heard[0].started.turn, after_sequence=heard[-1].sequence)
    missed = asyncio.create_task(events_of(channel.ResumeTurn(resume, timeout=SECONDS)))
    gate.set()
    rest = await missed
    assert [each.sequence for each in rest] == [3, 4, 5]
    turn = rest[-1].completed.turn
    assert turn.text == "签收后 15 天内可以退货。"
    assert await events_of(channel.Converse(streamed(request), timeout=SECONDS)) == heard + rest


async def test_a_late_turn_is_stored_though_its_caller_has_given_up(
    channel: SessionServiceStub, database: psycopg.Connection
) -> None:
    """The deadline is kept to the caller; the turn that missed it is found by its repeat."""
    session = await open_session(channel)
    request = message(session, "谢谢")
    with database.transaction():
        lock(database, session)
        call = channel.Reply(request, timeout=0.5)
        assert type(await error_of(call)) is DeadlineExceeded
    turn = (await channel.Reply(request, timeout=SECONDS)).turn
    assert stored_turns(database, session) == [turn]


def lock(database: psycopg.Connection, session: str) -> None:
    """Make every commit of the session wait until the transaction ends."""
    query = "SELECT 1 FROM sessions WHERE session = %s FOR UPDATE"
    database.execute(query, (session.rpartition("/")[2],))
