"""Sorts what imports store into the index of lexemes, beside them."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from kefu.errors import KefuError

_GATHER_SECONDS = 0.25
"""How long new entries gather: a list of a thousand is sorted in with fewer looks at the index for
each, and is read by a search in a few milliseconds. docs/benchmarks.md has other values."""


class Sorting:
    """Keeps the list of entries that are not yet in the index short while there are imports.

    Whoever stores an entry only adds it to that list, and sorts it in where it became too long.
    That sorting is more than half of the work of storing: done here, it has a connection, and so a
    core of the database server, of its own. Nothing depends on it but speed.
    """

    def __init__(self, sort: Callable[[], Awaitable[None]]) -> None:
        """Take what sorts in what is in the list."""
        self._sort = sort
        self._wanted = asyncio.Event()

    def wake(self) -> None:
        """Let `run` sort in what was stored, and do not wait for it."""
        self._wanted.set()

    async def run(self) -> None:
        """Sort in whenever it is woken, for ever."""
        while True:
            await self._wanted.wait()
            await asyncio.sleep(_GATHER_SECONDS)
            self._wanted.clear()
            try:
                await self._sort()
            except KefuError as error:
                # Storing sorts in for itself meanwhile.
                structlog.get_logger("knowledge").warning("sorting_waits", reason=error.reason)
