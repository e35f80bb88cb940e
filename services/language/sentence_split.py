"""Sentences of Chinese and English text with their places in it."""

import re
from dataclasses import dataclass

from services.language.script import HAN


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a text, half open, counted in Unicode code points."""

    start: int
    """Offset of the first code point."""
    end: int
    """Offset behind the last code point."""

    def of(self, text: str) -> str:
        """Return the stretch of `text` that this span covers."""
        return text[self.start : self.end]


_CLOSING = "\"'”’」』）)】》\\]"

# An emoji behind the mark comments on what was said before it, not on what follows.
_EMOJI = "\u2190-\u2bff\ufe0f\u200d\U0001f000-\U0001faff"

_MARK = re.compile("[。！？!?…；;｡.\n]")

# A full stop ends a sentence only before white space, an emoji, a Chinese character or the end,
# so that 3.5, example.com and v2.0 stay whole. The other marks end one wherever they stand.
_END = re.compile(
    rf"(?:[。！？!?…；;｡]|\.(?=[\s.{_CLOSING}{HAN}{_EMOJI}]|$))+[。！？!?…；;｡.]*[{_CLOSING}]*"
    rf"(?:[ ~～]*[{_EMOJI}]+)*|\n+"
)

_ABBREVIATION = re.compile(
    r"(?:^|[^a-z])(?:mr|mrs|ms|dr|st|vs|no|inc|ltd|co|approx|etc|e\.g|i\.e|a\.m|p\.m|u\.s|[a-z])\.$",
    re.IGNORECASE,
)

# The longest abbreviation with its stop and the character before it; looking further back would
# make a text of nothing but stops quadratic.
_ABBREVIATION_WINDOW = 8

_HAS_WORD = re.compile(r"\w")


def sentences(text: str) -> list[Span]:
    """Split text into sentences at 。！？；…!?;. and line breaks.

    A piece without any letter or digit (an emoji, a lone "!!") belongs to the sentence before
    it, or after it where it comes first. Spans carry no surrounding white space and are in
    order, disjoint and never empty.

    Args:
        text: Any text, not folded, so that the spans are valid in what the customer wrote.

    Returns:
        One span a sentence; together they cover everything but white space. Empty for blank text.
    """
    spans: list[Span] = []
    start, last = 0, len(text.rstrip())
    for match in _END.finditer(text):
        abbreviation = match.group() == "." and _ABBREVIATION.search(
            text[max(start, match.end() - _ABBREVIATION_WINDOW) : match.end()]
        )
        if abbreviation and match.end() < last:
            continue
        _append(spans, text, start, match.end())
        start = match.end()
    _append(spans, text, start, len(text))
    return spans


def holds_end(text: str) -> bool:
    """Whether a sentence may end in a text: false where `sentences` finds one at most."""
    return _MARK.search(text) is not None


def _append(spans: list[Span], text: str, start: int, end: int) -> None:
    piece = text[start:end]
    stripped = piece.strip()
    if not stripped:
        return
    start += len(piece) - len(piece.lstrip())
    end = start + len(stripped)
    # Only the very first piece can be one without a word; then the second joins it.
    if spans and not (_HAS_WORD.search(stripped) and _HAS_WORD.search(spans[-1].of(text))):
        spans[-1] = Span(spans[-1].start, end)
    else:
        spans.append(Span(start, end))
