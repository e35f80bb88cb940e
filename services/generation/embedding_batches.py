"""Embedding requests of several callers, sent to a provider as one."""

import asyncio
from collections.abc import Sequence

from services.generation.embedding import EmbeddingEngine, Purpose

BATCH_TEXTS = 256
"""Most texts of one request that was put together; the contract's own limit of one caller."""


Part = tuple[Sequence[str], "asyncio.Future[list[bytes]]"]
"""A caller's texts, and what it waits for."""


class BatchingEngine:
    """An engine that is asked for the texts of several callers at a time.

    A caller who comes alone is served at once. While a request is under way, those who come are
    gathered for a few milliseconds, or until it ends, and go out together. It is of use where a
    request costs more than its texts: with a provider, not with the model of this process.
    """

    def __init__(self, engine: EmbeddingEngine, seconds: float) -> None:
        """Put batches before an engine.

        Args:
            engine: Computes.
            seconds: Longest time for which texts are gathered.
        """
        self.name = engine.name
        self.local = engine.local
        self._engine = engine
        self._seconds = seconds
        self._gathering: dict[Purpose, tuple[list[Part], asyncio.TimerHandle]] = {}
        self._sent: set[asyncio.Task[None]] = set()

    @property
    def dimensions(self) -> int:
        """Values of a vector; 0 where that is not known before the first one."""
        return self._engine.dimensions

    async def embed(self, purpose: Purpose, texts: Sequence[str]) -> list[bytes]:
        """Return one vector a text, computed together with those of others.

        Raises:
            ModelFailure: The engine could not compute them.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[bytes]] = loop.create_future()
        if self._gathered(purpose) + len(texts) > BATCH_TEXTS and purpose in self._gathering:
            self._send(purpose)
        if purpose not in self._gathering:
            timer = loop.call_later(self._seconds, self._send, purpose)
            self._gathering[purpose] = [], timer
        self._gathering[purpose][0].append((texts, future))
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
        return sum(len(texts) for texts, _ in gathered)

    def _send(self, purpose: Purpose) -> None:
        gathered, timer = self._gathering.pop(purpose)
        timer.cancel()
        wanted = [(texts, future) for texts, future in gathered if not future.done()]
        if not wanted:
            return
        task = asyncio.create_task(self._compute(purpose, wanted))
        self._sent.add(task)
        task.add_done_callback(self._returned)
        for _, future in wanted:
            future.add_done_callback(lambda _: _cancel_if_unwanted(task, wanted))

    def _returned(self, task: "asyncio.Task[None]") -> None:
        self._sent.discard(task)
        if not self._sent:
            for purpose in list(self._gathering):
                self._send(purpose)

    async def _compute(self, purpose: Purpose, parts: list[Part]) -> None:
        together = [text for texts, _ in parts for text in texts]
        try:
            vectors = await self._engine.embed(purpose, together)
        except Exception as error:
            for _, future in parts:
                if not future.done():
                    future.set_exception(error)
            return
        for texts, future in parts:
            own, vectors = vectors[: len(texts)], vectors[len(texts) :]
            if not future.done():
                future.set_result(own)


def _cancel_if_unwanted(task: "asyncio.Task[None]", parts: list[Part]) -> None:
    if all(future.done() for _, future in parts):
        task.cancel()
