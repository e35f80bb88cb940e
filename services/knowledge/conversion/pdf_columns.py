"""Tables of a page without rules: lines whose words stand in columns."""

from services.knowledge.conversion.pdf_page import Line, Page, Table, Words

_LEAST_ROWS = 3
"""Fewer lines stand below each other by chance."""

_LONGEST = 30
"""Code points of a cell on average. Two columns of prose, side by side, have longer lines."""

_SHORTEST_FIRST = 3
"""Code points that something in the first column has: bullets and numbers make a list."""


def with_tables(page: Page) -> Page:
    """Return the page with tables in place of lines that are rows of one."""
    items: list[Line | Table] = []
    rows: list[Line] = []
    for item in page.items:
        if rows and not (isinstance(item, Line) and _same_columns(rows[-1], item)):
            items += _table(rows)
            rows = []
        if isinstance(item, Line) and len(item.words) > 1:
            rows.append(item)
        else:
            items.append(item)
    return Page(page.height, [*items, *_table(rows)], page.unknown)


def _same_columns(above: Line, line: Line) -> bool:
    """Say whether the words of a line stand below those of the line above, one by one."""
    if len(above.words) != len(line.words) or line.first >= above.last:
        return False
    return all(
        _meet(upper, lower)
        and not any(_meet(lower, other) for other in above.words if other != upper)
        for upper, lower in zip(above.words, line.words, strict=True)
    )


def _meet(upper: Words, lower: Words) -> bool:
    return upper.left < lower.right and lower.left < upper.right


def _table(rows: list[Line]) -> list[Line | Table]:
    """Return a table where lines are one, else the lines."""
    cells = [words.text for row in rows for words in row.words]
    is_table = (
        len(rows) >= _LEAST_ROWS
        and sum(map(len, cells)) <= _LONGEST * len(cells)
        and max(len(row.words[0].text) for row in rows) >= _SHORTEST_FIRST
    )
    if not is_table:
        return list(rows)
    return [Table([[[words.text] for words in row.words] for row in rows])]
