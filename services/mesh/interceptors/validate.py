"""Holds every request to the field rules of its proto (protovalidate)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import protovalidate
from google.protobuf.message import Message
from kefu.errors import InvalidRequest
from services.mesh.calls import Call, Middleware

_MAX_VIOLATIONS = 20


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
        violations = self._validator.collect_violations(message)
        if violations:
            raise InvalidRequest(
                violations=[
                    (_path(each), each.proto.message or each.proto.rule_id)
                    for each in violations[:_MAX_VIOLATIONS]
                ]
            )


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
