"""Citation markers of a streamed model answer, turned into typed citations as they pass by."""

import re

from services.generation.dialogue import Citation, Passage
from services.generation.relevance import supporting_span
from services.language import Span, sentences

# The prompt asks for [1]; models also write [1, 2], 【1】, [^1] and 【1†source】.
_NUMBERS = r"\s*\^?\d{1,3}(?:\s*[,，、;-]\s*\^?\d{1,3})*\s*"
_SOURCE = r"(?:†[^\]】］]{0,40})?"
MARKER = re.compile(rf"[ \t]*[\[【［](?P<numbers>{_NUMBERS}){_SOURCE}[\]】］]")
"""A whole citation marker, with the blanks in front of it."""

# What may still become a marker: nested openings too, since "[[1]1]" without "[1]" is a marker.
_PARTIAL = re.compile(rf"[ \t]*(?:[\[【［][\s\d^,，、;-]*{_SOURCE})+$|[ \t]+$")

# Longer than any marker that means something; such a run of brackets and digits is dropped.
_HELD_LIMIT = 64

_NUMBER = re.compile(r"\d+")

# The contract's limit; only a model that repeats itself without end gets there.
_CITATIONS = 100


class CitationReader:
    """Takes a model's text piece by piece and keeps it without markers, and the citations.

    A marker cites for the words between the beginning of its sentence, or the marker before it
    in the same sentence, and itself. One at the beginning of a line cites for the sentence
    after it. Markers that point to no passage vanish. However the text is cut into pieces, the
    result is the same.
    """

    def __init__(self, passages: tuple[Passage, ...]) -> None:
        self._passages = passages
        self._held = ""
        self._after_marker = False
        self._claim = Span(0, 0)
        self._leading: list[tuple[int, int]] = []
        self.text = ""
        """The answer so far, without markers."""
        self.citations: list[Citation] = []
        """The citations so far, by place in the answer."""

    def feed(self, piece: str) -> None:
        """Take the next piece; what might be the beginning of a marker waits until it is known."""
        self._held += piece
        while marker := MARKER.search(self._held):
            before = self._held[: marker.start()]
            opening = _PARTIAL.search(before)
            keep = opening.start() if opening else len(before)
            self._release(before[:keep])
            self._cite([int(number) for number in _NUMBER.findall(marker["numbers"])])
            self._held = before[keep:] + self._held[marker.end() :]
        partial = _PARTIAL.search(self._held)
        keep = partial.start() if partial else len(self._held)
        self._release(self._held[:keep])
        self._held = self._held[keep:] if len(self._held) - keep <= _HELD_LIMIT else ""

    def settle(self, end: int) -> None:
        """Give markers at the beginning of a line their sentence, where it ends up to `end`."""
        later = [each for each in self._leading if each[1] >= end]
        self._leading = [each for each in self._leading if each[1] < end]
        self._settle_leading()
        self._leading += later

    def close(self) -> None:
        """Come to the end; the rest of a marker that was never finished is dropped."""
        self._held = ""
        self._settle_leading()

    def _release(self, piece: str) -> None:
        if not self.text:
            piece = piece.lstrip()
        elif self._after_marker and self.text[-1].isspace():
            piece = piece.lstrip(" \t")
        if piece:
            self._after_marker = False
            self.text += piece

    def _cite(self, numbers: list[int]) -> None:
        self._after_marker = True
        self._settle_leading()
        end = len(self.text)
        leading = not end or self.text.endswith("\n")
        claim = Span(end, end) if leading else self._claim_before(end)
        for number in dict.fromkeys(numbers):
            if not 1 <= number <= len(self._passages):
                continue
            if leading:
                self._leading.append((number, end))
            else:
                self._add(number, claim)

    def _claim_before(self, end: int) -> Span:
        """Return the words that a marker at `end` stands for."""
        if self._claim.end == end:
            return self._claim
        line = self.text.rfind("\n", 0, end) + 1
        spans = sentences(self.text[line:end])
        start = line + spans[-1].start if spans else line
        if start < self._claim.end:
            start = self._claim.end
        blanks = len(self.text[start:end]) - len(self.text[start:end].lstrip())
        self._claim = Span(start + blanks, end)
        return self._claim

    def _settle_leading(self) -> None:
        """Give the markers at the beginning of a line the sentence that came after them."""
        waiting, self._leading = self._leading, []
        for number, start in waiting:
            spans = sentences(self.text[start:])
            if spans:
                self._add(number, Span(start + spans[0].start, start + spans[0].end))
            else:
                self._leading.append((number, start))

    def _add(self, number: int, claim: Span) -> None:
        passage = self._passages[number - 1]
        known = any(old.passage is passage and old.answer_span == claim for old in self.citations)
        if known or claim.start == claim.end or len(self.citations) == _CITATIONS:
            return
        support = supporting_span(passage.text, claim.of(self.text))
        self.citations.append(Citation(len(self.citations) + 1, passage, support, claim))
