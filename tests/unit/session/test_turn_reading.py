"""What a turn reads a message with: words first, the vector only where they leave doubt."""

from dataclasses import replace

import pytest

from services.session.conversation import Operation, State
from services.session.draft import Degradation, MatchType
from services.session.understanding import Understanding
from tests.unit.session.fakes import (
    BYE,
    CALM,
    CANCELLING,
    FAQ,
    FOUND,
    FURIOUS,
    HUMAN,
    QUERY,
    THANKS,
    UNKNOWN,
    UNSURE,
    World,
    conversation,
    meant,
    say,
    shop,
)

WORDS_ALONE = ["classify", "faq", "mood"]
READ_TWICE = ["classify", "classify again", "embed", "faq", "mood", "mood again"]


def unsure(sure: Understanding | None = None, **values: object) -> World:
    """A world in which words alone leave 这个能退不 in doubt, and the vector says what it is."""
    world = World(understood={"这个能退不": UNSURE}, evidence=FOUND, **values)  # type: ignore[arg-type]
    if sure is not None:
        world.surely["这个能退不"] = sure
    return world


@pytest.mark.parametrize("sure", [CANCELLING, THANKS, BYE, HUMAN], ids=lambda u: u.best.intent)
async def test_a_sure_answer_costs_no_vector(sure: Understanding) -> None:
    """The dearest step of a turn is left out where cheaper evidence decides."""
    world = World(understood={"就这样": sure})
    await say(world, conversation(), "就这样")
    assert "embed" not in world.calls
    assert (world.calls.count("classify"), world.calls.count("mood")) == (1, 1)


async def test_a_sure_question_is_embedded_for_its_search_alone() -> None:
    """Once; intent and mood are not asked again."""
    world = shop(evidence=FOUND)
    await say(world, conversation(), "退货政策")
    assert sorted(world.calls) == ["answer", "classify", "embed", "faq", "mood", "search"]


async def test_a_doubt_is_removed_by_one_vector_that_serves_everybody() -> None:
    """Embedded once; intent, mood and search get the same vector."""
    world = unsure(QUERY)
    result = await say(world, conversation(), "这个能退不")
    assert sorted(world.calls) == sorted([*READ_TWICE, "search", "answer"])
    assert world.searched == [("这个能退不", "vector of 这个能退不")]
    assert (result.understanding, result.degraded) == (QUERY, ())


async def test_the_vector_may_turn_a_question_into_a_wish() -> None:
    """What was half a question on words alone is carried out, and nothing is searched."""
    world = unsure(CANCELLING)
    result = await say(world, conversation(), "这个能退不")
    assert sorted(world.calls) == READ_TWICE
    assert (result.state, result.match) == (State.FILLING, MatchType.INTENT)


async def test_what_stays_unknown_is_searched_with_the_same_vector() -> None:
    """Clarifying looks into the knowledge first, and does not embed again for that."""
    world = unsure(UNKNOWN)
    await say(world, conversation(), "这个能退不")
    assert world.calls.count("embed") == 1
    assert world.searched == [("这个能退不", "vector of 这个能退不")]


async def test_an_faq_decides_before_any_vector() -> None:
    """The same question word for word needs no surer intent."""
    world = unsure(QUERY, faqs={"这个能退不": FAQ})
    result = await say(world, conversation(), "这个能退不")
    assert sorted(world.calls) == WORDS_ALONE
    assert result.match is MatchType.FAQ


async def test_an_faq_beside_a_doubtful_wish_waits_for_the_vector() -> None:
    """A wish is carried out though an FAQ tells how; which of the two it is the vector decides."""
    doubtful = replace(CANCELLING, wants_embedding=True)
    for sure, match in ((CANCELLING, MatchType.INTENT), (QUERY, MatchType.FAQ)):
        world = World({"取消订单": doubtful}, surely={"取消订单": sure}, faqs={"取消订单": FAQ})
        result = await say(world, conversation(), "取消订单")
        assert sorted(world.calls) == READ_TWICE
        assert result.match is match


@pytest.mark.parametrize(
    ("text", "state", "asked", "filled"),
    [
        ("SO1", State.FILLING, "order_number", {}),
        ("中关村大街1号", State.FILLING, "new_address", {"order_number": "SO1"}),
        ("好的", State.CONFIRMING, "", {"order_number": "SO1", "new_address": "x"}),
        ("算了", State.CONFIRMING, "", {"order_number": "SO1", "new_address": "x"}),
    ],
)
async def test_an_answer_to_an_open_question_costs_no_vector(
    text: str, state: State, asked: str, filled: dict[str, str]
) -> None:
    """A value, an address, a yes or a no: no classifier was trained on them."""
    operation = Operation("change_address", "change_address", filled, asked)
    found = replace(meant(order="SO1", text=text) if text == "SO1" else UNKNOWN)
    world = World(understood={text: replace(found, wants_embedding=True)})
    await say(world, conversation(state=state, operation=operation), text)
    assert sorted(set(world.calls) - {"execute"}) == ["classify", "mood"]


async def test_a_digression_in_an_operation_may_need_the_vector() -> None:
    """It is no answer to what was asked, so it is read as carefully as any other."""
    world, talk = unsure(QUERY), conversation(state=State.FILLING)
    talk.operation = Operation("cancel_order", "cancel_order", {}, "order_number")
    result = await say(world, talk, "这个能退不")
    assert world.calls.count("embed") == 1
    assert result.text == "可以退货。\n请问订单号是多少？"


async def test_a_conversation_that_a_person_has_costs_no_vector() -> None:
    """Mood and a goodbye are all that is looked at."""
    world = unsure(QUERY)
    await say(world, conversation(state=State.HANDED_OVER), "这个能退不")
    assert sorted(world.calls) == ["classify", "mood"]


async def test_without_a_vector_the_words_stand() -> None:
    """Named once, asked for once: neither the second reading nor the search tries again."""
    world = unsure(CANCELLING, broken={"embed"})
    result = await say(world, conversation(), "这个能退不")
    assert world.calls.count("embed") == world.calls.count("classify finally") == 1
    assert world.searched == [("这个能退不", None)]
    assert (result.understanding, result.degraded) == (UNSURE, (Degradation.LEXICAL_ONLY,))


async def test_a_doubtful_wish_without_a_vector_is_named_too() -> None:
    """No search takes part, and yet words alone decided where more was wanted."""
    doubtful = replace(CANCELLING, wants_embedding=True)
    result = await say(World({"取消": doubtful}, broken={"embed"}), conversation(), "取消")
    assert (result.state, result.degraded) == (State.FILLING, (Degradation.LEXICAL_ONLY,))


async def test_a_sure_wish_is_not_degraded_by_a_gateway_that_is_down() -> None:
    """What is not needed is not missed."""
    result = await say(shop(broken={"embed"}), conversation(), "取消订单")
    assert result.degraded == ()


async def test_where_the_second_classification_fails_the_first_stands() -> None:
    """The mood is taken with the vector all the same, and so is the search."""
    world = unsure(CANCELLING, broken={"classify again"}, felt={"这个能退不": FURIOUS})
    result = await say(world, conversation(), "这个能退不")
    assert (result.understanding, result.mood) == (UNSURE, FURIOUS)
    assert world.searched == [("这个能退不", "vector of 这个能退不")]
    assert result.degraded == (Degradation.LEXICAL_ONLY,)


async def test_where_the_second_mood_fails_the_first_stands() -> None:
    """And nothing is missing: a mood was measured."""
    world = unsure(QUERY, broken={"mood again"})
    result = await say(world, conversation(), "这个能退不")
    assert (result.understanding, result.mood, result.degraded) == (QUERY, CALM, ())


async def test_a_service_that_has_just_failed_is_not_asked_again() -> None:
    """Its time is better spent on the answer."""
    world = unsure(QUERY, broken={"mood"})
    result = await say(world, conversation(), "这个能退不")
    assert "mood again" not in world.calls
    assert result.degraded == (Degradation.NO_SENTIMENT,)


async def test_the_mood_with_the_vector_decides_the_escalation() -> None:
    """It takes the place of that on words alone, in both directions, and is what is remembered."""
    for lexical, surer, tickets in ((CALM, FURIOUS, [("s1", "anger")]), (FURIOUS, CALM, [])):
        text, talk = "这个能退不", conversation()
        world = unsure(QUERY, moods={text: lexical}, felt={text: surer})
        result = await say(world, talk, text)
        assert (result.mood, talk.moods, world.tickets) == (surer, [surer.compound], tickets)


async def test_a_vector_that_the_model_cannot_use_is_named() -> None:
    """The intent model was trained with another embedding: words alone decided after all."""
    world = unsure(replace(QUERY, wants_embedding=True))
    result = await say(world, conversation(), "这个能退不")
    assert result.degraded == (Degradation.LEXICAL_ONLY,)
    assert world.calls.count("classify again") == 1
