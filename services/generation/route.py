"""One provider as the gateway sees it: what is asked there, and what stands before it."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from services.generation.breaker import Breaker, State
from services.generation.chat import Patience, Writing
from services.generation.dialogue import Usage
from services.generation.failure import Cause, ModelFailure
from services.generation.retrying import RetryBudget

# What tells of the provider. A refusal may be due to the customer's text, a 429 to our own haste:
# neither may keep everybody else away from it.
_FAULTS = (Cause.TIMEOUT, Cause.UNREACHABLE, Cause.PROVIDER_ERROR, Cause.BROKEN_RESPONSE)

# A provider that asks to be left alone longer is asked again all the same.
_LONGEST_REST_SECONDS = 60.0


class Writer(Protocol):
    """A model that writes: `chat.ChatModel` or `dify.DifyModel`."""

    @property
    def name(self) -> str:
        """The model's name, as the provider knows it."""
        ...

    @property
    def system(self) -> str:
        """Which protocol the provider speaks, as the settings name it."""
        ...

    @property
    def patience(self) -> Patience:
        """How long this model is waited for where nobody is in a hurry."""
        ...

    @property
    def max_tokens(self) -> int:
        """Longest answer."""
        ...

    def terse(self, max_tokens: int) -> "Writer":
        """Return the same model, asked for the likeliest answer of at most so many tokens."""
        ...

    def usage(self, writing: Writing) -> Usage:
        """Return what an answer cost, also where it was interrupted."""
        ...

    def write(self, writing: Writing, patience: Patience) -> AsyncGenerator[str, None]:
        """Yield an answer piece by piece; see `chat.ChatModel.write`."""
        ...


class Guard:
    """What stands before a provider, for all uses together: breaker, places, retries, rest."""

    def __init__(
        self,
        concurrency: int,
        changed: Callable[[State], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.breaker = Breaker(changed, clock)
        self.retries = RetryBudget(clock)
        self._places = asyncio.Semaphore(concurrency)
        self._clock = clock
        self._rests_until = 0.0

    @asynccontextmanager
    async def place(self, wait_seconds: float) -> AsyncIterator["Place"]:
        """Hold one of the provider's places, waiting for it no longer than so.

        Raises:
            ModelFailure: The provider is not asked now.
        """
        rest = self._rests_until - self._clock()
        if rest > 0:
            raise ModelFailure(Cause.RATE_LIMITED, rest)
        entry = self.breaker.enter()
        if entry is None:
            raise ModelFailure(Cause.CIRCUIT_OPEN, self.breaker.open_seconds or None)
        place = Place()
        try:
            try:
                async with asyncio.timeout(wait_seconds):
                    await self._places.acquire()
            except TimeoutError:
                raise ModelFailure(Cause.SATURATED) from None
            try:
                yield place
            finally:
                self._places.release()
        finally:
            self._note(entry, place)

    def _note(self, entry: int, place: "Place") -> None:
        failure = place.failure
        if failure is not None and failure.cause in _FAULTS:
            self.breaker.note(entry, failed=True)
        else:
            self.breaker.note(entry, failed=False if place.answered else None)
        if failure is not None and failure.retry_after_seconds:
            rest = min(failure.retry_after_seconds, _LONGEST_REST_SECONDS)
            self._rests_until = self._clock() + rest


@dataclass(slots=True)
class Place:
    """A request in flight; whoever holds it notes how it went."""

    answered: bool = False
    failure: ModelFailure | None = None
    """Only a failure that tells something about the provider."""


@dataclass(frozen=True, slots=True)
class Route:
    """A provider and the model that is asked for there."""

    provider: str
    """Name in the provider table."""
    model: Writer
    guard: Guard
    internal: bool = False
    """Whether it may get texts with what identifies people in them."""
    context_tokens: int = 8192
    """Tokens that fit into the model's window, prompt and answer together."""

    def terse(self, max_tokens: int) -> "Route":
        """Return the same, asked for short and likeliest answers."""
        return replace(self, model=self.model.terse(max_tokens))
