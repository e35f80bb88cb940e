"""Answers of a model that may be given again to an identical question, for a short time."""

import re
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

from services.generation.dialogue import (
    Answer,
    Citation,
    Delta,
    Event,
    Finish,
    Mode,
    Question,
    Support,
)
from services.language import Span

# Longer than any answer that is asked for, so that many cannot fill the memory.
_MOST_TEXT = 4000

# Phone, card, ID and order numbers, and e-mail addresses.
_NUMBER = re.compile(r"\d(?:[ -]?\d){6,}")
_MAILBOX = re.compile(r"\S*@\S*")


@dataclass(frozen=True, slots=True)
class _Kept:
    until: float
    answer: Answer
    """Without its citations."""
    cited: tuple[tuple[int, Span, Span], ...]
    """Place of the passage, its span, the answer's. Who asks brings the passages along, so none
    is kept."""


class AnswerCache:
    """Answers by a hash of all that they were made from; see `saving.key_of`.

    Only what is worth giving twice is kept: whole answers that a model wrote, that their sources
    support, and that nobody's personal words stand in. It lives as long as the process, whose
    prompts and providers never change, and forgets the least recently used answer first.
    """

    def __init__(
        self,
        entries: int,
        seconds: float,
        personal: Callable[[str], list[str]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin empty.

        Args:
            entries: Most answers that are kept.
            seconds: How long an answer is given again.
            personal: Finds what may tell of one person in a text, such as a phone number.
            clock: Seconds, counted from anywhere.
        """
        self._entries = entries
        self._seconds = seconds
        self._personal = personal
        self._clock = clock
        self._answers: OrderedDict[bytes, _Kept] = OrderedDict()

    def find(self, key: bytes, question: Question) -> list[Event]:
        """Return the whole answer as it is streamed, or nothing."""
        kept = self._answers.get(key)
        if kept is None:
            return []
        if kept.until <= self._clock():
            del self._answers[key]
            return []
        self._answers.move_to_end(key)
        citations = tuple(
            Citation(number, question.passages[place], source, claim)
            for number, (place, source, claim) in enumerate(kept.cited, start=1)
        )
        answer = replace(kept.answer, citations=citations)
        return [Delta(answer.text, citations), answer]

    def keep(self, key: bytes, question: Question, answer: Answer) -> None:
        """Keep an answer, if it may be given again."""
        if not self._entries or not _is_whole(answer) or question.history or question.summary:
            return
        own = "\n".join(passage.text for passage in question.passages)
        # A number that stands in the company's own texts is nobody's.
        if any(value not in own for value in self._personal(answer.text)):
            return
        if self._personal(question.text):
            return
        places = {passage: place for place, passage in enumerate(question.passages)}
        cited = tuple(
            (places[each.passage], each.passage_span, each.answer_span) for each in answer.citations
        )
        given = replace(answer, citations=(), usage=None, attempts=(), shared=True)
        self._answers[key] = _Kept(self._clock() + self._seconds, given, cited)
        self._answers.move_to_end(key)
        while len(self._answers) > self._entries:
            self._answers.popitem(last=False)


def personal_values(text: str) -> list[str]:
    """Return the long numbers and the mail addresses of a text, which may be somebody's own."""
    return [*_NUMBER.findall(text), *(_MAILBOX.findall(text) if "@" in text else ())]


def _is_whole(answer: Answer) -> bool:
    return (
        answer.mode is Mode.MODEL
        and answer.finish is Finish.STOP
        and not answer.degraded_reason
        and bool(answer.citations)
        and answer.grounding is not None
        and answer.grounding.verdict is Support.SUPPORTED
        and answer.grounding.withheld is None
        and 0 < len(answer.text) <= _MOST_TEXT
    )
