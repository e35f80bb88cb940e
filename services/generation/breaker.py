"""A circuit breaker: a provider that keeps failing is left alone for a while.

Without it every turn would first wait for a dead provider's timeout before it reaches the next one.
Source: M. Nygard, Release It!, chapter 5.
"""

import time
from collections import deque
from collections.abc import Callable
from enum import StrEnum

_WINDOW_SECONDS = 30.0

# Fewer could be bad luck; and half of all, so that a busy provider with a few errors stays.
_FAILURES = 5
_SHARE = 0.5

# A restart of a provider takes about this long; a probe costs one customer one wait.
_OPEN_SECONDS = 10.0

# Results that are looked at; a busy provider fills this in a second or two, which is recent enough.
_REMEMBERED = 200


class State(StrEnum):
    """Whether a provider is asked."""

    CLOSED = "closed"
    """It is."""
    OPEN = "open"
    """It is not."""
    HALF_OPEN = "half_open"
    """One request finds out whether it works again."""


class Breaker:
    """One provider's breaker.

    What `enter` returns goes with the request's result into `note`, so that a request from before
    the breaker opened is not taken for the probe.
    """

    def __init__(
        self, changed: Callable[[State], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.state = State.CLOSED
        self._changed = changed
        self._clock = clock
        self._changes = 0
        self._results: deque[tuple[float, bool]] = deque(maxlen=_REMEMBERED)
        self._opened_at = 0.0

    @property
    def open_seconds(self) -> float:
        """How long it stays open from now."""
        return max(0.0, self._opened_at + _OPEN_SECONDS - self._clock())

    def enter(self) -> int | None:
        """Return what a request is noted with, or None where it must not be made."""
        if self.state is State.OPEN and not self.open_seconds:
            self._become(State.HALF_OPEN)
            return self._changes
        return self._changes if self.state is State.CLOSED else None

    def note(self, entry: int, failed: bool | None) -> None:
        """Note a request's result.

        Args:
            entry: What `enter` returned.
            failed: None where it says nothing about the provider, such as after a cancellation.
        """
        if entry != self._changes:
            return
        if self.state is State.HALF_OPEN:
            self._probed(failed)
        elif failed is not None:
            self._results.append((self._clock(), failed))
            if failed and self._too_many():
                self._open()

    def _probed(self, failed: bool | None) -> None:
        if failed:
            self._open()
        elif failed is None:
            # The time of being open is over already, so the next request is the probe.
            self._become(State.OPEN)
        else:
            self._results.clear()
            self._become(State.CLOSED)

    def _too_many(self) -> bool:
        since = self._clock() - _WINDOW_SECONDS
        recent = [failed for at, failed in self._results if at > since]
        failures = sum(recent)
        return failures >= _FAILURES and failures >= _SHARE * len(recent)

    def _open(self) -> None:
        self._opened_at = self._clock()
        self._become(State.OPEN)

    def _become(self, state: State) -> None:
        self.state = state
        self._changes += 1
        self._changed(state)
