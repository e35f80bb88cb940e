"""What several attempts at an answer cost is added up, and no part of it is lost on the way."""

import pytest

from services.generation.dialogue import Usage

FIRST = Usage("a", 100, 2, 50, price_micros=200, currency="CNY")


def test_costs_add_up() -> None:
    """Tokens and price, by the name of the second."""
    second = Usage("b", 10, 3, 5, price_micros=7, currency="CNY")
    assert FIRST + second == Usage("b", 110, 5, 55, price_micros=207, currency="CNY")


@pytest.mark.parametrize("estimated", [True, False])
def test_an_estimate_makes_the_sum_one(estimated: bool) -> None:
    """Whichever part it is."""
    parts = Usage("b", 1, 1, estimated=estimated), Usage("b", 1, 1, estimated=not estimated)
    assert (parts[0] + parts[1]).estimated


@pytest.mark.parametrize(
    "other", [Usage("b", 1, 1), Usage("b", 1, 1, price_micros=7, currency="USD")]
)
def test_a_sum_without_all_prices_has_none(other: Usage) -> None:
    """A part would pass for the whole."""
    for total in (FIRST + other, other + FIRST):
        assert (total.price_micros, total.currency) == (None, "")
        assert total.input_tokens == 101
