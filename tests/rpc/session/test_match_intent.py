"""MatchIntent: what the next turn would do, without doing it."""

import psycopg
import pytest
from kefu.errors import SessionClosed
from kefu.session.v1 import session_pb2 as pb
from kefu.session.v1 import turn_pb2
from kefu.session.v1.session_pb2_grpc import SessionServiceStub
from kefu.session.v1.turn_pb2 import Match

from tests.rpc.session.company import Company
from tests.rpc.session.front import SECONDS, Front, new_id, open_session, reply, stored_turns
from tests.support.mesh import error_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


def asking(session: str, text: str) -> pb.MatchIntentRequest:
    """Ask what a text would do."""
    return pb.MatchIntentRequest(session=session, input=pb.TurnInput(text=text))


@pytest.mark.parametrize(
    ("before", "text", "match", "state"),
    [
        ([], "我想退货", Match.TYPE_KNOWLEDGE, "IDLE"),
        ([], "营业时间", Match.TYPE_FAQ, "IDLE"),
        ([], "取消订单", Match.TYPE_INTENT, "FILLING"),
        ([], "嗯哼", Match.TYPE_NO_MATCH, "CLARIFYING"),
        (["嗯哼"], "啊哈", Match.TYPE_NO_MATCH, "HANDED_OVER"),
        (["取消订单"], "SO20260001", Match.TYPE_SLOT, "CONFIRMING"),
        (["取消订单"], "嗯哼", Match.TYPE_NO_MATCH, "FILLING"),
        (["取消订单", "SO20260001"], "确认", Match.TYPE_CONFIRMATION, "IDLE"),
        (["取消订单", "SO20260001"], "不用了", Match.TYPE_CONFIRMATION, "IDLE"),
        ([], "转人工", Match.TYPE_INTENT, "HANDED_OVER"),
        (["转人工"], "我想退货", Match.TYPE_HUMAN_OWNED, "HANDED_OVER"),
        ([], "再见", Match.TYPE_INTENT, "CLOSED"),
    ],
)
async def test_it_says_what_the_turn_then_does(
    front: Front,
    company: Company,
    channel: SessionServiceStub,
    database: psycopg.Connection,
    before: list[str],
    text: str,
    match: int,
    state: str,
) -> None:
    """Match, mood and next state are those of the turn; until then nothing has changed."""
    company.faqs["营业时间"] = "九点到十八点。"
    session = await open_session(channel)
    for each in before:
        await reply(channel, session, each)
    owner = front.served.stub(SessionServiceStub, role="content-owner")
    was = (await channel.GetSession(pb.GetSessionRequest(name=session))).session
    done = {name: len(company.asked[name]) for name in ("Execute", "CreateTicket", "Generate")}

    said = await owner.MatchIntent(asking(session, text), timeout=SECONDS)
    assert said.match.type == match
    assert said.next_state == turn_pb2.DialogueState.Value(f"DIALOGUE_STATE_{state}")
    assert (await channel.GetSession(pb.GetSessionRequest(name=session))).session == was
    assert len(stored_turns(database, session)) == len(before)
    assert done == {name: len(company.asked[name]) for name in done}

    turn = await reply(channel, session, text)
    assert (turn.match, turn.sentiment) == (said.match, said.sentiment)
    assert turn.dialogue_state == said.next_state


async def test_a_conversation_that_is_over_has_no_next_turn(
    front: Front, channel: SessionServiceStub
) -> None:
    """The same error as the turn itself would get."""
    session = await open_session(channel)
    await channel.CloseSession(pb.CloseSessionRequest(name=session, request_id=new_id()))
    owner = front.served.stub(SessionServiceStub, role="content-owner")
    error = await error_of(owner.MatchIntent(asking(session, "谢谢"), timeout=SECONDS))
    assert type(error) is SessionClosed
