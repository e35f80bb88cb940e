"""Sorting what was stored goes on beside imports, whatever becomes of one attempt."""

import asyncio

import pytest
from kefu.errors import StorageUnavailable

from services.knowledge import sorting as sorting_module
from services.knowledge.sorting import Sorting


class Store:
    """Counts what it was asked to sort, and fails when told to."""

    def __init__(self) -> None:
        self.sorted: asyncio.Queue[int] = asyncio.Queue()
        self.fails = False
        self.count = 0

    async def sort(self) -> None:
        """Sort in, or be down."""
        self.count += 1
        self.sorted.put_nowait(self.count)
        if self.fails:
            raise StorageUnavailable()


async def test_it_sorts_whenever_it_is_woken_and_after_an_outage_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Several files stored meanwhile are sorted in at once."""
    monkeypatch.setattr(sorting_module, "_GATHER_SECONDS", 0.0)
    store = Store()
    sorting = Sorting(store.sort)
    running = asyncio.create_task(sorting.run())
    for fails in (False, True, False):
        store.fails = fails
        sorting.wake()
        sorting.wake()
        await asyncio.wait_for(store.sorted.get(), 10)
    assert store.count == 3
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
