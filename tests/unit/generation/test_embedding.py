"""The cache in front of an embedding engine."""

from collections.abc import Sequence

import numpy as np
import pytest
from kefu.errors import ModelUnavailable

from services.generation.embedding import Embedder, Purpose, pack
from services.generation.failure import Cause, ModelFailure


class CountingEngine:
    """An engine whose vectors tell the text and the purpose, and that remembers its work."""

    name = "counting"
    local = True
    dimensions = 2

    def __init__(self) -> None:
        self.computed: list[str] = []
        self.failure: ModelFailure | None = None

    async def embed(self, purpose: Purpose, texts: Sequence[str]) -> list[bytes]:
        """Return `purpose:text` as bytes."""
        if self.failure:
            raise self.failure
        self.computed += texts
        return [f"{purpose}:{text}".encode() for text in texts]

    async def close(self) -> None:
        """Hold nothing."""


async def test_a_text_is_computed_once() -> None:
    """A known text costs no computation, and the order of the request is kept."""
    engine = CountingEngine()
    embedder = Embedder(engine, 10)
    await embedder.embed(Purpose.QUERY, ["a", "b"])
    vectors = await embedder.embed(Purpose.QUERY, ["b", "c", "a", "c"])
    assert vectors == [b"query:b", b"query:c", b"query:a", b"query:c"]
    assert engine.computed == ["a", "b", "c"]


async def test_query_and_passage_are_different_vectors() -> None:
    """The model is told what a text is for, so the cache must tell them apart."""
    embedder = Embedder(CountingEngine(), 10)
    assert await embedder.embed(Purpose.QUERY, ["a"]) == [b"query:a"]
    assert await embedder.embed(Purpose.PASSAGE, ["a"]) == [b"passage:a"]


async def test_the_least_recently_used_text_is_forgotten_first() -> None:
    """The cache is bounded, and what is asked for again stays."""
    engine = CountingEngine()
    embedder = Embedder(engine, 2)
    for text in ("a", "b", "a", "c", "a", "b"):
        await embedder.embed(Purpose.QUERY, [text])
    assert engine.computed == ["a", "b", "c", "b"]


async def test_more_texts_than_the_cache_holds_are_all_answered() -> None:
    """The bound is on memory, not on requests; 0 entries means no cache."""
    embedder = Embedder(CountingEngine(), 0)
    assert await embedder.embed(Purpose.QUERY, ["a", "b"]) == [b"query:a", b"query:b"]


async def test_a_failing_engine_is_a_typed_error_and_is_not_remembered() -> None:
    """Callers learn the cause and when to come back; the next call tries again."""
    engine = CountingEngine()
    engine.failure = ModelFailure(Cause.RATE_LIMITED, 2.0)
    embedder = Embedder(engine, 10)
    with pytest.raises(ModelUnavailable) as caught:
        await embedder.embed(Purpose.QUERY, ["a"])
    assert caught.value.metadata == {"model": "counting", "cause": "rate_limited"}
    assert caught.value.retry_after_seconds == 2.0
    engine.failure = None
    assert await embedder.embed(Purpose.QUERY, ["a"]) == [b"query:a"]


def test_vectors_are_little_endian_float32_of_length_one() -> None:
    """The contract's form, whatever the engine's own; nothing stays nothing."""
    packed = pack(np.array([3, 4], dtype=np.float32))
    assert packed == np.array([0.6, 0.8], dtype="<f4").tobytes()
    assert pack(np.zeros(2, dtype=np.float32)) == bytes(8)
