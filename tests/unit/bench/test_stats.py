"""The arithmetic of the bench: percentiles are measured values, spreads name their extremes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.stats import Spread, per_turn, percentile, spread

TIMES = st.lists(st.floats(0, 1e6), min_size=1, max_size=50)


def test_a_percentile_is_the_smallest_value_that_covers_its_share() -> None:
    """Of 1 to 100 the 99th percentile is 99: one in a hundred is larger."""
    values = [float(each) for each in range(100, 0, -1)]
    assert percentile(values, 0.99) == 99
    assert percentile(values, 0.5) == 50
    assert percentile(values, 1.0) == 100


def test_of_few_values_the_99th_percentile_is_the_largest() -> None:
    """That is why the bench warns of cells with fewer than a hundred turns."""
    assert percentile([3.0, 1.0, 2.0], 0.99) == 3.0
    assert percentile([7.0], 0.5) == 7.0


@given(TIMES, st.floats(0.001, 1.0))
def test_a_percentile_was_measured(values: list[float], share: float) -> None:
    """Nothing is interpolated, and at least the share is not above it."""
    found = percentile(values, share)
    assert found in values
    assert sum(each <= found for each in values) >= share * len(values)


def test_a_spread_is_the_middle_and_both_ends() -> None:
    """Two middle values are averaged."""
    assert spread([3.0, 1.0, 2.0]) == Spread(2.0, 1.0, 3.0)
    assert spread([1.0, 3.0]) == Spread(2.0, 1.0, 3.0)


@given(TIMES)
def test_the_middle_lies_between_the_ends(values: list[float]) -> None:
    """Whatever was measured."""
    found = spread(values)
    assert found.low <= found.median <= found.high


def test_counters_are_told_as_growth_per_turn() -> None:
    """A counter that was not there before began at 0; one that stood still is not mentioned."""
    before = {"get": 10.0, "ping": 4.0}
    after = {"get": 30.0, "ping": 4.0, "set": 10.0}
    assert per_turn(after, before, 10) == {"get": 2.0, "set": 1.0}


def test_no_values_have_no_percentile() -> None:
    """The caller must not ask: an empty cell is an error, not a zero."""
    with pytest.raises(IndexError):
        percentile([], 0.5)
