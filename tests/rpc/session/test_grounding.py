"""How far a reply is supported, through the front door: in the turn, the stream, the record."""

from typing import Any

import psycopg
import pytest
from kefu.errors import ServiceUnavailable
from kefu.session.v1 import session_pb2 as pb
from kefu.session.v1.session_pb2_grpc import SessionServiceStub
from kefu.session.v1.turn_pb2 import Turn
from kefu.type.v1.understanding_pb2 import Grounding, SentenceSupport

from tests.rpc.session.company import SUPPORTED, Company, judged
from tests.rpc.session.front import (
    SECONDS,
    Front,
    events_of,
    message,
    open_session,
    reply,
    stored_turns,
    streamed,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

WEAK, UNSUPPORTED = SentenceSupport.SUPPORT_WEAK, SentenceSupport.SUPPORT_UNSUPPORTED
WORDS = ["𠮷店👍：15 天内可退。", "运费也许由我们付。"]
ANSWER = "".join(WORDS)
DOUBTFUL = judged(
    Grounding.VERDICT_WEAK,
    (ANSWER, WORDS[0], SUPPORTED),
    (ANSWER, WORDS[1], WEAK),
    withheld="unsupported_figure",
)


def sentences_of(turn: Turn) -> list[tuple[str, Any]]:
    """The words of each sentence of the turn's grounding, with their worth."""
    return [
        (turn.text[each.answer_span.start : each.answer_span.end], each.support)
        for each in turn.grounding.sentences
    ]


async def test_a_turn_says_how_far_it_is_supported_wherever_it_is_read(
    channel: SessionServiceStub, company: Company, database: psycopg.Connection
) -> None:
    """As the gateway judged it; in the stream, a resumed one, the turn, the list, the table."""
    company.words, company.grounded = WORDS, {"我想退货": DOUBTFUL}
    session = await open_session(channel)
    events = await events_of(
        channel.Converse(streamed(message(session, "我想退货")), timeout=SECONDS)
    )
    turn = events[-1].completed.turn
    assert turn.grounding == DOUBTFUL
    assert sentences_of(turn) == [(WORDS[0], SUPPORTED), (WORDS[1], WEAK)]
    resume = pb.ResumeTurnRequest(name=turn.name, after_sequence=len(events) - 1)
    (again,) = await events_of(channel.ResumeTurn(resume, timeout=SECONDS))
    got = await channel.GetTurn(pb.GetTurnRequest(name=turn.name), timeout=SECONDS)
    listed = await channel.ListTurns(pb.ListTurnsRequest(parent=session), timeout=SECONDS)
    stored = stored_turns(database, session)
    assert [again.completed.turn, got.turn, *listed.turns, *stored] == [turn] * 4


async def test_spans_are_those_of_the_whole_reply(
    channel: SessionServiceStub, company: Company
) -> None:
    """Behind an apology the answer begins later than the gateway knows, in code points."""
    company.words, company.grounded = WORDS, {"我想退货": DOUBTFUL}
    company.furious = {"我想退货"}
    turn = await reply(channel, await open_session(channel), "我想退货")
    apology, _, answer = turn.text.partition("\n")
    assert "T1" in apology
    assert answer == ANSWER
    assert sentences_of(turn) == [(WORDS[0], SUPPORTED), (WORDS[1], WEAK)]
    assert turn.grounding.verdict == Grounding.VERDICT_WEAK


async def test_several_answers_have_one_grounding(
    channel: SessionServiceStub, company: Company
) -> None:
    """Sentences in order, the worst verdict, and the one reason for which words were withheld."""
    text = "退货要几天？运费多少？在哪退？"
    parts = ["退货要几天", "运费多少", "在哪退"]
    company.words = WORDS
    company.several[text] = [(each, "returns") for each in parts]
    company.known = set(parts)
    bad = judged(Grounding.VERDICT_UNSUPPORTED, (ANSWER, WORDS[1], UNSUPPORTED))
    company.grounded = {parts[0]: DOUBTFUL, parts[1]: bad}
    turn = await reply(channel, await open_session(channel), text)
    assert turn.text == "\n".join(f"关于“{each}”：\n{ANSWER}" for each in parts)
    assert sentences_of(turn) == [
        (WORDS[0], SUPPORTED), (WORDS[1], WEAK), (WORDS[1], UNSUPPORTED), (ANSWER, SUPPORTED),
    ]  # fmt: skip
    starts = [each.answer_span.start for each in turn.grounding.sentences]
    assert starts == sorted(starts)
    assert turn.grounding.verdict == Grounding.VERDICT_UNSUPPORTED
    assert turn.grounding.withheld_reason == "unsupported_figure"


async def test_an_answer_that_breaks_off_is_weak(
    channel: SessionServiceStub, company: Company
) -> None:
    """Its verdict never came: what was heard is not passed off as supported."""
    company.fails = {"Generate": ServiceUnavailable()}
    turn = await reply(channel, await open_session(channel), "我想退货")
    assert turn.status == Turn.STATUS_INTERRUPTED
    assert turn.grounding == Grounding(verdict=Grounding.VERDICT_WEAK)


async def test_a_passage_that_stands_in_for_the_gateway_is_supported(
    channel: SessionServiceStub, company: Company
) -> None:
    """It is what the company wrote, and its place is that of the reply."""
    company.words = [""]
    company.fails = {"Generate": ServiceUnavailable()}
    turn = await reply(channel, await open_session(channel), "我想退货")
    assert turn.text == "15 天内可退。"
    assert turn.grounding.verdict == Grounding.VERDICT_SUPPORTED
    assert sentences_of(turn) == [(turn.text, SUPPORTED)]


@pytest.mark.parametrize("text", ["营业时间", "谢谢", "取消订单", "转人工", "量子计算机"])
async def test_what_is_no_answer_from_passages_has_none(
    channel: SessionServiceStub, company: Company, text: str
) -> None:
    """An FAQ's answer, small talk, an operation, a hand-over, a question back."""
    company.faqs["营业时间"] = "九点到十八点。"
    turn = await reply(channel, await open_session(channel), text)
    assert turn.text
    assert not turn.HasField("grounding")


async def test_the_record_has_the_verdict_and_no_words(
    front: Front, channel: SessionServiceStub, company: Company
) -> None:
    """Verdict and reason are labels of the turn's audit event."""
    company.words, company.grounded = WORDS, {"我想退货": DOUBTFUL}
    turn = await reply(channel, await open_session(channel), "我想退货")
    (done,) = [each for each in front.served.spooled() if each.resource == turn.name]
    assert (done.labels["grounding"], done.labels["withheld"]) == ("weak", "unsupported_figure")
    assert not any(word in str(dict(done.labels)) for word in ("天", "运费", "退货"))


async def test_a_turn_that_was_stored_without_one_is_read(
    channel: SessionServiceStub, database: psycopg.Connection
) -> None:
    """By a release that knew of none: everything else is there, and its stream resumes."""
    turn = await reply(channel, await open_session(channel), "我想退货")
    turn.ClearField("grounding")
    changed = database.execute(
        "UPDATE turns SET result = %s WHERE turn = %s",
        (turn.SerializeToString(), turn.name.rpartition("/")[2]),
    )
    assert changed.rowcount == 1
    got = await channel.GetTurn(pb.GetTurnRequest(name=turn.name), timeout=SECONDS)
    resumed = channel.ResumeTurn(pb.ResumeTurnRequest(name=turn.name), timeout=SECONDS)
    assert got.turn == (await events_of(resumed))[-1].completed.turn == turn


async def test_the_gateway_hears_which_conversation_it_is(
    channel: SessionServiceStub, company: Company
) -> None:
    """The session's name, the same in each of its turns and another in another session."""
    one, other = await open_session(channel), await open_session(channel)
    await reply(channel, one, "我想退货", "我想退货")
    await reply(channel, other, "我想退货")
    assert [each.conversation for each in company.asked["Generate"]] == [one, one, other]
