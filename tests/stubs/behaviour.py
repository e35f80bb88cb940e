"""What the stub model server can be told to do with a request: be slow, fail, stop, lie."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl


class Fault(StrEnum):
    """What happens to a stream after `fault_after` chunks; a blocking answer shows it at once."""

    NONE = "none"
    """Nothing: the answer is completed."""
    CLOSE = "close"
    """The connection is cut without a goodbye."""
    STALL = "stall"
    """Nothing more comes, and the connection stays open until the client leaves."""
    BROKEN_JSON = "broken_json"
    """A chunk is not JSON."""
    ERROR = "error"
    """A chunk is an error object, as providers send when they fail after the status line."""
    SILENT_END = "silent_end"
    """The stream ends in good order, but without a finish reason and without [DONE]."""
    ERROR_PAGE = "error_page"
    """What follows is no event stream but a page of HTML, as proxies send it."""
    ENDLESS_LINE = "endless_line"
    """A line grows and never ends."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How one request is answered; the default is a quick, correct answer with citations."""

    status: int = 200
    """HTTP status; anything but 200 is answered with an OpenAI error object."""
    retry_after_seconds: float | None = None
    """Sent as `Retry-After` beside an error status."""
    headers_seconds: float = 0.0
    """Delay before the status line; until then the connection is open and silent."""
    first_token_seconds: float = 0.0
    """Delay before the first chunk, or before a blocking answer; the headers go out at once."""
    token_seconds: float = 0.0
    """Delay before each further chunk."""
    chunk_characters: int = 4
    """Code points per chunk; with 4 most citation markers are split over two chunks."""
    chunks: int | None = None
    """The answer is repeated or cut to just so many chunks; None leaves it as it is."""
    answer: str | None = None
    """The text to answer with; None quotes the prompt's first passages, with their markers."""
    reworded: Mapping[str, str] | None = None
    """Words of quotations, and what is written in their place."""
    finish_reason: str = "stop"
    """Reported with the last chunk."""
    newer: bool = False
    """Whether `max_tokens` and any temperature but 1 are refused, as OpenAI's newer models do."""
    usage: bool = True
    """Whether token counts are reported at all."""
    fault: Fault = Fault.NONE
    fault_after: int = 2
    """Chunks that are sent before the fault happens; 0 shows it before any text, the number of all
    chunks behind the finish reason."""


_TYPES: dict[str, Callable[[Any], Any]] = {
    "status": int,
    "retry_after_seconds": float,
    "headers_seconds": float,
    "first_token_seconds": float,
    "token_seconds": float,
    "chunk_characters": int,
    "chunks": int,
    "answer": str,
    "reworded": dict,
    "finish_reason": str,
    "newer": lambda value: str(value).lower() not in ("0", "false"),
    "usage": lambda value: str(value).lower() not in ("0", "false"),
    "fault": Fault,
    "fault_after": int,
}
assert set(_TYPES) == {field.name for field in fields(Behaviour)}


def changed(behaviour: Behaviour, values: dict[str, object]) -> Behaviour:
    """Return the behaviour with some fields replaced, from JSON or query-string values.

    Raises:
        ValueError: A field has no such name, or its value does not fit.
    """
    unknown = values.keys() - _TYPES.keys()
    if unknown:
        raise ValueError(f"no such behaviour: {', '.join(sorted(unknown))}")
    converted: dict[str, Any] = {
        name: None if value is None else _TYPES[name](value) for name, value in values.items()
    }
    return replace(behaviour, **converted)


def from_model_name(behaviour: Behaviour, model: str) -> Behaviour:
    """Read a behaviour out of the requested model's name, such as `stub?status=429`.

    So one request can be scripted by any client that can name a model, without a control call.
    """
    _, _, query = model.partition("?")
    return changed(behaviour, dict(parse_qsl(query))) if query else behaviour
