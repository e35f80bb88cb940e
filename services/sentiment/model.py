"""The trained model: linear in lexical evidence, parts of the text, and its embedding.

Two sets of weights answer the same questions, one for texts that come with a vector and one for
those that come without. The file beside this module is written by `training` and read here; it
holds numbers and names only, and nothing in it is executed.
"""

import json
import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.sentiment.features import NAMES, Floats
from services.sentiment.ngrams import ngrams
from services.sentiment.scale import Emotion, Label, graded

ARTEFACT = Path(__file__).with_name("model.npz")
"""Where the model lies in the package."""

FORMAT = 1
"""Grows with every change of what the file holds."""

# Rarity of a part that was never seen, about that of one that was seen twice.
_RARE = 8.0

EMOTIONS = tuple(Emotion)
LEVELS = (1, 2, 3)
HEADS = {"polarity": len(Label), "blame": 3, "praise": 3, "emotion": len(EMOTIONS), "urgency": 3}
"""The questions that are answered, with the number of answers to each; columns in this order."""

_ENDS = tuple(np.cumsum(tuple(HEADS.values())).tolist())
_SLICES = {
    name: slice(end - size, end) for (name, size), end in zip(HEADS.items(), _ENDS, strict=True)
}
OUTPUTS = _ENDS[-1]
"""Number of all answers."""


@dataclass(frozen=True, slots=True)
class Weights:
    """One set of weights; columns are the answers of `HEADS`."""

    features: Floats
    """Shape (features, OUTPUTS)."""
    ngrams: Floats
    """Shape (vocabulary, OUTPUTS)."""
    vector: Floats
    """Shape (dimensions, OUTPUTS); no rows where no vector is looked at."""
    bias: Floats
    """Shape (OUTPUTS,)."""
    temperature: float
    """Divides the scores of polarity so that probabilities are as sure as they are right."""
    blame_cuts: tuple[float, float]
    """Expected levels of blame where strong and extreme begin, see `scale.graded`."""
    praise_cuts: tuple[float, float]
    """The same of praise."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the model believes about a text."""

    probabilities: tuple[float, float, float]
    """Of negative, neutral and positive, calibrated."""
    blame: float
    """Strength if negative, in [0.05, 1]."""
    praise: float
    """Strength if positive, in [0.05, 1]."""
    emotions: tuple[float, ...]
    """Probabilities in the order of `EMOTIONS`."""
    urgency: float
    """In [0, 1]."""


@dataclass(frozen=True, slots=True)
class Record:
    """Where a model comes from, and how good it was."""

    embedding_model: str
    """Name of the model whose vectors it was trained with."""
    data_hash: str
    """SHA-256 of the tables of the package that it was trained on."""
    quality: dict[str, dict[str, float]]
    """Cross-validated figures by path and language."""


@dataclass(frozen=True, slots=True)
class Model:
    """A trained model; immutable and safe to share between threads."""

    record: Record
    """Its origin."""
    vocabulary: dict[str, int]
    """Parts of texts and their rows."""
    rarity: Floats
    """Weight of each part by how rare it is, shape (vocabulary,)."""
    lexical: Weights
    """For texts without a vector."""
    combined: Weights
    """For texts with one."""

    @property
    def dimensions(self) -> int:
        """Length of the vectors that it reads."""
        return int(self.combined.vector.shape[0])

    def opinion(self, text: str, features: Floats, vector: Floats | None) -> Opinion:
        """Judge a text.

        Args:
            text: Any text.
            features: Its evidence, see `Features.of`.
            vector: float32 of `dimensions`, L2-normalised, or None.
        """
        weights = self.lexical if vector is None else self.combined
        scores = features @ weights.features + weights.bias
        rows, counts = parts(text, self.vocabulary, self.rarity)
        if len(rows):
            scores = scores + counts @ weights.ngrams[rows]
        if vector is not None:
            scores = scores + vector @ weights.vector
        return interpreted(scores, weights)


def parts(text: str, vocabulary: dict[str, int], rarity: Floats) -> tuple[NDArray[np.intp], Floats]:
    """Count the known parts of a text: their rows, and their weights.

    The weights of all parts, unknown ones included, have the length 1: a text of which little is
    known says little.
    """
    counts = Counter(ngrams(text))
    known = {row: n for part, n in counts.items() if (row := vocabulary.get(part)) is not None}
    rows = np.fromiter(known, dtype=np.intp, count=len(known))
    values = np.log1p(np.fromiter(known.values(), dtype=np.float64, count=len(known)))
    values *= rarity[rows]
    unknown = (len(counts) - len(known)) * (math.log(2) * _RARE) ** 2
    return rows, (values / math.sqrt(float(values @ values) + unknown or 1.0)).astype(np.float32)


def interpreted(scores: Floats, weights: Weights) -> Opinion:
    """Turn the scores of one text, shape (OUTPUTS,), into an opinion."""
    polarity = _softmax(scores[_SLICES["polarity"]] / weights.temperature)
    urgency = _softmax(scores[_SLICES["urgency"]])
    return Opinion(
        (polarity[0], polarity[1], polarity[2]),
        graded(expected_level(scores, "blame"), weights.blame_cuts),
        graded(expected_level(scores, "praise"), weights.praise_cuts),
        tuple(_softmax(scores[_SLICES["emotion"]])),
        (urgency[1] + 2 * urgency[2]) / 2,
    )


def expected_level(scores: Floats, head: str) -> float:
    """Mean of the levels 1 to 3 under the head's probabilities."""
    probabilities = _softmax(scores[_SLICES[head]])
    return sum(level * p for level, p in zip(LEVELS, probabilities, strict=True))


def _softmax(scores: Floats) -> list[float]:
    values = scores.tolist()
    top = max(values)
    raised = [math.exp(value - top) for value in values]
    whole = sum(raised)
    return [each / whole for each in raised]


def columns(head: str) -> slice:
    """Where the answers of a head stand among the `OUTPUTS`."""
    return _SLICES[head]


def save(model: Model, path: Path) -> None:
    """Write a model; the same model gives the same bytes."""
    about = {
        "format": FORMAT,
        "features": NAMES,
        "embedding_model": model.record.embedding_model,
        "data_hash": model.record.data_hash,
        "quality": model.record.quality,
    }
    arrays: dict[str, NDArray[np.generic]] = {
        "about": _bytes(json.dumps(about, sort_keys=True)),
        "vocabulary": _bytes("\n".join(model.vocabulary)),
        "rarity": model.rarity,
    }
    for name, weights in (("lexical", model.lexical), ("combined", model.combined)):
        arrays[f"{name}_features"] = weights.features
        # Half precision: three digits of a weight among thousands are plenty.
        arrays[f"{name}_ngrams"] = weights.ngrams.astype(np.float16)
        arrays[f"{name}_vector"] = weights.vector
        arrays[f"{name}_bias"] = weights.bias
        arrays[f"{name}_scales"] = np.array(
            [weights.temperature, *weights.blame_cuts, *weights.praise_cuts], dtype=np.float32
        )
    with path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def load(path: Path = ARTEFACT) -> Model:
    """Read a model.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is no model, or not of this version's format and features.
    """
    with np.load(path, allow_pickle=False) as arrays:
        about = json.loads(arrays["about"].tobytes())
        if about.get("format") != FORMAT or tuple(about.get("features", ())) != NAMES:
            raise ValueError(f"{path.name} is of another version: run services.sentiment.training")
        words = arrays["vocabulary"].tobytes().decode().split("\n")
        return Model(
            Record(about["embedding_model"], about["data_hash"], about["quality"]),
            {word: row for row, word in enumerate(words)},
            arrays["rarity"],
            _weights(arrays, "lexical"),
            _weights(arrays, "combined"),
        )


def _weights(arrays: "np.lib.npyio.NpzFile", name: str) -> Weights:
    scales = arrays[f"{name}_scales"].tolist()
    return Weights(
        arrays[f"{name}_features"],
        arrays[f"{name}_ngrams"].astype(np.float32),
        arrays[f"{name}_vector"],
        arrays[f"{name}_bias"],
        scales[0],
        (scales[1], scales[2]),
        (scales[3], scales[4]),
    )


def _bytes(text: str) -> NDArray[np.uint8]:
    return np.frombuffer(text.encode(), dtype=np.uint8)
