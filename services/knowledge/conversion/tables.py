"""Tables as Markdown: whole where they are small, cut at rows under a repeated header."""

from collections.abc import Iterator, Sequence

from services.knowledge.chunking import MAX_TOKENS, WHOLE_TOKENS, tokens

Rows = Sequence[Sequence[str]]
"""Cells by row; rows may differ in length."""


def rendered(rows: Rows, caption: str = "") -> str:
    """Write a table, its first row as the header.

    A table that is too long for a passage becomes several, each with the caption and the header,
    so that no row is read without the names of its columns. A single column becomes paragraphs.

    Args:
        rows: Cells in any text; blank rows and columns are left out.
        caption: Stands right above the table, so that it stays with it; empty: none.

    Returns:
        Markdown; empty where all cells are.
    """
    table = _trimmed(rows)
    if not table:
        return ""
    if len(table[0]) == 1:
        return "\n\n".join(filter(None, [caption, *(row[0] for row in table)]))
    lines = [_line(row) for row in table]
    above = [caption] if caption else []
    head = [*above, lines[0], "|" + "---|" * len(table[0])]
    return "\n\n".join("\n".join([*head, *part]) for part in _parts(head, lines[1:]))


def _trimmed(rows: Rows) -> list[list[str]]:
    """Return the rows, equally long, without blank rows and columns; cells in one line each."""
    table = [[" ".join(cell.split()) for cell in row] for row in rows]
    table = [row for row in table if any(row)]
    used = [place for place in range(max(map(len, table), default=0)) if _used(table, place)]
    return [[row[place] if place < len(row) else "" for place in used] for row in table]


def _used(table: list[list[str]], place: int) -> bool:
    return any(row[place] for row in table if place < len(row))


def _line(row: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"


def _parts(head: list[str], lines: list[str]) -> Iterator[list[str]]:
    """Cut the rows: not at all where the table fits a passage, else into short parts."""
    above = sum(map(tokens, head))
    if above + sum(map(tokens, lines)) <= WHOLE_TOKENS:
        yield lines
        return
    part: list[str] = []
    size = 0.0
    for line in lines:
        cost = tokens(line)
        if part and size + cost > MAX_TOKENS:
            yield part
            part, size = [], 0.0
        part.append(line)
        size += cost
    yield part
