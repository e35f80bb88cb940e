"""A turn while services fail: what is left out is named, and a reply always comes."""

import pytest
from kefu.errors import EmbeddingMismatch, ServiceUnavailable

from services.session.conversation import State
from services.session.draft import Degradation
from services.session.ports import Vector
from services.session.understanding import (
    Answer,
    Evidence,
    ReplyMode,
    Verdict,
)
from tests.unit.session.fakes import (
    FOUND,
    PASSAGE,
    QUERY,
    World,
    cited,
    conversation,
    say,
    shop,
)

EVERYTHING = {"classify", "mood", "faq", "search", "embed", "answer", "open_ticket", "summarise"}


@pytest.mark.parametrize(
    ("broken", "degraded", "mode"),
    [
        ({"mood"}, [Degradation.NO_SENTIMENT], ReplyMode.MODEL),
        ({"classify"}, [Degradation.NO_INTENT], ReplyMode.MODEL),
        ({"faq"}, [], ReplyMode.MODEL),
        ({"embed"}, [Degradation.LEXICAL_ONLY], ReplyMode.MODEL),
        ({"answer"}, [Degradation.FAQ_ONLY], ReplyMode.EXTRACTIVE),
        (
            {"embed", "answer"},
            [Degradation.LEXICAL_ONLY, Degradation.FAQ_ONLY],
            ReplyMode.EXTRACTIVE,
        ),
        ({"faq", "search"}, [Degradation.APOLOGY], ReplyMode.FIXED),
        (
            EVERYTHING,
            [Degradation.NO_INTENT, Degradation.NO_SENTIMENT, Degradation.APOLOGY,
             Degradation.NO_TICKET],
            ReplyMode.FIXED,
        ),
    ],
    ids=lambda value: "+".join(sorted(value)) if isinstance(value, set) else "",
)  # fmt: skip
async def test_a_question_degrades_in_the_stated_order(
    broken: set[str], degraded: list[Degradation], mode: ReplyMode
) -> None:
    """Each service that fails costs what it brings, the result names it, and a reply comes."""
    result = await say(shop(evidence=FOUND, broken=broken), conversation(), "退货政策")
    assert list(result.degraded) == degraded
    assert result.mode is mode
    assert result.text


async def test_without_the_gateway_the_best_passage_is_given_as_it_stands() -> None:
    """With its source: the customer gets the company's words rather than an apology."""
    result = await say(shop(evidence=FOUND, broken={"answer"}), conversation(), "退货政策")
    assert result.text == PASSAGE.text
    assert cited(result.text, result.citations[0]) == PASSAGE.text


async def test_without_the_knowledge_a_ticket_keeps_the_message() -> None:
    """A failure never loses what the customer wrote."""
    world = shop(broken={"search"})
    result = await say(world, conversation(), "退货政策")
    assert world.tickets == [("s1", "failure")]
    assert "T1" in result.text


async def test_an_apology_in_an_operation_comes_back_to_it() -> None:
    """The digression failed, the operation did not."""
    world, talk = shop(broken={"search"}), conversation()
    result = await say(world, talk, "取消订单", "退货政策")
    assert result.text.endswith("\n请问订单号是多少？")


async def test_an_answer_that_breaks_off_is_kept_and_named() -> None:
    """What was shown stays; nothing is put in its place."""
    for parts in (("可以", ServiceUnavailable()), ("可以",), ("可以", Answer("", complete=False))):
        world = shop(evidence=FOUND, answer_parts=parts)
        result = await say(world, conversation(), "退货政策")
        assert (result.text, result.interrupted) == ("可以", True)
        assert Degradation.FAQ_ONLY not in result.degraded


async def test_an_answer_without_a_word_counts_as_none() -> None:
    """The stream ended well and empty: the passage is better than silence."""
    for parts in ((), ("", Answer("")), (ServiceUnavailable(),)):
        world = shop(evidence=FOUND, answer_parts=parts)
        result = await say(world, conversation(), "退货政策")
        assert result.text == PASSAGE.text
        assert (result.interrupted, result.degraded) == (False, (Degradation.FAQ_ONLY,))


async def test_an_answer_without_the_wanted_model_is_named() -> None:
    """Extractive because the model failed, not because none is configured."""
    answered = Answer("", mode=ReplyMode.EXTRACTIVE, degraded=True)
    world = shop(evidence=FOUND, answer_parts=("15 天。", answered))
    result = await say(world, conversation(), "退货政策")
    assert (result.mode, result.degraded) == (ReplyMode.EXTRACTIVE, (Degradation.EXTRACTIVE,))


async def test_a_vector_of_another_model_costs_the_vector_only() -> None:
    """While a knowledge base is embedded anew its words still answer."""

    class Rebuilding(World):
        async def search(
            self, conversation: object, question: str, vector: Vector | None, language: str
        ) -> Evidence:
            if vector is not None:
                raise EmbeddingMismatch()
            return Evidence(passages=[PASSAGE], verdict=Verdict.ANSWERABLE, lexical_only=True)

    world = Rebuilding(understood={"退货政策": QUERY})
    result = await say(world, conversation(), "退货政策")
    assert (result.text, result.degraded) == ("可以退货。", (Degradation.LEXICAL_ONLY,))


async def test_a_mood_that_was_not_measured_is_not_remembered() -> None:
    """And the turn says so, also while a person owns the conversation."""
    world, talk = shop(broken={"mood"}), conversation(state=State.HANDED_OVER)
    result = await say(world, talk, "你好")
    assert (result.degraded, result.mood.compound, talk.moods) == (
        (Degradation.NO_SENTIMENT,), None, [],
    )  # fmt: skip
