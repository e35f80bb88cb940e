"""An angry customer: one ticket, however long the anger lasts."""

from services.session.conversation import State
from services.session.draft import Degradation
from services.session.understanding import (
    Answer,
    Citation,
    ReplyMode,
)
from tests.unit.session.fakes import (
    DOCUMENT,
    FOUND,
    FURIOUS,
    cited,
    conversation,
    say,
    shop,
)


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
