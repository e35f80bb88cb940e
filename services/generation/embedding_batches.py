"""Embedding requests of several callers, sent to a provider as one."""

import asyncio
import math
from collections.abc import Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import Protocol

from services.generation.chat import Caller
from services.generation.embedding import Purpose, Vectors
from services.generation.failure import ModelFailure
from services.generation.quota import QuotaExhausted

BATCH_TEXTS = 256
"""Most texts of one request that was put together; the contract's own limit of one caller."""


Outcome = Vectors | ModelFailure | QuotaExhausted
"""What became of a part: its vectors, or why it has none."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """What one caller wants. Made inside a running event loop."""

    texts: Sequence[str]
    caller: Caller
    """Who pays for these texts, and for no others."""
    until: float = math.inf
    """When the caller gives up, by the event loop's clock."""
    context: Context = field(default_factory=copy_context)
    """Of the caller's call: what is told about his limits must not reach the others."""
    vectors: "asyncio.Future[Vectors]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    """What the caller waits for."""

    @property
    def waits(self) -> bool:
        """Whether the caller is still there, and has nothing yet."""
        return not self.vectors.done()

    def end(self, outcome: Outcome) -> None:
        """Tell the caller what became of it, at once: others of its request may take longer."""
        if self.vectors.done():
            return
        if isinstance(outcome, Exception):
            self.vectors.set_exception(outcome)
        else:
            self.vectors.set_result(outcome)


class PartsEngine(Protocol):
    """What computes several callers' texts in one request."""

    name: str
    local: bool

    @property
    def dimensions(self) -> int:
        """Values of a vector; 0 where that is not known before the first one."""
        ...

    async def embed(self, purpose: Purpose, parts: Sequence[Part]) -> None:
        """End each part with what became of it; one that fails keeps no other back."""
        ...

    async def close(self) -> None:
        """Stop, and release what is held."""
        ...


_Kind = tuple[Purpose, int]
"""What may go out together: texts for the same purpose, of callers with about the same time."""


class BatchingEngine:
    """An engine that is asked for the texts of several callers at a time.

    A caller who comes alone is served at once. While a request is under way, those who come are
    gathered for a few milliseconds, or until it ends, and go out together. It is of use where a
    request costs more than its texts: with a provider, not with the model of this process.

    A request has the time of the most impatient of its callers. Nobody's is cut by more than half:
    only those go out together whose time lies between the same powers of two. So a customer's
    question never waits behind a training, and a training is not given up with a question.
    """

    def __init__(self, engine: PartsEngine, seconds: float) -> None:
        """Put batches before an engine.

        Args:
            engine: Computes.
            seconds: Longest time for which texts are gathered.
        """
        self.name = engine.name
        self.local = engine.local
        self._engine = engine
        self._seconds = seconds
        self._gathering: dict[_Kind, tuple[list[Part], asyncio.TimerHandle]] = {}
        self._sent: set[asyncio.Task[None]] = set()

    @property
    def dimensions(self) -> int:
        """Values of a vector; 0 where that is not known before the first one."""
        return self._engine.dimensions

    async def embed(
        self, purpose: Purpose, texts: Sequence[str], caller: Caller, until: float
    ) -> Vectors:
        """Return one vector a text, computed together with those of others.

        Raises:
            ModelFailure: The engine could not compute them.
            QuotaExhausted: The caller has used up a limit; the others are served.
        """
        loop = asyncio.get_running_loop()
        part = Part(texts, caller, until)
        kind = purpose, math.frexp(until - loop.time())[1]
        if self._gathered(kind) + len(texts) > BATCH_TEXTS and kind in self._gathering:
            self._send(kind)
        if kind not in self._gathering:
            timer = loop.call_later(self._seconds, self._send, kind)
            self._gathering[kind] = [], timer
        self._gathering[kind][0].append(part)
        if not self._sent:
            self._send(kind)
        return await part.vectors

    async def close(self) -> None:
        """Stop what is under way, and the engine."""
        for _, timer in self._gathering.values():
            timer.cancel()
        for task in self._sent:
            task.cancel()
        await asyncio.gather(*self._sent, return_exceptions=True)
        await self._engine.close()

    def _gathered(self, kind: _Kind) -> int:
        gathered = self._gathering[kind][0] if kind in self._gathering else []
        return sum(len(part.texts) for part in gathered)

    def _send(self, kind: _Kind) -> None:
        gathered, timer = self._gathering.pop(kind)
        timer.cancel()
        wanted = [part for part in gathered if part.waits]
        if not wanted:
            return
        # In no caller's context: it works for all of them, and goes on when one has left.
        task = asyncio.create_task(self._compute(kind[0], wanted), context=Context())
        self._sent.add(task)
        task.add_done_callback(self._returned)
        for part in wanted:
            part.vectors.add_done_callback(lambda each: _cancel_if_unwanted(each, task, wanted))

    def _returned(self, task: "asyncio.Task[None]") -> None:
        self._sent.discard(task)
        if not self._sent:
            for kind in list(self._gathering):
                self._send(kind)

    async def _compute(self, purpose: Purpose, parts: list[Part]) -> None:
        try:
            await self._engine.embed(purpose, parts)
        except Exception as error:
            # A defect, which nobody must wait for.
            for part in parts:
                if part.waits:
                    part.vectors.set_exception(error)


def _cancel_if_unwanted(
    left: "asyncio.Future[Vectors]", task: "asyncio.Task[None]", parts: list[Part]
) -> None:
    if left.cancelled() and not any(part.waits for part in parts):
        task.cancel()
