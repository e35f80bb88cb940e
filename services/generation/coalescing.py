"""Identical requests that are in flight at the same time, answered by one call.

Whoever asks first opens a flight: the work, in a task of its own. Whoever asks the same while it
is in the air gets what it has brought so far at once, and then the rest as it comes.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable
from contextlib import aclosing
from typing import Generic, TypeVar

Item = TypeVar("Item")

# Who has a little less time than the flight is still served: answers end a quarter of a second
# before their deadline.
_SLACK_SECONDS = 0.15

# A flight that has used up more of its time than this will more likely be cut off than land.
_LEAST_SHARE = 0.5


class Flights(Generic[Item]):
    """Work in progress by key. Made and used inside one event loop.

    What is kept is what flights in the air have brought: with answers of at most some hundred
    pieces it is bounded by the number of calls that are served at a time.
    """

    def __init__(self) -> None:
        self._flights: dict[Hashable, _Flight[Item]] = {}

    async def join(
        self, key: Hashable, seconds: float, source: Callable[[], AsyncGenerator[Item, None]]
    ) -> AsyncGenerator[list[tuple[Item, bool]], None]:
        """Follow the flight with this key, or open it.

        A follower that leaves disturbs nobody; when the last one leaves, the work is cancelled
        and has ended before this generator has. A flight that would end later than the caller can
        wait, or that has little time left of what the caller would give it, is not joined: then
        the caller has one of its own.

        Args:
            key: Equal where one answer serves both.
            seconds: Time that the caller has.
            source: Does the work, if this call is the first.

        Yields:
            What came since the last time, at least one item; of each, whether nobody was given it
            before.

        Raises:
            Exception: What the work failed with, for every follower.
        """
        end = asyncio.get_running_loop().time() + seconds
        flight = self._flights.get(key)
        if flight is None or not flight.suits(end):
            flight = self._flights[key] = _Flight(source(), end)
        flight.followers += 1
        try:
            async with aclosing(flight.follow()) as arrivals:
                async for items in arrivals:
                    yield items
        finally:
            flight.followers -= 1
            if not flight.followers and self._flights.get(key) is flight:
                del self._flights[key]
            if not flight.followers:
                await flight.end()

    async def once(
        self, key: Hashable, seconds: float, work: Callable[[], Awaitable[Item]]
    ) -> tuple[Item, bool]:
        """Return what a piece of work brings that has only one result, and whether it is new.

        Raises:
            Exception: What the work failed with, for everybody who waited for it.
        """

        async def source() -> AsyncGenerator[Item, None]:
            yield await work()

        async with aclosing(self.join(key, seconds, source)) as arrivals:
            return (await anext(arrivals))[0]


class _Flight(Generic[Item]):
    """One piece of work and what it has brought."""

    def __init__(self, source: AsyncGenerator[Item, None], end: float) -> None:
        self.followers = 0
        self._end = end
        self._items: list[Item] = []
        self._given = 0
        self._landed = False
        self._failure: Exception | None = None
        self._news = asyncio.Event()
        self._task = asyncio.create_task(self._fly(source))

    def suits(self, end: float) -> bool:
        """Whether a caller who waits until `end`, in the loop's time, may follow."""
        now = asyncio.get_running_loop().time()
        in_time = self._end - _SLACK_SECONDS <= end
        return not self._landed and in_time and self._end - now >= (end - now) * _LEAST_SHARE

    async def follow(self) -> AsyncGenerator[list[tuple[Item, bool]], None]:
        """Yield what there is and then what comes, each with whether it was given to nobody."""
        place = 0
        while True:
            if place < len(self._items):
                items = enumerate(self._items[place:], place)
                new = [(item, at >= self._given) for at, item in items]
                place = len(self._items)
                self._given = max(self._given, place)
                yield new
            elif self._failure is not None:
                raise self._failure
            elif self._landed:
                return
            else:
                await self._news.wait()

    async def end(self) -> None:
        """Stop the work, unless it is done; it has ended when this returns."""
        if not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _fly(self, source: AsyncGenerator[Item, None]) -> None:
        try:
            async with aclosing(source) as arrivals:
                async for item in arrivals:
                    self._items.append(item)
                    self._announce()
                    # Who waits for it gets it before the work goes on: a customer reads the first
                    # sentence while the second is checked.
                    await asyncio.sleep(0)
        except Exception as error:
            self._failure = error
        self._landed = True
        self._announce()

    def _announce(self) -> None:
        self._news.set()
        self._news = asyncio.Event()
