"""The pages of a PDF as Markdown: headings by their type, lines joined to paragraphs."""

import re
from collections import Counter
from itertools import pairwise

from services.knowledge.conversion import tables
from services.knowledge.conversion.pdf_columns import with_tables
from services.knowledge.conversion.pdf_furniture import without_furniture
from services.knowledge.conversion.pdf_page import SOFT_HYPHEN, Line, Page, Table

_LARGER = 1.12
"""From here on a line's type, as a multiple of the body's, makes it a heading."""

_MOST_LEVELS = 5
_LONGEST_HEADING = 120
_LONGEST_BOLD = 60
_MOST_HEADING_LINES = 3
"""What is longer, in code points a line and in lines, is text that shouts."""

_HEADING_GAP = 1.7
"""A distance of lines, as a multiple of their size, up to which they are one heading."""

_WIDE_GAP = 1.35
"""A distance of lines, as a multiple of the document's usual, that ends a paragraph."""

_INDENT = 1.2
_SHORT = 2.0
_VERY_SHORT = 0.3
"""In ems: a line that begins so far inside begins a paragraph; one that ends a sentence so far
before the right edge ends one. One that ends before this share of the width does in any case."""

_SENTENCE_END = re.compile(r"[.!?。！？:：;；…][\"'”’）)」』]*$")
_BULLET = re.compile(r"(?:[•●▪■◆◇○◦‣⁃➢➤✓✔]\s*|[-–—*·]\s+)")
_NUMBERED = re.compile(
    r"(?:\d{1,2}[.)、．）]\s*(?=\D)|[(（](?:\d{1,2}|[一二三四五六七八九十]{1,3}|[a-z])[)）]|[a-z][.)]\s)"
)
_ORDERED = re.compile(r"\d{1,2}[.)]\s")
_LEADERS = re.compile(r"(?:\.\s?|…|·){4,}\s*\d+$")
"""A line of a table of contents: it leads to a page that is none any more."""

_CJK = "\u2e80-\u303f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef"
_CUT_WORD = re.compile(f"(?<=\\w)(?:{SOFT_HYPHEN}\n?|(?<=[a-z])-\n)(?=[a-z])")
_CHINESE_BREAK = re.compile(f"(?<=[{_CJK}])\n(?=[{_CJK}])")
_MARKUP = re.compile(r"#{1,6}\s|>|`{3}|~{3}|<!--|\[[^\]]+\]:")
"""What Markdown would take for markup at the beginning of a paragraph."""


def markdown_of(pages: list[Page]) -> str:
    """Write pages as Markdown.

    Args:
        pages: All of a document: what is furniture or body type shows over all of them.
    """
    type_ = _Type([item for page in pages for item in page.items if isinstance(item, Line)])
    writer = _Writer(type_)
    for page in without_furniture(pages, type_.body * _LARGER):
        writer.add(with_tables(page))
    return writer.written()


def joined(lines: list[str]) -> str:
    """Join the lines of a paragraph or a cell: with a blank, but not between Chinese characters.

    A word that was cut at the end of a line is one again.
    """
    text = _CHINESE_BREAK.sub("", _CUT_WORD.sub("", "\n".join(lines)))
    return text.replace(SOFT_HYPHEN, "-").replace("\n", " ")


class _Type:
    """What the type of a document says: which lines are headings, and how far apart lines are."""

    def __init__(self, lines: list[Line]) -> None:
        sizes: Counter[float] = Counter()
        for line in lines:
            sizes[_size(line)] += len(line.text)
        self.body = sizes.most_common(1)[0][0] if sizes else 1.0
        bold = sum(len(line.text) for line in lines if line.bold)
        self._bold_stands_out = bold < sizes.total() / 3
        larger = sorted((size for size in sizes if size >= self.body * _LARGER), reverse=True)
        self._levels = {size: min(place, _MOST_LEVELS) for place, size in enumerate(larger, 1)}
        steps = [
            before.last - line.first
            for before, line in pairwise(lines)
            if _size(before) == _size(line) == self.body
        ]
        steps = sorted(step for step in steps if 0 < step < 3 * self.body) or [self.body]
        # Not the median: many a document has more gaps than paragraphs of several lines.
        self.spacing = steps[len(steps) // 4]

    def level(self, line: Line) -> int:
        """Return the level of a heading, from 1; 0: it is none."""
        size, length = _size(line), len(line.text)
        if size in self._levels:
            return self._levels[size] if length <= _LONGEST_HEADING else 0
        stands_out = line.bold and self._bold_stands_out and size >= self.body
        if stands_out and length <= _LONGEST_BOLD and not _SENTENCE_END.search(line.text):
            return min(len(self._levels), _MOST_LEVELS) + 1
        return 0


class _Writer:
    """Goes through the lines once, with a paragraph, heading or list item open."""

    def __init__(self, type_: _Type) -> None:
        self._type = type_
        self._blocks: list[str | list[list[str]]] = []
        self._open: list[Line] = []
        self._level = 0
        self._edges: dict[int, float] = {}
        self._same_page = False

    def add(self, page: Page) -> None:
        """Take a page."""
        self._same_page = False
        lines = [item for item in page.items if isinstance(item, Line)]
        edges: dict[int, float] = {}
        for line in lines:
            column = self._column(line)
            edges[column] = max(edges.get(column, 0.0), line.box.right)
        for place, item in enumerate(page.items):
            if isinstance(item, Table):
                self._close()
                self._add_table(item, continues=place == 0)
            elif not _LEADERS.search(item.text):
                self._add_line(item)
            # The edge of the page before counts for its last line.
            self._edges, self._same_page = edges, True

    def written(self) -> str:
        """Return the whole text."""
        self._close()
        blocks = [
            tables.rendered(each) if isinstance(each, list) else each for each in self._blocks
        ]
        return "\n\n".join(filter(None, blocks)) + "\n"

    def _add_line(self, line: Line) -> None:
        level = self._type.level(line)
        if self._open and (level != self._level or self._ends_before(line)):
            self._close()
        self._open.append(line)
        self._level = level

    def _add_table(self, table: Table, *, continues: bool) -> None:
        """Add a table; at the top of a page it may go on with the one before."""
        rows = [[joined(cell) for cell in row] for row in table.rows]
        last = self._blocks[-1] if self._blocks else ""
        if continues and isinstance(last, list) and len(last[0]) == len(rows[0]):
            last += rows[1:] if rows[0] == last[0] else rows
        else:
            self._blocks.append(rows)

    def _ends_before(self, line: Line) -> bool:
        """Say whether what is open ends before a line of the same kind."""
        before, em = self._open[-1], self._type.body
        if _size(before) != _size(line) or _is_item(line.text):
            return True
        step = before.last - line.first
        if not self._same_page or step <= 0:  # The text goes on in the next column or on a page.
            return bool(self._level or _SENTENCE_END.search(before.text))
        if self._level:
            return step > _HEADING_GAP * before.size
        indent = line.box.left - before.box.left
        hanging = len(self._open) == 1 and _is_item(before.text)
        if step > _WIDE_GAP * self._type.spacing or (indent > _INDENT * em and not hanging):
            return True
        column = self._column(before)
        edge = max(self._edges.get(near, 0.0) for near in (column - 1, column, column + 1))
        left_over, width = edge - before.end, edge - before.box.left
        ends = left_over > _SHORT * em and _SENTENCE_END.search(before.text)
        return bool(ends or left_over > _VERY_SHORT * width)

    def _column(self, line: Line) -> int:
        """Return what lines of one column have in common, give or take one."""
        return round(line.box.left / (3 * self._type.body))

    def _close(self) -> None:
        """Write what is open."""
        text = " ".join(joined([line.text for line in self._open]).split())
        if self._level and len(self._open) <= _MOST_HEADING_LINES:
            self._blocks.append(f"{'#' * self._level} {text}")
        elif bullet := _BULLET.match(text):
            self._blocks.append(f"- {text[bullet.end() :]}" if text[bullet.end() :] else "")
        elif _NUMBERED.match(text):
            self._blocks.append(text if _ORDERED.match(text) else f"- {text}")
        elif text:
            self._blocks.append(f"\\{text}" if _MARKUP.match(text) else text)
        self._open, self._level = [], 0


def _size(line: Line) -> float:
    """Return the type size to half a point: what is meant to be equal is."""
    return round(line.size * 2) / 2


def _is_item(text: str) -> bool:
    return bool(_BULLET.match(text) or _NUMBERED.match(text))
