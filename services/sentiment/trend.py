"""The mood of a conversation: where it is going, and when a person should be told."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from services.sentiment.analyzer import Sentiment
from services.sentiment.lexicon import HEATED

# The weight of an utterance halves with every two that follow: the mood of now, with a memory.
_HALF_LIFE_UTTERANCES = 2
_DECAY = math.pow(0.5, 1 / _HALF_LIFE_UTTERANCES)

# Without a word of anger one utterance must go this far below the line, near -0.8 by default: a
# plain complaint about several things at once must not call a person, "worst service ever" may.
_FAR_BELOW = 0.3

# Two utterances below the line count together within this many; older anger has cooled.
_REPEATED_WITHIN = 4

# A fall is steady when the last three each fall and lose this much in all.
_STEADY_UTTERANCES = 3
_STEADY_FALL = 0.3


class Reason(StrEnum):
    """Why a conversation is escalated."""

    NONE = "none"
    STRONG = "strong"
    """One utterance below the line with words of anger, or far below it."""
    REPEATED = "repeated"
    """Two utterances below the line."""
    WORSENING = "worsening"
    """A steady fall that has reached the line."""


@dataclass(frozen=True, slots=True)
class Escalation:
    """Whether a conversation's mood calls for a person."""

    reason: Reason
    """Why, or NONE."""
    trend: float
    """Decayed mean of the compounds, in [-1, 1], the newest weighing most."""

    @property
    def escalate(self) -> bool:
        """True where a person should be told."""
        return self.reason is not Reason.NONE


def trend(compounds: Sequence[float]) -> float:
    """Average compounds (oldest first, at least one) with weights that halve every two."""
    weights = [math.pow(_DECAY, age) for age in range(len(compounds) - 1, -1, -1)]
    mean = sum(w * c for w, c in zip(weights, compounds, strict=True)) / sum(weights)
    return max(-1.0, min(1.0, round(mean, 4)))


def escalation(history: Sequence[float], newest: Sentiment, line: float) -> Escalation:
    """Decide whether the newest utterance, after those before it, calls for a person.

    Only an utterance that is itself below the line escalates: a customer who has calmed down is
    left alone, however angry she was.

    Args:
        history: Compounds of the customer's earlier utterances, oldest first; may be empty.
        newest: Her utterance now.
        line: Escalation line in [-1, 0].
    """
    compounds = [*history, newest.compound]
    return Escalation(_reason(compounds, newest, line), trend(compounds))


def _reason(compounds: list[float], newest: Sentiment, line: float) -> Reason:
    if newest.compound >= line:
        return Reason.NONE
    if newest.compound < max(line - _FAR_BELOW, -0.95) or not HEATED.isdisjoint(newest.cues):
        return Reason.STRONG
    if sum(1 for value in compounds[-_REPEATED_WITHIN:] if value < line) >= 2:
        return Reason.REPEATED
    last = compounds[-_STEADY_UTTERANCES:]
    falling = all(later < earlier for earlier, later in pairwise(last))
    if len(last) == _STEADY_UTTERANCES and falling and last[0] - last[-1] >= _STEADY_FALL:
        return Reason.WORSENING
    return Reason.NONE
