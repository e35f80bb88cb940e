"""What stands before a provider: places, rest, and what its breaker is told."""

import asyncio

import pytest

from services.generation.breaker import State
from services.generation.failure import Cause, ModelFailure
from services.generation.route import Guard


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The guard's time."""
    return Clock()


@pytest.fixture
def guard(clock: Clock) -> Guard:
    """A guard with one place."""
    return Guard(1, lambda state: None, clock)


async def use(guard: Guard, failure: ModelFailure | None = None) -> None:
    """Make a request that goes well, or fails so."""
    async with guard.place(1.0) as place:
        place.answered = failure is None
        place.failure = failure


async def refusal(guard: Guard, wait_seconds: float = 0.01) -> ModelFailure:
    """Return why no request can be made now."""
    with pytest.raises(ModelFailure) as caught:
        async with guard.place(wait_seconds):
            pass
    return caught.value


async def test_who_finds_no_place_is_told_after_a_while(guard: Guard) -> None:
    """And gets one as soon as it is free."""
    async with guard.place(1.0):
        assert (await refusal(guard)).cause is Cause.SATURATED
        waiting = asyncio.ensure_future(use(guard))
        await asyncio.sleep(0)
        assert not waiting.done()
    await waiting
    await use(guard)


@pytest.mark.parametrize("end", [ModelFailure(Cause.TIMEOUT), asyncio.CancelledError(), OSError()])
async def test_a_place_is_given_back_however_it_ends(guard: Guard, end: BaseException) -> None:
    """Also when whoever held it was cancelled."""
    with pytest.raises(type(end)):
        async with guard.place(1.0):
            raise end
    await use(guard)


async def test_waiting_for_a_place_can_be_cancelled(guard: Guard) -> None:
    """The place goes to the next one."""
    async with guard.place(1.0):
        waiting = asyncio.ensure_future(use(guard))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    await use(guard)


@pytest.mark.parametrize(("asked_for", "kept"), [(5.0, 5.0), (86_400.0, 60.0)])
async def test_a_provider_is_left_in_peace_as_long_as_it_asks(
    guard: Guard, clock: Clock, asked_for: float, kept: float
) -> None:
    """A minute at the most: what it says is not what it does."""
    await use(guard, ModelFailure(Cause.RATE_LIMITED, asked_for))
    clock.now += kept - 1
    failure = await refusal(guard)
    assert (failure.cause, failure.retry_after_seconds) == (Cause.RATE_LIMITED, 1.0)
    clock.now += 1
    await use(guard)


@pytest.mark.parametrize("cause", list(Cause))
async def test_only_its_own_failures_open_its_breaker(guard: Guard, cause: Cause) -> None:
    """Not refusals, which a customer's text may cause, and not limits, which we run into."""
    for _ in range(5):
        await use(guard, ModelFailure(cause))
    own = {Cause.TIMEOUT, Cause.UNREACHABLE, Cause.PROVIDER_ERROR, Cause.BROKEN_RESPONSE}
    assert (guard.breaker.state is State.OPEN) is (cause in own)


async def test_an_open_breaker_says_when_to_come_back(guard: Guard, clock: Clock) -> None:
    """And the one probe closes it."""
    for _ in range(5):
        await use(guard, ModelFailure(Cause.PROVIDER_ERROR))
    clock.now += 4
    failure = await refusal(guard)
    assert (failure.cause, failure.retry_after_seconds) == (Cause.CIRCUIT_OPEN, 6.0)
    clock.now += 6
    await use(guard)
    assert guard.breaker.state is State.CLOSED


async def test_a_probe_without_a_place_is_no_probe(guard: Guard, clock: Clock) -> None:
    """The provider was not asked, so it is still to be found out whether it works."""
    async with guard.place(1.0):
        # Those that were sent before, and fail while this one runs.
        for _ in range(5):
            entry = guard.breaker.enter()
            assert entry is not None
            guard.breaker.note(entry, failed=True)
        clock.now += 10
        assert (await refusal(guard)).cause is Cause.SATURATED
    assert guard.breaker.state is State.OPEN
    await use(guard)
    assert guard.breaker.state is State.CLOSED
