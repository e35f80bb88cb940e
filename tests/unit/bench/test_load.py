"""The closed loop: so many at once, never more, and what was begun is finished."""

import asyncio

from tests.bench.load import drive


async def test_each_worker_has_one_question_open() -> None:
    """The number of workers is the concurrency, also where answers come out of order."""
    running: set[int] = set()
    most = 0

    async def ask(worker: int) -> int:
        nonlocal most
        assert worker not in running
        running.add(worker)
        most = max(most, len(running))
        await asyncio.sleep(0)
        running.remove(worker)
        return worker

    answers, _ = await drive(3, 60, 30, ask)
    assert len(answers) == 30
    assert most == 3
    assert set(answers) == {0, 1, 2}


async def test_what_was_begun_in_time_is_finished() -> None:
    """Slow answers would otherwise be missing where they matter most."""
    gate = asyncio.Event()

    async def ask(worker: int) -> str:
        await gate.wait()
        return "answered"

    asyncio.get_running_loop().call_later(0.05, gate.set)
    answers, seconds = await drive(2, 0.01, 1000, ask)
    assert answers == ["answered", "answered"]
    assert seconds >= 0.04


async def test_it_ends_by_itself() -> None:
    """Quick answers are bounded by their number."""

    async def ask(worker: int) -> int:
        return worker

    answers, _ = await drive(8, 60, 5, ask)
    assert len(answers) == 5
