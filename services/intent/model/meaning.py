"""What the embedding of a text says for each class: a small network, and the nearest examples.

The two err differently. The network tells the known classes apart well but is as sure far away
from all of them; the similarity to the nearest examples says whether anything known is near.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

KINDS = 2
"""Scores that a vector gives for a class, see `MeaningModel.scores`."""

LEAST_LOG_SHARE = -20.0
"""No class counts as less likely than that: e to this power."""

NOTHING_NEAR = -1.0
"""The similarity to a class without examples."""


@dataclass(frozen=True, slots=True)
class MeaningModel:
    """Scores classes by a text's vector."""

    centre: Floats
    """Mean of the training vectors, shape (dimensions,): all lie in one narrow cone around it."""
    hidden: Floats
    """First layer of the network, shape (dimensions, units)."""
    hidden_bias: Floats
    """Shape (units,)."""
    output: Floats
    """Second layer, shape (units, classes)."""
    output_bias: Floats
    """Shape (classes,)."""
    prototypes: Floats
    """Typical examples, centred and L2-normalised, shape (prototypes, dimensions), by class."""
    starts: npt.NDArray[np.int64]
    """Where the prototypes of each class begin, shape (classes + 1,), the end added."""

    def scores(self, vectors: Floats) -> npt.NDArray[np.float32]:
        """Score texts by their vectors.

        Args:
            vectors: L2-normalised, shape (n, dimensions).

        Returns:
            Shape (n, classes, `KINDS`): the network's logarithm of the class's probability, and the
            cosine similarity to the class's nearest prototype.
        """
        centred = centred_on(self.centre, vectors)
        units = np.maximum(centred @ self.hidden + self.hidden_bias, 0)
        logits = units @ self.output + self.output_bias
        logits -= logits.max(axis=1, keepdims=True)
        logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
        return np.stack([np.maximum(logits, LEAST_LOG_SHARE), self._similarities(centred)], axis=2)

    def _similarities(self, centred: Floats) -> Floats:
        similarities = centred @ self.prototypes.T
        nearest = np.full((len(centred), len(self.starts) - 1), NOTHING_NEAR, np.float32)
        filled = np.flatnonzero(np.diff(self.starts))
        nearest[:, filled] = np.maximum.reduceat(similarities, self.starts[filled], axis=1)
        return nearest


def centred_on(centre: Floats, vectors: Floats) -> Floats:
    """Look at vectors from their mean, which spreads them over all directions.

    Args:
        centre: Shape (dimensions,).
        vectors: Shape (n, dimensions).

    Returns:
        Differences, L2-normalised; zeros stay zeros.
    """
    differences = vectors - centre
    lengths = np.linalg.norm(differences, axis=1, keepdims=True)
    centred: Floats = (differences / np.maximum(lengths, 1e-12)).astype(np.float32)
    return centred
