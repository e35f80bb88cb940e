"""Two meters as one: where all replicas count, and this process's own while that is down."""

import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import TypeVar

import structlog
from prometheus_client import Counter, Gauge

from services.generation.limits import (
    Claim,
    Defective,
    Meter,
    Metric,
    Settlement,
    Unreachable,
    Verdict,
)
from services.generation.local_meter import Debt, LocalMeter
from services.mesh import names

REST_SECONDS = 2.0
"""How long Redis is left alone after it failed, so that not every request waits for it. Longer than
what is claimed ahead lasts: the first request after it settles for all that was spent meanwhile."""

_LOCAL = Gauge(
    names.QUOTA_LOCAL, "1 while Redis is down and each replica keeps to its part of the limits."
)
_DEFECTS = Counter(
    names.QUOTA_DEFECTS, "Counts that Redis refused by mistake, and that one replica kept."
)
_T = TypeVar("_T")


class Meters:
    """Counts for all replicas where it can, and to this one's part of every limit where not.

    Args:
        local: Counts while `shared` does not answer, to this replica's part.
        shared: Counts for all replicas; None: this process is all there is, and `local` counts.
        clock: Seconds, never going back.
    """

    def __init__(
        self, local: LocalMeter, shared: Meter | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._local = local
        self._shared = shared
        self._clock = clock
        self._down = False
        self._defects: set[str] = set()
        self._rests_until = 0.0
        _LOCAL.set(0)

    @property
    def distant(self) -> bool:
        """Whether the next count takes a round trip."""
        return self._shared is not None and self._clock() >= self._rests_until

    async def take(self, claims: Sequence[Claim], size: int = 1) -> tuple[Verdict, bool]:
        """Claim `size` times as much, or once where no replica but this one sees it.

        Returns:
            What the meter says and whether all replicas see it.
        """
        many = [replace(each, need=each.need * size) for each in claims] if size > 1 else claims
        verdict, shared = await self._counted(
            lambda meter: meter.take(many if meter is self._shared else claims)
        )
        if shared:
            self._note_spent(claims, verdict.left)
        return verdict, shared

    async def settle(
        self, tenant: str, settlements: Sequence[Settlement], *, shared: bool
    ) -> Sequence[int]:
        """Count what was used, with what the tenant has spent while the shared meter was down.

        Args:
            tenant: Whose claims they are.
            settlements: What was used.
            shared: Whether it was claimed where all replicas see it.

        Returns:
            What is left of each limit.
        """
        # What hangs may count later, each time, what it is told now: it has to answer first.
        owed = nullcontext(Debt(0)) if self._down else self._local.owed(tenant)
        with owed as debt:

            def settle(meter: Meter) -> Awaitable[Sequence[int]]:
                due = settlements
                if shared is not (meter is self._shared):
                    # What was claimed of the other meter refills or runs out there.
                    due = [replace(each, minute=0) for each in due]
                return meter.settle(_with(debt, due) if meter is self._shared else due)

            left, debt.counted = await self._counted(settle)
        if debt.counted:
            self._note_spent([each.claim for each in settlements], left)
        return left

    async def _counted(self, count: Callable[[Meter], Awaitable[_T]]) -> tuple[_T, bool]:
        """Count with the shared meter, or with our own while that one is down; say which."""
        now = self._clock()
        if self._shared is not None and now >= self._rests_until:
            if self._down:
                # One request finds out whether it is back; the others do not wait for it.
                self._rests_until = now + REST_SECONDS
            try:
                counted = await count(self._shared)
            except Defective as error:
                # Others may not meet it, such as one about a single key: no outage of all.
                self._note_defect(str(error))
            except Unreachable as error:
                self._became(down=True, cause=str(error))
            else:
                self._became(down=False)
                return counted, True
        return await count(self._local), False

    def _note_defect(self, error: str) -> None:
        _DEFECTS.inc()
        if error not in self._defects:
            self._defects.add(error)
            structlog.get_logger("quota").error("Redis cannot count", error=error)

    def _became(self, *, down: bool, cause: str = "") -> None:
        self._rests_until = self._clock() + REST_SECONDS if down else 0.0
        if down is self._down:
            return
        self._down = down
        _LOCAL.set(down)
        log = structlog.get_logger("quota")
        if down:
            log.warning("limits are kept by each replica for itself", cause=cause)
        else:
            log.info("limits are shared by all replicas again")

    def _note_spent(self, claims: Sequence[Claim], left: Sequence[int]) -> None:
        for claim, rest in zip(claims, left, strict=True):
            if claim.metric is Metric.MONEY:
                self._local.note_elsewhere(claim.subject, claim.limit - rest)


def _with(debt: Debt, settlements: Sequence[Settlement]) -> list[Settlement]:
    return [
        replace(each, used=each.used + debt.amount) if each.claim.metric is Metric.MONEY else each
        for each in settlements
    ]
