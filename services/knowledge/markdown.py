"""The structure of a Markdown text: sections under their headings, blocks with their places."""

import re
from dataclasses import dataclass, field
from itertools import accumulate

from markdown_it import MarkdownIt
from markdown_it.token import Token

from services.language import Span

_CAPTION = re.compile(
    r"\W{0,3}(?:附?表格?|table|tab\.)\s*[-.\d一二三四五六七八九十]", re.IGNORECASE
)
_LONGEST_CAPTION = 200
"""What says of itself that it is a caption, in one line; a long one is a paragraph of the text."""

_PARSER = MarkdownIt("commonmark").enable("table")


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, table, list item, quotation or code.

    Attributes:
        span: Its place in the text, without surrounding white space.
        whole: True where a part of it would mislead: a table, a list item, code.
    """

    span: Span
    whole: bool


@dataclass(frozen=True, slots=True)
class Section:
    """The blocks between two headings.

    Attributes:
        headings: The headings above it, outermost first, without markup.
        blocks: In order.
    """

    headings: tuple[str, ...]
    blocks: list[Block] = field(default_factory=list)


def sections(text: str) -> list[Section]:
    """Read Markdown (CommonMark 0.31 with tables) into its sections.

    Args:
        text: Its lines end with a line feed.

    Returns:
        Sections in order, without those that hold nothing but a heading.
    """
    # Only a line feed ends a line here, as for the parser; str.splitlines knows more.
    lines = list(accumulate((len(line) + 1 for line in text.split("\n")), initial=0))
    found = [Section(())]
    levels: list[tuple[int, str]] = []
    tokens = _PARSER.parse(text)
    for index, token in enumerate(tokens):
        if token.type == "heading_open" and token.level == 0:
            level = int(token.tag[1])
            levels = [entry for entry in levels if entry[0] < level]
            levels.append((level, _plain(tokens[index + 1])))
            found.append(Section(tuple(title for _, title in levels if title)))
        elif (block := _block(token, text, lines)) is not None:
            blocks = found[-1].blocks
            if token.type == "table_open" and blocks and _is_caption(blocks[-1], block, text):
                block = Block(Span(blocks.pop().span.start, block.span.end), whole=True)
            blocks.append(block)
    return [section for section in found if section.blocks]


def plain_sections(text: str) -> list[Section]:
    """Read a text without markup: one section, a block for each paragraph."""
    blocks = [
        Block(_trimmed(text, match.start(), match.end()), whole=False)
        for match in re.finditer(r"\S.*?(?=\n[ \t]*\n|\Z)", text, re.DOTALL)
    ]
    return [Section((), blocks)] if blocks else []


def _block(token: Token, text: str, lines: list[int]) -> Block | None:
    """Return the block that a token opens, or None where it opens none of its own."""
    top = token.level == 0 and token.nesting >= 0
    item = token.type == "list_item_open" and token.level == 1
    container = token.type in (
        "bullet_list_open",
        "ordered_list_open",
        "heading_open",
        "inline",
        "hr",
    )
    comment = token.type == "html_block" and token.content.lstrip().startswith("<!--")
    if token.map is None or comment or not (item or (top and not container)):
        return None
    span = _trimmed(text, lines[token.map[0]], lines[token.map[1]])
    return Block(span, whole=token.type not in ("paragraph_open", "blockquote_open"))


def _is_caption(before: Block, table: Block, text: str) -> bool:
    """Say whether a paragraph is the caption of the table after it: it touches it, or says so."""
    words = before.span.of(text)
    if before.whole or len(words) > _LONGEST_CAPTION or "\n" in words:
        return False
    between = text[before.span.end : table.span.start]
    return between.count("\n") == 1 or bool(_CAPTION.match(words))


def _trimmed(text: str, start: int, end: int) -> Span:
    """Return the span without the white space around it."""
    piece = text[start:end]
    start += len(piece) - len(piece.lstrip())
    return Span(start, start + len(piece.strip()))


def _plain(inline: Token) -> str:
    """Return a heading's words without emphasis, links and code marks."""
    return " ".join("".join(child.content for child in inline.children or []).split())
