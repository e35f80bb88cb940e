"""Limits counted in one process: where there is no Redis, and while it does not answer."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from services.generation.limits import (
    DAY_SECONDS,
    HOLD_MINUTES,
    HOLD_RETRY_SECONDS,
    Claim,
    Metric,
    Settlement,
    Verdict,
)


@dataclass(slots=True)
class _Purse:
    """A tenant's money of one day, in millionths."""

    day: int
    elsewhere: float = 0
    """Spent as all replicas know it."""
    spent: float = 0
    """Spent here and known to nobody else."""
    telling: float = 0
    """Of that, what somebody is telling those who count for all."""
    held: dict[int, float] = field(default_factory=dict)
    """For requests under way, by the minute in which they were claimed."""


@dataclass(slots=True)
class Debt:
    """Money that was spent here and is to be counted for all replicas, in millionths."""

    amount: float
    counted: bool = False
    """Set by whoever has had it counted."""


class LocalMeter:
    """Counts in this process, to a share of every limit; the same rules as `QuotaStore`'s.

    Args:
        share: Part of each limit that this process may use, in (0, 1].
        clock: Seconds since the epoch.
    """

    def __init__(self, share: float, clock: Callable[[], float] = time.time) -> None:
        self._share = share
        self._clock = clock
        self._buckets: dict[tuple[Metric, str], tuple[float, float]] = {}
        self._purses: dict[str, _Purse] = {}

    async def take(self, claims: Sequence[Claim]) -> Verdict:
        """Claim all or nothing."""
        now = self._clock()
        left = [self._left(claim, now) for claim in claims]
        for place, (claim, rest) in enumerate(zip(claims, left, strict=True)):
            if wait := self._wait(claim, rest, now):
                return Verdict(_whole(left), place, wait)
        minute = int(now // 60)
        for claim in claims:
            if claim.metric is Metric.MONEY:
                held = self._purse(claim.subject, now).held
                held[minute] = held.get(minute, 0) + claim.need
            else:
                self._drain(claim, claim.need, now)
        rests = [rest - claim.need for claim, rest in zip(claims, left, strict=True)]
        return Verdict(_whole(rests), minute=minute)

    async def settle(self, settlements: Sequence[Settlement]) -> Sequence[int]:
        """Count what was used in place of what was claimed; return what is left of each limit."""
        now = self._clock()
        for each in settlements:
            claimed = each.claim.need if each.minute else 0
            if each.claim.metric is Metric.MONEY:
                purse = self._purse(each.claim.subject, now)
                purse.spent += each.used
                if each.minute in purse.held:
                    purse.held[each.minute] -= claimed
            else:
                self._drain(each.claim, each.used - claimed, now)
        return _whole([self._left(each.claim, now) for each in settlements])

    def note_elsewhere(self, tenant: str, micros: float) -> None:
        """Note what all replicas have spent of a tenant's money today: nobody's share has it."""
        self._purse(tenant, self._clock()).elsewhere = micros

    @contextmanager
    def owed(self, tenant: str) -> Iterator[Debt]:
        """Give out what was spent here today and is known to nobody else, for somebody to count.

        Until that has been done it is spent here: a meter that hangs makes no room in this one.
        While the block runs nobody else is given the same, or it would be counted twice.
        """
        purse = self._purse(tenant, self._clock())
        debt = Debt(purse.spent - purse.telling)
        purse.telling += debt.amount
        try:
            yield debt
        finally:
            purse.telling -= debt.amount
            if debt.counted:
                purse.spent -= debt.amount

    def _left(self, claim: Claim, now: float) -> float:
        if claim.metric is Metric.MONEY:
            purse = self._purse(claim.subject, now)
            share = max(0.0, claim.limit - purse.elsewhere) * self._share
            return share - purse.spent - sum(purse.held.values())
        limit = claim.limit * self._share
        level, since = self._buckets.get((claim.metric, claim.subject), (limit, now))
        return min(limit, level + max(0.0, now - since) * limit / claim.seconds)

    def _wait(self, claim: Claim, left: float, now: float) -> float:
        """Return how long a claim has to wait, in seconds; 0 where it may pass."""
        if claim.metric is Metric.MONEY:
            if claim.need <= max(left, 0):
                return 0.0
            under_way = sum(self._purse(claim.subject, now).held.values())
            return HOLD_RETRY_SECONDS if claim.need <= left + under_way else _till_midnight(now)
        limit = claim.limit * self._share
        missing = min(claim.need, limit) - left
        return missing * claim.seconds / limit if claim.need and missing > 0 else 0.0

    def _drain(self, claim: Claim, amount: float, now: float) -> None:
        level = min(claim.limit * self._share, self._left(claim, now) - amount)
        self._buckets[claim.metric, claim.subject] = (level, now)

    def _purse(self, tenant: str, now: float) -> _Purse:
        purse = self._purses.get(tenant)
        if purse is None or purse.day != now // DAY_SECONDS:
            held = purse.held if purse else {}
            purse = self._purses[tenant] = _Purse(int(now // DAY_SECONDS), held=held)
        for minute in [each for each in purse.held if each < now // 60 - HOLD_MINUTES]:
            del purse.held[minute]
        return purse


def _till_midnight(now: float) -> float:
    return DAY_SECONDS - now % DAY_SECONDS


def _whole(amounts: Sequence[float]) -> list[int]:
    return [max(0, math.floor(amount)) for amount in amounts]
