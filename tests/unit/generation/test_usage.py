"""Tokens and their price: the provider's account, or an estimate that is marked."""

from decimal import Decimal

import pytest

from services.generation.usage import Price, estimate_tokens, usage

PRICE = Price(Decimal("2.5"), Decimal("10"), "CNY")
MESSAGES = [{"role": "system", "content": "Answer."}, {"role": "user", "content": "怎么退货"}]


def test_the_provider_s_account_is_taken_as_it_is() -> None:
    """Input, output and cached tokens come from the provider where it reports them."""
    reported = {
        "prompt_tokens": 1000,
        "completion_tokens": 100,
        "prompt_tokens_details": {"cached_tokens": 800},
    }
    found = usage("m", PRICE, reported, MESSAGES, "text")
    assert (found.input_tokens, found.output_tokens, found.cached_tokens) == (1000, 100, 800)
    assert not found.estimated


def test_the_price_is_in_millionths_of_the_currency() -> None:
    """1,000 tokens at 2.5 a million and 100 at 10 are 0.0035, that is 3,500 millionths."""
    reported = {"prompt_tokens": 1000, "completion_tokens": 100}
    found = usage("m", PRICE, reported, MESSAGES, "text")
    assert (found.price_micros, found.currency) == (3500, "CNY")


def test_without_a_price_there_is_none() -> None:
    """A price of nothing and no price are different things."""
    found = usage("m", None, None, MESSAGES, "text")
    assert (found.price_micros, found.currency) == (None, "")
    free = Price(Decimal(0), Decimal(0), "CNY")
    assert usage("m", free, None, MESSAGES, "text").price_micros == 0


@pytest.mark.parametrize(
    "reported",
    [
        None,
        {},
        {"prompt_tokens": None, "completion_tokens": 3},
        {"prompt_tokens": -1, "completion_tokens": 3},
        {"prompt_tokens": "many", "completion_tokens": 3},
        {"prompt_tokens": 1, "completion_tokens": 2**40},
        ["tokens"],
    ],
)
def test_without_an_account_tokens_are_estimated_and_said_to_be(reported: object) -> None:
    """Nothing that a provider sends in its place can break an answer."""
    found = usage("m", PRICE, reported, MESSAGES, "七天")  # type: ignore[arg-type]
    assert found.estimated
    assert found.output_tokens == 2
    assert found.input_tokens >= 4


def test_estimates_are_near_and_rather_too_high() -> None:
    """A token is about four Latin letters, or less than one Chinese character."""
    assert estimate_tokens("How long do refunds take?") == 6
    assert estimate_tokens("退款多久到账") == 6
    assert estimate_tokens("") == 0
