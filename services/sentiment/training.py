"""`python -m services.sentiment.training`: make the model of the package anew.

The same tables give the same file. It takes some minutes on one core, most of it for the
cross-validation, whose figures are printed and kept in the file.
"""

import sys
from collections.abc import Callable

import numpy as np

from services.encoder.conversion import directory
from services.encoder.encoder import NAME, Encoder
from services.sentiment import model, utterances
from services.sentiment.features import NAMES, Floats
from services.sentiment.learning import Corpus, Fitted, corpus, fit
from services.sentiment.model import Model, Record, Weights
from services.sentiment.validation import Scales, held_out, quality, scales

EMBEDDING_MODEL = NAME
"""The model whose vectors the shipped weights are for."""


def embedder() -> Callable[[str], Floats]:
    """Load the embedding model; the result embeds one text as a query, L2-normalised.

    Raises:
        ConversionFailed: The model's files are missing and cannot be made.
    """
    encoder = Encoder.load(directory())
    return lambda text: encoder.encode(text, query=True)


def train(data: Corpus, data_hash: str) -> Model:
    """Learn from a corpus, and record where the model comes from and how good it is."""
    weights: dict[str, tuple[Fitted, Scales]] = {}
    record: dict[str, dict[str, float]] = {}
    for name, with_vectors in (("lexical", False), ("combined", True)):
        scores = held_out(data, with_vectors)
        found = scales(data, scores)
        weights[name] = fit(data, with_vectors), found
        for kind, figures in quality(data, scores, found).items():
            record[f"{name}/{kind}"] = figures
    vocabulary = weights["lexical"][0].vocabulary
    return Model(
        Record(EMBEDDING_MODEL, data_hash, record),
        vocabulary.rows,
        vocabulary.rarity,
        _exported(*weights["lexical"]),
        _exported(*weights["combined"]),
    )


def _exported(fitted: Fitted, found: Scales) -> Weights:
    """Cut the weights into their blocks."""
    weights = fitted.weights.astype(np.float32)
    cut, parts = len(NAMES), len(fitted.vocabulary.rows)
    return Weights(
        weights[:cut],
        weights[len(weights) - parts :],
        weights[cut : len(weights) - parts],
        fitted.bias.astype(np.float32),
        found.temperature,
        found.blame_cuts,
        found.praise_cuts,
    )


def main() -> None:
    """Train on the tables of the package, write the file beside them and print the figures."""
    made = train(corpus(utterances.load(), embedder()), utterances.data_hash())
    model.save(made, model.ARTEFACT)
    for name, figures in made.record.quality.items():
        line = " ".join(f"{key} {value:.3f}" for key, value in figures.items())
        sys.stdout.write(f"{name:20} {line}\n")


if __name__ == "__main__":
    main()
