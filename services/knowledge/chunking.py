"""Cutting a document into passages along its structure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from services.knowledge.document import Passage
from services.knowledge.markdown import Block, Section
from services.language import Span, detect, sentences

MAX_TOKENS = 256
"""A passage's size, in tokens as `tokens` counts them. Small enough that a citation is precise and
embedding it takes a fraction of a second, large enough for a whole rule with its exceptions."""

OVERLAP_TOKENS = 32
"""What a passage repeats of the one before where prose had to be cut: a sentence or two, so that
"this also applies to ..." stays with what it refers to."""

WHOLE_TOKENS = 1500
"""Up to here a table, list item or code stays whole. The contract's passages hold 8,000 code
points, and 1,500 tokens are never more than 6,000."""

_CODE_POINTS_PER_TOKEN = 4
"""Of anything but Chinese; a Chinese character counts as one token."""

_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af]")


@dataclass(frozen=True, slots=True)
class _Piece:
    """What a passage is put together from; `prose` may be repeated in part, the rest not."""

    span: Span
    prose: bool


def tokens(text: str) -> float:
    """Estimate what a text costs a model, without the model's tokenizer."""
    han = len(_HAN.findall(text))
    return han + (len(text) - han) / _CODE_POINTS_PER_TOKEN


def passages(text: str, structure: list[Section]) -> Iterator[Passage]:
    """Cut a text into passages: one for each section that fits, several for one that does not.

    Args:
        text: The document's text.
        structure: Its sections; their spans refer to `text`.

    Yields:
        Passages in order; each is an unbroken stretch of one section.
    """
    for section in structure:
        pieces = [piece for block in section.blocks for piece in _pieces(text, block)]
        for span in _packed(text, pieces):
            words = span.of(text)
            yield Passage(section.headings, words, span, detect(words))


def _packed(text: str, pieces: list[_Piece]) -> Iterator[Span]:
    """Join neighbouring pieces as far as they fit."""
    start, last = pieces[0].span.start, pieces[0]
    for piece in pieces[1:]:
        if tokens(text[start : piece.span.end]) > MAX_TOKENS:
            yield Span(start, last.span.end)
            repeated = _overlap(text, last, piece)
            fits = tokens(text[repeated : piece.span.end]) <= MAX_TOKENS + OVERLAP_TOKENS
            start = repeated if fits else piece.span.start
        last = piece
    yield Span(start, last.span.end)


def _overlap(text: str, last: _Piece, following: _Piece) -> int:
    """Return where the next passage starts, so that it repeats the last sentences of prose."""
    start = following.span.start
    if last.prose and following.prose:
        for sentence in reversed(sentences(last.span.of(text))):
            begin = last.span.start + sentence.start
            if tokens(text[begin : last.span.end]) > OVERLAP_TOKENS:
                break
            start = begin
    return start


def _pieces(text: str, block: Block) -> Iterator[_Piece]:
    """Cut a block that is too long: a table at its lines, prose at its sentences."""
    limit = WHOLE_TOKENS if block.whole else MAX_TOKENS
    if tokens(block.span.of(text)) <= limit:
        yield _Piece(block.span, prose=not block.whole)
        return
    for part in _lines(text, block.span) if block.whole else _sentences(text, block.span):
        for span in _windows(text, part):
            yield _Piece(span, prose=not block.whole)


def _sentences(text: str, span: Span) -> Iterator[Span]:
    for sentence in sentences(span.of(text)):
        yield Span(span.start + sentence.start, span.start + sentence.end)


def _lines(text: str, span: Span) -> Iterator[Span]:
    for line in re.finditer(r"\S[^\n]*", span.of(text)):
        yield Span(span.start + line.start(), span.start + line.end())


def _windows(text: str, span: Span) -> Iterator[Span]:
    """Cut what has no place to be cut at, such as a page of letters without a full stop."""
    start, size = span.start, tokens(span.of(text))
    width = int(MAX_TOKENS * (span.end - span.start) / size)
    while tokens(text[start : span.end]) > MAX_TOKENS:
        # A word is not torn where a blank stands in the last eighth of the window.
        blank = text.rfind(" ", start + width - width // 8, start + width)
        end = blank if blank > start else start + width
        yield Span(start, end)
        start = end + (blank == end)
    yield Span(start, span.end)
