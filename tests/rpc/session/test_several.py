"""Several requests in one message, through the front door: none of them is lost."""

import pytest
from kefu.session.v1.session_pb2_grpc import SessionServiceStub
from kefu.session.v1.turn_pb2 import (
    DIALOGUE_STATE_CONFIRMING,
    DIALOGUE_STATE_FILLING,
    DIALOGUE_STATE_IDLE,
)

from tests.rpc.session.company import VECTOR, Company
from tests.rpc.session.front import SECONDS, events_of, message, open_session, reply, streamed

pytestmark = pytest.mark.asyncio(loop_scope="module")

ANSWER = "签收后 15 天内可以退货。"


async def test_two_questions_get_two_answers(channel: SessionServiceStub, company: Company) -> None:
    """Each searched with its own words and vector, cited with its own number and place."""
    text = "退货要几天？运费多少？"
    company.several[text] = [("退货要几天", "returns"), ("运费多少", "returns")]
    company.known = {"退货要几天", "运费多少"}
    session = await open_session(channel)
    events = await events_of(channel.Converse(streamed(message(session, text)), timeout=SECONDS))
    turn = events[-1].completed.turn
    assert turn.text == f"关于“退货要几天”：\n{ANSWER}\n关于“运费多少”：\n{ANSWER}"
    assert "".join(each.delta.text for each in events) == turn.text
    assert [each.query for each in company.asked["Search"]] == ["退货要几天", "运费多少"]
    assert [each.embedding for each in company.asked["Search"]] == [VECTOR, VECTOR]
    assert [each.index for each in turn.citations] == [1, 2]
    for each in turn.citations:
        assert turn.text[each.answer_span.start : each.answer_span.end] == ANSWER
    assert turn.dialogue_state == DIALOGUE_STATE_IDLE


@pytest.mark.parametrize(
    ("text", "wish", "question", "heading", "asked"),
    [
        (
            "取消SO20260001，退货要几天", "取消SO20260001", "退货要几天",
            "关于“退货要几天”：", "确认取消订单 SO20260001 吗？",
        ),
        (
            "Cancel SO20260001, and how do returns work?", "Cancel SO20260001",
            "how do returns work", 'About "how do returns work":', "Shall I cancel SO20260001?",
        ),
    ],
)  # fmt: skip
async def test_an_operation_and_a_question(
    channel: SessionServiceStub,
    company: Company,
    text: str,
    wish: str,
    question: str,
    heading: str,
    asked: str,
) -> None:
    """The question is answered, the operation asks last, and a yes carries it out."""
    company.several[text] = [(wish, "cancel_order"), (question, "returns")]
    company.known = {question}
    session = await open_session(channel)
    turn = await reply(channel, session, text)
    assert turn.text == f"{heading}\n{ANSWER}\n{asked}"
    assert turn.dialogue_state == DIALOGUE_STATE_CONFIRMING
    await reply(channel, session, "yes" if turn.language_code == "en" else "是的")
    (request,) = company.asked["Execute"]
    assert dict(request.slots) == {"order_number": "SO20260001"}


@pytest.mark.parametrize(
    ("text", "parts", "told"),
    [
        (
            "取消SO20260001，再改SO20260002的地址", ("取消SO20260001", "再改SO20260002的地址"),
            "您还提到了：修改地址 SO20260002。请在这之后告诉我，我接着为您处理。",
        ),
        (
            "Cancel SO20260001 and move SO20260002", ("Cancel SO20260001", "move SO20260002"),
            "You also mentioned: Change the address SO20260002. Tell me afterwards, and I will go"
            " on with it.",
        ),
    ],
)  # fmt: skip
async def test_two_operations_come_one_after_the_other(
    channel: SessionServiceStub, company: Company, text: str, parts: tuple[str, str], told: str
) -> None:
    """The second is named as the company calls it; its order number stays out of the first."""
    company.several[text] = [(parts[0], "cancel_order"), (parts[1], "change_address")]
    session = await open_session(channel)
    turn = await reply(channel, session, text)
    assert turn.text.split("\n")[0] == told
    await reply(channel, session, "yes" if turn.language_code == "en" else "是的")
    (request,) = company.asked["Execute"]
    assert (request.action, dict(request.slots)) == (
        "cancel_order", {"order_number": "SO20260001"},
    )  # fmt: skip


async def test_clear_parts_of_a_doubtful_whole_are_worked_on(
    channel: SessionServiceStub, company: Company
) -> None:
    """No vector of the whole is needed for that, only the question's own."""
    text = "退货要几天还有帮我取消订单"
    company.doubtful = {text: "cancel_order"}
    company.several[text] = [("退货要几天", "returns"), ("帮我取消订单", "cancel_order")]
    company.known = {"退货要几天"}
    turn = await reply(channel, await open_session(channel), text)
    assert turn.text == f"关于“退货要几天”：\n{ANSWER}\n请问订单号是多少？"
    assert turn.dialogue_state == DIALOGUE_STATE_FILLING
    assert [list(each.texts) for each in company.asked["Embed"]] == [["退货要几天"]]
    assert len(company.asked["Classify"]) == 1
