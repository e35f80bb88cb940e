"""What identifies people is taken out of messages to outside providers, and put back in answers.

A value is replaced by a placeholder such as ⟦MOBILE_1⟧. Its brackets (U+27E6, U+27E7) mean nothing
in JSON, Markdown, HTML, templates and citations, and hardly a text has them, so that little of an
answer waits for the rest of a placeholder. A text that looks like a placeholder is a value itself:
nobody can write a placeholder that stands for somebody else's value.
"""

import json
import re
from string import ascii_letters, digits
from typing import Any

from services.generation.prompt import Message
from services.pii import Finder, Kind

LOST = "\ufdd0"
"""Stands where a placeholder of no value stood, so that nobody takes what is left for a whole
sentence. Unicode has it for such use inside of programs: no text holds it."""

_LITERAL = "TEXT"
"""Kind of what only looks like a placeholder."""

_KINDS = sorted([*Kind, _LITERAL], key=len, reverse=True)
_MOST_DIGITS = 5

# What models make of the brackets. Round ones are punctuation and stay.
_PAIRS = (
    ("〚", "〛"), ("[[", "]]"), ("[", "]"), ("【", "】"), ("{{", "}}"), ("{", "}"), ("<<", ">>"),
    ("<", ">"), ("《", "》"), ("「", "」"),
)  # fmt: skip

_KIND = f"(?:{'|'.join(_KINDS)})"
_NUMBER = f"[0-9]{{1,{_MOST_DIGITS}}}(?![0-9])"
# Writers of Markdown escape the line: MOBILE\_1.
_JOINT = r"[ _\\-]{0,4}"
_BLANKS = r"\s{0,2}"
_WORD_BEFORE, _WORD_AFTER = "(?<![A-Za-z0-9_])", "(?![A-Za-z0-9_])"

# Hardly a text has our own, so that whatever stands between them is meant for us.
_LONGEST_INSIDE = 24
_OPENED = f"⟦[^⟦⟧]{{0,{_LONGEST_INSIDE}}}"
_BETWEEN_BRACKETS = "|".join(
    f"{re.escape(left)}{_BLANKS}{_KIND}{_JOINT}{_NUMBER}{_BLANKS}{re.escape(right)}"
    for left, right in _PAIRS
)
# Where brackets were lost only the exact word counts: "phone 1" may be anything.
_WITHOUT_BRACKETS = f"(?:⟦{_BLANKS}|{_WORD_BEFORE}){_KIND}\\\\?_{_NUMBER}{_WORD_AFTER}⟧?"
_PLACEHOLDER = re.compile(f"{_OPENED}⟧|{_BETWEEN_BRACKETS}|{_WITHOUT_BRACKETS}", re.IGNORECASE)
# What names a second number or goes on behind the first means something else: MOBILE_1_2, MOBILE_B.
_NUMBERED = re.compile(
    rf"\D*?(?<![A-Za-z])({_KIND}){_JOINT}({_NUMBER})(?![A-Za-z_])\D*", re.IGNORECASE
)
_UNNUMBERED = re.compile(rf"⟦?[\s_\\-]*({_KIND})[\s_\\-]*⟧?", re.IGNORECASE)


def _beginnings() -> str:
    """A pattern of everything that further text could make a placeholder, at the text's end."""
    starts = sorted({kind[:size] for kind in _KINDS for size in range(1, len(kind))}, reverse=True)
    start = f"(?:{'|'.join(starts)})"
    digits = f"[0-9]{{1,{_MOST_DIGITS}}}"
    ways = [_OPENED, f"{_WORD_BEFORE}(?:{_KIND}(?:\\\\|\\\\?_(?:{digits})?)?|{start})"]
    for left, right in _PAIRS:
        inside = f"{_KIND}{_JOINT}(?:{digits}{_BLANKS}{re.escape(right[:-1])})?"
        ways.append(
            f"{re.escape(left)}{_BLANKS}(?:{inside}|{_KIND}{_JOINT}{digits}{_BLANKS}|{start})?"
        )
    return rf"(?:{'|'.join(ways)})\Z"


_BEGINNING = re.compile(_beginnings(), re.IGNORECASE)
_LONGEST_BEGINNING = _LONGEST_INSIDE + 1

# Text without one of these holds no placeholder, and the beginning of one only as its last word.
_SIGN = re.compile(rf"[_\\⟦{re.escape(''.join({left[0] for left, _ in _PAIRS}))}]")
_LETTERS = ascii_letters + digits
_FIRST_LETTERS = frozenset(kind[:size] for kind in _KINDS for size in range(1, len(kind) + 1))


class Hider:
    """Hides what a finder finds."""

    def __init__(self, finder: Finder) -> None:
        self._finder = finder

    def hide(self, messages: list[Message]) -> tuple[list[Message], "Restorer"]:
        """Replace personal data in messages; instructions, which are ours, stay as they are.

        Args:
            messages: Their content is a JSON document, of which only strings and whole numbers are
                looked at, or any text.

        Returns:
            The messages to send, and what puts the values back. The same value has the same
            placeholder in all of them, and no two values share one.
        """
        values = _Values(self._finder)
        hidden = [
            message
            if message["role"] == "system"
            else {**message, "content": _in_content(message["content"], values)}
            for message in messages
        ]
        return hidden, Restorer({name: value for (_, value), name in values.names.items()})

    def conceal(self, text: str) -> str:
        """Replace personal data in a text that nothing comes back from."""
        return _Values(self._finder).hide(text)


class Restorer:
    """Puts values back into a text that comes in pieces, however it is cut."""

    def __init__(self, values: dict[tuple[str, int], str]) -> None:
        """Keep values.

        Args:
            values: By kind and number. A placeholder of none was made up by the model: `LOST`
                takes its place. One without a number stands for the only value of its kind.
        """
        self._values = values
        self._held = ""
        self._before = ""

    def feed(self, piece: str) -> str:
        """Take a piece and return the text that is certain now.

        Only what may be the beginning of a placeholder waits for more.
        """
        text = self._before + self._held + piece
        if not _SIGN.search(text):
            end = len(text.rstrip(_LETTERS))
            if end < len(self._before) or text[end:].upper() not in _FIRST_LETTERS:
                end = len(text)
            ready, self._held = text[len(self._before) : end], text[end:]
            self._before = text[:end][-1:]
            return ready
        since = max(len(self._before), len(text) - _LONGEST_BEGINNING)
        beginning = _BEGINNING.search(text, since)
        return self._release(text, beginning.start() if beginning else len(text))

    def close(self) -> str:
        """Return what still waited; no more pieces come."""
        text = self._before + self._held
        return self._release(text, len(text))

    def _release(self, text: str, end: int) -> str:
        """Return the text up to a place and keep the rest, and the character before it."""
        start, self._held = len(self._before), text[end:]
        # Whether a word begins behind it is seen from the character before.
        ready, context = [], text[:end]
        for match in _PLACEHOLDER.finditer(context, start):
            ready += [context[start : match.start()], self._value(match[0])]
            start = match.end()
        ready.append(context[start:])
        self._before = context[-1:]
        return "".join(ready)

    def _value(self, placeholder: str) -> str:
        if name := _NUMBERED.fullmatch(placeholder):
            return self._values.get((name[1].upper(), int(name[2])), LOST)
        if name := _UNNUMBERED.fullmatch(placeholder):
            kind = name[1].upper()
            if (kind, 2) not in self._values:
                return self._values.get((kind, 1), LOST)
        return LOST


class _Values:
    """The values of one request and their names."""

    def __init__(self, finder: Finder) -> None:
        self._finder = finder
        self._counts: dict[str, int] = {}
        self.names: dict[tuple[str, str], tuple[str, int]] = {}

    def hide(self, text: str) -> str:
        pieces, end = [], 0
        for each in self._finder.find(text):
            pieces += [
                self._literals(text[end : each.span.start]),
                self._name(each.kind, each.text),
            ]
            end = each.span.end
        return "".join([*pieces, self._literals(text[end:])])

    def _literals(self, text: str) -> str:
        if not _SIGN.search(text):
            return text
        return _PLACEHOLDER.sub(lambda match: self._name(_LITERAL, match[0]), text)

    def _name(self, kind: str, value: str) -> str:
        name = self.names.get((kind, value))
        if name is None:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            name = self.names[(kind, value)] = (kind, self._counts[kind])
        return f"⟦{name[0]}_{name[1]}⟧"


def _in_content(content: str, values: _Values) -> str:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):  # No document of ours is that deep.
        document = None
    if not isinstance(document, (dict, list)):
        return values.hide(content)
    return json.dumps(_in_document(document, values), ensure_ascii=False)


def _in_document(value: Any, values: _Values) -> Any:
    match value:
        case str():
            return values.hide(value)
        case bool() | float() | None:
            return value
        case int():
            hidden = values.hide(str(value))
            return value if hidden == str(value) else hidden
        case list():
            return [_in_document(each, values) for each in value]
        case _:
            return {name: _in_document(each, values) for name, each in value.items()}
