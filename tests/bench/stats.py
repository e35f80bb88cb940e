"""Order statistics of what was measured; nothing here measures."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

ENOUGH_FOR_P99 = 100
"""With fewer values than this the 99th percentile is the maximum, and one outlier moves it."""


@dataclass(frozen=True, slots=True)
class Spread:
    """What the repeats of one cell gave.

    Attributes:
        median: the middle repeat, or the mean of the middle two.
        low: the smallest.
        high: the largest.
    """

    median: float
    low: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """Return the median and the extremes of one value or more."""
    return Spread(statistics.median(values), min(values), max(values))


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` of all values do not exceed.

    That is the nearest-rank percentile: always a value that was measured, never one in between.

    Args:
        values: one or more, in any order.
        share: in (0, 1], such as 0.99.
    """
    ranked = sorted(values)
    return ranked[max(math.ceil(share * len(ranked)), 1) - 1]


def per_turn(after: dict[str, float], before: dict[str, float], turns: int) -> dict[str, float]:
    """Return how much each counter grew per turn; counters that stood still are left out.

    Args:
        after: counters by name when the cell ended.
        before: the same when it began; a name that is missing stood at 0.
        turns: finished turns, at least 1.
    """
    grown = {name: (value - before.get(name, 0.0)) / turns for name, value in after.items()}
    return {name: each for name, each in grown.items() if each}
