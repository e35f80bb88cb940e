"""The batcher: one thread, growing batches, nobody left waiting."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from services.mesh.batching import Batcher


class Worker:
    """A function over batches that can be held up, and remembers what it was given."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.threads: set[int] = set()
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.entered.set()
        self.gate.wait(30)
        self.batches.append(list(items))
        self.threads.add(threading.get_ident())
        if 13 in items:
            raise ValueError("unlucky")
        return [item * 2 for item in items]


@asynccontextmanager
async def batching(worker: Worker, limit: int = 4) -> AsyncIterator[Batcher[int, int]]:
    batcher: Batcher[int, int] = Batcher(worker, limit, "test")
    try:
        yield batcher
    finally:
        worker.gate.set()
        await batcher.aclose()


async def held_up(batcher: Batcher[int, int], worker: Worker) -> asyncio.Task[int]:
    """Submit one item and wait until the worker holds it."""
    worker.gate.clear()
    task = asyncio.create_task(batcher.submit(1))
    await asyncio.to_thread(worker.entered.wait, 30)
    return task


async def test_a_single_item_is_computed_at_once_and_off_the_event_loop() -> None:
    """Nobody waits for a batch to fill."""
    worker = Worker()
    async with batching(worker) as batcher:
        assert await batcher.submit(21) == 42
    assert worker.batches == [[21]]
    assert threading.get_ident() not in worker.threads


async def test_what_arrives_meanwhile_is_computed_together_up_to_the_limit() -> None:
    """Batches grow with the load, and every item gets its own result."""
    worker = Worker()
    async with batching(worker, limit=4) as batcher:
        first = await held_up(batcher, worker)
        rest = asyncio.create_task(batcher.submit_all([2, 3, 4, 5, 6]))
        await asyncio.sleep(0)  # The task submits its five.
        worker.gate.set()
        assert await rest == [4, 6, 8, 10, 12]
        assert await first == 2
    assert worker.batches == [[1], [2, 3, 4, 5], [6]]
    assert len(worker.threads) == 1


async def test_what_nobody_waits_for_is_not_computed() -> None:
    """A caller that left costs nothing."""
    worker = Worker()
    async with batching(worker) as batcher:
        first = await held_up(batcher, worker)
        left, stayed = (asyncio.create_task(batcher.submit(item)) for item in (2, 3))
        await asyncio.sleep(0)
        left.cancel()
        await asyncio.gather(left, return_exceptions=True)
        worker.gate.set()
        assert await stayed == 6
        await first
    assert worker.batches == [[1], [3]]


async def test_a_failing_batch_fails_its_items_alone() -> None:
    """The next batch is computed as if nothing had happened."""
    worker = Worker()
    async with batching(worker) as batcher:
        with pytest.raises(ValueError, match="unlucky"):
            await batcher.submit(13)
        assert await batcher.submit(4) == 8


async def test_an_item_that_cannot_be_computed_fails_alone() -> None:
    """The function says which one it was; its neighbours in the batch are answered."""

    def halve(items: Sequence[int]) -> list[int | Exception]:
        return [ValueError("odd") if item % 2 else item // 2 for item in items]

    batcher: Batcher[int, int] = Batcher(halve, 4, "test")
    found = await asyncio.gather(*map(batcher.submit, (4, 3, 2)), return_exceptions=True)
    await batcher.aclose()
    assert [found[0], str(found[1]), found[2]] == [2, "odd", 1]


async def test_too_few_results_fail_the_batch_and_nobody_waits_for_ever() -> None:
    """A function that breaks its word is an error of that batch, not of the next."""
    batcher: Batcher[int, int] = Batcher(lambda items: list(items)[:1], 4, "test")
    found = await asyncio.gather(*map(batcher.submit, (1, 2)), return_exceptions=True)
    assert [type(each) for each in found] == [ValueError, ValueError]
    assert await batcher.submit(3) == 3
    await batcher.aclose()


async def test_closing_finishes_what_was_submitted() -> None:
    """A server that drains answers what it took."""
    worker = Worker()
    async with batching(worker) as batcher:
        task = await held_up(batcher, worker)
        closing = asyncio.create_task(batcher.aclose())
        worker.gate.set()
        await closing
        assert await task == 2
