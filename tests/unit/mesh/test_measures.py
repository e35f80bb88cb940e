"""Figures of classifiers and of rankings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.mesh.measures import area_under_roc

SCORES = st.lists(st.sampled_from([0.0, 0.1, 0.5, 0.7, 1.0]), min_size=1, max_size=12)


@given(SCORES, SCORES)
def test_the_area_is_the_share_of_pairs_in_order(high: list[float], low: list[float]) -> None:
    """As counted pair by pair; a tie is half in order."""
    pairs = [(a > b) + (a == b) / 2 for a in high for b in low]
    assert area_under_roc(high, low) == pytest.approx(sum(pairs) / len(pairs))


def test_a_perfect_order_is_1_and_its_opposite_0() -> None:
    """Half is what chance does."""
    assert area_under_roc([0.8, 0.9], [0.1, 0.7]) == 1.0
    assert area_under_roc([0.1], [0.9, 0.8]) == 0.0
    assert area_under_roc([0.5], [0.5]) == 0.5
