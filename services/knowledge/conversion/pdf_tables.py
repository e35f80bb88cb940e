"""Tables of a page found by their ruled lines: where rows and columns begin."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

_NEAR = 3.0
"""Points within which two rules are one, or meet."""

_MOST_MEETINGS = 300_000
"""Pairs of rules compared on a page; drawings have more, and no tables."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on a page, in points; y grows upwards.

    Attributes:
        left, bottom, right, top: Its edges.
    """

    left: float
    bottom: float
    right: float
    top: float


@dataclass(frozen=True, slots=True)
class Grid:
    """The cells of a table.

    Attributes:
        columns: Where columns begin, and where the last ends, from the left.
        rows: Where rows end, and where the last begins, from the bottom.
    """

    columns: tuple[float, ...]
    rows: tuple[float, ...]

    @property
    def box(self) -> Box:
        """The place of the whole table."""
        return Box(self.columns[0], self.rows[0], self.columns[-1], self.rows[-1])

    def cell(self, box: Box) -> tuple[int, int] | None:
        """Return the row, from the top, and the column where something stands; None: outside."""
        x, y = (box.left + box.right) / 2, (box.bottom + box.top) / 2
        column, row = bisect_right(self.columns, x) - 1, bisect_right(self.rows, y) - 1
        last = len(self.rows) - 2
        if not (0 <= column < len(self.columns) - 1 and 0 <= row <= last):
            return None
        return last - row, column


def grids(rules: Sequence[Box]) -> list[Grid]:
    """Find the tables that rules make: at least two rows and two columns whose rules meet.

    Args:
        rules: Horizontal and vertical lines, as boxes without height or without width.
    """
    distinct = {Box(*map(round, (r.left, r.bottom, r.right, r.top))) for r in rules}
    flat = [rule for rule in distinct if _is_flat(rule)]
    upright = [rule for rule in distinct if not _is_flat(rule)]
    if len(flat) * len(upright) > _MOST_MEETINGS:
        return []
    found: list[Grid] = []
    while flat:
        rows, columns = [flat.pop(0)], []
        # What a table holds together are rules that meet, one after the other.
        fresh = list(rows)
        while fresh:
            crossing = [each for each in upright if any(_meet(rule, each) for rule in fresh)]
            upright = [each for each in upright if each not in crossing]
            fresh = [each for each in flat if any(_meet(each, rule) for rule in crossing)]
            flat = [each for each in flat if each not in fresh]
            columns += crossing
            rows += fresh
        edges = _clustered([rule.left for rule in columns]), _clustered([rule.top for rule in rows])
        if all(len(positions) > 2 for positions in edges):
            found.append(Grid(*edges))
    return found


def _is_flat(rule: Box) -> bool:
    return rule.right - rule.left > rule.top - rule.bottom


def _meet(flat: Box, upright: Box) -> bool:
    """Say whether a horizontal and a vertical rule cross or touch."""
    return (
        flat.left - _NEAR <= upright.left <= flat.right + _NEAR
        and upright.bottom - _NEAR <= flat.top <= upright.top + _NEAR
    )


def _clustered(positions: list[float]) -> tuple[float, ...]:
    """Return positions in order, one for those that lie close together."""
    found: list[float] = []
    for position in sorted(positions):
        if not found or position - found[-1] > _NEAR:
            found.append(position)
    return tuple(found)
