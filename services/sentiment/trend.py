"""The mood of a conversation: where it is going, and when a person should be told."""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from services.sentiment.scale import FURIOUS

# The weight of an utterance halves with every two that follow: the mood of now, with a memory.
_HALF_LIFE_UTTERANCES = 2
_DECAY = math.pow(0.5, 1 / _HALF_LIFE_UTTERANCES)

# Two utterances below the line count together within this many; older anger has cooled.
_REPEATED_WITHIN = 4

# A fall is steady when the last three each fall and lose this much in all.
_STEADY_UTTERANCES = 3
_STEADY_FALL = 0.3


class Reason(StrEnum):
    """Why a conversation is escalated."""

    NONE = "none"
    STRONG = "strong"
    """One utterance in the extreme range, which the scale keeps for rage: see `scale.tempered`."""
    REPEATED = "repeated"
    """Two utterances below the line."""
    WORSENING = "worsening"
    """A steady fall that has reached the line."""
    NOT_RECOVERED = "not_recovered"
    """It was escalated before, and the trend has not risen above the recovery line since."""


@dataclass(frozen=True, slots=True)
class Lines:
    """Where escalation begins and ends."""

    escalation: float
    """Compound in [-1, 0] below which an utterance counts for escalation."""
    recovery: float
    """Trend in [-1, 1] above which an escalated conversation is calm again."""


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


def escalation(compounds: Sequence[float], lines: Lines) -> Escalation:
    """Decide whether a conversation calls for a person.

    Nothing is remembered between calls: the conversation is gone through from its beginning, so
    that an escalation of an earlier utterance holds on until the mood has recovered.

    Args:
        compounds: Of the customer's utterances, oldest first, at least one.
        lines: Where escalation begins and ends.
    """
    recent: deque[float] = deque(maxlen=_REPEATED_WITHIN)
    weighed = weights = 0.0
    reason = Reason.NONE
    for compound in compounds:
        recent.append(compound)
        weighed = weighed * _DECAY + compound
        weights = weights * _DECAY + 1
        found = _alarm(list(recent), lines.escalation)
        held = reason is not Reason.NONE and weighed / weights <= lines.recovery
        if found is Reason.NONE and held:
            found = Reason.NOT_RECOVERED
        reason = found
    return Escalation(reason, max(-1.0, min(1.0, round(weighed / weights, 4))))


def _alarm(recent: list[float], line: float) -> Reason:
    """Judge the newest of the recent utterances; one above the line alarms nobody."""
    newest = recent[-1]
    if newest >= line:
        return Reason.NONE
    if newest < -FURIOUS:
        return Reason.STRONG
    if sum(1 for value in recent if value < line) > 1:
        return Reason.REPEATED
    last = recent[-_STEADY_UTTERANCES:]
    falling = all(later < earlier for earlier, later in pairwise(last))
    if len(last) == _STEADY_UTTERANCES and falling and last[0] - last[-1] >= _STEADY_FALL:
        return Reason.WORSENING
    return Reason.NONE
