"""Ends a call shortly before its caller stops waiting."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kefu.errors import DeadlineExceeded

from services.mesh.calls import Call, Middleware

# Kept back so that the caller hears of the timeout from us: a twentieth, within these bounds.
_MARGIN_SHARE = 0.05
_MARGIN_SECONDS = (0.005, 0.25)


def margin_seconds(seconds_left: float) -> float:
    """What a hop keeps back of the time that is left."""
    low, high = _MARGIN_SECONDS
    return min(max(seconds_left * _MARGIN_SHARE, low), high)


class Deadline(Middleware):
    """Gives a call without a deadline the server's own, and cuts longer ones to it.

    Args:
        max_seconds: longest time that a call may take.
        unlimited: methods that wait by their nature, such as health watches.
    """

    name = "deadline"

    def __init__(self, max_seconds: float, unlimited: frozenset[str] = frozenset()) -> None:
        self._max_seconds = max_seconds
        self._unlimited = unlimited

    @asynccontextmanager
    async def around(self, call: Call) -> AsyncIterator[None]:
        """Raise DeadlineExceeded when the time is up; whatever runs below is cancelled."""
        if call.method in self._unlimited:
            yield
            return
        left = self._max_seconds
        if call.seconds_left is not None and call.seconds_left < left:
            left = call.seconds_left - margin_seconds(call.seconds_left)
        call.deadline = time.monotonic() + left
        if left <= 0:
            raise DeadlineExceeded(method=call.method)
        try:
            async with asyncio.timeout(left) as timer:
                yield
        except TimeoutError:
            # A TimeoutError of the handler's own arrives here too; only ours is the deadline's.
            if not timer.expired():
                raise
            raise DeadlineExceeded(method=call.method) from None
