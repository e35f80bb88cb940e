"""One request is one turn, however often and at whatever moment it arrives."""

import asyncio

import pytest
from kefu.errors import RequestIdReused, TurnInProgress
from kefu.session.v1.session_pb2_grpc import SessionServiceStub

from tests.rpc.session.company import Company
from tests.rpc.session.front import (
    SECONDS,
    events_of,
    message,
    open_session,
    reply,
    streamed,
)
from tests.support.mesh import error_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_repeat_returns_the_same_turn(
    channel: SessionServiceStub, company: Company
) -> None:
    """On Reply and on Converse: the same words with the same numbers, nothing is asked twice."""
    session = await open_session(channel)
    request = message(session, "我想退货")
    events = await events_of(channel.Converse(streamed(request)))
    asked = {method: len(requests) for method, requests in company.asked.items()}
    assert (await channel.Reply(request, timeout=SECONDS)).turn == events[-1].completed.turn
    assert await events_of(channel.Converse(streamed(request))) == events
    upper = message(session, "我想退货", request.request_id.upper())
    assert (await channel.Reply(upper, timeout=SECONDS)).turn == events[-1].completed.turn
    assert asked == {method: len(requests) for method, requests in company.asked.items()}


async def test_the_same_request_at_the_same_moment_is_one_turn(
    channel: SessionServiceStub, company: Company
) -> None:
    """Five arrivals at once, of both kinds: one turn, one execution, nobody is turned away."""
    session = await open_session(channel)
    await reply(channel, session, "取消订单", "SO20260001")
    request = message(session, "确认")
    calls = [channel.Reply(request, timeout=SECONDS) for _ in range(3)]
    streams = [channel.Converse(streamed(request), timeout=SECONDS) for _ in range(2)]
    turns = [each.turn for each in await asyncio.gather(*calls)]
    heard = await asyncio.gather(*(events_of(each) for each in streams))
    assert heard[0] == heard[1]
    assert all(turn == heard[0][-1].completed.turn for turn in turns)
    assert len(company.asked["Execute"]) == len(company.executed) == 1
    assert turns[0].turn_index == 3


async def test_a_repeat_joins_the_turn_that_runs(
    channel: SessionServiceStub, company: Company
) -> None:
    """The impatient client hears what was said so far, and the rest with the first one."""
    session = await open_session(channel)
    gate = company.hold("Generate")
    request = message(session, "我想退货")
    first = asyncio.create_task(events_of(channel.Converse(streamed(request), timeout=SECONDS)))
    await company.arrived("Generate")
    second = channel.Converse(streamed(request), timeout=SECONDS)
    early = [(await second.read()).event for _ in range(2)]
    assert early[1].delta.text == "签收后 15 天内"
    gate.set()
    assert early + await events_of(second) == await first
    assert len(company.asked["Classify"]) == 1


@pytest.mark.parametrize("running", [False, True])
async def test_a_request_id_is_good_for_one_message(
    channel: SessionServiceStub, company: Company, running: bool
) -> None:
    """Another text, or another language, under the same id is a mistake of the caller."""
    session = await open_session(channel)
    gate = company.hold("Classify")
    request = message(session, "我想退货")
    first = channel.Reply(request, timeout=SECONDS)
    await company.arrived("Classify")
    if not running:
        gate.set()
        await first
    for other in (
        message(session, "取消订单", request.request_id),
        message(session, "我想退货", request.request_id, "en"),
    ):
        assert type(await error_of(channel.Reply(other, timeout=SECONDS))) is RequestIdReused
        call = channel.Converse(streamed(other), timeout=SECONDS)
        assert type(await error_of(call)) is RequestIdReused
    gate.set()
    assert (await first).turn.input_text == "我想退货"


async def test_two_messages_at_once_are_answered_one_after_the_other(
    channel: SessionServiceStub, company: Company
) -> None:
    """The second is told when to come again, and then gets its turn."""
    session = await open_session(channel)
    gate = company.hold("Classify")
    first = channel.Reply(message(session, "我想退货"), timeout=SECONDS)
    await company.arrived("Classify")
    second = message(session, "谢谢")
    error = await error_of(channel.Reply(second, timeout=SECONDS))
    assert type(error) is TurnInProgress
    assert 0 < error.retry_after_seconds <= 0.5
    gate.set()
    assert (await first).turn.turn_index == 1
    assert (await channel.Reply(second, timeout=SECONDS)).turn.turn_index == 2


async def test_the_next_message_may_follow_at_once(channel: SessionServiceStub) -> None:
    """Whoever has TurnCompleted has the session: no client races its own last turn."""
    session = await open_session(channel)
    for index in range(1, 8):
        assert (await reply(channel, session, "谢谢")).turn_index == index
