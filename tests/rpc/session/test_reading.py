"""How a message is read through the front door: words first, one vector where these leave doubt."""

from collections import Counter

import pytest
from kefu.errors import ServiceUnavailable
from kefu.session.v1 import session_pb2 as pb
from kefu.session.v1.session_pb2_grpc import SessionServiceStub
from kefu.session.v1.turn_pb2 import (
    DEGRADATION_LEXICAL_ONLY,
    DIALOGUE_STATE_CLOSED,
    DIALOGUE_STATE_CONFIRMING,
    DIALOGUE_STATE_FILLING,
    REPLY_MODE_FAQ,
    Match,
)
from kefu.type.v1.understanding_pb2 import EMOTION_ANGER, Escalation

from tests.rpc.session.company import VECTOR, Company
from tests.rpc.session.front import SECONDS, Front, message, open_session, reply

pytestmark = pytest.mark.asyncio(loop_scope="module")

TEXT = "这个能退不"


def counts(company: Company) -> dict[str, int]:
    """How often each service was asked since the actions were listed."""
    found = Counter({method: len(requests) for method, requests in company.asked.items()})
    del found["ListActions"]
    return dict(found)


@pytest.mark.parametrize("text", ["取消订单", "谢谢", "再见"])
async def test_a_sure_answer_on_words_alone_costs_no_vector(
    channel: SessionServiceStub, company: Company, text: str
) -> None:
    """The embedding is the dearest step of a turn: cheaper evidence comes first."""
    await reply(channel, await open_session(channel), text)
    assert counts(company) == {"Classify": 1, "Analyze": 1, "Search/faq": 1}
    assert not company.asked["Classify"][0].HasField("embedding")


async def test_a_doubt_costs_one_vector_and_everybody_gets_it(
    channel: SessionServiceStub, company: Company
) -> None:
    """Embedded once; intent and mood asked again with it, and the search has the same."""
    company.doubtful, company.known = {TEXT: "returns"}, {TEXT}
    turn = await reply(channel, await open_session(channel), TEXT)
    assert counts(company) == {
        "Classify": 2, "Analyze": 2, "Search/faq": 1, "Embed": 1, "Search": 1, "Generate": 1,
    }  # fmt: skip
    for method in ("Classify", "Analyze"):
        first, again = company.asked[method]
        assert not first.HasField("embedding")
        assert (again.embedding, again.text) == (VECTOR, TEXT)
    (search,) = company.asked["Search"]
    assert search.embedding == VECTOR
    assert (turn.match.type, turn.match.intent.intent) == (Match.TYPE_KNOWLEDGE, "returns")
    assert list(turn.degraded) == []


async def test_the_vector_decides_what_is_done(
    channel: SessionServiceStub, company: Company
) -> None:
    """A wish that words alone did not tell is begun, and a goodbye is one."""
    for intent, state in (
        ("cancel_order", DIALOGUE_STATE_FILLING), ("goodbye", DIALOGUE_STATE_CLOSED),
    ):  # fmt: skip
        company.doubtful = {TEXT: intent}
        turn = await reply(channel, await open_session(channel), TEXT)
        assert turn.dialogue_state == state


async def test_an_faq_decides_without_a_vector(
    channel: SessionServiceStub, company: Company
) -> None:
    """Also where the intent is in doubt."""
    company.doubtful, company.faqs = {TEXT: "returns"}, {TEXT: "可以。"}
    turn = await reply(channel, await open_session(channel), TEXT)
    assert (turn.mode, "Embed" in company.asked) == (REPLY_MODE_FAQ, False)


async def test_a_value_for_an_open_slot_costs_no_vector(
    channel: SessionServiceStub, company: Company
) -> None:
    """No classifier is sure of a bare order number, and none needs to be."""
    session = await open_session(channel)
    await reply(channel, session, "取消订单")
    company.doubtful = {"SO20260001": "unknown"}
    turn = await reply(channel, session, "SO20260001")
    assert turn.dialogue_state == DIALOGUE_STATE_CONFIRMING
    assert "Embed" not in company.asked


async def test_without_a_vector_words_alone_decide_and_the_turn_says_so(
    channel: SessionServiceStub, company: Company
) -> None:
    """The gateway is asked once, the mood not again; a sure message misses nothing.

    The intent service hears that the vector which it was promised will not come.
    """
    company.doubtful, company.fails = {TEXT: "returns"}, {"Embed": ServiceUnavailable()}
    session = await open_session(channel)
    turn = await reply(channel, session, TEXT)
    assert turn.match.intent.intent == "unknown"
    assert list(turn.degraded) == [DEGRADATION_LEXICAL_ONLY]
    found = counts(company)
    assert (found["Classify"], found["Analyze"], found["Search"]) == (2, 1, 1)
    assert [each.embedding_follows for each in company.asked["Classify"]] == [True, False]
    assert len({each.SerializeToString() for each in company.asked["Embed"]}) == 1
    assert not company.asked["Search"][0].HasField("embedding")
    assert list((await reply(channel, session, "谢谢")).degraded) == []


@pytest.mark.parametrize(
    ("method", "intent", "compound", "degraded"),
    [
        ("Classify/vector", "unknown", 0.3, [DEGRADATION_LEXICAL_ONLY]),
        ("Analyze/vector", "returns", 0.2, []),
    ],
)
async def test_where_the_second_reading_fails_the_first_stands(
    channel: SessionServiceStub,
    company: Company,
    method: str,
    intent: str,
    compound: float,
    degraded: list[int],
) -> None:
    """Each for itself: the other one and the search go on with the vector."""
    company.doubtful, company.known = {TEXT: "returns"}, {TEXT}
    company.fails = {method: ServiceUnavailable()}
    turn = await reply(channel, await open_session(channel), TEXT)
    assert turn.match.intent.intent == intent
    assert turn.sentiment.compound == compound
    assert list(turn.degraded) == degraded
    assert company.asked["Search"][0].embedding == VECTOR


@pytest.mark.parametrize("method", ["Embed", "Classify/vector", "Analyze/vector", "Search"])
async def test_a_second_reading_that_hangs_leaves_time_for_the_reply(
    channel: SessionServiceStub, company: Company, method: str
) -> None:
    """The shares of the deadline hold with all of its hops."""
    company.doubtful, company.known = {TEXT: "returns"}, {TEXT}
    session = await open_session(channel)
    company.hold(method)
    assert (await channel.Reply(message(session, TEXT), timeout=1.5)).turn.text


async def test_a_rehearsal_reads_as_carefully_as_the_turn(
    front: Front, channel: SessionServiceStub, company: Company
) -> None:
    """MatchIntent embeds once where words leave doubt, and says what the turn then does.

    It classifies as a batch, of which nothing is kept for labelling or sent to a provider.
    """
    company.doubtful, company.known = {TEXT: "cancel_order"}, {TEXT}
    session = await open_session(channel)
    owner = front.served.stub(SessionServiceStub, role="content-owner")
    asking = pb.MatchIntentRequest(session=session, input=pb.TurnInput(text=TEXT))
    said = await owner.MatchIntent(asking, timeout=SECONDS)
    assert said.match.intent.intent == "cancel_order"
    assert said.next_state == DIALOGUE_STATE_FILLING
    assert counts(company) == {"BatchClassify": 2, "Analyze": 2, "Search/faq": 1, "Embed": 1}
    assert (await reply(channel, session, TEXT)).match == said.match


async def test_the_mood_with_the_vector_opens_the_ticket(
    channel: SessionServiceStub, company: Company
) -> None:
    """Emotion and urgency stand in the turn, the ticket comes first and knows the mood."""
    company.doubtful, company.furious = {TEXT: "returns"}, {TEXT + "/vector"}
    turn = await reply(channel, await open_session(channel), TEXT)
    assert (turn.sentiment.emotion, turn.sentiment.urgency) == (EMOTION_ANGER, 0.9)
    assert (turn.escalation.escalate, turn.escalation.reason) == (True, Escalation.REASON_STRONG)
    (request,) = company.asked["CreateTicket"]
    assert request.ticket.priority == request.ticket.PRIORITY_HIGH
    assert list(request.ticket.sentiment_trend) == [-0.9]
