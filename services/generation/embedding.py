"""Vectors of texts, with a cache in front of whatever computes them."""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

import numpy as np
import numpy.typing as npt
from kefu.errors import ModelUnavailable

from services.generation.failure import ModelFailure


class Purpose(StrEnum):
    """What a text is embedded for; the model wants to be told."""

    QUERY = "query"
    """A customer's words, to search with."""
    PASSAGE = "passage"
    """A passage, to be found."""


class EmbeddingEngine(Protocol):
    """What computes vectors: the model in this process, or a provider's endpoint."""

    name: str
    """The model's name; vectors of different names are never compared."""
    local: bool
    """Whether the texts stay inside the mesh."""
    dimensions: int
    """Values of a vector; 0 where that is not known before the first one."""

    async def embed(self, purpose: Purpose, texts: Sequence[str]) -> list[bytes]:
        """Return one vector a text, in the form of `pack`.

        Raises:
            ModelFailure: The engine could not compute them.
        """
        ...

    async def close(self) -> None:
        """Stop, and release what is held."""
        ...


class Embedder:
    """An engine and its cache.

    The cache is bounded by entries, forgets the least recently used first and is keyed by a
    hash, so that no customer's words are kept.
    """

    def __init__(self, engine: EmbeddingEngine, cache_entries: int) -> None:
        self.engine = engine
        self._limit = cache_entries
        self._cache: OrderedDict[bytes, bytes] = OrderedDict()

    async def embed(self, purpose: Purpose, texts: Sequence[str]) -> list[bytes]:
        """Return one vector a text, in the order of the texts.

        A text that stands several times in `texts` is computed once.

        Raises:
            ModelUnavailable: The engine could not compute what was not cached.
        """
        keys = [_key(purpose, text) for text in texts]
        found: dict[bytes, bytes] = {}
        missing: dict[bytes, str] = {}
        for key, text in zip(keys, texts, strict=True):
            if key in self._cache:
                self._cache.move_to_end(key)
                found[key] = self._cache[key]
            else:
                missing[key] = text
        if missing:
            try:
                vectors = await self.engine.embed(purpose, list(missing.values()))
            except ModelFailure as failure:
                raise ModelUnavailable(
                    retry_after_seconds=failure.retry_after_seconds,
                    model=self.engine.name,
                    cause=failure.cause,
                ) from None
            fresh = dict(zip(missing, vectors, strict=True))
            found |= fresh
            self._cache |= fresh
            while len(self._cache) > self._limit:
                self._cache.popitem(last=False)
        return [found[key] for key in keys]


def _key(purpose: Purpose, text: str) -> bytes:
    # The purpose sets the hash's key: the same text has two vectors.
    return hashlib.blake2b(text.encode(), digest_size=16, key=purpose.encode()).digest()


def pack(vector: npt.NDArray[np.float32]) -> bytes:
    """Return a vector as the contract carries it: L2-normalised, little-endian float32.

    Args:
        vector: float32, shape (n,); a zero vector stays zero.
    """
    norm = float(np.linalg.norm(vector))
    return (vector / norm if norm else vector).astype("<f4").tobytes()
