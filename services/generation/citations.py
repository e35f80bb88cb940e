"""Citation markers of a streamed model answer, turned into typed citations as they pass by."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from services.generation import markers
from services.generation.dialogue import Citation, Passage
from services.generation.leftovers import introduces, joins, says
from services.generation.markdown import plain, unmarked
from services.generation.relevance import supporting_span
from services.language import Span

MARKER = re.compile(rf"[ \t]{{0,8}}{markers.BRACKETED}")
"""A whole citation marker in brackets, with the blanks in front of it."""

# A run of brackets is nobody's loss: it vanishes, and at the end of a text this many stand for it.
_NESTED = re.compile(rf"[{markers.OPENING}]{{8,}}")
_JUNK = "[" * 8

# What a small sign is told from an exponent by, and the end of a line from its beginning.
_CONTEXT = 16
_BULLET = 40

# The contract's limit; only a model that repeats itself without end gets there.
_CITATIONS = 100


@dataclass(frozen=True, slots=True)
class Mark:
    """A place that a marker was taken out of."""

    at: int
    """Offset in the text without markers."""
    numbers: tuple[int, ...]
    """Of the passages that it points to, counted from 1; those that do not exist are left out."""
    leads: bool
    """Whether nothing is said before it on its line, so that it cites for what comes after."""


class CitationReader:
    """Takes a model's text piece by piece and keeps it without markers, and where they stood.

    A marker cites for the words between the beginning of its sentence, or the marker before it
    in the same sentence, and itself. One at the beginning of a line, or behind words that only
    lead to it ("According to [1], ..."), cites for its whole sentence. Markers that point to no
    passage vanish. However the text is cut into pieces, the result is the same.
    """

    def __init__(self, passages: tuple[Passage, ...]) -> None:
        self._passages = passages
        self._held = ""
        self._after_marker = False
        self._marks: list[Mark] = []
        self._taken = 0
        self._cited = 0
        self.text = ""
        """The answer so far, without markers."""

    def feed(self, piece: str) -> None:
        """Take the next piece; what might be the beginning of a marker waits until it is known."""
        self._held = self._scan(self._held + piece, markers.END)

    def close(self) -> None:
        """Come to the end; the rest of a marker that was never finished is dropped."""
        rest = self._scan(self._held, markers.LAST_END).rstrip(" \t")
        self._held = ""
        self._release(markers.UNFINISHED.sub("", rest).rstrip(" \t"))

    def take(self, sentence: Span) -> list[Mark]:
        """Return the marks of the next sentence of `text`, once it and the next word are there."""
        first = self._taken
        while self._taken < len(self._marks):
            mark = self._marks[self._taken]
            behind = not mark.leads and not self.text[sentence.end : mark.at].strip()
            if mark.at >= sentence.end and not behind:
                break
            self._taken += 1
        return self._marks[first : self._taken]

    def cite(self, sentence: Span, marks: list[Mark]) -> list[Citation]:
        """Return what the marks of a sentence cite, by place; spans are those of `text`."""
        cited: dict[tuple[int, Span], Citation] = {}
        for mark, claim in self._claims(sentence, marks):
            for number in mark.numbers:
                if (number, claim) in cited or self._cited == _CITATIONS:
                    continue
                self._cited += 1
                passage = self._passages[number - 1]
                support = supporting_span(passage.text, claim.of(self.text))
                cited[number, claim] = Citation(self._cited, passage, support, claim)
        return [*cited.values()]

    def _scan(self, text: str, ends: re.Pattern[str]) -> str:
        """Take markers out of a text and return what has to wait at its end."""
        if not markers.SIGN.search(text):
            return self._let_go(text)
        waiting, at = "", 0
        for end in ends.finditer(text):
            waiting = self._hold(waiting + text[at : end.start()])
            waiting = self._end(waiting, end.group(), text[end.end() : end.end() + 2])
            at = end.end()
        return self._hold(waiting + text[at:], last=True)

    def _hold(self, text: str, *, last: bool = False) -> str:
        """Release what can be no part of a marker any more and return the rest.

        Args:
            text: What was not released yet.
            last: Whether nothing is known yet of what follows.
        """
        text = _NESTED.sub(lambda run: _JUNK if last and run.end() == len(text) else "", text)
        begins = markers.BEGINNING if last else markers.OPENED
        beginning = begins.search(text, max(0, len(text) - markers.LIMIT))
        keep = _worded(text[: beginning.start()] if beginning else text, " \t\\")
        self._release(text[:keep])
        return text[keep:]

    def _let_go(self, text: str) -> str:
        """Release what is part of no marker; return the blanks behind it, which may go with one."""
        keep = _worded(text)
        self._release(text[:keep])
        return text[keep:]

    def _end(self, before: str, end: str, after: str) -> str:
        """Take out the marker that ends here, if one does, and return what has to wait."""
        if end not in markers.BRACKETS:
            return self._end_small(before, end, after)
        text, most = before + end, len(self._passages)
        if end == ">":
            marker = markers.raised(self.text[-_CONTEXT:], text, most)
        else:
            marker = markers.bracketed(text, most)
        if marker is not None:
            waiting = self._hold(text[: _worded(text[: marker[0]])])
            self._mark(marker[1])
            return waiting
        if end == ">" and text[-6:].lower() != "</sup>":
            return text
        # What stands in front of such an end can be no part of a marker either.
        return self._let_go(text)

    def _end_small(self, before: str, sign: str, after: str) -> str:
        if markers.opened(before):
            return before + sign
        words = (self.text[-_CONTEXT:] + before)[-_CONTEXT:]
        numbers = markers.small(words, sign, after, len(self._passages))
        if not numbers:
            return self._let_go(before + sign)
        self._let_go(before)
        self._mark(numbers)
        return ""

    def _mark(self, numbers: list[int]) -> None:
        self._after_marker = True
        at = len(self.text)
        start = max(0, at - _BULLET)
        line = self.text.rfind("\n", start, at) + 1
        leads = bool(line or not start) and not says(plain(self.text[line:at]))
        self._marks.append(Mark(at, tuple(dict.fromkeys(numbers)), leads))

    def _release(self, piece: str) -> None:
        if not self.text:
            piece = piece.lstrip()
        elif self._after_marker and self.text[-1].isspace():
            piece = piece.lstrip(" \t")
        if piece:
            self._after_marker = False
            # CPython appends in place to a local name alone; a copy for each marker would be n².
            text, self.text = self.text, ""
            text += piece
            self.text = text

    def _claims(self, sentence: Span, marks: list[Mark]) -> Iterator[tuple[Mark, Span]]:
        """Say which words of a sentence each of its marks stands for."""
        claim, start = sentence, sentence.start
        for mark in marks:
            end = min(mark.at, sentence.end)
            words = unmarked(self.text[start:end]).text
            if mark.leads or introduces(words):
                claim = sentence
            elif says(words) and not joins(words):
                blanks = len(self.text[start:end]) - len(self.text[start:end].lstrip())
                claim = Span(start + blanks, end)
            start = max(start, end)
            yield mark, claim


def _worded(text: str, blanks: str = " \t") -> int:
    """Return the length of a text without the blanks at its end; no more go than may wait."""
    tail = text[-markers.LIMIT :]
    return len(text) - len(tail) + len(tail.rstrip(blanks))
