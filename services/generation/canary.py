"""A secret mark in the system prompt: words of a model that hold it repeat the prompt."""

import base64
import re
import secrets
from dataclasses import dataclass, replace
from functools import lru_cache
from string import ascii_lowercase

from services.generation.prompt import Prompt
from services.language import fold

PLACEHOLDER = "{canary}"
"""Where a prompt file has the mark."""

# Letters only: digits would be read as figures of the answer. 26^16 cannot be guessed.
_LENGTH = 16

# A part so long comes by chance once in 2 * 10^11 places.
_PART = 8

# How far back a mark can begin that ends in a new sentence, spaced out by five characters each.
_REACH = 100

# The prompt itself, in words of it so long that nobody else strings them together.
_REPEATED = 32

_NOT_HEXADECIMAL = re.compile(r"0x|\\x|[^0-9a-f]")
_NOT_LETTER = re.compile(r"[\W\d_]+")


@dataclass(frozen=True, slots=True)
class Canary:
    """The mark of one process: the same for all its requests, so that a prompt can be cached."""

    mark: str

    @classmethod
    def new(cls) -> "Canary":
        """Make a mark that nobody knows."""
        return cls("".join(secrets.choice(ascii_lowercase) for _ in range(_LENGTH)))

    def put_into(self, prompt: Prompt) -> Prompt:
        """Return the prompt with the mark in place; its version stays that of the file."""
        return replace(prompt, text=prompt.text.replace(PLACEHOLDER, self.mark))

    def in_text(self, before: str, text: str) -> bool:
        """Whether new words hold the mark or half of it, in whatever form.

        Split, spaced out, in capitals, reversed, shifted by thirteen letters, in base64 or in
        hexadecimal digits.

        Args:
            before: What was written before them; a mark may begin there.
            text: The new words.
        """
        written = before[-_REACH:] + text
        letters = _NOT_LETTER.sub("", fold(written))
        if any(part in letters for part in _parts(self.mark)):
            return True
        packed = "".join(written.split())
        in_base64, in_hexadecimal = _encoded(self.mark)
        if any(each in packed for each in in_base64):
            return True
        # Of the two digits of each letter the first is one of these.
        if sum(map(packed.count, "4567")) < _LENGTH:
            return False
        digits = _NOT_HEXADECIMAL.sub("", packed.lower())
        return any(each in digits for each in in_hexadecimal)


_ROT13 = str.maketrans(ascii_lowercase, ascii_lowercase[13:] + ascii_lowercase[:13])


@lru_cache(maxsize=8)
def _parts(mark: str) -> tuple[str, ...]:
    """Return the halves of a mark, each also reversed and shifted by thirteen letters."""
    parts = [mark[start : start + _PART] for start in range(_LENGTH - _PART + 1)]
    reversed_ = [part[::-1] for part in parts]
    return (*parts, *reversed_, *(part.translate(_ROT13) for part in parts))


@lru_cache(maxsize=8)
def _encoded(mark: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what a mark looks like in base64 and in hexadecimal digits."""
    spellings = (mark, mark.upper(), mark[::-1])
    in_base64 = [part for each in spellings for part in _base64_parts(each)]
    return tuple(in_base64), tuple(each.encode().hex() for each in spellings)


def _base64_parts(mark: str) -> list[str]:
    """Return what a mark looks like in base64, wherever in the encoded text it begins."""
    parts = []
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + mark.encode()).decode()
        # The first and the last characters also depend on what stands around it.
        parts.append(encoded[-(-offset * 4 // 3) + (offset > 0) : -4])
    return parts


def repeats(prompt: str, text: str) -> bool:
    """Whether a text holds a long stretch of a prompt, whatever its blanks and marks."""
    letters, known = _NOT_LETTER.sub("", fold(text)), _stretches_of(prompt)
    # A stretch of that length holds a half of it that begins at one of these places.
    half = _REPEATED // 2
    return any(
        letters[start : start + half] in known[half]
        for start in range(0, len(letters) - half + 1, half)
    ) and not known[_REPEATED].isdisjoint(_stretches(letters, _REPEATED))


@lru_cache(maxsize=8)
def _stretches_of(prompt: str) -> dict[int, frozenset[str]]:
    """Return the stretches of a prompt by their length; a process has a prompt or two."""
    letters = _NOT_LETTER.sub("", fold(prompt))
    return {size: _stretches(letters, size) for size in (_REPEATED // 2, _REPEATED)}


def _stretches(letters: str, size: int) -> frozenset[str]:
    return frozenset(letters[at : at + size] for at in range(len(letters) - size + 1))
