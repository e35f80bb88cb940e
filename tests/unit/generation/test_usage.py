"""Tokens and their price: the provider's account, or an estimate that is marked."""

from dataclasses import replace
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


def test_cached_tokens_have_a_price_of_their_own() -> None:
    """Where the settings name it; else they cost what other input costs."""
    reported = {
        "prompt_tokens": 1000,
        "completion_tokens": 100,
        "prompt_tokens_details": {"cached_tokens": 800},
    }
    cheaper = replace(PRICE, cached_per_million=Decimal("0.25"))
    assert usage("m", cheaper, reported, MESSAGES, "text").price_micros == 500 + 200 + 1000
    assert usage("m", PRICE, reported, MESSAGES, "text").price_micros == 3500


def test_a_provider_that_says_more_cached_than_sent_is_not_paid_for_it() -> None:
    """No price falls below what the whole input costs from the cache."""
    cheaper = replace(PRICE, cached_per_million=Decimal("0.25"))
    assert cheaper.micros(100, 0, 1000) == 25


def test_the_most_that_tokens_can_cost_is_at_the_dearest_price() -> None:
    """What a request claims before anybody knows how many it writes."""
    assert PRICE.most_micros(600, 500) == 250 + 5000
    assert PRICE.most_micros(100, 500) == 1000
    backwards = Price(Decimal("0.3"), Decimal("0.1"), "CNY", Decimal("0.5"))
    assert backwards.most_micros(10, 5) == 5
    assert backwards.most_micros(1, 1) == 1


def test_deepseek_s_word_for_cached_tokens_is_known() -> None:
    """It reports them beside the prompt's tokens, not inside the details."""
    reported = {"prompt_tokens": 100, "completion_tokens": 1, "prompt_cache_hit_tokens": 64}
    assert usage("m", PRICE, reported, MESSAGES, "text").cached_tokens == 64


DIFY = {
    "prompt_tokens": 1033,
    "completion_tokens": 135,
    "total_price": "0.0012890",
    "currency": "USD",
}


def test_a_provider_s_own_price_is_taken_where_the_settings_name_none() -> None:
    """Dify reports one with every answer."""
    found = usage("app", None, DIFY, MESSAGES, "text")
    assert (found.price_micros, found.currency) == (1289, "USD")
    assert usage("app", PRICE, DIFY, MESSAGES, "text").currency == "CNY"


@pytest.mark.parametrize(
    "reported",
    [
        DIFY | {"total_price": "much"},
        DIFY | {"total_price": "NaN"},
        DIFY | {"total_price": -1},
        DIFY | {"total_price": "1e30"},
        DIFY | {"total_price": "1e999999"},
        DIFY | {"total_price": 10**5000},
        DIFY | {"total_price": True},
        DIFY | {"total_price": ["0.1"]},
        DIFY | {"currency": "dollars"},
        DIFY | {"currency": None},
        DIFY | {"currency": ["USD"]},
    ],
)
def test_a_reported_price_that_is_none_is_left_out(reported: dict[str, object]) -> None:
    """The tokens count all the same."""
    found = usage("app", None, reported, MESSAGES, "text")
    assert (found.price_micros, found.currency, found.input_tokens) == (None, "", 1033)


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
        {"prompt_tokens": 1, "completion_tokens": True},
        {"prompt_tokens": 1, "completion_tokens": 1, "prompt_cache_hit_tokens": True},
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
