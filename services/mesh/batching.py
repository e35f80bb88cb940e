"""Computing off the event loop, several requests at a time.

A model's arithmetic would hold up every other call of the process if it ran on the event loop, and
a thread per call would pay for a switch each time. One worker thread takes whatever has arrived
while it was busy and computes it together: alone a request waits for nobody, under load the batch
grows by itself and no timer is needed.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batcher(Generic[Item, Result]):
    """One worker thread in front of a function over batches. Made inside a running event loop."""

    def __init__(
        self,
        function: Callable[[Sequence[Item]], Sequence[Result | Exception]],
        limit: int,
        name: str,
    ) -> None:
        """Start the worker.

        Args:
            function: Computes one result an item, in order; runs in the worker thread only. An
                exception in a result's place fails that item alone, one raised fails all.
            limit: Most items that are computed together, 1 or more.
            name: Of the thread, for a look at a stuck process.
        """
        self._function = function
        self._limit = limit
        self._waiting: deque[tuple[Item, asyncio.Future[Result]]] = deque()
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._running: asyncio.Task[None] | None = None

    async def submit(self, item: Item) -> Result:
        """Return the result of one item; what nobody waits for any more is not computed.

        Raises:
            Exception: What the function gave for the item, or raised for its batch.
        """
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._running is None:
            self._running = asyncio.create_task(self._drain())
        return await future

    async def submit_all(self, items: Sequence[Item]) -> list[Result]:
        """Return the results of several items, in their order."""
        return list(await asyncio.gather(*map(self.submit, items)))

    async def aclose(self) -> None:
        """Finish what was submitted, then end the thread."""
        if self._running is not None:
            await self._running
        self._executor.shutdown()

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while batch := self._take():
                items = [item for item, _ in batch]
                try:
                    results = await loop.run_in_executor(self._executor, self._function, items)
                    settled = list(zip(batch, results, strict=True))
                except Exception as error:
                    # One bad batch must not leave those behind it waiting for ever.
                    settled = [(each, error) for each in batch]
                for (_, future), result in settled:
                    _settle(future, result)
        finally:
            self._running = None

    def _take(self) -> list[tuple[Item, asyncio.Future[Result]]]:
        batch: list[tuple[Item, asyncio.Future[Result]]] = []
        while self._waiting and len(batch) < self._limit:
            item, future = self._waiting.popleft()
            if not future.done():
                batch.append((item, future))
        return batch


def _settle(future: asyncio.Future[Result], result: Result | Exception) -> None:
    if future.done():
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)
