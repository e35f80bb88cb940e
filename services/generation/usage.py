"""What a call to a model cost: tokens from the provider, else estimated, and their price."""

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


@dataclass(frozen=True, slots=True)
class Price:
    """What a million tokens cost."""

    input_per_million: Decimal
    output_per_million: Decimal
    currency: str
    """ISO 4217, such as `CNY`."""

    def micros(self, input_tokens: int, output_tokens: int) -> int:
        """Return the price in millionths of the currency.

        A price per million tokens is a price in millionths per token. Cached tokens are counted
        in full, since providers' discounts differ: rather too high than too low.
        """
        return round(
            input_tokens * self.input_per_million + output_tokens * self.output_per_million
        )


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
        price: None where the settings name none.
        reported: The provider's `usage` object; None, or one without counts, is estimated.
        messages: What was sent.
        text: What the model wrote, with its markers.
    """
    counts = _reported(reported)
    input_tokens, output_tokens, cached = counts or (*estimated(messages, text), 0)
    return Usage(
        model,
        input_tokens,
        output_tokens,
        cached,
        estimated=counts is None,
        price_micros=price.micros(input_tokens, output_tokens) if price else None,
        currency=price.currency if price else "",
    )


def _reported(reported: dict[str, Any] | None) -> tuple[int, int, int] | None:
    if not isinstance(reported, dict):
        return None
    details = reported.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else 0
    counts = (reported.get("prompt_tokens"), reported.get("completion_tokens"), cached or 0)
    if all(isinstance(count, int) and 0 <= count < 2**32 for count in counts):
        return counts  # type: ignore[return-value]
    return None
