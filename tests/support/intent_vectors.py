"""Vectors that know what utterances mean, without an embedding model."""

import zlib

import numpy as np
import numpy.typing as npt

from services.intent.training_data import TrainingData

DIMENSIONS = 32
"""Values of a vector; more intents than these share directions."""


def vector_of(text: str, meaning: int) -> npt.NDArray[np.float32]:
    """A vector near those of the same meaning, L2-normalised; the same text has the same one."""
    noise = np.random.default_rng(zlib.crc32(text.encode())).normal(0, 0.1, DIMENSIONS)
    vector = noise + np.eye(DIMENSIONS)[meaning % DIMENSIONS] + 2 * np.ones(DIMENSIONS) / 6
    normalised: npt.NDArray[np.float32] = (vector / np.linalg.norm(vector)).astype(np.float32)
    return normalised


def vectors_of(data: TrainingData) -> dict[str, npt.NDArray[np.float32]]:
    """A vector for every utterance; those of one intent lie together."""
    names = sorted({label for _, label in data.labelled()})
    return {each.text: vector_of(each.text, names.index(label)) for each, label in data.labelled()}
