"""Reading a YAML document that people write: collects every problem instead of stopping."""

import re
from collections.abc import Iterator, Sequence

_IDENTIFIER = re.compile(r"[a-z][a-z0-9_-]{0,63}")


class Section:
    """A mapping of the document, with its place in it and the list of problems so far.

    Every reader returns something harmless where it reports a problem, so that reading goes on.
    """

    def __init__(self, place: str, content: object, problems: list[str]) -> None:
        """Wrap a part of a document.

        Args:
            place: How a report names this part: the file, then keys joined by dots.
            content: What the document holds there; reported unless a mapping.
            problems: Grows with each report; shared by all sections of a document.
        """
        self._place = place
        self._problems = problems
        self._content: dict[object, object] = {}
        if isinstance(content, dict):
            self._content = content
        elif content is not None:
            self.report(f"must be a mapping, is {_kind(content)}")

    def report(self, problem: str) -> None:
        """Add a problem of this section."""
        self._problems.append(f"{self._place}: {problem}")

    def renamed(self, name: str) -> "Section":
        """Call the section by its name in further reports, where it has one."""
        place = f"{self._place.partition('[')[0]}.{name}" if name else self._place
        return Section(place, self._content, self._problems)

    def allow(self, *keys: str) -> None:
        """Report keys other than these: most often a slip of the pen."""
        for key in self._content:
            if key not in keys:
                self.report(f"{key!r} is not known here; known are {', '.join(keys)}")

    def names(self) -> list[str]:
        """List the keys; those that are not strings are reported."""
        for key in self._content:
            if not isinstance(key, str):
                self.report(f"{key!r} must be a string; put it in quotes")
        return [key for key in self._content if isinstance(key, str)]

    def text(self, key: str, longest: int) -> str:
        """Read an optional string of at most `longest` code points; empty where absent."""
        value = self._content.get(key, "")
        if not isinstance(value, str):
            self.report(f"{key}: must be a string, is {_kind(value)}; put it in quotes")
            return ""
        if len(value) > longest:
            self.report(f"{key}: is longer than {longest} characters")
        return value

    def identifier(self, key: str) -> str:
        """Read a name of lower-case ASCII letters, digits, "_" and "-", up to 64."""
        value = self.text(key, 64)
        if not _IDENTIFIER.fullmatch(value):
            self.report(f"{key}: {value!r} is not a name such as cancel_order")
            return ""
        return value

    def one_of(self, key: str, choices: Sequence[str]) -> str:
        """Read one of some words; the first of them where it is none."""
        value = self.text(key, 64)
        if value not in choices:
            self.report(f"{key}: {value!r} is none of {', '.join(choices)}")
            return choices[0]
        return value

    def texts(self, key: str, longest: int) -> Iterator[str]:
        """Read an optional list of strings; blank and over-long ones are reported."""
        for number, value in enumerate(self._list(key), 1):
            if not isinstance(value, str):
                self.report(f"{key}: entry {number} is {_kind(value)}; put it in quotes")
            elif not value.strip():
                self.report(f"{key}: entry {number} is empty")
            elif len(value) > longest:
                self.report(f"{key}: entry {number} is longer than {longest} characters")
            else:
                yield value.strip()

    def section(self, key: str) -> "Section":
        """Read an optional mapping."""
        return Section(f"{self._place}: {key}", self._content.get(key), self._problems)

    def sections(self, key: str) -> Iterator["Section"]:
        """Read an optional list of mappings."""
        for number, value in enumerate(self._list(key), 1):
            yield Section(f"{self._place}: {key}[{number}]", value, self._problems)

    def _list(self, key: str) -> list[object]:
        value = self._content.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            self.report(f"{key}: must be a list, is {_kind(value)}")
            return []
        return value


def _kind(value: object) -> str:
    """Name a value's type in words of YAML; the trap is that yes, no and 88 are not strings."""
    kinds: list[tuple[type, str]] = [
        (str, "a string"),
        (dict, "a mapping"),
        (list, "a list"),
        (bool, "a truth value"),
        (int, "a number"),
        (float, "a number"),
        (type(None), "nothing"),
    ]
    return next((name for kind, name in kinds if isinstance(value, kind)), "a date")
