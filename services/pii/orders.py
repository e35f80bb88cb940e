"""Order numbers, by the patterns of the settings."""

from collections.abc import Iterator, Sequence
from itertools import islice

import re2

from services.pii.kinds import Found, Kind
from services.pii.plain import plain

MAX_STEPS = 5_000
"""Most instructions of a pattern, which bound what a character of a text costs; an order number has
some twenty."""

_MOST_MATCHES = 1_000


class PatternRejected(ValueError):
    """A pattern cannot be used; the message names it and says why."""


class Orders:
    """Finds order numbers. RE2 matches in linear time, so that no pattern can stall the process."""

    def __init__(self, patterns: Sequence[str]) -> None:
        """Compile patterns.

        Args:
            patterns: RE2 syntax; case and width do not matter, and no guards are needed.

        Raises:
            PatternRejected: One is not RE2 syntax, too large, or matches the empty text.
        """
        self._patterns = [_compiled(each) for each in patterns]

    def find(self, text: str) -> Iterator[Found]:
        """Find the matches in plain text that are no part of a longer word or number."""
        for pattern in self._patterns:
            for match in islice(pattern.finditer(text), _MOST_MATCHES):
                start, end = match.span()
                if start < end and _begins_alone(text, start) and _begins_alone(text, end):
                    yield Found(start, end, Kind.ORDER)


def _compiled(source: str) -> "re2._Regexp":
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    try:
        pattern = re2.compile(_folded(source), options)
    except re2.error as error:
        raise PatternRejected(f"{source!r} is not valid RE2: {_reason(error)}") from None
    if pattern.programsize > MAX_STEPS:
        raise PatternRejected(f"{source!r} is too large: it has {pattern.programsize} steps")
    if pattern.search("") is not None:
        raise PatternRejected(f"{source!r} matches the empty text")
    return pattern


def _folded(source: str) -> str:
    """Bring the Chinese and full-width characters of a pattern into the form of the text."""
    return "".join(each if each.isascii() else str(re2.escape(plain(each).text)) for each in source)


def _reason(error: Exception) -> str:
    reason = error.args[0] if error.args else "unknown"
    return reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)


def _begins_alone(text: str, place: int) -> bool:
    """Whether no run of ASCII letters and digits goes across a place."""
    if not 0 < place < len(text):
        return True
    left, right = text[place - 1], text[place]
    return not (left.isascii() and left.isalnum() and right.isascii() and right.isalnum())
