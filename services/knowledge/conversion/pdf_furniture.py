"""What is printed on every page and belongs to none: running headers, footers, page numbers."""

import re
from collections import Counter

from services.knowledge.conversion.pdf_page import Line, Page

_MARGIN = 0.12
"""Share of a page's height, at the top and at the bottom, where furniture stands."""

_REPEATED_SHARE = 0.3
_REPEATED_ENOUGH = 4
"""On so many pages a line of the margin is furniture: a share of them, as headers of left and
right pages differ, and never more than a chapter has."""

_PAGE_NUMBER = re.compile(
    r"[\W_]*(?:page|第|p\.)?\s*(?:\d{1,4}|[ivxl]{1,6})\s*页?\s*"
    r"(?:(?:/|of|共)\s*[第共]?\s*\d{1,4}\s*页?)?[\W_]*",
    re.IGNORECASE,
)

_OUTER_NUMBER = re.compile(r"^\d{1,4}(?=\s)|(?<=\s)\d{1,4}$")


def without_furniture(pages: list[Page], heading_size: float) -> list[Page]:
    """Return the pages without their furniture.

    Args:
        pages: All of a document.
        heading_size: Type size in points from which on a line is a heading. "Part 1" and "Part 2"
            at the top of pages are two headings, not one header.
    """
    seen: Counter[str] = Counter()
    for page in pages:
        seen.update({_key(line, heading_size) for line in _in_margin(page)})
    enough = max(2, min(_REPEATED_ENOUGH, round(len(pages) * _REPEATED_SHARE)))
    offset = _offset(pages)
    cleared = []
    for place, page in enumerate(pages):
        furniture = [
            line
            for line in _in_margin(page)
            if _PAGE_NUMBER.fullmatch(line.text)
            or seen[_key(line, heading_size)] >= enough
            or (
                line.size < heading_size and offset is not None and place + offset in _numbers(line)
            )
        ]
        items = [item for item in page.items if item not in furniture]
        cleared.append(Page(page.height, items, page.unknown))
    return cleared


def _offset(pages: list[Page]) -> int | None:
    """Return what page numbers are greater by than the place of the page, from 0; None: none."""
    seen: Counter[int] = Counter()
    for place, page in enumerate(pages):
        numbers = {number for line in _in_margin(page) for number in _numbers(line)}
        seen.update(number - place for number in numbers)
    [(offset, count)] = seen.most_common(1) or [(0, 0)]
    return offset if count >= max(_REPEATED_ENOUGH, len(pages) / 2) else None


def _numbers(line: Line) -> set[int]:
    """Return the numbers that a line begins or ends with, as "Returns 12" and "12 Returns"."""
    return {int(number) for number in _OUTER_NUMBER.findall(line.text)}


def _in_margin(page: Page) -> list[Line]:
    margin = page.height * _MARGIN
    lines = [item for item in page.items if isinstance(item, Line)]
    return [
        line for line in lines if line.box.top < margin or line.box.bottom > page.height - margin
    ]


def _key(line: Line, heading_size: float) -> str:
    """Return what is equal on all pages: the words without blanks, and without their numbers."""
    text = re.sub(r"\s+", "", line.text)
    return text if line.size >= heading_size else re.sub(r"\d+", "#", text)
