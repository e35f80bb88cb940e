"""The trained model as plain arrays, quick enough to run inside the event loop."""

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.intent.features import features

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Vectoriser:
    """Turns the features of a text into the non-zero part of an L2-normalised TF-IDF vector."""

    columns: dict[str, int]
    """The column of each known feature."""
    idf: list[float]
    """Inverse document frequency by column, smoothed: ln((1 + n) / (1 + df)) + 1."""
    unseen_idf: float
    """The weight of a feature that no training utterance has.

    It lengthens the vector without adding to any intent, so that a text of mostly unseen words
    cannot be pushed over an intent's line by one known word.
    """

    def vector(self, counted: Counter[str]) -> tuple[list[int], list[float]]:
        """Weigh the features of one text.

        Args:
            counted: From `features.features`.

        Returns:
            The columns that are not zero and their values, in the same order.
        """
        columns: list[int] = []
        values: list[float] = []
        square = 0.0
        for feature, count in counted.items():
            column = self.columns.get(feature)
            weight = self.unseen_idf if column is None else self.idf[column]
            if count > 1:
                weight *= 1 + math.log(count)
            square += weight * weight
            if column is not None:
                columns.append(column)
                values.append(weight)
        length = math.sqrt(square) or 1.0
        return columns, [value / length for value in values]


@dataclass(frozen=True, slots=True)
class Calibration:
    """How margins become probabilities: a softmax in which "something else" takes part."""

    temperature: float
    """Margins are divided by it; above 0."""
    novelty: float
    """The margin of "something else"; its share is added to the unknown class."""

    def probabilities(
        self, margins: npt.NDArray[np.floating], unknown: int
    ) -> npt.NDArray[np.float64]:
        """Turn margins into probabilities.

        Args:
            margins: Shape (n, classes).
            unknown: Column of the unknown class.

        Returns:
            Shape (n, classes), rows sum to 1.
        """
        rest = np.full((len(margins), 1), self.novelty)
        scaled = np.hstack([np.asarray(margins, np.float64), rest]) / self.temperature
        scaled -= scaled.max(axis=1, keepdims=True)
        shares = np.exp(scaled)
        shares /= shares.sum(axis=1, keepdims=True)
        shares[:, unknown] += shares[:, -1]
        return shares[:, :-1]


@dataclass(frozen=True, slots=True)
class LinearModel:
    """One weight a feature and class, and the calibration of their sums."""

    classes: tuple[str, ...]
    """Names of the intents and `values.UNKNOWN`, sorted."""
    unknown: int
    """Place of `values.UNKNOWN` in `classes`."""
    vectoriser: Vectoriser
    """Its columns are the rows of `weights`."""
    weights: Floats
    """Shape (features, classes), so that the few rows of a text lie together in memory."""
    bias: Floats
    """Shape (classes,)."""
    calibration: Calibration
    """Fitted on held-out folds, see `training`."""

    def probabilities(self, folded: str) -> list[float]:
        """Compute the probability of each class.

        Args:
            folded: Text from `services.language.fold`.

        Returns:
            One probability a class, in the order of `classes`; they sum to 1.
        """
        columns, values = self.vectoriser.vector(features(folded))
        margins = self.bias + np.asarray(values, np.float32) @ self.weights[columns]
        shares: list[float] = self.calibration.probabilities(margins[None, :], self.unknown)[
            0
        ].tolist()
        return shares
