"""Text folded for matching, together with the way back to the original's code points."""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from services.language import Span, fold

# Every Chinese character, letter and sign in daily use fits; the cache must not grow for ever.
_REMEMBERED_CHARACTERS = 20_000


@dataclass(frozen=True, slots=True)
class AlignedText:
    """A folded text whose every position is known in the original."""

    folded: str
    """Plain width, lower case, simplified characters; invisible marks are gone."""
    origins: tuple[int, ...]
    """For each code point of `folded`, the offset in the original that it comes from."""

    def original(self, start: int, end: int) -> Span:
        """Translate a non-empty half-open range of `folded` into a span of the original."""
        return Span(self.origins[start], self.origins[end - 1] + 1)


def align(text: str) -> AlignedText:
    """Fold a text character by character, so that a match can be shown in the original.

    `services.language.fold` may reorder or merge what it folds and so has no way back. Folding
    each character alone gives the same for letters, digits, signs and single Chinese characters,
    which is all that patterns of entities are made of.

    Args:
        text: Any text.

    Returns:
        The folded text; every kind of white space is one blank a character.
    """
    pieces: list[str] = []
    origins: list[int] = []
    for offset, character in enumerate(text):
        plain = fold_character(character)
        pieces.append(plain)
        origins += [offset] * len(plain)
    return AlignedText("".join(pieces), tuple(origins))


@lru_cache(_REMEMBERED_CHARACTERS)
def fold_character(character: str) -> str:
    """Fold one character: none, one or (a ligature, say) several characters.

    Args:
        character: One code point.

    Returns:
        The folded form. Empty for format characters (category Cf) such as the zero-width space,
        which copying from a web page leaves inside numbers.
    """
    if character.isspace():
        return " "
    if unicodedata.category(character) == "Cf":
        return ""
    return fold(character)
