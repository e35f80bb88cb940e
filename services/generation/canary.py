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
        parts = [self.mark[start : start + _PART] for start in range(_LENGTH - _PART + 1)]
        if any(part in letters or part[::-1] in letters for part in parts):
            return True
        turned = letters.translate(_ROT13)
        return any(part in turned for part in parts) or self._encoded(written)

    def _encoded(self, written: str) -> bool:
        packed = "".join(written.split())
        digits = re.sub(r"(?:0x|\\x|[^0-9a-f])", "", packed.lower())
        spellings = {self.mark, self.mark.upper(), self.mark[::-1]}
        return any(
            each.encode().hex() in digits or any(part in packed for part in _base64_parts(each))
            for each in spellings
        )


_ROT13 = str.maketrans(ascii_lowercase, ascii_lowercase[13:] + ascii_lowercase[:13])


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
    whole = _letters_of(prompt)
    letters = _NOT_LETTER.sub("", fold(text))
    return any(
        letters[start : start + _REPEATED] in whole
        for start in range(0, len(letters) - _REPEATED + 1)
    )


@lru_cache(maxsize=8)
def _letters_of(prompt: str) -> str:
    """Return the letters of a prompt, of which a process has one or two."""
    return _NOT_LETTER.sub("", fold(prompt))
