"""HTML as Markdown: the main content with its headings, lists and tables."""

import re

from bs4 import BeautifulSoup, Tag
from markdownify import ATX, MarkdownConverter

from services.knowledge.conversion import tables
from services.knowledge.conversion.limits import Converted
from services.knowledge.text_encoding import decoded

_CLUTTER = (
    "script", "style", "noscript", "template", "nav", "header", "footer", "aside", "form",
    "iframe", "object", "svg", "canvas", "button", "input", "select", "textarea", "dialog",
)  # fmt: skip
"""Elements that hold no content of the page."""

_CLUTTER_ROLES = ("navigation", "banner", "contentinfo", "complementary", "search", "dialog")
_KEPT_LINKS = ("http://", "https://", "mailto:", "tel:")
_BREAKING = ("br", "p", "div", "li", "tr")
_OF_TABLES = ("tbody", "thead", "tfoot", "tr", "td", "th")
_MOST_SPANNED = 1000
"""HTML's own limit for `colspan`."""

_CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([A-Za-z0-9_-]{2,20})", re.IGNORECASE)
_HEAD = 2048
"""Bytes searched for the declared encoding; the standard says 1024, pages differ."""


def convert(content: bytes) -> Converted:
    """Read a page.

    Raises:
        UnreadableFile: its encoding cannot be told.
    """
    declared = _CHARSET.search(content[:_HEAD])
    text, notes = decoded(content, declared[1].decode() if declared else "")
    return Converted(markdown_of(text), notes)


def markdown_of(html: str) -> str:
    """Return a page's main content; the page's title is its first heading where it has none."""
    soup = BeautifulSoup(html, "lxml")
    title = " ".join(soup.title.get_text().split()) if soup.title else ""
    root = _main(soup)
    _clear(root)
    for table in root.find_all("table"):
        if table.find("table") or all(len(row) < 2 for row in _rows(table)):
            # It only lays out the page: its cells are parts of the page.
            own = [
                each for each in table.find_all(_OF_TABLES) if each.find_parent("table") is table
            ]
            for element in (table, *own):
                element.name = "div"
    text = _Markdown().convert_soup(root).strip()
    if title and text and not re.search(r"^#{1,6} ", text, re.MULTILINE):
        return f"# {title}\n\n{text}\n"
    return f"{text}\n"


def _main(soup: BeautifulSoup) -> Tag:
    """Return what holds the content: what the page calls so, else its only article, else all."""
    found = soup.find("main") or soup.find(role="main")
    articles = soup.find_all("article", limit=2)
    if not isinstance(found, Tag) and len(articles) == 1:
        found = articles[0]
    return found if isinstance(found, Tag) else soup.body or soup


def _clear(root: Tag) -> None:
    """Take out what is no content."""
    found = root.find_all(_CLUTTER)
    found += root.find_all(role=_CLUTTER_ROLES)
    found += root.find_all(hidden=True)
    for element in found:
        # A page's header is clutter, an article's holds its heading.
        if element.name != "header" or not element.find(re.compile("^h[1-6]$")):
            element.decompose()


def _rows(table: Tag) -> list[list[str]]:
    """Return the words of a table's cells; those of merged cells in each of them."""
    rows: list[list[str]] = []
    hanging: dict[int, tuple[int, str]] = {}
    for line in table.find_all("tr"):
        row: list[str] = []
        for cell in line.find_all(("td", "th"), recursive=False):
            _fill(row, hanging)
            words, down = _words(cell), _span(cell, "rowspan")
            for _ in range(_span(cell, "colspan")):
                if down > 1:
                    hanging[len(row)] = (down - 1, words)
                row.append(words)
        _fill(row, hanging)
        rows.append(row)
    return rows


def _fill(row: list[str], hanging: dict[int, tuple[int, str]]) -> None:
    """Add what hangs down from the rows above into the next columns."""
    while len(row) in hanging:
        left, words = hanging.pop(len(row))
        if left > 1:
            hanging[len(row)] = (left - 1, words)
        row.append(words)


def _span(cell: Tag, name: str) -> int:
    """Return over how many columns or rows a cell goes."""
    value = str(cell.get(name, "1"))
    return max(1, min(int(value), _MOST_SPANNED)) if value.isascii() and value.isdigit() else 1


def _words(cell: Tag) -> str:
    """Return a cell's text; words of different lines stay apart, 退<b>货</b> together."""
    for element in cell.find_all(_BREAKING):
        element.insert_before(" ")
        element.insert_after(" ")
    return " ".join(cell.get_text().split())


class _Markdown(MarkdownConverter):
    """Markdown as this service writes it: no needless escapes, tables as `tables` has them."""

    def __init__(self) -> None:
        super().__init__(
            autolinks=False,
            bullets="-",
            escape_asterisks=False,
            escape_underscores=False,
            heading_style=ATX,
        )

    def convert_a(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """Keep addresses that lead somewhere outside the page; of others the words."""
        href = str(el.get("href", ""))
        kept = href.startswith(_KEPT_LINKS)
        return f"[{text.strip()}]({href})" if kept and text.strip() else text

    def convert_img(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """Pictures say nothing to a search."""
        return ""

    def convert_table(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """Write a table with its caption."""
        caption = _words(el.caption) if el.caption else ""
        return f"\n\n{tables.rendered(_rows(el), caption)}\n\n"
