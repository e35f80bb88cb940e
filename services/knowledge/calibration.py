"""What a score is worth: the probability that a question is answered, and the verdicts' thresholds.

Fitted on the questions of invented companies, see `services/knowledge/learning`.
"""

import json
import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ARTEFACT = Path(__file__).with_name("calibration.json")
"""Written by `python -m services.knowledge.learning`."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """From evidence to probability.

    Attributes:
        dense: Slope and offset of the log-odds where vectors took part.
        lexical: By words alone, evidence and probability at the corners of a curve that always
            rises: that a text has some of the question's words says little until it has most.
        answerable: Least probability for the verdict that a question is answered.
        weak: Least probability for the verdict that it may be.
    """

    dense: tuple[float, float]
    lexical: tuple[tuple[float, float], ...]
    answerable: float
    weak: float

    def probability(self, evidence: float, dense: bool) -> float:
        """Return the probability that a question is answered whose best passage has this evidence.

        Args:
            evidence: In [0, 1].
            dense: Whether vectors took part.
        """
        if not dense:
            return on_curve(self.lexical, evidence)
        slope, offset = self.dense
        return 1.0 / (1.0 + math.exp(-(slope * evidence + offset)))


def on_curve(corners: Sequence[tuple[float, float]], evidence: float) -> float:
    """Return the height of a line through corners in rising order, level outside of them."""
    place = bisect_right(corners, evidence, key=lambda corner: corner[0])
    if place in (0, len(corners)):
        return corners[min(place, len(corners) - 1)][1]
    (left, low), (right, high) = corners[place - 1 : place + 1]
    return low + (high - low) * (evidence - left) / (right - left)


@cache
def calibration() -> Calibration:
    """Read the file."""
    read = json.loads(ARTEFACT.read_text())
    return Calibration(
        tuple(read["dense"]),
        tuple((evidence, share) for evidence, share in read["lexical"]),
        read["answerable"],
        read["weak"],
    )
