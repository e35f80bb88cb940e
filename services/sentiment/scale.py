"""The one scale of the service: from probabilities and strengths to `compound` and label."""

from collections.abc import Sequence
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

BAND = 0.05
"""Half width of the neutral band around 0 that the scale is made for (VADER's)."""

DISSATISFIED = 0.5
"""From here on a mood is strong: the customer is plainly dissatisfied, or pleased."""

FURIOUS = 0.8
"""From here on a mood is extreme: rage, or enthusiasm."""

# An opinion twice as probable as its rival counts with its full strength, at even odds with none.
_SURE = 0.5

# Neutral values stay inside the open band, also when rounded to four digits.
_INSIDE = 0.98 * BAND

# Praise that is strong and not extreme ends here.
_PLEASED = FURIOUS - 0.0001

_GRADES = (BAND, DISSATISFIED, FURIOUS, 1.0)


class Label(StrEnum):
    """The name of a mood, in the order of the scale."""

    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"


class Emotion(StrEnum):
    """What moves a customer."""

    NONE = "none"
    ANGER = "anger"
    DISAPPOINTMENT = "disappointment"
    WORRY = "worry"
    GRATITUDE = "gratitude"


def label(value: float, neutral_band: float) -> Label:
    """Name a compound; within `neutral_band` (0 to 1) of zero it is neutral."""
    if value <= -neutral_band:
        return Label.NEGATIVE
    return Label.POSITIVE if value >= neutral_band else Label.NEUTRAL


def graded(level: float, cuts: Sequence[float]) -> float:
    """Place an expected level of strength on the scale.

    Args:
        level: In [1, 3], 1 mild, 2 strong, 3 extreme.
        cuts: Two levels, rising: where strong begins, and where extreme does.

    Returns:
        In [0.05, 1]: mild below 0.5, strong below 0.8.
    """
    return float(np.interp(level, (1.0, *cuts, 3.0), _GRADES))


def compound(probabilities: Sequence[float], blame: float, praise: float) -> float:
    """Make one number of what the model believes; the label at ±0.05 is the likeliest class.

    Args:
        probabilities: Of negative, neutral and positive; they sum to 1.
        blame: Strength in [0.05, 1] if the text is negative, see `graded`.
        praise: Strength if it is positive.

    Returns:
        In [-1, 1], four digits. An opinion weighs less the closer its rival is, so that nothing
        jumps where the label changes.
    """
    negative, neutral, positive = probabilities
    if neutral >= max(negative, positive):
        return round(_INSIDE * (positive - negative) / neutral, 4)
    top, rival = max(negative, positive), max(neutral, min(negative, positive))
    weight = min(1.0, (top - rival) / top / _SURE)
    strength = BAND + ((blame if negative > positive else praise) - BAND) * weight
    return round(strength if positive > negative else -strength, 4)


def tempered(value: float, emotion: Emotion, in_heat: bool, mixed: bool = False) -> float:
    """Keep strong blame for disappointment and anger, extreme blame for heated anger.

    Extreme praise is kept for those who praise alone.

    Args:
        value: A compound.
        emotion: What moves the customer.
        in_heat: Whether she uses words of anger, insult, accusation or threat.
        mixed: Whether she uses words of blame.

    Returns:
        Anything milder than strong blame as it is. Strong anger in heated words moves into the
        extreme range, in its order: one such utterance is what a person should hear of, however
        short it is. Other blame ends before that range, however sure it is; and worry, which
        blames nobody, before the strong one.
    """
    if value >= -DISSATISFIED:
        return min(value, _PLEASED) if mixed else value
    if emotion not in (Emotion.ANGER, Emotion.DISAPPOINTMENT):
        return -DISSATISFIED
    if emotion is not Emotion.ANGER or not in_heat:
        return max(value, -FURIOUS)
    if value < -FURIOUS:
        return value
    share = (-value - DISSATISFIED) / (FURIOUS - DISSATISFIED)
    return round(-FURIOUS - 0.001 - share * (1 - FURIOUS) / 2, 4)
