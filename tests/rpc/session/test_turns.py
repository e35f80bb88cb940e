"""A turn through the front door: what the customer hears."""

import pytest
from kefu.session.v1 import session_pb2 as pb
from kefu.session.v1.session_pb2_grpc import SessionServiceStub
from kefu.session.v1.turn_pb2 import (
    DIALOGUE_STATE_CONFIRMING,
    REPLY_MODE_FAQ,
    REPLY_MODE_MODEL,
    ActionResult,
    Match,
)

from tests.rpc.session.company import Company
from tests.rpc.session.front import (
    SECONDS,
    events_of,
    message,
    open_session,
    reply,
    streamed,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_reply_answers_with_the_whole_turn(channel: SessionServiceStub) -> None:
    """Text, source, intent, mood and state, under a name and a trace id."""
    session = await open_session(channel)
    turn = await reply(channel, session, "我想退货")
    assert turn.text == "签收后 15 天内可以退货。"
    assert turn.name.startswith(f"{session}/turns/")
    assert (turn.turn_index, turn.input_text, turn.language_code) == (1, "我想退货", "zh")
    assert (turn.match.type, turn.match.intent.intent) == (Match.TYPE_KNOWLEDGE, "returns")
    assert turn.mode == REPLY_MODE_MODEL
    assert turn.sentiment.compound == 0.2
    assert len(turn.trace_id) == 32
    assert list(turn.degraded) == []
    (citation,) = turn.citations
    assert turn.text[citation.answer_span.start : citation.answer_span.end] == turn.text


async def test_converse_streams_the_turn_and_ends_with_it(channel: SessionServiceStub) -> None:
    """Started first, deltas that join to the text, citations, the turn last; numbered from 1."""
    session = await open_session(channel)
    events = await events_of(channel.Converse(streamed(message(session, "我想退货"))))
    kinds = [each.WhichOneof("event") for each in events]
    assert kinds == ["started", "delta", "delta", "citation", "completed"]
    assert [each.sequence for each in events] == [1, 2, 3, 4, 5]
    turn = events[-1].completed.turn
    assert events[0].started.turn == turn.name
    assert events[0].started.trace_id == turn.trace_id
    assert "".join(each.delta.text for each in events) == turn.text
    assert events[3].citation.citation == turn.citations[0]
    read = await channel.GetTurn(pb.GetTurnRequest(name=turn.name), timeout=SECONDS)
    assert read.turn == turn


async def test_an_operation_runs_over_several_turns(
    channel: SessionServiceStub, company: Company
) -> None:
    """Asked, filled, confirmed, carried out once on the company's own system."""
    session = await open_session(channel)
    turn = await reply(channel, session, "取消订单", "SO20260001")
    assert (turn.text, turn.dialogue_state) == (
        "确认取消订单 SO20260001 吗？", DIALOGUE_STATE_CONFIRMING,
    )  # fmt: skip
    events = await events_of(channel.Converse(streamed(message(session, "确认"))))
    action = next(each.action for each in events if each.HasField("action"))
    assert action.outcome == ActionResult.OUTCOME_SUCCEEDED
    assert dict(action.slots) == {"order_number": "SO20260001"}
    assert events[-1].completed.turn.text == "订单已取消。"
    (request,) = company.asked["Execute"]
    assert (request.session, request.request_id) == (session, action.request_id)


async def test_an_faq_costs_neither_vector_nor_model(
    channel: SessionServiceStub, company: Company
) -> None:
    """The cheap answer stands on its own, with its source."""
    company.faqs["营业时间"] = "九点到十八点。"
    turn = await reply(channel, await open_session(channel), "营业时间")
    assert (turn.mode, turn.text) == (REPLY_MODE_FAQ, "九点到十八点。")
    assert len(turn.citations) == 1
    assert not {"Embed", "Search", "Generate"}.intersection(company.asked)


async def test_anger_opens_one_ticket_over_several_turns(
    channel: SessionServiceStub, company: Company
) -> None:
    """The desk is asked once; the ticket knows the session and the mood."""
    session = await open_session(channel)
    company.furious = {"太差了", "气死我了"}
    turn = await reply(channel, session, "太差了")
    assert turn.ticket.rpartition("/")[2] in turn.text
    assert turn.escalation.escalate
    assert (await reply(channel, session, "气死我了")).ticket == ""
    (request,) = company.asked["CreateTicket"]
    assert request.ticket.session == session
