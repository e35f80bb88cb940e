"""Which failures are tried again, after how long, and how many of them."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from services.generation.failure import Cause, ModelFailure
from services.generation.provider import retry_after_seconds
from services.generation.retrying import RetryBudget, jitter_seconds, retryable


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("cause", list(Cause))
def test_only_what_may_pass_is_tried_again(cause: Cause) -> None:
    """A refusal stays one, a timeout has used up the wait, and an open breaker is not asked."""
    passing = {Cause.RATE_LIMITED, Cause.PROVIDER_ERROR, Cause.UNREACHABLE}
    assert retryable(ModelFailure(cause)) is (cause in passing)


@pytest.mark.parametrize(("retry", "longest"), [(0, 0.1), (1, 0.2), (4, 1.6), (10, 2.0)])
def test_waits_grow_and_are_spread_over_all_of_their_length(retry: int, longest: float) -> None:
    """From nothing on, so that those who failed together do not come back together."""
    waits = [jitter_seconds(retry) for _ in range(1000)]
    assert 0 <= min(waits) < longest * 0.1
    assert longest * 0.9 < max(waits) <= longest


def test_a_budget_begins_with_some_retries_and_ends() -> None:
    """A restart into an outage does not add to it."""
    budget = RetryBudget(Clock())
    assert [budget.take() for _ in range(11)] == [True] * 10 + [False]


def test_to_ask_for_a_retry_is_not_to_take_it() -> None:
    """Who plans one learns whether there is one."""
    budget = RetryBudget(Clock())
    assert all(budget.allows() for _ in range(20))
    assert sum(budget.take() for _ in range(20)) == 10
    assert not budget.allows()


def test_a_tenth_of_the_requests_may_be_repeated() -> None:
    """Whatever the load is, ours grows by ten percent at most."""
    budget = RetryBudget(Clock())
    while budget.take():
        pass
    taken = 0
    for _ in range(1000):
        budget.request()
        taken += budget.take()
    assert 99 <= taken <= 100


def test_a_quiet_service_may_retry_now_and_then() -> None:
    """One in ten seconds, however few requests there are."""
    clock = Clock()
    budget = RetryBudget(clock)
    while budget.take():
        pass
    clock.now += 10
    assert budget.take()
    assert not budget.take()


def test_what_was_not_used_does_not_pile_up() -> None:
    """A quiet night does not pay for a storm."""
    clock = Clock()
    budget = RetryBudget(clock)
    clock.now += 10_000
    for _ in range(10_000):
        budget.request()
    assert sum(budget.take() for _ in range(50)) == 10


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("2", 2.0), ("0.5", 0.5), ("-3", 0.0), ("", None), ("soon", None), ("inf", None)],
)
def test_retry_after_in_seconds(value: str, seconds: float | None) -> None:
    """Nonsense is as if nothing had been said."""
    assert retry_after_seconds(value) == seconds


def test_retry_after_as_a_date() -> None:
    """Proxies send dates; one that has passed means now."""
    now = datetime.now(UTC)
    soon = retry_after_seconds(format_datetime(now + timedelta(seconds=30), usegmt=True))
    assert soon == pytest.approx(30, abs=2)
    assert retry_after_seconds(format_datetime(now - timedelta(days=1), usegmt=True)) == 0
    assert retry_after_seconds("Wed, 21 Oct 2015 07:28:00") is None
    assert retry_after_seconds("Wed, 21 Oct 2015 07:28:00 +99999999999999") is None
