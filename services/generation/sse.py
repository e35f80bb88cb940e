"""Server-sent events, as far as model providers use them (WHATWG HTML, section 9.2).

The openai SDK makes a pydantic object of every chunk, which costs most of the CPU of a streamed
answer; here a chunk is cut out of the bytes and nothing else is done to it.
"""

# One event of an honest provider has a few hundred bytes; more is an attack or a defect.
_EVENT_LIMIT = 1024 * 1024

DONE = b"[DONE]"
"""The payload with which OpenAI-compatible providers end a stream."""


class EventTooLong(Exception):
    """A line grew over the limit without ending."""


class EventSplitter:
    """Cuts a byte stream into the payloads of its `data:` lines.

    Comments, which providers send as heartbeats, and other fields are skipped. Providers put
    each payload on one line, so lines are not joined to events.
    """

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the payloads of the lines that are complete now, in order.

        Raises:
            EventTooLong: A line has over a mebibyte and no end.
        """
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > _EVENT_LIMIT:
            raise EventTooLong
        # strip() takes the optional blank behind the colon and the \r of a \r\n line end.
        return [line[5:].strip() for line in lines if line.startswith(b"data:")]
