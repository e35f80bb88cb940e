"""A turn's events, numbered, kept, and handed to everybody who listens."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from kefu.errors import KefuError

from services.session import event_messages as messages
from services.session.actions import ActionResult
from services.session.draft import TurnResult
from services.session.event_messages import Turn, TurnEvent
from services.session.messages import turn_to_proto
from services.session.understanding import Citation


class TurnStream:
    """The events of one turn, while it runs and after.

    Listeners may come late, leave early and come back: each reads from the sequence it wants. The
    turn does not wait for any of them.

    Args:
        turn: resource name of the turn.
        trace_id: of the call that began it.
        digest: of the request, to tell a repeat from a reused request_id.
    """

    def __init__(self, turn: str, trace_id: str, digest: bytes) -> None:
        self.turn = turn
        self.digest = digest
        self._events: list[TurnEvent] = []
        self._error: KefuError | None = None
        self._ended = False
        self._changed = asyncio.Event()
        self._add(messages.started(turn, trace_id))

    @classmethod
    def replay(cls, events: Sequence[bytes], result: bytes, digest: bytes) -> "TurnStream":
        """The stream of a turn that was stored: the same events with the same numbers."""
        turn = Turn.FromString(result)
        stream = cls(turn.name, turn.trace_id, digest)
        stream._events = [TurnEvent.FromString(each) for each in events]
        stream.finish(turn)
        return stream

    def delta(self, text: str) -> None:
        """Words were added to the reply."""
        self._add(messages.delta(text))

    def citation(self, citation: Citation) -> None:
        """A passage supports the reply."""
        self._add(messages.citation(citation))

    def action(self, result: ActionResult) -> None:
        """An action ended."""
        self._add(messages.action(result))

    def serialised(self, result: TurnResult) -> tuple[Turn, list[bytes]]:
        """What is to be stored: the turn, and its events so far."""
        return turn_to_proto(result), [each.SerializeToString() for each in self._events]

    def finish(self, turn: Turn) -> None:
        """Send the one TurnCompleted; call it when the turn is durable."""
        self._ended = True
        self._add(messages.completed(turn))

    def fail(self, error: KefuError) -> None:
        """End every listener with an error."""
        self._error = error
        self._ended = True
        self._wake()

    async def events(self, after: int = 0) -> AsyncIterator[TurnEvent]:
        """The events behind a sequence number, as they come, to the last one.

        Raises:
            KefuError: the turn failed.
        """
        sent = after
        while True:
            changed = self._changed
            while sent < len(self._events):
                sent += 1
                yield self._events[sent - 1]
            if self._error is not None:
                raise self._error
            if self._ended:
                return
            await changed.wait()

    async def result(self) -> Turn:
        """The turn, when it is durable.

        Raises:
            KefuError: the turn failed.
        """
        while not self._ended:
            await self._changed.wait()
        if self._error is not None:
            raise self._error
        return self._events[-1].completed.turn

    def _add(self, event: TurnEvent) -> None:
        event.sequence = len(self._events) + 1
        self._events.append(event)
        self._wake()

    def _wake(self) -> None:
        """Wake everybody who waits; those who come later wait for the next change."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
