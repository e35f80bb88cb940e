"""A breaker opens on failures, lets one probe through, and closes when that went well."""

import pytest

from services.generation.breaker import Breaker, State


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The breaker's time."""
    return Clock()


@pytest.fixture
def changes() -> list[State]:
    """What was told about changes."""
    return []


@pytest.fixture
def breaker(clock: Clock, changes: list[State]) -> Breaker:
    """A breaker of a provider that nothing is known of."""
    return Breaker(changes.append, clock)


def note(breaker: Breaker, *results: bool | None) -> None:
    """Make requests one after another, each of which is let through and fails where True."""
    for failed in results:
        entry = breaker.enter()
        assert entry is not None
        breaker.note(entry, failed)


def test_a_new_one_is_closed(breaker: Breaker, changes: list[State]) -> None:
    """Requests pass, and nothing has changed."""
    assert breaker.enter() is not None
    assert breaker.state is State.CLOSED
    assert changes == []


def test_five_failures_open_it(breaker: Breaker, changes: list[State]) -> None:
    """Four are bad luck."""
    note(breaker, *[True] * 4)
    assert breaker.state is State.CLOSED
    note(breaker, True)
    assert breaker.state is State.OPEN
    assert breaker.enter() is None
    assert breaker.open_seconds == 10
    assert changes == [State.OPEN]


def test_a_success_does_not_open_it(breaker: Breaker, clock: Clock) -> None:
    """Even where it leaves those out of the window that outweighed the failures."""
    note(breaker, *[False] * 6)
    clock.now += 20
    note(breaker, *[True] * 5)
    clock.now += 11
    note(breaker, False)
    assert breaker.state is State.CLOSED
    note(breaker, True)
    assert breaker.state is State.OPEN


def test_a_busy_provider_with_some_errors_stays(breaker: Breaker) -> None:
    """Less than half of all requests failed."""
    note(breaker, *[False, False, True] * 20)
    assert breaker.state is State.CLOSED


def test_half_of_all_is_too_many(breaker: Breaker) -> None:
    """However good the other half is."""
    note(breaker, *[False, True] * 5)
    assert breaker.state is State.OPEN


def test_failures_are_forgotten(breaker: Breaker, clock: Clock) -> None:
    """The window slides: what is older than thirty seconds does not count."""
    note(breaker, *[True] * 4)
    clock.now += 31
    note(breaker, *[True] * 4)
    assert breaker.state is State.CLOSED


def test_what_says_nothing_is_not_counted(breaker: Breaker) -> None:
    """A customer who leaves is no failure and no success."""
    note(breaker, *[None] * 50, *[True] * 5)
    assert breaker.state is State.OPEN


def test_after_a_while_one_probe_passes(breaker: Breaker, clock: Clock) -> None:
    """The others go on to the next provider meanwhile."""
    note(breaker, *[True] * 5)
    clock.now += 9.9
    assert breaker.enter() is None
    clock.now += 0.2
    assert breaker.enter() is not None
    assert breaker.state is State.HALF_OPEN
    assert breaker.enter() is None


def test_a_good_probe_closes_it(breaker: Breaker, clock: Clock, changes: list[State]) -> None:
    """And the old failures are forgotten."""
    note(breaker, *[True] * 5)
    clock.now += 10
    note(breaker, False)
    assert changes == [State.OPEN, State.HALF_OPEN, State.CLOSED]
    note(breaker, *[True] * 4)
    assert breaker.state is State.CLOSED


def test_a_failed_probe_opens_it_for_as_long_again(breaker: Breaker, clock: Clock) -> None:
    """A dead provider costs one customer one wait every ten seconds."""
    note(breaker, *[True] * 5)
    clock.now += 10
    note(breaker, True)
    assert breaker.state is State.OPEN
    assert breaker.open_seconds == 10


def test_a_probe_that_was_cancelled_is_followed_by_another(breaker: Breaker, clock: Clock) -> None:
    """A customer who left must not keep everybody from the provider."""
    note(breaker, *[True] * 5)
    clock.now += 10
    note(breaker, None)
    assert breaker.state is State.OPEN
    note(breaker, False)
    assert breaker.state is State.CLOSED


@pytest.mark.parametrize("failed", [True, False, None])
def test_a_request_from_before_is_not_taken_for_the_probe(
    breaker: Breaker, clock: Clock, failed: bool | None
) -> None:
    """It was sent when the provider was in another state."""
    old = breaker.enter()
    assert old is not None
    note(breaker, *[True] * 5)
    clock.now += 10
    probe = breaker.enter()
    assert probe is not None
    breaker.note(old, failed)
    assert breaker.state is State.HALF_OPEN
    breaker.note(probe, failed=False)
    assert breaker.state is State.CLOSED
