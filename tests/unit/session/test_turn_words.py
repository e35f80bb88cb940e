"""The language and the memory of turns."""

import pytest

from services.session.turn import reply_language
from services.session.understanding import (
    Answer,
    Citation,
    ReplyMode,
)
from tests.unit.session.fakes import (
    CALM,
    CANCELLING,
    DOCUMENT,
    FOUND,
    cited,
    conversation,
    request,
    say,
    shop,
)


@pytest.mark.parametrize(
    ("text", "asked", "before", "spoken"),
    [
        ("退货政策", "", "en", "zh"),
        ("return policy", "", "zh", "en"),
        ("return policy", "zh", "en", "zh"),
        ("SO20260001", "", "en", "en"),
        ("SO20260001", "", "zh", "zh"),
        ("OK", "", "zh", "zh"),
        ("👍", "", "en", "en"),
        ("我想return这个order", "", "en", "zh"),
    ],
)
def test_the_reply_is_in_the_language_of_the_customer(
    text: str, asked: str, before: str, spoken: str
) -> None:
    """As the caller asked, else as the message is written; a code or an OK changes nothing."""
    talk = conversation(language=before, turn_count=3)
    assert reply_language(request(text, asked), talk) == spoken


def test_the_first_word_of_a_conversation_sets_its_language() -> None:
    """A lone hello is English, for there is nothing before it."""
    assert reply_language(request("hello"), conversation()) == "en"


async def test_an_english_customer_is_answered_in_english_throughout() -> None:
    """The fixed sentences and the company's own, also after a bare order number."""
    world, talk = shop(), conversation()
    world.understood["cancel my order please"] = CANCELLING
    texts = [
        (await say(world, talk, text)).text for text in ("cancel my order please", "SO1", "yes")
    ]
    assert texts == ["Which order?", "Shall I cancel SO1?", "Cancel an order: done."]


async def test_a_turn_is_remembered_for_the_next() -> None:
    """Both sides of the round, the mood, and the count that the store compares."""
    talk = conversation()
    result = await say(shop(), talk, "你好")
    assert [(each.customer, each.reply) for each in talk.rounds] == [("你好", result.text)]
    assert talk.moods == [CALM.compound]
    assert (result.index, talk.turn_count) == (1, 1)


async def test_nul_in_the_words_of_others_does_not_reach_the_store() -> None:
    """PostgreSQL's JSON cannot hold it; the offsets of citations stay as they are."""
    citation = Citation(1, DOCUMENT, "r1", "退货", (3, 12), (3, 5), "")
    parts = ("可以\x00", "退货", citation, Answer("", mode=ReplyMode.MODEL))
    result = await say(shop(evidence=FOUND, answer_parts=parts), conversation(), "退货政策")
    assert result.text == "可以\ufffd退货"
    assert cited(result.text, result.citations[0]) == "退货"
