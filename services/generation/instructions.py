"""Sentences of retrieved text that speak to a model, not to a reader.

They are no source of an answer and are never quoted. Patterns cannot find all of them and need
not: what follows from one that was missed still has to pass every check on the model's words.
"""

import re
from pathlib import Path

import re2

from services.language import fold

_LINES = [
    line
    for line in (Path(__file__).parent / "instructions.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]
_PATTERN = re.compile("|".join(_LINES))

# RE2 reads English thirty times faster. It knows no look-ahead, which only a line of Chinese words
# has, and its words are of ASCII letters, so Chinese is left to the other.
_ENGLISH = re2.compile("|".join(line for line in _LINES if "(?!" not in line))


def addresses_model(sentence: str) -> bool:
    """Whether a sentence tells a model what to do, in Chinese or English."""
    folded = fold(sentence)
    pattern = _ENGLISH if folded.isascii() else _PATTERN
    return pattern.search(folded) is not None
