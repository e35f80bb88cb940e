"""Text in one plain form, character by character, so that every place in it is known."""

import re
import unicodedata
from dataclasses import dataclass

from services.language import Span, fold

# What copying from a web page or a chat leaves inside numbers, joiners of emoji included.
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")

# Every character in daily use fits; the table must not grow for ever.
_REMEMBERED_CHARACTERS = 20_000


class _Characters(dict[int, int]):
    """The plain form of each character, worked out when it is first met."""

    def __missing__(self, code: int) -> int:
        character = chr(code)
        if character in "\n\r":
            plain = character
        elif character.isspace():
            plain = " "
        elif unicodedata.category(character) == "Pd" or character == "\u2212":
            plain = "-"
        else:
            folded = fold(character)
            plain = folded if len(folded) == 1 else character
        if len(self) < _REMEMBERED_CHARACTERS:
            self[code] = ord(plain)
        return ord(plain)


_CHARACTERS = _Characters()


@dataclass(frozen=True, slots=True)
class Plain:
    """A text in plain form. Both forms have the same places."""

    text: str
    """Plain width, lower case, simplified characters, every dash a hyphen, every blank a blank."""
    written: str
    """As it was written, only without what cannot be seen."""
    origins: tuple[int, ...] | None
    """For each code point the offset in the original; None where it is the same."""

    def original(self, start: int, end: int) -> Span:
        """Translate a non-empty half-open range into a span of the original."""
        if self.origins is None:
            return Span(start, end)
        return Span(self.origins[start], self.origins[end - 1] + 1)


def plain(text: str) -> Plain:
    """Bring a text of any length into plain form."""
    if text.isascii():
        return Plain(text.lower().replace("\t", " "), text, None)
    if not _INVISIBLE.search(text):
        return Plain(text.translate(_CHARACTERS), text, None)
    origins = tuple(place for place, each in enumerate(text) if not _INVISIBLE.match(each))
    written = "".join(text[place] for place in origins)
    return Plain(written.translate(_CHARACTERS), written, origins)
