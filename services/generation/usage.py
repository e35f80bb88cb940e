"""What a call to a model cost: tokens from the provider, else estimated, and their price."""

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from services.generation.dialogue import Usage

# Tokenizers differ and the exact ones want downloads. A Chinese character is 0.6 to 1.3 tokens,
# an English word about four characters a token; the upper side is taken, so that an estimated
# price is rather too high.
_TOKENS_PER_WIDE_CHARACTER = 1.0
_TOKENS_PER_NARROW_CHARACTER = 0.25
_WIDE = re.compile(r"[\u2e80-\U0010ffff]")

# Roles and separators of one chat message.
_TOKENS_PER_MESSAGE = 4

# The contract's fields end there; a larger number is a mistake of the provider's.
_TOO_LARGE = 2**32
_CURRENCY = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True, slots=True)
class Price:
    """What a million tokens cost."""

    input_per_million: Decimal
    output_per_million: Decimal
    currency: str
    """ISO 4217, such as `CNY`."""
    cached_per_million: Decimal | None = None
    """Of the input, what the provider serves from its cache. None: the same as other input, since
    discounts differ: rather too high than too low."""

    def micros(self, input_tokens: int, output_tokens: int, cached_tokens: int = 0) -> int:
        """Return the price in millionths of the currency.

        A price per million tokens is a price in millionths per token.
        """
        cached_price = self.cached_per_million
        if cached_price is None:
            cached_price = self.input_per_million
        cached = min(cached_tokens, input_tokens)
        return round(
            (input_tokens - cached) * self.input_per_million
            + cached * cached_price
            + output_tokens * self.output_per_million
        )

    def most_micros(self, tokens: int, output_tokens: int) -> int:
        """Return the most that a request can cost.

        Args:
            tokens: At the most, in and out.
            output_tokens: Of these, what may be output; it may be input as well.
        """
        output = min(tokens, output_tokens)
        dearer_input = max(self.input_per_million, self.cached_per_million or 0)
        dearest = max(dearer_input, self.output_per_million)
        return math.ceil((tokens - output) * dearer_input + output * dearest)


def estimate_tokens(text: str) -> int:
    """Estimate the tokens of a text without a tokenizer, rather too high than too low."""
    wide = len(_WIDE.findall(text))
    narrow = len(text) - wide
    return round(wide * _TOKENS_PER_WIDE_CHARACTER + narrow * _TOKENS_PER_NARROW_CHARACTER)


def estimated(messages: list[dict[str, str]], text: str) -> tuple[int, int]:
    """Estimate the input and output tokens of a chat call from its messages and its answer."""
    prompt = sum(_TOKENS_PER_MESSAGE + estimate_tokens(item["content"]) for item in messages)
    return prompt, estimate_tokens(text)


def usage(
    model: str,
    price: Price | None,
    reported: dict[str, Any] | None,
    messages: list[dict[str, str]],
    text: str,
) -> Usage:
    """Put together what a chat call cost.

    Args:
        model: Name of the model that wrote.
        price: None where the settings name none; then the provider's own price is taken, if it
            reports one.
        reported: The provider's `usage` object; None, or one without counts, is estimated.
        messages: What was sent.
        text: What the model wrote, with its markers.
    """
    counts = _reported(reported)
    input_tokens, output_tokens, cached = counts or (*estimated(messages, text), 0)
    micros, currency = _reported_price(reported)
    if price is not None:
        micros, currency = price.micros(input_tokens, output_tokens, cached), price.currency
    return Usage(
        model,
        input_tokens,
        output_tokens,
        cached,
        estimated=counts is None,
        price_micros=micros,
        currency=currency,
    )


def _reported_price(reported: dict[str, Any] | None) -> tuple[int | None, str]:
    """Return what the provider says that the call cost, as Dify does; else (None, "")."""
    if not isinstance(reported, dict):
        return None, ""
    currency, price = reported.get("currency"), reported.get("total_price")
    if not isinstance(currency, str) or type(price) not in (str, int, float):
        return None, ""
    try:
        micros = Decimal(str(price)) * 1_000_000
    except (ArithmeticError, ValueError):  # no number, or one with more digits than any price
        return None, ""
    if not (micros.is_finite() and 0 <= micros < _TOO_LARGE and _CURRENCY.fullmatch(currency)):
        return None, ""
    return round(micros), currency


def _reported(reported: dict[str, Any] | None) -> tuple[int, int, int] | None:
    if not isinstance(reported, dict):
        return None
    details = reported.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else None
    if cached is None:
        cached = reported.get("prompt_cache_hit_tokens")  # DeepSeek's name for it
    counts = (reported.get("prompt_tokens"), reported.get("completion_tokens"), cached or 0)
    # A bool is an int to Python, and no count.
    if all(type(count) is int and 0 <= count < _TOO_LARGE for count in counts):
        return counts  # type: ignore[return-value]
    return None
