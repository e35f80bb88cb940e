"""When a failed request is made again: which failures, after how long, and how many in all."""

import random
import time
from collections.abc import Callable

from services.generation.failure import Cause, ModelFailure

RETRIES = 2
"""Most repetitions for one answer."""

_RETRYABLE = (Cause.RATE_LIMITED, Cause.PROVIDER_ERROR, Cause.UNREACHABLE)

_FIRST_WAIT_SECONDS = 0.1
_LONGEST_WAIT_SECONDS = 2.0

# Retries over all requests. Without a bound a provider in trouble gets three times its load.
_SHARE = 0.1
_FLOOR_PER_SECOND = 0.1
_MOST = 10.0


def retryable(failure: ModelFailure) -> bool:
    """Return whether the same request may go well a moment later."""
    return failure.cause in _RETRYABLE


def jitter_seconds(retry: int) -> float:
    """Return how long to wait before the n-th retry, counted from 0.

    Evenly spread from nothing on ("full jitter"), so that those who failed together do not come
    back together. Source: AWS Architecture Blog, Exponential Backoff And Jitter, 2015.
    """
    longest = min(_LONGEST_WAIT_SECONDS, _FIRST_WAIT_SECONDS * 2**retry)
    return random.uniform(0.0, longest)  # noqa: S311  # no secret hangs on it


class RetryBudget:
    """One provider's retries: a tenth of its requests, and one in ten seconds besides."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._balance = _MOST
        self._since = clock()

    def request(self) -> None:
        """Note a request that was sent and is no retry."""
        self._add(_SHARE)

    def allows(self) -> bool:
        """Return whether a retry may be made now."""
        now = self._clock()
        self._add((now - self._since) * _FLOOR_PER_SECOND)
        self._since = now
        return self._balance >= 1

    def take(self) -> bool:
        """Return whether a retry may be made, and count it."""
        if not self.allows():
            return False
        self._balance -= 1
        return True

    def _add(self, retries: float) -> None:
        self._balance = min(_MOST, self._balance + retries)
