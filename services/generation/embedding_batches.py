"""Embedding requests of several callers, sent to a provider as one."""

import asyncio
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


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """What one caller wants."""

    texts: Sequence[str]
    caller: Caller
    """Who pays for these texts, and for no others."""
    context: Context = field(default_factory=copy_context)
    """Of the caller's call: what is told about his limits must not reach the others."""


Outcome = Vectors | ModelFailure | QuotaExhausted
"""What became of a part: its vectors, or why it has none."""


class PartsEngine(Protocol):
    """What computes several callers' texts in one request."""

    name: str
    local: bool

    @property
    def dimensions(self) -> int:
        """Values of a vector; 0 where that is not known before the first one."""
        ...

    async def embed(self, purpose: Purpose, parts: Sequence[Part]) -> list[Outcome]:
        """Return what became of each part; one that may not be paid for keeps no other back."""
        ...

    async def close(self) -> None:
        """Stop, and release what is held."""
        ...


Waiting = tuple[Part, "asyncio.Future[Vectors]"]
"""A caller's part, and what he waits for."""


class BatchingEngine:
    """An engine that is asked for the texts of several callers at a time.

    A caller who comes alone is served at once. While a request is under way, those who come are
    gathered for a few milliseconds, or until it ends, and go out together. It is of use where a
    request costs more than its texts: with a provider, not with the model of this process.
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
        self._gathering: dict[Purpose, tuple[list[Waiting], asyncio.TimerHandle]] = {}
        self._sent: set[asyncio.Task[None]] = set()

    @property
    def dimensions(self) -> int:
        """Values of a vector; 0 where that is not known before the first one."""
        return self._engine.dimensions

    async def embed(self, purpose: Purpose, texts: Sequence[str], caller: Caller) -> Vectors:
        """Return one vector a text, computed together with those of others.

        Raises:
            ModelFailure: The engine could not compute them.
            QuotaExhausted: The caller has used up a limit; the others are served.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Vectors] = loop.create_future()
        if self._gathered(purpose) + len(texts) > BATCH_TEXTS and purpose in self._gathering:
            self._send(purpose)
        if purpose not in self._gathering:
            timer = loop.call_later(self._seconds, self._send, purpose)
            self._gathering[purpose] = [], timer
        self._gathering[purpose][0].append((Part(texts, caller), future))
        if not self._sent:
            self._send(purpose)
        return await future

    async def close(self) -> None:
        """Stop what is under way, and the engine."""
        for _, timer in self._gathering.values():
            timer.cancel()
        for task in self._sent:
            task.cancel()
        await asyncio.gather(*self._sent, return_exceptions=True)
        await self._engine.close()

    def _gathered(self, purpose: Purpose) -> int:
        gathered = self._gathering[purpose][0] if purpose in self._gathering else []
        return sum(len(part.texts) for part, _ in gathered)

    def _send(self, purpose: Purpose) -> None:
        gathered, timer = self._gathering.pop(purpose)
        timer.cancel()
        wanted = [(part, future) for part, future in gathered if not future.done()]
        if not wanted:
            return
        # In no caller's context: it works for all of them, and goes on when one has left.
        task = asyncio.create_task(self._compute(purpose, wanted), context=Context())
        self._sent.add(task)
        task.add_done_callback(self._returned)
        for _, future in wanted:
            future.add_done_callback(lambda _: _cancel_if_unwanted(task, wanted))

    def _returned(self, task: "asyncio.Task[None]") -> None:
        self._sent.discard(task)
        if not self._sent:
            for purpose in list(self._gathering):
                self._send(purpose)

    async def _compute(self, purpose: Purpose, waiting: list[Waiting]) -> None:
        outcomes: Sequence[Vectors | Exception]
        try:
            outcomes = await self._engine.embed(purpose, [part for part, _ in waiting])
        except Exception as error:
            # A defect, which nobody must wait for.
            outcomes = [error] * len(waiting)
        for (_, future), outcome in zip(waiting, outcomes, strict=True):
            if future.done():
                continue
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)


def _cancel_if_unwanted(task: "asyncio.Task[None]", waiting: list[Waiting]) -> None:
    if all(future.done() for _, future in waiting):
        task.cancel()
