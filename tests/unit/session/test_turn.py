"""One turn from the message to the result: questions, operations, and who answers."""

from dataclasses import replace

import pytest

from services.session.actions import ActionOutcome
from services.session.conversation import State
from services.session.draft import MatchType
from services.session.understanding import (
    Answer,
    Candidate,
    Citation,
    Entity,
    Evidence,
    IntentType,
    ReplyMode,
    Understanding,
    Usage,
)
from tests.unit.session.fakes import (
    CANCELLING,
    DOCUMENT,
    FAQ,
    FOUND,
    FURIOUS,
    Listener,
    conversation,
    meant,
    request,
    say,
    shop,
)


async def test_a_question_is_answered_from_the_knowledge() -> None:
    """Words as they come, citations with them, mode and cost from the gateway."""
    citation = Citation(1, DOCUMENT, "r1", "退货", (3, 12), (0, 4), "15 天内可退货。")
    usage = Usage(input_tokens=10, output_tokens=4, model="m")
    parts = ("可以", "退货", citation, "。", Answer("", mode=ReplyMode.MODEL, usage=usage))
    world, ear = shop(evidence=FOUND, answer_parts=parts), Listener()
    result = await say(world, conversation(), "退货政策", listener=ear)
    assert result.text == "可以退货。" == "".join(ear.deltas)
    assert ear.deltas == ["可以", "退货", "。"]
    assert list(result.citations) == ear.citations == [citation]
    assert (result.match, result.mode) == (MatchType.KNOWLEDGE, ReplyMode.MODEL)
    assert (result.usage, result.degraded, result.interrupted) == (usage, (), False)


async def test_an_faq_is_told_without_search_or_model() -> None:
    """The dear steps are skipped where the cheap one answers."""
    world = shop(faqs={"退货政策": FAQ})
    result = await say(world, conversation(), "退货政策")
    assert result.text == "签收后 15 天内。"
    assert (result.match, result.mode) == (MatchType.FAQ, ReplyMode.FAQ)
    assert sorted(world.calls) == ["classify", "faq", "mood"]


async def test_a_wish_is_carried_out_though_an_faq_tells_how() -> None:
    """取消订单 starts the cancellation, 怎么取消订单 gets the FAQ."""
    world = shop(faqs={"取消订单": FAQ, "怎么取消订单": FAQ})
    assert (await say(world, conversation(), "取消订单")).state is State.FILLING
    world.understood["怎么取消订单"] = CANCELLING
    assert (await say(world, conversation(), "怎么取消订单")).mode is ReplyMode.FAQ


async def test_what_is_not_in_the_knowledge_is_said_so() -> None:
    """No answer is better than one from elsewhere."""
    result = await say(shop(), conversation(), "退货政策")
    assert (result.match, result.mode) == (MatchType.NO_MATCH, ReplyMode.NO_ANSWER)
    assert result.citations == ()


async def test_an_unknown_wish_may_still_stand_in_the_knowledge() -> None:
    """The classifier knows the company's intents, the knowledge knows more."""
    result = await say(shop(evidence=FOUND), conversation(), "嗯哼")
    assert (result.match, result.state) == (MatchType.KNOWLEDGE, State.IDLE)


async def test_an_operation_asks_confirms_and_acts() -> None:
    """The happy path: three turns, one execution, its result told and heard."""
    world, talk, ear = shop(), conversation(), Listener()
    asked = await say(world, talk, "取消订单")
    assert (asked.text, asked.state) == ("请问订单号是多少？", State.FILLING)
    confirmed = await say(world, talk, "SO1")
    assert (confirmed.text, confirmed.match) == ("确认取消订单 SO1 吗？", MatchType.SLOT)
    assert world.executed == []
    done = await say(world, talk, "是的", listener=ear)
    assert (done.match, done.mode) == (MatchType.CONFIRMATION, ReplyMode.ACTION)
    assert [each.outcome for each in done.actions] == [ActionOutcome.SUCCEEDED]
    assert done.actions[0].slots == {"order_number": "SO1"}
    assert ear.results == list(done.actions)
    assert done.text == "取消订单：已办理。"
    assert (talk.state, talk.operation, len(world.executed)) == (State.IDLE, None, 1)


async def test_everything_in_one_message_is_confirmed_at_once() -> None:
    """Nobody is asked for what she has said."""
    result = await say(shop(), conversation(), "我要取消SO1")
    assert (result.text, result.state) == ("确认取消订单 SO1 吗？", State.CONFIRMING)


async def test_a_correction_is_confirmed_again() -> None:
    """Rasa's second pattern: 不是SO1，是SO2 changes the order, and nothing is done before a yes."""
    world, talk = shop(), conversation()
    result = await say(world, talk, "我要取消SO1", "不是SO1，是SO2")
    assert (result.text, result.match) == ("确认取消订单 SO2 吗？", MatchType.SLOT)
    await say(world, talk, "对")
    assert len(world.executed) == 1


async def test_a_cancelled_operation_does_nothing() -> None:
    """Rasa's third pattern: at the question as well as at the confirmation."""
    for texts in (["取消订单", "算了"], ["我要取消SO1", "不用了"], ["我要取消SO1", "取消"]):
        world, talk = shop(), conversation()
        result = await say(world, talk, *texts)
        assert (result.state, result.match) == (State.IDLE, MatchType.CONFIRMATION)
        assert (world.executed, talk.operation) == ([], None)


async def test_a_digression_is_answered_and_the_question_asked_again() -> None:
    """Rasa's fourth pattern: what was filled is kept, what is missing is asked for once more."""
    world, talk = shop(evidence=FOUND), conversation()
    result = await say(world, talk, "取消订单", "退货政策")
    assert (result.text, result.state) == ("可以退货。\n请问订单号是多少？", State.FILLING)
    result = await say(world, talk, "SO1", "谢谢")
    assert result.text.endswith("\n确认取消订单 SO1 吗？")
    assert result.state is State.CONFIRMING
    await say(world, talk, "确认")
    assert len(world.executed) == 1


async def test_another_operation_takes_the_place_of_the_first() -> None:
    """Rasa's fifth pattern: the customer goes on to something else, and that is done."""
    world, talk = shop(), conversation()
    result = await say(world, talk, "取消订单", "查一下SO2到哪了")
    assert [(each.action, each.slots["order_number"]) for each in result.actions] == [
        ("order_lookup", "SO2")
    ]
    assert (talk.state, talk.operation) == (State.IDLE, None)


async def test_a_free_answer_is_stored_as_it_was_written() -> None:
    """An address, without the blanks around it."""
    world, talk = shop(), conversation()
    result = await say(world, talk, "改地址", "SO1", " 中关村大街1号 A 座 ")
    assert result.text == "把 SO1 改送到“中关村大街1号 A 座”？"
    assert talk.slots["new_address"] == "中关村大街1号 A 座"


async def test_a_correction_instead_of_a_free_answer_is_not_stored() -> None:
    """It changes the order, and the address is asked for again."""
    world, talk = shop(), conversation()
    result = await say(world, talk, "改地址", "SO1", "不是SO1，是SO2")
    assert talk.slots == {"order_number": "SO2"}
    assert result.text == "请告诉我新地址。"


async def test_a_free_answer_may_hold_values_of_its_own() -> None:
    """An address with the order's number in it is still the address, also if it is all there is."""
    world, talk = shop(), conversation()
    address = "中关村大街1号，订单SO1"
    world.understood[address] = meant(order="SO1", text=address)
    await say(world, talk, "改地址", "SO1", address)
    assert talk.slots == {"order_number": "SO1", "new_address": address}
    repeated = conversation()
    await say(world, repeated, "改地址", "SO1", "SO1")
    assert repeated.slots == {"order_number": "SO1", "new_address": "SO1"}


async def test_a_free_answer_of_other_values_is_no_correction() -> None:
    """A date or a product in a free answer is part of it, though it is cut out nowhere else."""
    world, talk = shop(), conversation()
    answer = "SO1 iPhone 明天"
    found = meant(order="SO1", text=answer)
    others = [Entity("product", "iPhone", "iPhone", 4, 10), Entity("date", "明天", "d", 11, 13)]
    world.understood[answer] = replace(found, entities=[*found.entities, *others])
    await say(world, talk, "改地址", "SO2", answer)
    assert talk.slots == {"order_number": "SO1", "new_address": answer}


async def test_a_question_instead_of_a_free_answer_is_not_stored() -> None:
    """改地址要收费吗 is no address."""
    world, talk = shop(evidence=FOUND), conversation()
    result = await say(world, talk, "改地址", "SO1", "改地址要收费吗")
    assert talk.slots == {"order_number": "SO1"}
    assert result.text.endswith("\n请告诉我新地址。")


async def test_an_action_has_one_idempotency_key_for_each_request() -> None:
    """The same turn tried again acts under the same key, another turn under another."""
    keys = []
    for request_id in ("3f0e0d6a-0000-4000-8000-000000000001",) * 2 + (
        "3f0e0d6a-0000-4000-8000-000000000002",
    ):
        world, talk = shop(), conversation()
        await say(world, talk, "我要取消SO1")
        await world.runner().run(talk, request("是的", request_id=request_id), Listener())
        keys += world.executed
    assert keys[0] == keys[1] != keys[2]


async def test_a_rejection_is_the_companys_answer_and_no_failure() -> None:
    """The parcel has left: told as it is, without a ticket."""
    world, talk = shop(outcome=ActionOutcome.REJECTED), conversation()
    result = await say(world, talk, "我要取消SO1", "是的")
    assert [each.outcome for each in result.actions] == [ActionOutcome.REJECTED]
    assert (result.ticket, result.state) == ("", State.IDLE)


@pytest.mark.parametrize("broken", [{"execute"}, set[str]()])
async def test_a_failed_action_leaves_a_ticket(broken: set[str]) -> None:
    """Whether the company's system says so or does not answer: a person looks at it."""
    world, talk = shop(outcome=ActionOutcome.FAILED, broken=broken), conversation()
    result = await say(world, talk, "我要取消SO1", "是的")
    assert [each.outcome for each in result.actions] == [ActionOutcome.FAILED]
    assert world.tickets == [("s1", "failure")]
    assert result.ticket.rpartition("/")[2] in result.text


async def test_the_second_misunderstanding_in_a_row_hands_over() -> None:
    """One question back, then a person."""
    world, talk = shop(), conversation()
    first = await say(world, talk, "嗯哼")
    assert (first.state, first.match) == (State.CLARIFYING, MatchType.NO_MATCH)
    second = await say(world, talk, "啊哈")
    assert second.state is State.HANDED_OVER
    assert world.tickets == [("s1", "not_understood")]


async def test_misunderstandings_that_are_not_in_a_row_do_not_add_up() -> None:
    """Whatever was understood in between forgives the first."""
    for between in ("谢谢", "退货政策"):
        world, talk = shop(evidence=Evidence()), conversation()
        result = await say(world, talk, "嗯哼", between, "啊哈")
        assert result.state is State.CLARIFYING
    world, talk = shop(), conversation()
    assert (await say(world, talk, "取消订单", "嗯哼", "谢谢", "啊哈")).state is State.FILLING


async def test_an_ambiguous_wish_gets_its_readings_to_choose_from() -> None:
    """A typed question back rather than "I did not understand"."""
    first = Candidate("cancel_order", IntentType.OPERATION, 0.5)
    second = Candidate("change_address", IntentType.OPERATION, 0.48)
    world = shop()
    world.understood["订单"] = Understanding(first, [second], ambiguous=True)
    result = await say(world, conversation(), "订单")
    assert "取消订单 还是 修改地址" in result.text
    assert result.match is MatchType.AMBIGUOUS


async def test_a_person_who_was_asked_for_takes_over_with_a_ticket() -> None:
    """Kefu says so once, and from then on only that a person will answer."""
    world, talk = shop(evidence=FOUND), conversation()
    result = await say(world, talk, "转人工")
    assert (result.state, result.ticket) == (State.HANDED_OVER, "tenants/shop/tickets/T1")
    assert "T1" in result.text
    world.calls.clear()
    for text in ("退货政策", "取消订单", "转人工"):
        result = await say(world, talk, text)
        assert (result.match, result.mode) == (MatchType.HUMAN_OWNED, ReplyMode.FIXED)
        assert result.state is State.HANDED_OVER
    assert set(world.calls) == {"classify", "mood"}
    assert world.tickets == [("s1", "human_requested")]


async def test_a_handed_over_conversation_does_not_apologise_for_anger_again() -> None:
    """A person has it; two voices would talk over each other."""
    world, talk = shop(moods={"烂": FURIOUS}), conversation()
    result = await say(world, talk, "转人工", "烂")
    assert result.ticket == ""
    assert world.tickets == [("s1", "human_requested")]


async def test_a_goodbye_ends_the_conversation() -> None:
    """Also in the middle of an operation, which is dropped."""
    world, talk = shop(), conversation()
    result = await say(world, talk, "取消订单", "再见")
    assert (result.state, talk.operation, world.executed) == (State.CLOSED, None, [])
