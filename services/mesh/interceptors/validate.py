"""Holds every request to the field rules of its proto (protovalidate)."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import protovalidate
from google.protobuf.message import Message
from kefu.errors import InvalidRequest

from services.mesh.calls import Call, Middleware

_MAX_VIOLATIONS = 20
_NUL = "must not contain U+0000"


class Validate(Middleware):
    """Innermost: the handler sees only requests that obey their rules."""

    name = "validate"

    def __init__(self) -> None:
        self._validator = protovalidate.Validator()

    @asynccontextmanager
    async def around(self, call: Call) -> AsyncIterator[None]:
        """Nothing to do around a call."""
        yield

    def on_request(self, call: Call, message: Message) -> None:
        """Raise InvalidRequest with every violated rule; the values stay out of the text."""
        violations = [
            (_path(each), each.proto.message or each.proto.rule_id)
            for each in self._validator.collect_violations(message)
        ]
        # PostgreSQL keeps no U+0000 and no rule of the contract mentions it. Most requests have no
        # zero byte at all, which is quick to see.
        if b"\0" in message.SerializeToString():
            violations += [(path, _NUL) for path in _nul_paths(message)]
        if violations:
            raise InvalidRequest(violations=violations[:_MAX_VIOLATIONS])


def _nul_paths(value: Any, path: str = "") -> Iterator[str]:
    """The fields below `value` whose text has a U+0000."""
    if isinstance(value, str):
        if "\0" in value:
            yield path
    elif isinstance(value, Message):
        for field, inner in value.ListFields():
            yield from _nul_paths(inner, f"{path}.{field.name}" if path else field.name)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _nul_paths(key, path)
            yield from _nul_paths(inner, path)
    elif isinstance(value, Iterable) and not isinstance(value, bytes):
        for index, inner in enumerate(value):
            yield from _nul_paths(inner, f"{path}[{index}]")


def _path(violation: protovalidate.Violation) -> str:
    steps = []
    for element in violation.proto.field.elements if violation.proto.field else ():
        index = _subscript(element)
        steps.append(f"{element.field_name}{index}")
    return ".".join(steps) or "(request)"


def _subscript(element: object) -> str:
    """The place in a list, such as `[3]`; map keys could be a customer's words and stay out."""
    subscript = getattr(element, "subscript", None)
    value = getattr(subscript, "value", None)
    return f"[{value}]" if isinstance(value, int) else ""
