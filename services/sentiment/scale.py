"""The one scale of the service: from added valences to `compound`, label and confidence."""

import math
from collections.abc import Sequence
from enum import StrEnum

from services.sentiment.lexicon import Hit

# VADER's constant: about the largest sum of valences that a tweet reaches (Hutto & Gilbert 2014).
_ALPHA = 15.0

# Each of up to four exclamation marks, and of up to three question marks in a row, adds this much
# in the direction of the opinion (VADER's figures, from ratings by people).
_EXCLAMATION = 0.292
_MAX_EXCLAMATIONS = 4
_QUESTION = 0.18
_MANY_QUESTIONS = 0.96

# Evidence of this much absolute valence, about one clear word, gives a confidence of 0.63.
_CLEAR_WORD = 2.0

_NO_OPINION_CONFIDENCE = 0.5


class Label(StrEnum):
    """The name of a mood."""

    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"


def compound(total: float) -> float:
    """Map a sum of valences to [-1, 1] by s / sqrt(s² + 15), as VADER does; odd and monotonic.

    For orientation: one word of valence -2.3 (angry) gives -0.51, two give -0.77.
    """
    return round(total / math.sqrt(total * total + _ALPHA), 4)


def label(value: float, neutral_band: float) -> Label:
    """Name a compound; within `neutral_band` (0 to 1) of zero it is neutral."""
    if value <= -neutral_band:
        return Label.NEGATIVE
    return Label.POSITIVE if value >= neutral_band else Label.NEUTRAL


def emphasis(text: str) -> float:
    """Measure what the marks !, ！, ? and ？ add to an opinion, in valence, 0 to about 2.1."""
    exclamations = min(text.count("!") + text.count("！"), _MAX_EXCLAMATIONS)
    questions = text.count("?") + text.count("？")
    added = exclamations * _EXCLAMATION
    if questions > 1:
        added += questions * _QUESTION if questions <= 3 else _MANY_QUESTIONS
    return added


def confidence(hits: Sequence[Hit], readable: bool) -> float:
    """Measure how much evidence there is and how far it agrees, in [0, 1].

    Args:
        hits: The evidence. Praise and blame in equal parts cancel out to 0.
        readable: Whether the text has words of a language that the service knows.

    Returns:
        Agreement times 1 - exp(-evidence / 2). Without any opinion in a readable text 0.5, since
        a missing word cannot be told from a missing opinion; in an unreadable one 0.
    """
    evidence = sum(abs(hit.valence) for hit in hits)
    if not evidence:
        return _NO_OPINION_CONFIDENCE if readable else 0.0
    agreement = abs(sum(hit.valence for hit in hits)) / evidence
    return round(agreement * (1 - math.exp(-evidence / _CLEAR_WORD)), 4)
