"""What a score is worth: the probability that a question is answered, and the verdicts' thresholds.

Fitted on the questions of invented companies, see `services/knowledge/learning`.
"""

import json
import math
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
        lexical: The same by words alone.
        answerable: Least probability for the verdict that a question is answered.
        weak: Least probability for the verdict that it may be.
    """

    dense: tuple[float, float]
    lexical: tuple[float, float]
    answerable: float
    weak: float

    def probability(self, evidence: float, dense: bool) -> float:
        """Return the probability that a question is answered whose best passage has this evidence.

        Args:
            evidence: In [0, 1].
            dense: Whether vectors took part.
        """
        slope, offset = self.dense if dense else self.lexical
        return 1.0 / (1.0 + math.exp(-(slope * evidence + offset)))


@cache
def calibration() -> Calibration:
    """Read the file."""
    read = json.loads(ARTEFACT.read_text())
    return Calibration(
        tuple(read["dense"]), tuple(read["lexical"]), read["answerable"], read["weak"]
    )
