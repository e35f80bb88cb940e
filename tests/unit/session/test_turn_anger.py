"""An angry customer: one ticket, however long the anger lasts."""

from dataclasses import replace

import pytest

from services.session.conversation import MAX_MOODS, State
from services.session.draft import Degradation
from services.session.understanding import (
    NOT_RECOVERED,
    Answer,
    Citation,
    IntentType,
    Mood,
    ReplyMode,
)
from tests.unit.session.fakes import (
    CALM,
    DOCUMENT,
    FAQ,
    FOUND,
    FURIOUS,
    cited,
    conversation,
    holding,
    say,
    shop,
)

LASTING = Mood(0.0, 2, 0.9, "test", escalate=True, reason=NOT_RECOVERED, trend=-0.5)
"""A calm message of a conversation whose anger has not gone yet."""


async def test_anger_opens_one_ticket_however_long_it_lasts() -> None:
    """The first angry message is answered with a ticket, the others with what they ask for."""
    world, talk = shop(evidence=FOUND), conversation()
    world.moods = dict.fromkeys(("太差了", "退货政策", "气死了"), FURIOUS)
    first = await say(world, talk, "太差了")
    assert "T1" in first.text
    assert (first.ticket, first.state) == ("tenants/shop/tickets/T1", State.IDLE)
    assert (await say(world, talk, "退货政策")).text == "可以退货。"
    await say(world, talk, "气死了")
    assert world.tickets == [("s1", "anger")]
    assert world.calls.count("open_ticket") == 1


async def test_an_angry_question_is_answered_behind_the_apology() -> None:
    """On a line of its own, and its citations still point at its words."""
    citation = Citation(1, DOCUMENT, "r1", "退货", (3, 12), (2, 4), "15 天内可退货。")
    world = shop(evidence=FOUND, moods={"退货政策": FURIOUS})
    world.answer_parts = ("可以退货。", citation, Answer("", mode=ReplyMode.MODEL))
    result = await say(world, conversation(), "退货政策")
    apology, _, answer = result.text.partition("\n")
    assert "T1" in apology
    assert answer == "可以退货。"
    assert cited(result.text, result.citations[0]) == "退货"


async def test_an_angry_customer_who_wants_a_person_gets_one_ticket() -> None:
    """太差了转人工 is one matter: the hand-over goes on with the ticket of the anger."""
    world, talk = shop(moods={"转人工": FURIOUS}), conversation()
    result = await say(world, talk, "转人工")
    assert result.state is State.HANDED_OVER
    assert world.tickets == [("s1", "anger")]
    later = shop(moods={"太差了": FURIOUS})
    await say(later, talk := conversation(), "太差了", "谢谢", "转人工")
    assert (later.tickets, talk.state) == ([("s1", "anger")], State.HANDED_OVER)


async def test_an_angry_answer_in_an_operation_asks_again() -> None:
    """Nothing open is forgotten over the apology."""
    world, talk = shop(moods={"烦死了": FURIOUS}), conversation()
    result = await say(world, talk, "取消订单", "烦死了")
    assert result.text.endswith("\n请问订单号是多少？")
    assert (result.state, talk.misunderstood) == (State.FILLING, 0)


async def test_a_ticket_that_could_not_be_opened_is_tried_again() -> None:
    """The desk was down at the first angry message; the next one gets the ticket."""
    world, talk = shop(broken={"open_ticket"}, moods={"太差了": FURIOUS}), conversation()
    assert (await say(world, talk, "太差了")).degraded == (Degradation.NO_TICKET,)
    world.broken.clear()
    assert (await say(world, talk, "太差了")).ticket == "tenants/shop/tickets/T1"


async def test_lasting_anger_is_not_soothed_again_each_turn() -> None:
    """One apology with its ticket; then the customer gets what she asks for, and no more."""
    world, talk = shop(evidence=FOUND, moods={"太差了": FURIOUS}), conversation()
    world.moods |= dict.fromkeys(("退货政策", "谢谢", "取消订单"), LASTING)
    assert "抱歉" in (await say(world, talk, "太差了")).text
    for text in ("退货政策", "谢谢", "取消订单"):
        assert "抱歉" not in (await say(world, talk, text)).text
    assert world.calls.count("open_ticket") == 1


async def test_lasting_anger_without_a_ticket_gets_one_and_no_second_apology_before() -> None:
    """While the desk is down only the ticket is tried again; its number is worth telling."""
    world, talk = shop(broken={"open_ticket"}, moods={"太差了": FURIOUS}), conversation()
    world.moods["谢谢"] = LASTING
    assert "抱歉" in (await say(world, talk, "太差了")).text
    silent = await say(world, talk, "谢谢")
    assert silent.text.startswith("不客气") or silent.text.startswith("我在呢")
    assert silent.degraded == (Degradation.NO_TICKET,)
    world.broken.clear()
    told = await say(world, talk, "谢谢")
    assert "T1" in told.text.split("\n")[0]
    assert told.text.endswith(silent.text)
    assert (await say(world, talk, "谢谢")).text == silent.text


@pytest.mark.parametrize(
    ("mood", "text", "presses"),
    [
        (CALM, "转人工", True),
        (CALM, "嗯哼", False),
        (replace(CALM, urgency=0.3), "嗯哼", False),
        (replace(CALM, urgency=0.9), "嗯哼", True),
        (Mood(), "嗯哼", False),
    ],
)
async def test_a_ticket_of_somebody_who_cannot_wait_comes_first(
    mood: Mood, text: str, presses: bool
) -> None:
    """A wish for a person, anger or urgency, whatever the ticket was opened for."""
    world, talk = shop(moods={text: mood}), conversation(misunderstood=1)
    await say(world, talk, text)
    (ticket,) = world.wanted
    assert ticket.presses is presses


async def test_a_ticket_of_an_angry_customer_comes_first() -> None:
    """Also where it was opened for something else: the operation failed, and she is furious."""
    world = shop(broken={"search"}, moods={"退货政策": FURIOUS})
    await say(world, conversation(), "退货政策")
    assert [(each.reason, each.presses) for each in world.wanted] == [
        ("anger", True), ("failure", True),
    ]  # fmt: skip


async def test_a_ticket_knows_the_mood_of_the_message_that_opened_it() -> None:
    """The newest value is the one that people want to see; the window of the contract is kept."""
    world = shop(moods={"太差了": FURIOUS})
    await say(world, conversation(moods=[0.25] * MAX_MOODS), "太差了")
    assert world.wanted[0].moods == [*[0.25] * (MAX_MOODS - 1), FURIOUS.compound]
    world = shop(broken={"mood"})
    await say(world, conversation(moods=[0.25]), "转人工")
    assert world.wanted[0].moods == [0.25]


@pytest.mark.parametrize("text", ["退货政策", "谢谢", "营业时间", "取消SO1，退货政策"])
async def test_anger_is_heard_twice_before_a_person_is_called(text: str) -> None:
    """Words alone may mistake a report for rage, also where the intent is sure: the vector tells.

    The intent is not asked for again, and the parts of a message stay as they are.
    """
    parts = ("取消SO1", "cancel_order", IntentType.OPERATION), ("退货政策", "q", IntentType.QUERY)
    world = shop(evidence=FOUND, moods={text: FURIOUS}, faqs={"营业时间": FAQ})
    if "，" in text:
        world.understood[text] = holding(text, *parts)
    world.felt[text] = CALM
    result = await say(world, conversation(), text)
    assert (result.mood, result.ticket, world.tickets) == (CALM, "", [])
    assert (world.calls.count("mood again"), world.calls.count("classify again")) == (1, 0)
    assert world.calls.count("embed") == (2 if "，" in text else 1)


async def test_anger_without_a_vector_stands_as_it_was_read() -> None:
    """Better one call too many than an angry customer who is not heard."""
    world = shop(broken={"embed"}, moods={"谢谢": FURIOUS})
    assert (await say(world, conversation(), "谢谢")).ticket == "tenants/shop/tickets/T1"
    world = shop(broken={"mood again"}, moods={"谢谢": FURIOUS})
    assert (await say(world, conversation(), "谢谢")).mood == FURIOUS


async def test_lasting_anger_costs_no_vector() -> None:
    """Nothing new was said that another reading could take back."""
    world = shop(moods={"谢谢": LASTING})
    await say(world, conversation(), "谢谢")
    assert "embed" not in world.calls
