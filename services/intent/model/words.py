"""What the words of a text say for each class: a linear model over n-grams."""

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

FAR = -1.0
"""The margin of a class that has no examples: what a machine says about what is far away."""

KINDS = 2
"""Scores that the words give for a class, see `scores_of`."""

# Machines that are in doubt give margins down to about here; further down they rule a class out,
# and a step there says more than one above. Flat around the best by cross-validation.
_RULED_OUT = -0.6


@dataclass(frozen=True, slots=True)
class Vectoriser:
    """Turns the features of a text into the non-zero part of an L2-normalised TF-IDF vector."""

    columns: dict[str, int]
    """The column of each known feature."""
    idf: list[float]
    """Weight by column: the smoothed inverse document frequency ln((1 + n) / (1 + df)) + 1,
    flattened by a power below one, times the importance of the feature's kind."""
    unseen_idf: float
    """The weight of a feature that no training utterance has: as by column, with df = 0.

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
class WordsModel:
    """One weight a feature and class; their sums are margins, near 1 for the right class."""

    vectoriser: Vectoriser
    """Its columns are the rows of `weights`."""
    weights: Floats
    """Shape (features, classes), so that the few rows of a text lie together in memory."""
    bias: Floats
    """Shape (classes,)."""

    def scores(self, counted: Counter[str]) -> Floats:
        """Score the classes.

        Args:
            counted: The text's features, from `features.features`.

        Returns:
            Shape (classes, `KINDS`), as of `scores_of`.
        """
        columns, values = self.vectoriser.vector(counted)
        return scores_of(self.bias + np.asarray(values, np.float32) @ self.weights[columns])


def scores_of(margins: Floats) -> Floats:
    """Let a margin count by two slopes, weighed apart, so that confidence can follow it.

    Args:
        margins: Any shape; above 0 where the words speak for the class, about -1 where they do not.

    Returns:
        One axis more, of `KINDS`: the margin, and how far it lies below doubt, never above 0.
    """
    scores: Floats = np.stack([margins, np.minimum(margins - _RULED_OUT, 0)], axis=-1)
    return scores.astype(np.float32)
