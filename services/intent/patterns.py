"""Patterns of the tenants, compiled so that none of them can stall the service.

Python's own `re` backtracks and holds the interpreter lock while it does: one careless pattern
would freeze every call, and no timeout could end it. RE2 matches in linear time and refuses what
cannot be matched so (look-around, back-references). https://github.com/google/re2/wiki/Syntax
"""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

import re2

from services.intent.alignment import fold_character

MAX_TEXT_LENGTH = 4_000
"""Longest text in code points, as in the contract."""

MAX_PATTERN_LENGTH = 4_000
"""Longest pattern in code points: a few hundred product names fit, a generated monster does not."""

MAX_MATCHES = 100
"""Most matches of one pattern in one text. RE2 is linear per match, so this bounds the product."""

MAX_STEPS = 5_000
"""Most instructions of a tenant's pattern, which bound what a character of a text costs. An order
number has some twenty, three hundred product names 3,200; at 4,000 the worst found takes 10 ms for
the longest text, and at 10,000 a quarter of a second."""


class Found(NamedTuple):
    """Something found in folded text: a half-open range, never empty, and what it means."""

    start: int
    """Offset in the folded text."""
    end: int
    """Offset behind it."""
    value: str
    """Normalised for programs."""


class PatternRejected(ValueError):
    """The pattern is not usable; the message says why in words for its author."""


class Pattern:
    """A compiled pattern over folded text (`alignment.align`)."""

    def __init__(self, source: str, *, longest: bool = False) -> None:
        """Compile a pattern.

        Args:
            source: RE2 syntax. Case, width and traditional or simplified do not matter, and no
                guards are needed at its ends: see `find`.
            longest: Of several branches that fit at one place the longest counts, not the first.

        Raises:
            PatternRejected: It is too long, not RE2 syntax or matches the empty text.
        """
        if len(source) > MAX_PATTERN_LENGTH:
            raise PatternRejected(f"is longer than {MAX_PATTERN_LENGTH} characters")
        options = re2.Options()
        options.case_sensitive = False
        options.log_errors = False
        options.longest_match = longest
        try:
            self._regexp = re2.compile(_fold_pattern(source), options)
        except re2.error as error:
            raise PatternRejected(_explain(error)) from None
        if self._regexp.search("") is not None:
            raise PatternRejected("matches the empty text")

    @property
    def steps(self) -> int:
        """Instructions of the compiled program, the same wherever it is compiled."""
        return int(self._regexp.programsize)

    def find(self, folded: str) -> Iterator[tuple[int, int]]:
        r"""Find the matches that stand alone, left to right, at most `MAX_MATCHES`.

        A match beside a further ASCII letter or digit is part of something else (a longer
        number, another code) and is left out; one beside a Chinese character counts. The usual
        `\b` cannot do this: to Python there is no word boundary between 单 and 1.

        Args:
            folded: Text from `alignment.align`.

        Yields:
            Half-open ranges of `folded`, never empty.
        """
        for match in islice(self._regexp.finditer(folded), MAX_MATCHES):
            start, end = match.span()
            if start < end and begins_alone(folded, start) and begins_alone(folded, end):
                yield start, end


def check_pattern(source: str) -> None:
    """Make sure that a tenant's pattern can be used, before a model is trained with it.

    A model that was trained is not asked again: what it was accepted with it keeps.

    Args:
        source: As `Pattern` takes it.

    Raises:
        PatternRejected: `Pattern` does not take it, or it has more than `MAX_STEPS`.
    """
    steps = Pattern(source).steps
    if steps > MAX_STEPS:
        raise PatternRejected(
            f"is too large: it has {steps} steps, {MAX_STEPS} are allowed; repeat less often, or"
            " list words as values"
        )


def begins_alone(folded: str, place: int) -> bool:
    """Tell whether no run of ASCII letters and digits goes across a place of the text.

    A range whose both ends are such places is no part of a longer word or number.
    """
    return not 0 < place < len(folded) or not _joins(folded[place - 1], folded[place])


def _joins(left: str, right: str) -> bool:
    """Tell whether two neighbours belong to one run of ASCII letters and digits."""
    return left.isascii() and left.isalnum() and right.isascii() and right.isalnum()


def _fold_pattern(source: str) -> str:
    """Fold the Chinese and full-width characters of a pattern, as the text will be folded."""
    return "".join(
        character if character.isascii() else str(re2.escape(fold_character(character)))
        for character in source
    )


def _explain(error: Exception) -> str:
    reason = error.args[0] if error.args else "unknown"
    text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
    if "(?" in text:
        text += "; look-around is not supported and not needed"
    return f"is not valid RE2: {text}"
