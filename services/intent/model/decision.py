"""What the probabilities of the classes amount to: an intent, or that it is not known."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

# An alternative below this would be a mere name in a list.
_LEAST_CONFIDENCE = 0.01


UNKNOWN_THRESHOLD = 0.2
"""Default of `Thresholds.unknown`."""

AMBIGUITY_MARGIN = 0.15
"""Default of `Thresholds.ambiguity`."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where confidence is too little to act on."""

    unknown: float = UNKNOWN_THRESHOLD
    """Below this confidence of the best intent the answer is `UNKNOWN`, in [0, 1]."""
    ambiguity: float = AMBIGUITY_MARGIN
    """The best two are ambiguous where their confidences lie closer than this, in [0, 1]."""


class Ranked(NamedTuple):
    """A class and the belief in it."""

    place: int
    """Place of the class."""
    confidence: float
    """In [0, 1]."""


def decide(
    shares: npt.NDArray[np.float64], unknown: int, threshold: float, most: int
) -> tuple[Ranked, list[Ranked]]:
    """Rank the intents, or admit that it is none of them.

    Args:
        shares: Probability of each class, shape (classes,).
        unknown: Place of the unknown class.
        threshold: `Thresholds.unknown`.
        most: Most alternatives.

    Returns:
        The answer, and what else it could be, most likely first; never the unknown class.
    """
    best_first = np.argsort(-shares, kind="stable")[: most + 2]
    ranked = [
        Ranked(place, share)
        for place, share in zip(best_first.tolist(), shares[best_first].tolist(), strict=True)
        if place != unknown and share >= _LEAST_CONFIDENCE
    ]
    surest = ranked[0].confidence if ranked else 0.0
    if shares[unknown] > surest or surest < threshold:
        # Doubt about every intent is the belief that it is none or cannot be told.
        return Ranked(unknown, max(float(shares[unknown]), 1 - surest)), ranked[:most]
    return ranked[0], ranked[1 : 1 + most]
