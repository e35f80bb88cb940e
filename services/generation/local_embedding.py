"""The embedding model inside the process: `services.encoder` behind a queue.

Each thread computes one text at a time: a batch is not cheaper than its texts, a text's vector must
not depend on its neighbours, and a customer's query need not wait for more than one passage of a
bulk import.
"""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from services.encoder.encoder import DIMENSIONS, MOST_TOKENS, NAME, Encoder
from services.generation.chat import Caller
from services.generation.embedding import Purpose, Vectors, pack

# A token costs a quarter of a millisecond. A customer's topic stands in the first sentences of what
# she writes.
_TOKEN_LIMITS = {Purpose.QUERY: 128, Purpose.PASSAGE: MOST_TOKENS}

# A customer waits for one query. Passages wait, and so do queries by the dozen, to train on.
_URGENT, _BULK = 0, 1


class LocalEngine:
    """The encoder in threads of its own. Made by `load`, inside a running event loop."""

    name = NAME
    local = True
    dimensions = DIMENSIONS

    def __init__(
        self, encoder: Encoder, executor: ThreadPoolExecutor, threads: int, load_seconds: float
    ) -> None:
        self.load_seconds = load_seconds
        """How long import, load and first vector took, and the conversion where it was needed."""
        self._encoder = encoder
        self._executor = executor
        self._order = 0
        self._queue: asyncio.PriorityQueue[tuple[int, int, Purpose, str, asyncio.Future[bytes]]] = (
            asyncio.PriorityQueue()
        )
        self._workers = [asyncio.create_task(self._work()) for _ in range(threads)]

    @classmethod
    async def load(cls, directory: Path, threads: int) -> "LocalEngine":
        """Load the model and compute a first vector, so that no request pays for it.

        Args:
            directory: where models are kept; the model is made there if it is missing.
            threads: how many texts are computed at once.

        Raises:
            ConversionFailed: the model is not there and cannot be made.
        """
        executor = ThreadPoolExecutor(threads, thread_name_prefix="embedding")
        started = time.perf_counter()
        loop = asyncio.get_running_loop()
        try:
            encoder = await loop.run_in_executor(executor, _load, directory)
        except BaseException:
            executor.shutdown(wait=False)
            raise
        return cls(encoder, executor, threads, time.perf_counter() - started)

    async def embed(
        self, purpose: Purpose, texts: Sequence[str], caller: Caller, until: float
    ) -> Vectors:
        """Return one vector a text, whoever asks; what nobody waits for is not computed.

        There is nobody else to ask, so that a caller's time is not shared out: he leaves.
        """
        loop = asyncio.get_running_loop()
        futures: list[asyncio.Future[bytes]] = [loop.create_future() for _ in texts]
        priority = _URGENT if purpose is Purpose.QUERY and len(texts) == 1 else _BULK
        for text, future in zip(texts, futures, strict=True):
            self._order += 1
            self._queue.put_nowait((priority, self._order, purpose, text, future))
        # Cancelling the gathering cancels the futures, and the worker passes over those.
        return Vectors(list(await asyncio.gather(*futures)))

    async def close(self) -> None:
        """Stop the workers; a computation under way is waited for."""
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        await asyncio.to_thread(self._executor.shutdown)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            _, _, purpose, text, future = await self._queue.get()
            if future.done():
                continue
            try:
                vector = await loop.run_in_executor(self._executor, self._compute, purpose, text)
            except Exception as error:
                # A model that fails once must not leave everybody after it waiting.
                if not future.done():
                    future.set_exception(error)
                continue
            if not future.done():
                future.set_result(vector)

    def _compute(self, purpose: Purpose, text: str) -> bytes:
        query = purpose is Purpose.QUERY
        return pack(self._encoder.encode(text, query=query, limit=_TOKEN_LIMITS[purpose]))


def _load(directory: Path) -> Encoder:
    encoder = Encoder.load(directory)
    encoder.encode("warm", query=True)
    return encoder
