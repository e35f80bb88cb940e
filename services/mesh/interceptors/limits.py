"""Refuses what is too much: calls at once, and calls per second of one identity."""

import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from kefu.errors import RateLimited, ServerBusy

from services.mesh.calls import Call, Middleware

_BUSY_RETRY_SECONDS = 0.5
# Buckets of identities that were quiet longest are forgotten: a full bucket is what they had.
_MAX_BUCKETS = 10_000


@dataclass(slots=True)
class TokenBucket:
    """Allows `rate` calls per second on average and `burst` at once."""

    rate: float
    burst: float
    tokens: float
    refilled: float

    def take(self, now: float) -> float:
        """Take one token; 0 where there was one, else the seconds until there is."""
        self.tokens = min(self.burst, self.tokens + (now - self.refilled) * self.rate)
        self.refilled = now
        if self.tokens >= 1:
            self.tokens -= 1
            return 0.0
        return (1 - self.tokens) / self.rate


class Limits(Middleware):
    """Bounds what one server takes on.

    Args:
        max_concurrent: calls served at once.
        calls_per_second: of each identity, on average.
        burst: calls that an identity may make at once.
        exempt: methods that are always served, so that a busy server is not taken for a dead one.
    """

    name = "limits"

    def __init__(
        self,
        max_concurrent: int,
        calls_per_second: float,
        burst: int,
        exempt: frozenset[str] = frozenset(),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_concurrent = max_concurrent
        self._rate = calls_per_second
        self._burst = burst
        self._exempt = exempt
        self._clock = clock
        self._running = 0
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    @asynccontextmanager
    async def around(self, call: Call) -> AsyncIterator[None]:
        """Raise ServerBusy or RateLimited, each with the time after which to retry."""
        if call.method in self._exempt:
            yield
            return
        if self._running >= self._max_concurrent:
            limit = str(self._max_concurrent)
            raise ServerBusy(retry_after_seconds=_BUSY_RETRY_SECONDS, limit=limit)
        wait = self._bucket(call.identity).take(self._clock())
        if wait:
            raise RateLimited(retry_after_seconds=wait, limit=f"{self._rate:g}/s")
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1

    def _bucket(self, identity: str) -> TokenBucket:
        bucket = self._buckets.pop(identity, None)
        if bucket is None:
            bucket = TokenBucket(self._rate, self._burst, self._burst, self._clock())
            if len(self._buckets) >= _MAX_BUCKETS:
                self._buckets.popitem(last=False)
        self._buckets[identity] = bucket
        return bucket
