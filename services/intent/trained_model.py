"""A trained model: all that answering needs, in one value and in one piece of bytes."""

import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from services.intent.entities import EntityType
from services.intent.model.calibration import Calibration, Shares
from services.intent.model.features import features
from services.intent.model.meaning import MeaningModel
from services.intent.model.words import Vectoriser, WordsModel
from services.intent.quality import Quality
from services.intent.values import UNKNOWN, IntentType

Floats = npt.NDArray[np.float32]

FORMAT = 3
"""Grows when the bytes are laid out otherwise, or ask for features that older programs lack."""

# Format 2 knows no pairs of distant words; its models are read, and asked without them.
_READ = (2, FORMAT)

# Half the bytes; the answers differ by less than a thousandth.
_STORED = np.float16

_MEANING_ARRAYS = ("centre", "hidden", "hidden_bias", "output", "output_bias", "prototypes")


class ModelUnreadable(ValueError):
    """Bytes that are no model of a format that this program reads."""


@dataclass(frozen=True)
class TrainedModel:
    """What was learnt from one tenant's utterances; immutable."""

    classes: tuple[str, ...]
    """Names of the intents and `UNKNOWN`, sorted."""
    types: Mapping[str, IntentType]
    """The type of each class."""
    entity_types: tuple[EntityType, ...]
    """The tenant's own, in their order."""
    exact: Mapping[str, int]
    """The class of each utterance, by `training_data.key`."""
    near: Mapping[str, int]
    """The same by `near_exact.near_key`."""
    vocabulary: Mapping[str, int]
    """What the tenant's customers say, see `noise.vocabulary`."""
    words: WordsModel
    """Scores the words of a text."""
    lexical: Calibration
    """For the words alone."""
    meaning: MeaningModel | None
    """Scores the vector of a text; None for a model that knows none."""
    combined: Calibration | None
    """For words and vector together; None with `meaning`."""
    embedding_model: str
    """Whose vectors `meaning` knows; empty: none."""
    quality: Quality
    """Measured on utterances that were held out."""
    distant_pairs: bool = True
    """Whether it was trained with pairs of distant words, see `features`; format 2 was not."""

    @cached_property
    def unknown(self) -> int:
        """Place of `UNKNOWN` in `classes`."""
        return self.classes.index(UNKNOWN)

    @property
    def dimensions(self) -> int:
        """Values of a vector; 0 where none is known."""
        return 0 if self.meaning is None else len(self.meaning.centre)

    def probabilities(self, folded: str, language: str, vector: Floats | None) -> Shares:
        """Compute the probability of each class.

        Args:
            folded: Text from `services.language.fold`.
            language: Of the text, as `services.language.detect` tells it.
            vector: Of the text, L2-normalised, shape (dimensions,); None: the words alone.

        Returns:
            Shape (classes,), in the order of `classes`; they sum to 1.
        """
        said = self.words.scores(features(folded, self.distant_pairs))[None]
        if vector is None or self.meaning is None or self.combined is None:
            rows = self.lexical.probabilities(said, language, self.unknown)
        else:
            scores = np.concatenate([said, self.meaning.scores(vector[None, :])], axis=2)
            rows = self.combined.probabilities(scores, language, self.unknown)
        shares: Shares = rows[0]
        return shares

    def to_bytes(self) -> bytes:
        """Write the model; the same model gives the same bytes.

        What was said of single utterances is left out: no answer needs it, and every server would
        hold it.
        """
        header = {
            "format": FORMAT,
            "classes": self.classes,
            "types": self.types,
            "entity_types": [asdict(each) for each in self.entity_types],
            "exact": self.exact,
            "near": self.near,
            "vocabulary": self.vocabulary,
            "columns": list(self.words.vectoriser.columns),
            "unseen_idf": self.words.vectoriser.unseen_idf,
            "distant_pairs": self.distant_pairs,
            "lexical": asdict(self.lexical),
            "combined": self.combined and asdict(self.combined),
            "embedding_model": self.embedding_model,
            "quality": replace(self.quality, judged=()).to_json(),
        }
        arrays: dict[str, npt.NDArray[Any]] = {
            "header": np.frombuffer(json.dumps(header, ensure_ascii=False).encode(), np.uint8),
            "idf": np.asarray(self.words.vectoriser.idf),
            "weights": self.words.weights.astype(_STORED),
            "bias": self.words.bias,
        }
        if self.meaning is not None:
            for name in _MEANING_ARRAYS:
                arrays[name] = getattr(self.meaning, name).astype(_STORED)
            arrays["starts"] = self.meaning.starts
        content = io.BytesIO()
        np.savez_compressed(content, allow_pickle=False, **arrays)
        return content.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> "TrainedModel":
        """Read a model.

        Raises:
            ModelUnreadable: It is damaged, or of another format.
        """
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                header = json.loads(arrays["header"].tobytes())
                if header["format"] not in _READ:
                    raise ModelUnreadable(f"format {header['format']}, this reads {_READ}")
                return _build(header, {name: arrays[name] for name in arrays.files})
        except ModelUnreadable:
            raise
        except (
            *(ValueError, KeyError, TypeError, EOFError, OSError),
            *(zipfile.BadZipFile, zlib.error, NotImplementedError),
        ) as error:
            raise ModelUnreadable(f"not a model: {type(error).__name__}") from None


def _build(header: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]) -> TrainedModel:
    columns = {feature: column for column, feature in enumerate(header["columns"])}
    vectoriser = Vectoriser(columns, arrays["idf"].tolist(), header["unseen_idf"])
    return TrainedModel(
        classes=tuple(header["classes"]),
        types={name: IntentType(kind) for name, kind in header["types"].items()},
        entity_types=tuple(map(_entity_type, header["entity_types"])),
        exact=header["exact"],
        near=header["near"],
        vocabulary=header["vocabulary"],
        words=WordsModel(vectoriser, arrays["weights"].astype(np.float32), arrays["bias"]),
        lexical=_calibration(header["lexical"]),
        meaning=_meaning(arrays) if "centre" in arrays else None,
        combined=header["combined"] and _calibration(header["combined"]),
        embedding_model=header["embedding_model"],
        quality=Quality.from_json(header["quality"]),
        distant_pairs=header.get("distant_pairs", False),
    )


def _entity_type(fields: dict[str, Any]) -> EntityType:
    values = tuple((value, tuple(words)) for value, words in fields["values"])
    return EntityType(**fields | {"values": values})


def _calibration(fields: dict[str, Any]) -> Calibration:
    return Calibration(
        **fields | {"weights": tuple(fields["weights"]), "offsets": tuple(fields["offsets"])}
    )


def _meaning(arrays: dict[str, npt.NDArray[Any]]) -> MeaningModel:
    floats = {name: arrays[name].astype(np.float32) for name in _MEANING_ARRAYS}
    return MeaningModel(**floats, starts=arrays["starts"])
