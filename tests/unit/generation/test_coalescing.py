"""One piece of work for all who want the same at the same time."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from services.generation.coalescing import Flights

SECONDS = 5.0


class Work:
    """Work that goes on when it is told to, and remembers how often it was begun and ended."""

    def __init__(self) -> None:
        self.begun = 0
        self.cancelled = 0
        self._parts: asyncio.Queue[str | Exception] = asyncio.Queue()

    def bring(self, *parts: str | Exception) -> None:
        """Let it go on: text is brought, an exception ends it, "" is its good end."""
        for part in parts:
            self._parts.put_nowait(part)

    async def __call__(self) -> AsyncGenerator[str, None]:
        """Do the work."""
        self.begun += 1
        try:
            while part := await self._parts.get():
                if isinstance(part, Exception):
                    raise part
                yield part
        except asyncio.CancelledError:
            self.cancelled += 1
            raise


async def all_of(
    flights: Flights[str], work: Work, key: str = "k", seconds: float = SECONDS
) -> str:
    """Follow to the end; what somebody else was given before stands in brackets."""
    found = [
        item if fresh else f"({item})"
        async for new in flights.join(key, seconds, work)
        for item, fresh in new
    ]
    return "".join(found)


async def settled() -> None:
    """Let every task run until it waits for something that is not a task."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_those_who_ask_at_the_same_time_share_one_call() -> None:
    """Everybody gets everything, and each item is fresh for one of them."""
    flights, work = Flights[str](), Work()
    following = [asyncio.create_task(all_of(flights, work)) for _ in range(3)]
    await settled()
    work.bring("a", "b", "")
    assert await asyncio.gather(*following) == ["ab", "(a)(b)", "(a)(b)"]
    assert work.begun == 1


async def test_who_comes_late_gets_what_there_is_at_once_and_then_the_rest() -> None:
    """Also while nothing new arrives."""
    flights, work = Flights[str](), Work()
    first = asyncio.create_task(all_of(flights, work))
    work.bring("a", "b")
    await settled()
    late = flights.join("k", SECONDS, work)
    assert await anext(late) == [("a", False), ("b", False)]
    waiting = asyncio.ensure_future(anext(late))
    await settled()
    assert not waiting.done()
    work.bring("c", "")
    assert [item for item, _ in await waiting] == ["c"]
    assert [item async for item in late] == []
    assert await first == "abc"


async def test_other_keys_are_other_work() -> None:
    """Nothing is shared but what is the same."""
    flights, work = Flights[str](), Work()
    work.bring("a", "", "b", "")
    assert await all_of(flights, work, "k") == "a"
    assert await all_of(flights, work, "l") == "b"
    assert work.begun == 2


async def test_what_has_ended_is_not_given_again() -> None:
    """Remembering answers is the cache's business, which knows which of them are good."""
    flights, work = Flights[str](), Work()
    work.bring("a", "", "b", "")
    assert [await all_of(flights, work), await all_of(flights, work)] == ["a", "b"]


async def test_one_who_leaves_disturbs_nobody() -> None:
    """Not even if it was the one who began."""
    flights, work = Flights[str](), Work()
    first = asyncio.create_task(all_of(flights, work))
    await settled()
    second = asyncio.create_task(all_of(flights, work))
    await settled()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    work.bring("a", "")
    assert await second == "a"
    assert work.cancelled == 0


async def test_the_last_one_who_leaves_ends_the_work() -> None:
    """It has ended when he is gone, and whoever asks then begins anew."""
    flights, work = Flights[str](), Work()
    following = [asyncio.create_task(all_of(flights, work)) for _ in range(2)]
    await settled()
    for each in following:
        each.cancel()
    await asyncio.gather(*following, return_exceptions=True)
    assert work.cancelled == 1
    work.bring("a", "")
    assert await all_of(flights, work) == "a"


async def test_closing_is_leaving() -> None:
    """A reader that has had enough closes its generator, as the server does at a deadline."""
    flights, work = Flights[str](), Work()
    work.bring("a")
    following = flights.join("k", SECONDS, work)
    assert await anext(following) == [("a", True)]
    await settled()
    await following.aclose()
    assert work.cancelled == 1


async def test_a_follower_has_each_item_before_the_work_goes_on() -> None:
    """The first sentence is on its way to the customer while the second is checked."""
    flights, order = Flights[str](), []

    async def work() -> AsyncGenerator[str, None]:
        for item in ("a", "b"):
            yield item
            order.append(f"went on after {item}")

    async for new in flights.join("k", SECONDS, work):
        order += [f"got {item}" for item, _ in new]
    assert order == ["got a", "went on after a", "got b", "went on after b"]


async def test_a_failure_reaches_everybody_and_is_not_kept() -> None:
    """Behind what was brought before it; the next call tries again."""
    flights, work = Flights[str](), Work()
    following = [asyncio.create_task(all_of(flights, work)) for _ in range(2)]
    await settled()
    work.bring("a", ValueError("broken"))
    results = await asyncio.gather(*following, return_exceptions=True)
    assert [str(each) for each in results] == ["broken", "broken"]
    work.bring("b", "")
    assert await all_of(flights, work) == "b"


@pytest.mark.parametrize(
    ("first", "second", "begun"),
    [(10, 10, 1), (10, 9.9, 1), (10, 5, 2), (5, 9, 1), (4, 9, 2)],
)
async def test_a_flight_is_joined_by_who_has_about_as_much_time(
    first: float, second: float, begun: int
) -> None:
    """Who has less cannot wait as long, and who has much more is not cut off with the others."""
    flights, work = Flights[str](), Work()
    following = [
        asyncio.create_task(all_of(flights, work, seconds=seconds)) for seconds in (first, second)
    ]
    await settled()
    assert work.begun == begun
    work.bring("a", "", "a", "")
    await asyncio.gather(*following)


async def test_nothing_is_kept_of_what_has_ended() -> None:
    """Neither of what came to its end, nor of what failed or was left."""
    flights, work = Flights[str](), Work()
    work.bring("a", "", ValueError())
    await all_of(flights, work)
    with pytest.raises(ValueError):
        await all_of(flights, work)
    following = flights.join("k", SECONDS, work)
    waiting = asyncio.ensure_future(anext(following))
    await settled()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert not flights._flights


async def test_work_with_one_result_is_shared_as_well() -> None:
    """One result for all, new for one of them; a failure is everybody's."""
    flights, begun = Flights[str](), 0
    goes_on = asyncio.Event()

    async def work() -> str:
        nonlocal begun
        begun += 1
        await goes_on.wait()
        if begun == 2:
            raise ValueError("broken")
        return "a"

    waiting = [asyncio.create_task(flights.once("k", SECONDS, work)) for _ in range(3)]
    await settled()
    goes_on.set()
    assert await asyncio.gather(*waiting) == [("a", True), ("a", False), ("a", False)]
    failing = [flights.once("k", SECONDS, work) for _ in range(2)]
    results = await asyncio.gather(*failing, return_exceptions=True)
    assert [str(each) for each in results] == ["broken", "broken"]
    assert begun == 2
