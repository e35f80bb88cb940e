"""The closed loop that makes the load: each worker asks again as soon as it has its answer."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

Answer = TypeVar("Answer")


async def drive(
    workers: int, seconds: float, most: int, ask: Callable[[int], Awaitable[Answer]]
) -> tuple[list[Answer], float]:
    """Ask from several workers at once until the time is up or enough was asked.

    What was begun in time is finished, so slow answers are not left out of the percentiles.

    Args:
        workers: how many ask at once; each has one question open at a time.
        seconds: no question begins later than this.
        most: questions in all; bounds the run where answers are very quick.
        ask: asks once, as the worker of the given number.

    Returns:
        All answers in the order of their arrival, and the seconds to the last of them.
    """
    answers: list[Answer] = []
    begun = 0
    start = time.perf_counter()

    async def work(worker: int) -> None:
        nonlocal begun
        while begun < most and time.perf_counter() - start < seconds:
            begun += 1
            answers.append(await ask(worker))

    async with asyncio.TaskGroup() as group:
        for worker in range(workers):
            group.create_task(work(worker))
    return answers, time.perf_counter() - start
