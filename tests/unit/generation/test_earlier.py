"""A long conversation is summarised once a step, not once a turn."""

from collections.abc import AsyncGenerator
from typing import Any

from services.generation.chat import Caller, Patience, Writing
from services.generation.dialogue import Finish, Question, Round, Usage
from services.generation.earlier import Earlier
from services.generation.failure import Cause, ModelFailure
from services.generation.prompt import Prompt
from services.generation.summary import Summarizer
from services.language import Language

CALLER = Caller("shop", "spiffe://kefu/sa/session")
SECONDS = 20.0


class Model:
    """A model that writes "summary 1", "summary 2", ..., or fails; remembers what it was asked."""

    name = "m"
    patience = Patience(5.0, 5.0, 30.0)

    def __init__(self) -> None:
        self.asked: list[Writing] = []
        self.patiences: list[Patience] = []
        self.failing = False

    async def write(self, writing: Writing, patience: Patience) -> AsyncGenerator[str, None]:
        """Write a summary."""
        self.asked.append(writing)
        self.patiences.append(patience)
        if self.failing:
            raise ModelFailure(Cause.TIMEOUT)
        writing.text, writing.finish = f"summary {len(self.asked)}", Finish.STOP
        writing.spent.append(self.usage(writing))
        yield writing.text

    def usage(self, _writing: Writing) -> Usage:
        """Every summary costs the same."""
        return Usage(self.name, 10, 5)


class Clock:
    """Time that stands still until it is moved."""

    now = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def earlier(model: Any, clock: Clock | None = None) -> Earlier:
    """What is tested, with that model."""
    return Earlier(Summarizer(model, Prompt.load("summary/1"), 1000), clock or Clock())


def asking(rounds: int, text: str = "and then?") -> Question:
    """A question after so many rounds."""
    history = tuple(Round(f"question {n}", f"reply {n}") for n in range(rounds))
    return Question(text, Language.EN, history=history)


async def shortened(shortener: Earlier, question: Question, caller: Caller = CALLER) -> Question:
    """The question as it is sent."""
    return (await shortener.shorten(question, caller=caller, seconds=SECONDS))[0]


async def test_what_a_summary_cost_is_told_once() -> None:
    """With the question that it was made for."""
    shortener = earlier(Model())
    asked = [asking(rounds) for rounds in (6, 7, 8)]
    paid = [await shortener.shorten(each, caller=CALLER, seconds=SECONDS) for each in asked]
    assert [cost for _, cost in paid] == [None, Usage("m", 10, 5), None]


async def test_a_short_conversation_is_sent_as_it_is() -> None:
    """Six rounds are told word for word, and no model is asked about them."""
    model = Model()
    for rounds in (0, 1, 6):
        assert await shortened(earlier(model), asking(rounds)) == asking(rounds)
    assert model.asked == []


async def test_a_conversation_is_summarised_once_a_step() -> None:
    """Rounds leave by fours; between, turns use the summary that there is."""
    model = Model()
    shortener = earlier(model)
    sent = [await shortened(shortener, asking(rounds)) for rounds in range(1, 16)]
    assert [len(each.history) for each in sent] == [1, 2, 3, 4, 5, 6, 3, 4, 5, 6, 3, 4, 5, 6, 3]
    assert [each.summary for each in sent] == (
        [""] * 6 + ["summary 1"] * 4 + ["summary 2"] * 4 + ["summary 3"]
    )
    assert len(model.asked) == 3
    assert all(
        each.history[-1] == whole for each, whole in zip(sent, asking(15).history, strict=True)
    )


async def test_the_summary_is_made_of_the_rounds_that_left_and_paid_by_who_asks() -> None:
    """The others are in the prompt themselves."""
    model = Model()
    await shortened(earlier(model), asking(7))
    (writing,) = model.asked
    assert writing.caller == CALLER
    assert "question 3" in writing.messages[1]["content"]
    assert "question 4" not in writing.messages[1]["content"]


async def test_another_tenant_s_conversation_is_another_one() -> None:
    """Even if it went the same way, word for word."""
    model = Model()
    shortener = earlier(model)
    assert (await shortened(shortener, asking(7))).summary == "summary 1"
    other = await shortened(shortener, asking(7), Caller("bank", CALLER.identity))
    assert other.summary == "summary 2"


async def test_a_slow_model_is_not_waited_for_long_nor_asked_each_turn() -> None:
    """The rounds' own sentences are used for the whole step, at most 300 code points of them."""
    model = Model()
    model.failing = True
    shortener = earlier(model)
    first, second = [await shortened(shortener, asking(rounds)) for rounds in (7, 8)]
    assert first.summary == second.summary
    assert "question 3" in first.summary
    assert len(first.summary) <= 300
    assert len(model.asked) == 1
    assert model.patiences[0].total <= 2.0


async def test_summaries_are_kept_for_as_long_as_a_session_lives() -> None:
    """They are customers' words."""
    model, clock = Model(), Clock()
    shortener = earlier(model, clock)
    await shortened(shortener, asking(7))
    clock.now += 1801
    assert (await shortened(shortener, asking(7))).summary == "summary 2"
    assert len(shortener._kept) == 1


async def test_the_prompt_shows_the_summary_among_the_rounds() -> None:
    """As data of the conversation, before what was said after it."""
    sent = await shortened(earlier(Model()), asking(7))
    content = Prompt.load("answer/3").for_question(sent)[1]["content"]
    assert '"conversation": [{"summary_of_earlier_rounds": "summary 1"}, {"customer"' in content
