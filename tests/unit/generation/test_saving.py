"""What is asked of the model, and what is not asked because somebody else did."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest
from kefu.errors import ModelUnavailable

from services.generation.answer_cache import AnswerCache, personal_values
from services.generation.chat import Caller
from services.generation.dialogue import (
    Answer,
    Citation,
    Delta,
    Event,
    Grounding,
    Mode,
    Passage,
    Question,
    Round,
    SentenceSupport,
    Support,
    Usage,
)
from services.generation.earlier import Earlier
from services.generation.prompt import Prompt
from services.generation.saving import SavingAnswerer, joined, key_of
from services.generation.summary import Summarizer
from services.language import Language, Span

CALLER = Caller("shop", "spiffe://kefu/sa/session")
PASSAGES = (Passage("d", "r", "Returns", "7 days."),)
QUESTION = Question("How long?", Language.EN, PASSAGES)


class Writer:
    """An answerer that cites the first passage, when it may go on."""

    def __init__(self) -> None:
        self.asked: list[Question] = []
        self.goes_on = asyncio.Event()
        self.goes_on.set()
        self.failure: Exception | None = None

    async def answer(
        self, question: Question, *, caller: Caller, seconds: float, require_model: bool
    ) -> AsyncGenerator[Event, None]:
        """Answer."""
        self.asked.append(question)
        yield Delta("7 ")
        await self.goes_on.wait()
        if self.failure:
            raise self.failure
        citations = tuple(
            Citation(1, each, Span(0, 7), Span(0, 7)) for each in question.passages[:1]
        )
        yield Delta("days.", citations)
        usage = Usage("m", 100, len(self.asked))
        supported = Grounding((SentenceSupport(Span(0, 7), Support.SUPPORTED, 1.0),))
        yield Answer("7 days.", Mode.MODEL, citations, usage=usage, grounding=supported)


def saving(writer: Writer, prompt_tokens: int = 1000, entries: int = 10) -> SavingAnswerer:
    """What is tested, in front of that writer."""
    return SavingAnswerer(
        writer,  # type: ignore[arg-type]
        Earlier(Summarizer(None, Prompt.load("summary/1"), 1000)),
        AnswerCache(entries, 60.0, personal_values),
        prompt_tokens,
    )


async def read(
    answerer: SavingAnswerer, question: Question = QUESTION, caller: Caller = CALLER
) -> tuple[str, Answer]:
    """The streamed words and the end."""
    *events, end = [event async for event in answerer.answer(question, caller=caller, seconds=10.0)]
    assert isinstance(end, Answer)
    return "".join(event.text for event in events if isinstance(event, Delta)), end


async def settled() -> None:
    """Let every task run until it waits."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_identical_questions_in_flight_are_one_call_and_paid_once() -> None:
    """One is told what it cost, the others that theirs was shared."""
    writer = Writer()
    writer.goes_on.clear()
    answerer = saving(writer)
    reading = [asyncio.create_task(read(answerer)) for _ in range(3)]
    await settled()
    writer.goes_on.set()
    results = await asyncio.gather(*reading)
    assert [text for text, _ in results] == ["7 days."] * 3
    assert [end.shared for _, end in results] == [False, True, True]
    assert [bool(end.usage) for _, end in results] == [True, False, False]
    assert {end.citations for _, end in results} == {results[0][1].citations}
    assert len(writer.asked) == 1


def test_sentences_that_wait_for_the_caller_are_sent_together() -> None:
    """With their citations, as far as one message may be long."""
    first, second = (Citation(number, PASSAGES[0], Span(0, 7), Span(0, 7)) for number in (1, 2))
    deltas = [Delta("a" * 5000, (first,)), Delta("b" * 3000, (second,)), Delta("c")]
    assert list(joined(deltas)) == [Delta("a" * 5000 + "b" * 3000, (first, second)), Delta("c")]
    assert list(joined([])) == []


async def test_an_identical_question_a_moment_later_costs_nothing() -> None:
    """Its answer says so, with the same words and the same citations."""
    writer = Writer()
    answerer = saving(writer)
    (first, paid), (second, free) = await read(answerer), await read(answerer)
    assert first == second
    assert (paid.shared, free.shared) == (False, True)
    assert free.usage is None
    assert paid.citations == free.citations
    assert len(writer.asked) == 1


@pytest.mark.parametrize(
    "other",
    [
        replace(QUESTION, text="How long not?"),
        replace(QUESTION, text="How long, 2?"),
        replace(QUESTION, language=Language.ZH),
        replace(QUESTION, model="another"),
        replace(QUESTION, passages=(replace(PASSAGES[0], revision="r2"),)),
        replace(QUESTION, passages=(replace(PASSAGES[0], text="8 days."),)),
        replace(QUESTION, passages=(replace(PASSAGES[0], document="e"),)),
        replace(QUESTION, passages=PASSAGES * 2),
        replace(QUESTION, history=(Round("a", "b"),)),
    ],
)
async def test_whatever_differs_is_asked_again(other: Question) -> None:
    """Words, language, model, passages, their revisions, and what was said before."""
    writer = Writer()
    answerer = saving(writer)
    await read(answerer)
    _, end = await read(answerer, other)
    assert not end.shared
    assert len(writer.asked) == 2


async def test_nothing_is_shared_between_tenants() -> None:
    """Neither from memory nor in flight; services of one tenant share."""
    writer = Writer()
    answerer = saving(writer)
    await read(answerer)
    _, other = await read(answerer, caller=Caller("bank", CALLER.identity))
    _, same = await read(answerer, caller=Caller("shop", "spiffe://kefu/sa/console"))
    assert (other.shared, same.shared) == (False, True)
    writer.goes_on.clear()
    question = replace(QUESTION, text="When?")
    reading = [
        asyncio.create_task(read(answerer, question, Caller(tenant))) for tenant in ("shop", "bank")
    ]
    await settled()
    writer.goes_on.set()
    assert [end.shared for _, end in await asyncio.gather(*reading)] == [False, False]


@pytest.mark.parametrize("text", ["HOW LONG?", "Ｈow long？", "  How   long? "])
async def test_the_writing_of_a_question_does_not_count(text: str) -> None:
    """Width, case and blanks are how it is written, not what is asked."""
    writer = Writer()
    answerer = saving(writer)
    await read(answerer)
    assert (await read(answerer, replace(QUESTION, text=text)))[1].shared


async def test_a_failure_reaches_all_and_is_not_remembered() -> None:
    """Each gets the error; who asks after it gets an answer."""
    writer = Writer()
    writer.goes_on.clear()
    writer.failure = ModelUnavailable(cause="timeout")
    answerer = saving(writer)
    reading = [asyncio.create_task(read(answerer)) for _ in range(2)]
    await settled()
    writer.goes_on.set()
    results = await asyncio.gather(*reading, return_exceptions=True)
    assert [type(each) for each in results] == [ModelUnavailable] * 2
    writer.failure = None
    assert not (await read(answerer))[1].shared


async def test_the_prompt_is_kept_under_its_budget() -> None:
    """What is asked of the model has lost its last passages and its oldest rounds."""
    writer = Writer()
    rounds = tuple(Round("字" * 50, "字" * 50) for _ in range(9))
    passages = tuple(Passage(f"d{n}", "r", "", "字" * 100) for n in range(9))
    await read(saving(writer, prompt_tokens=800), Question("问", Language.ZH, passages, rounds))
    (asked,) = writer.asked
    assert asked.passages == passages[: len(asked.passages)]
    assert 0 < len(asked.passages) < 9
    assert asked.history == rounds[9 - len(asked.history) :]
    assert asked.summary


async def test_without_passages_nothing_is_summarised() -> None:
    """No model is asked then, and a summary would be for nobody."""
    writer = Writer()
    rounds = tuple(Round(f"question {n}", f"reply {n}") for n in range(9))
    await read(saving(writer), replace(QUESTION, passages=(), history=rounds))
    (asked,) = writer.asked
    assert (asked.history, asked.summary) == (rounds, "")


def test_the_key_holds_no_words() -> None:
    """Sixteen bytes of a hash, whatever was asked."""
    assert len(key_of("shop", QUESTION)) == 16
