"""Texts to tokens as XLM-RoBERTa has them: SentencePiece's unigram model.

Of all ways to cut a word into pieces the likeliest is taken (Kudo 2018, "Subword Regularization").
No piece holds a blank inside, so words are cut one by one. This costs 0.1 ms for a text of 40
characters; the package `tokenizers` takes half of that, three times as long to load, and brings a
client for a model hub.
"""

import base64
import json
import re
from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path

from services.encoder.weights import BOS, EOS, PAD, UNKNOWN

_BLANK = "▁"
_BLANKS = re.compile(" +")

# A character that no piece has costs so much more than the rarest piece.
_UNKNOWN_PENALTY = 10.0

# Hardly any text has more characters per token; what stands behind need not be looked at.
_CHARACTERS_PER_TOKEN = 8


class Tokenizer:
    """A vocabulary, ready to cut. It remembers no text."""

    def __init__(
        self, pieces: Sequence[str], scores: Sequence[float], normal: Mapping[int, str]
    ) -> None:
        """Prepare a vocabulary.

        Args:
            pieces: a piece's place is its token.
            scores: logarithm of each piece's probability.
            normal: what a character (by its code point) is replaced with.
        """
        self._tokens = {piece: token for token, piece in enumerate(pieces)}
        # What a customer types is text: it never becomes a token that stands for none.
        for token in (BOS, PAD, EOS, UNKNOWN):
            self._tokens.pop(pieces[token], None)
        self._tokens.pop("<mask>", None)
        self._scores = array("f", scores)
        self._unknown = min(scores) - _UNKNOWN_PENALTY
        # A NUL is no part of a text, and no reason to join what stands beside it.
        self._normal = {**normal, 0: " "}
        self._longest: dict[str, int] = {}
        for piece in self._tokens:
            first = piece[0]
            if self._longest.get(first, 0) < len(piece):
                self._longest[first] = len(piece)

    @classmethod
    def load(cls, file: Path) -> "Tokenizer":
        """Read what `save` wrote."""
        found = json.loads(file.read_bytes())
        normal = {int(character): text for character, text in found["normal"].items()}
        scores = array("f", base64.b64decode(found["scores"]))
        return cls(found["pieces"], scores, normal)

    def tokens(self, text: str, limit: int) -> list[int]:
        """Return the tokens of a text between begin and end.

        Args:
            text: any text.
            limit: the most tokens, those two included; what is too long loses its end.
        """
        text = text[: limit * _CHARACTERS_PER_TOKEN].translate(self._normal)
        found = [BOS]
        for word in _BLANKS.sub(" ", text).removeprefix(" ").split(" "):
            found += self._cut(_BLANK + word)
            if len(found) >= limit:
                break
        return [*found[: limit - 1], EOS]

    def _cut(self, word: str) -> list[int]:
        """Return the likeliest pieces of a word (Viterbi)."""
        size = len(word)
        tokens, scores, longest = self._tokens, self._scores, self._longest
        best = [float("-inf")] * (size + 1)
        best[0] = 0.0
        # The last piece of the best way to each place: its token and where it begins.
        last = [(UNKNOWN, 0)] * (size + 1)
        for start in range(size):
            here = best[start]
            for end in range(start + 1, min(size, start + longest.get(word[start], 0)) + 1):
                token = tokens.get(word[start:end])
                if token is not None and here + scores[token] > best[end]:
                    best[end] = here + scores[token]
                    last[end] = token, start
            if here + self._unknown > best[start + 1]:
                best[start + 1] = here + self._unknown
                last[start + 1] = UNKNOWN, start
        found = []
        place = size
        while place:
            token, place = last[place]
            found.append(token)
        return found[::-1]


def save(
    file: Path, pieces: Sequence[str], scores: Sequence[float], normal: Mapping[int, str]
) -> None:
    """Write a vocabulary for this machine; see `Tokenizer` about the arguments."""
    # Half of the time to load went into reading 250,000 decimal numbers.
    packed = base64.b64encode(array("f", scores).tobytes()).decode()
    found = {"pieces": pieces, "scores": packed, "normal": normal}
    file.write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")
