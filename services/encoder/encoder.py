"""Vectors of texts, one text at a time."""

from pathlib import Path
from typing import Any

import numpy as np

from services.encoder import conversion
from services.encoder.conversion import NAME
from services.encoder.tokenizer import Tokenizer
from services.encoder.weights import Floats

__all__ = ["DIMENSIONS", "MOST_TOKENS", "NAME", "Encoder"]

DIMENSIONS = 384
"""Values of a vector."""

MOST_TOKENS = 512
"""The longest text that the model was trained on."""

# The model was trained with them; without them unrelated texts come closer.
_QUERY, _PASSAGE = "query: ", "passage: "


class Encoder:
    """The model, loaded; `encode` may be called by several threads at once."""

    def __init__(self, session: Any, tokenizer: Tokenizer) -> None:
        self._session = session
        self._tokenizer = tokenizer

    @classmethod
    def load(cls, directory: Path) -> "Encoder":
        """Load the model, and convert it first where that was not done.

        Args:
            directory: where models are kept, see `conversion.ensure`.

        Raises:
            ConversionFailed: it is not there and cannot be made.
        """
        folder = conversion.ensure(directory)
        return cls(_session(folder / "encoder.onnx"), Tokenizer.load(folder / "vocabulary.json"))

    def encode(self, text: str, *, query: bool, limit: int = MOST_TOKENS) -> Floats:
        """Return the vector of a text, float32, shape (384,), L2-normalised.

        Args:
            text: any text; what goes beyond the limit is not looked at.
            query: whether it is to search with; else it is to be found.
            limit: the most tokens, at most 512.
        """
        tokens = self._tokenizer.tokens((_QUERY if query else _PASSAGE) + text, limit)
        (vectors,) = self._session.run(None, {"tokens": np.array([tokens], np.int64)})
        vector: Floats = vectors[0]
        return vector


def _session(file: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # Two threads make one text hardly faster (10 tokens) and cost 1.5 times the CPU.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # The graph is made as it should be; more would join Add and LayerNormalization again.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.log_severity_level = 3  # errors
    return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
