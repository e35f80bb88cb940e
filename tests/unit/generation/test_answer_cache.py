"""Which answers are given twice, and for how long."""

from dataclasses import replace

import pytest

from services.generation.answer_cache import AnswerCache, personal_values
from services.generation.dialogue import (
    Answer,
    Citation,
    Delta,
    Finish,
    Grounding,
    Mode,
    Passage,
    Question,
    Round,
    SentenceSupport,
    Support,
    Usage,
    Withheld,
)
from services.language import Language, Span

KEY, OTHER = b"k" * 16, b"o" * 16
PASSAGES = (Passage("d1", "r1", "Returns", "7 days."), Passage("d2", "r2", "Boxes", "Two boxes."))
QUESTION = Question("How long?", Language.EN, PASSAGES)
ANSWER = Answer(
    "Two boxes.",
    Mode.MODEL,
    (Citation(1, PASSAGES[1], Span(0, 10), Span(0, 10)),),
    usage=Usage("m", 100, 10),
    prompt_version="answer/1@0",
    provider="default",
    grounding=Grounding((SentenceSupport(Span(0, 10), Support.SUPPORTED, 1.0),)),
)


class Clock:
    """Time that stands still until it is moved."""

    now = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def cache(entries: int = 10, clock: Clock | None = None) -> AnswerCache:
    """A cache that keeps answers for a minute."""
    return AnswerCache(entries, 60.0, personal_values, clock or Clock())


def test_an_answer_is_given_again_as_it_was_streamed() -> None:
    """Words, citations of the passages that come with the question, and an end that is free."""
    answers = cache()
    answers.keep(KEY, QUESTION, ANSWER)
    delta, end = answers.find(KEY, QUESTION)
    assert delta == Delta("Two boxes.", ANSWER.citations)
    assert end == replace(ANSWER, usage=None, shared=True)
    assert answers.find(OTHER, QUESTION) == []


def test_no_passage_is_kept() -> None:
    """Answers are small, and passages are as long as they please."""
    answers = cache()
    answers.keep(KEY, QUESTION, ANSWER)
    own = replace(QUESTION, passages=tuple(replace(each) for each in PASSAGES))
    delta, _ = answers.find(KEY, own)
    assert isinstance(delta, Delta)
    assert delta.citations[0].passage is own.passages[1]


def test_an_answer_has_its_time() -> None:
    """From when it was given first, however often it was given again."""
    clock = Clock()
    answers = cache(clock=clock)
    answers.keep(KEY, QUESTION, ANSWER)
    clock.now += 59
    assert answers.find(KEY, QUESTION)
    clock.now += 2
    assert answers.find(KEY, QUESTION) == []


def test_the_least_recently_used_answer_is_forgotten_first() -> None:
    """The cache is bounded, and 0 entries means none."""
    answers = cache(entries=2)
    for key in (b"a", b"b"):
        answers.keep(key, QUESTION, ANSWER)
    answers.find(b"a", QUESTION)
    answers.keep(b"c", QUESTION, ANSWER)
    assert [bool(answers.find(key, QUESTION)) for key in (b"a", b"b", b"c")] == [True, False, True]
    none = cache(entries=0)
    none.keep(KEY, QUESTION, ANSWER)
    assert none.find(KEY, QUESTION) == []


@pytest.mark.parametrize(
    "change",
    [
        {"mode": Mode.EXTRACTIVE},
        {"mode": Mode.NO_ANSWER},
        {"finish": Finish.LENGTH},
        {"finish": Finish.INTERRUPTED},
        {"finish": Finish.FILTERED},
        {"degraded_reason": "timeout"},
        {"citations": ()},
        {"grounding": None},
        {"grounding": Grounding((SentenceSupport(Span(0, 10), Support.WEAK, 0.5),))},
        {"grounding": Grounding((), Withheld.FIGURE)},
        {"text": "x" * 4001},
        {"text": "Call 13800138000."},
    ],
)
def test_only_whole_and_supported_answers_are_given_twice(change: dict[str, object]) -> None:
    """What went wrong once may go right the next time, and what is somebody's stays with them."""
    answers = cache()
    answers.keep(KEY, QUESTION, replace(ANSWER, **change))  # type: ignore[arg-type]
    assert answers.find(KEY, QUESTION) == []


@pytest.mark.parametrize(
    "change",
    [
        {"history": (Round("a", "b"),)},
        {"summary": "She wants to return it."},
        {"text": "Where is SO20260001?"},
        {"text": "写信到 li@example.com"},
    ],
)
def test_what_belongs_to_one_conversation_is_kept_for_nobody(change: dict[str, object]) -> None:
    """Rounds before it, numbers of an order or a phone, addresses."""
    answers = cache()
    question = replace(QUESTION, **change)  # type: ignore[arg-type]
    answers.keep(KEY, question, ANSWER)
    assert answers.find(KEY, question) == []


def test_a_number_of_the_company_s_own_texts_is_nobody_s() -> None:
    """What a passage says may be said to everybody, whatever it looks like."""
    answers = cache()
    passages = (replace(PASSAGES[0], text="Call 400-000-1988."), PASSAGES[1])
    question = replace(QUESTION, passages=passages)
    answers.keep(KEY, question, replace(ANSWER, text="Call 400-000-1988."))
    assert answers.find(KEY, question)
    answers.keep(OTHER, question, replace(ANSWER, text="Call 138-0013-8000."))
    assert not answers.find(OTHER, question)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("call 138 0013 8000 now", ["138 0013 8000"]),
        ("6222-0210-0111", ["6222-0210-0111"]),
        ("order SO20260001", ["20260001"]),
        ("write to li@example.com, please", ["li@example.com,"]),
        ("TNT-2201 多少钱", []),
        ("15 days, 99 yuan", []),
        ("9:00–22:00", []),
        ("", []),
    ],
)
def test_long_numbers_and_addresses_look_personal(text: str, values: list[str]) -> None:
    """Product codes, prices and times do not."""
    assert personal_values(text) == values
