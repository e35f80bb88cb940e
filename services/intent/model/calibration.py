"""From scores to probabilities that mean what they say."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float32]
Shares = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Weighs the scores and makes a softmax of them in which "something else" takes part.

    All of it is fitted on held-out utterances, see `learning.weighing`.
    """

    weights: tuple[float, ...]
    """One for each kind of score."""
    offsets: tuple[float, ...]
    """What each class gains or loses, for models that name some too readily; sum to about 0."""
    novelty: float
    """The weighed score of "something else"; its share is added to the unknown class."""
    temperatures: Mapping[str, float]
    """By language: weighed scores are divided by it. A language that is missing has 1."""

    def probabilities(self, scores: Scores, language: str, unknown: int) -> Shares:
        """Turn scores into probabilities.

        Args:
            scores: Shape (n, classes, kinds).
            language: Of the texts, a value of `services.language.Language`.
            unknown: Place of the unknown class.

        Returns:
            Shape (n, classes), rows sum to 1.
        """
        weighed = scores @ np.asarray(self.weights) + np.asarray(self.offsets)
        weighed = np.hstack([weighed, np.full((len(weighed), 1), self.novelty)])
        weighed /= self.temperatures.get(language, 1.0)
        weighed -= weighed.max(axis=1, keepdims=True)
        shares: Shares = np.exp(weighed)
        shares /= shares.sum(axis=1, keepdims=True)
        shares[:, unknown] += shares[:, -1]
        return shares[:, :-1]
