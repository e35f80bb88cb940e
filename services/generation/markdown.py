"""Markdown of passages and models, made into what a customer can read: plain sentences."""

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from services.language import Language, Span, detect, sentences

# What is taken out. 138****1234 keeps its stars, a bullet is one only before a blank.
_MARKS = re.compile(
    r"!?\[(?=[^\[\]]*\]\()|(?<=[^\[\]])\]\([^()\s]*(?:\([^()\s]*\))?[^()]*\)"
    r"|(?<![\d*])\*+|\*+(?![\d*])|`+\w*(?=\n)|`+|~~"
    r"|(?<![^\W_])_{1,3}(?=[^\W_])|(?<=[^\W_])_{1,3}(?![^\W_])"
    r"|(?m:^[ \t]*(?:#{1,6}|>+|[-+•](?=[ \t]))[ \t]*(?:\[[ xX]\][ \t]+)?)"
    r"|(?m:^[ \t]*[-=_*:| \t]{3,}$\n?)|\\(?=[\\`*_{}\[\]()#+.!|>~-])"
    r"|(?m:^[ \t]*\|[ \t]*)|(?m:[ \t]*\|[ \t]*$)|(?<!\\)\|[ \t]*|</?[a-zA-Z][^<>]*>"
)

# Without one of these nothing is taken out; the last two begin a line.
_MARK_SIGN = re.compile(r"[\[\]*`~_#>|\\<]|(?m:^[ \t]*(?:[-+•=:]|$))")

_ROW = re.compile(r"[ \t]*\|?.*\|.*$", re.MULTILINE)
_RULE = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*")
_CELLS = re.compile(r"(?<!\\)\|")
_BULLET = re.compile(r"^(?:\s*(?:\d{1,2}(?:\.(?!\d)|[)、])\s*|[QA][:：]\s*|[问答][:：]\s*))+")

_PAIR = {Language.ZH: ("：", "；"), Language.EN: (": ", "; ")}


@dataclass(frozen=True, slots=True)
class Unmarked:
    """A text that something was taken out of, such as its Markdown."""

    text: str
    removed: tuple[Span, ...]
    """What was taken out of the original."""

    def at(self, offset: int) -> int:
        """Return where an offset of the original is now."""
        gone = (min(each.end, offset) - each.start for each in self.removed if each.start < offset)
        return offset - sum(gone)


def unmarked(text: str) -> Unmarked:
    """Take headings, emphasis, links, bullets, table lines and tags out of a text."""
    if not _MARK_SIGN.search(text):
        return Unmarked(text, ())
    return without(text, [Span(*match.span()) for match in _MARKS.finditer(text) if match.group()])


def without(text: str, removed: Iterable[Span]) -> Unmarked:
    """Take spans out of a text; they are in order and disjoint."""
    spans = tuple(removed)
    kept, at = [], 0
    for span in spans:
        kept.append(text[at : span.start])
        at = span.end
    return Unmarked("".join((*kept, text[at:])), spans)


@dataclass(frozen=True, slots=True)
class Piece:
    """A sentence of a passage, or a row of a table in it."""

    span: Span
    """Its place in the passage."""
    words: str
    """What a customer reads: no marks, one line."""


def pieces(text: str) -> Iterator[Piece]:
    """Read a passage sentence by sentence, its tables row by row.

    A row becomes pairs of header and value, 地区：江浙沪；时效：1-2天, and a table without a header
    the values alone. Headers and rules are no pieces.
    """
    at = 0
    for table in _tables(text):
        yield from _prose(text, at, table[0].start)
        yield from _rows(text, table)
        at = table[-1].end
    yield from _prose(text, at, len(text))


def plain(text: str) -> str:
    """Return a sentence on one line without marks, its number in a list and entities."""
    return " ".join(_BULLET.sub("", html.unescape(unmarked(text).text)).split())


def _prose(text: str, start: int, end: int) -> Iterator[Piece]:
    for span in sentences(text[start:end]):
        place = Span(start + span.start, start + span.end)
        yield Piece(place, plain(place.of(text)))


def _tables(text: str) -> Iterator[list[Span]]:
    """Find runs of lines with bars, at least two of them or one between bars."""
    run: list[Span] = []
    at = 0
    for line in text.splitlines(keepends=True):
        span = Span(at, at + len(line.rstrip("\r\n")))
        at += len(line)
        if _ROW.fullmatch(span.of(text)):
            run.append(span)
            continue
        if _is_table(text, run):
            yield run
        run = []
    if _is_table(text, run):
        yield run


def _is_table(text: str, run: list[Span]) -> bool:
    return len(run) > 1 or any(each.of(text).strip().startswith("|") for each in run)


def _rows(text: str, table: list[Span]) -> Iterator[Piece]:
    ruled = len(table) > 1 and _RULE.fullmatch(table[1].of(text)) is not None
    header = _cells(table[0].of(text)) if ruled else []
    for line in table[2:] if ruled else table:
        if _RULE.fullmatch(line.of(text)):
            continue
        cells = _cells(line.of(text))
        heads = [*header, *[""] * len(cells)]
        chinese = detect(line.of(text) + "".join(header)) is not Language.EN
        colon, semicolon = _PAIR[Language.ZH if chinese else Language.EN]
        pairs = [
            f"{head}{colon}{cell}" if head else cell
            for head, cell in zip(heads, cells, strict=False)
            if cell
        ]
        if pairs:
            yield Piece(line, semicolon.join(pairs))


def _cells(line: str) -> list[str]:
    inner = line.strip().removeprefix("|")
    inner = inner.removesuffix("|") if not inner.endswith("\\|") else inner
    return [plain(cell) for cell in _CELLS.split(inner)]
