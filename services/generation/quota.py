"""Who may spend on models: requests are let pass or refused before they cost, and settled after.

Every limit is counted where all replicas see it, in Redis. A request claims the most that it can
cost before it is sent and settles what it did cost, so that two replicas cannot both spend the
last of a limit. While Redis does not answer, each replica keeps to its part of every limit.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass, replace
from typing import TypeVar

import structlog
from kefu.errors import QuotaExceeded, QuotaViolation
from prometheus_client import Counter, Gauge

from services.generation.advances import ADVANCE_SECONDS, Advance, Advances, Pair
from services.generation.chat import Caller
from services.generation.dialogue import Usage
from services.generation.failure import Cause, ModelFailure
from services.generation.leases import Leases
from services.generation.ledger import Ledger
from services.generation.limits import (
    Claim,
    Defective,
    Limits,
    Meter,
    Metric,
    Settlement,
    Unreachable,
    Verdict,
)
from services.generation.local_meter import LocalMeter
from services.mesh import names
from services.mesh.calls import trail

REST_SECONDS = 2.0
"""How long Redis is left alone after it failed, so that not every request waits for it. Longer than
what is claimed ahead lasts: the first request after it settles for all that was spent meanwhile."""

_KEYS = {
    Metric.CALLER: names.QUOTA_CALLER_KEY,
    Metric.TOKENS: names.QUOTA_TOKENS_KEY,
    Metric.MONEY: names.QUOTA_MONEY_KEY,
}
_REFUSALS = Counter(
    names.QUOTA_REFUSALS, "Requests refused before they cost anything.", ["limit", "tenant"]
)
_LOCAL = Gauge(
    names.QUOTA_LOCAL, "1 while Redis is down and each replica keeps to its part of the limits."
)
_DEFECTS = Counter(
    names.QUOTA_DEFECTS, "Counts that Redis refused by mistake, and that one replica kept."
)
_T = TypeVar("_T")


class QuotaExhausted(Exception):
    """A limit is used up; nothing was spent."""

    cause = "quota_exceeded"
    """What results say that do without a model for it."""

    def __init__(
        self, metric: str, limit: int, retry_after_seconds: float, subject: str = ""
    ) -> None:
        super().__init__(metric)
        self.metric = metric
        self.limit = limit
        """Money in millionths of the currency."""
        self.retry_after_seconds = retry_after_seconds
        self.subject = subject
        """Whose limit: `tenants/{tenant}`, or the caller's SPIFFE identity."""

    def error(self) -> QuotaExceeded:
        """Return what a caller is told who wants a model or nothing."""
        found = QuotaExceeded(
            f"the limit {self.metric} of {self.subject} is used up; retry after the given time",
            retry_after_seconds=self.retry_after_seconds,
            quota=self.metric,
            limit=str(self.limit),
        )
        problem = f"{self.metric} is limited to {self.limit}"
        found.quotas = [QuotaViolation(self.subject, self.metric, self.limit, problem)]
        return found


@dataclass(frozen=True, slots=True)
class _Reservation:
    """What a request that is under way has claimed of its tenant's limits."""

    claims: Sequence[Claim]
    minute: int
    shared: bool
    """Whether it was claimed where all replicas see it."""
    advance: Advance | None = None
    """What was claimed ahead, if this is a part of it."""


class Quotas:
    """Lets requests pass, or not, and settles what they cost; the gateway's `Admission`.

    Args:
        limits: What is limited.
        local: Counts while `shared` does not answer, to this replica's part.
        shared: Counts for all replicas; None: this process is all there is, and `local` counts.
        ledger: Keeps account of what was used.
        clock: Seconds, never going back.
    """

    def __init__(
        self,
        limits: Limits,
        local: LocalMeter,
        shared: Meter | None,
        ledger: Ledger,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = limits
        self._local = local
        self._shared = shared
        self._ledger = ledger
        self._clock = clock
        self._down = False
        self._defects: set[str] = set()
        self._leases = Leases()
        self._advances = Advances()
        self._rests_until = 0.0
        self._reserved: dict[tuple[Caller, str], deque[_Reservation]] = {}
        self._settling: dict[asyncio.Task[None], Caller] = {}
        _LOCAL.set(0)

    async def begin(self, caller: Caller) -> None:
        """Count a call of the service against its caller's rate, before anything is done for it.

        Without providers nothing costs, and nothing is counted. Where calls follow each other
        closely some are counted at a time: what they are told is left of the tenant's limits is
        then up to a second old, or what their caller was told last.

        Raises:
            QuotaExceeded: The caller makes more of them than it may.
        """
        if not self._limits.providers:
            return
        now = self._clock()
        lease = self._leases.use(caller, now)
        if lease is None:
            size = self._leases.size(caller, self._limits.caller_requests_per_second or 0, now)
            own = self._limits.of_caller(caller.identity, size)
            try:
                verdict, _ = await self._take(own + self._limits.of_tenant(caller.tenant), caller)
            except QuotaExhausted as exhausted:
                raise exhausted.error() from None
            if not own:
                return
            lease = self._leases.keep(caller, size, verdict.left[0], now)
        rest = math.floor(lease.rest) + lease.left
        _trail(lease.told | {names.QUOTA_CALLER_KEY: str(rest)})

    async def admit(self, caller: Caller, provider: str, tokens: int, *, requests: int = 1) -> None:
        """Let a request to a provider pass, which may use so many tokens.

        Args:
            caller: Who pays.
            provider: Who is asked.
            tokens: The most that it may use, in and out.
            requests: 0 for a caller whose part goes out with a request that was let pass.

        Raises:
            QuotaExhausted: The tenant has used up a limit; nobody is asked.
            ModelFailure: The provider has had as many requests as it may.
        """
        micros = self._limits.most_micros(provider, tokens)
        own = self._limits.of_tenant(caller.tenant, tokens, micros)
        # The tenant's first: where both are used up, another provider is no way out.
        claims = own + self._limits.of_provider(provider, requests)
        pair = (caller.tenant, provider)
        now = self._clock()
        if advance := self._advances.find(pair, claims, now):
            advance.draw(claims)
            reservation = _Reservation(own, advance.minute, True, advance)
        else:
            size = self._advances.size(pair, claims, now)
            verdict, shared, advance = await self._take_ahead(pair, claims, caller, size)
            reservation = _Reservation(own, verdict.minute, shared, advance)
        self._reserved.setdefault((caller, provider), deque()).append(reservation)
        if advance is not None:
            self._tell(caller, own, self._advances.left(pair, own))

    async def settle(self, caller: Caller, provider: str, usage: Usage) -> None:
        """Count what an admitted request has used; goes on where the caller is cancelled."""
        if counting := self.spent(caller, provider, usage):
            await asyncio.shield(counting)

    def spent(self, caller: Caller, provider: str, usage: Usage) -> asyncio.Task[None] | None:
        """Count what an admitted request has used, in a task of its own where Redis is asked.

        Which of several requests under way between the same two is settled makes no difference:
        all their claims are given back in the end, and all that they used is counted.
        """
        self._ledger.record(caller, provider, usage)
        waiting = self._reserved.get((caller, provider))
        reservation = waiting.popleft() if waiting else None
        if not waiting:
            self._reserved.pop((caller, provider), None)
        claims = reservation.claims if reservation else self._limits.of_tenant(caller.tenant)
        if not claims:
            return None
        used = {
            Metric.TOKENS: float(usage.input_tokens + usage.output_tokens),
            Metric.MONEY: float(usage.price_micros or 0),
        }
        if reservation and (advance := reservation.advance) and not advance.ended:
            advance.put_back(claims, used)
            self._tell(caller, claims, self._advances.left((caller.tenant, provider), claims))
            return None
        minute = reservation.minute if reservation else 0
        settlements = [Settlement(each, used[each.metric], minute) for each in claims]
        shared = reservation is not None and reservation.shared
        return self._begin_settling(caller, settlements, shared=shared)

    async def settled(self, caller: Caller) -> None:
        """Wait until what a caller's requests have used is counted, and it can be told the rest."""
        if settling := [task for task, whose in self._settling.items() if whose == caller]:
            await asyncio.wait(settling)

    async def left(self, caller: Caller) -> list[tuple[Claim, int]]:
        """Return each limit of a tenant and of who asks, and what is left of it now."""
        claims = self._limits.of_caller(caller.identity, 0) + self._limits.of_tenant(caller.tenant)
        verdict, _ = await self._take(claims, caller)
        return list(zip(claims, verdict.left, strict=True))

    async def close(self) -> None:
        """Settle what was claimed ahead, and wait for settlements under way."""
        for pair, advance in self._advances.all_open():
            self._end(pair, advance)
        while self._settling:
            await asyncio.wait(self._settling)

    async def _take_ahead(
        self, pair: Pair, claims: Sequence[Claim], caller: Caller, size: int
    ) -> tuple[Verdict, bool, Advance | None]:
        """Claim for so many requests at once, and for one where that is refused."""
        with self._advances.asking(pair, size):
            verdict, shared = await self._take(claims, caller, size)
        if not shared:
            return verdict, shared, None
        if verdict.refused is not None:
            size = 1
            verdict, shared = await self._take(claims, caller)
        advance = self._advances.keep(pair, claims, size, verdict, self._clock())
        if advance is not None:
            # In no call's context: its log would name that one's trace.
            asyncio.get_running_loop().call_later(
                ADVANCE_SECONDS, self._end, pair, advance, context=Context()
            )
        return verdict, shared, advance

    def _end(self, pair: Pair, advance: Advance) -> None:
        """Settle an advance, in a task of its own."""
        if settlements := self._advances.end(pair, advance):
            self._begin_settling(Caller(pair[0]), settlements, shared=True)

    async def _take(
        self, claims: Sequence[Claim], caller: Caller, size: int = 1
    ) -> tuple[Verdict, bool]:
        """Claim `size` times as much, or once where no replica but this one sees it.

        Returns:
            What the meter says and whether all replicas see it. Refused only where more than one
            were wanted.

        Raises:
            QuotaExhausted: The tenant has used up a limit.
            ModelFailure: The provider has had as many requests as it may.
        """
        if not claims:
            return Verdict([]), False
        many = [replace(each, need=each.need * size) for each in claims] if size > 1 else claims
        verdict, shared = await self._counted(
            lambda meter: meter.take(many if meter is self._shared else claims)
        )
        if shared:
            self._note_spent(claims, verdict.left)
        if verdict.refused is not None and shared and size > 1:
            return verdict, shared
        self._tell(caller, claims, verdict.left)
        if verdict.refused is not None:
            claim = claims[verdict.refused]
            _REFUSALS.labels(claim.metric, caller.tenant).inc()
            raise refusal(claim, verdict.wait_seconds)
        return verdict, shared

    def _begin_settling(
        self, caller: Caller, settlements: Sequence[Settlement], *, shared: bool
    ) -> asyncio.Task[None]:
        task = asyncio.create_task(self._settle(caller, settlements, shared=shared))
        self._settling[task] = caller
        task.add_done_callback(self._settling.pop)
        return task

    async def _settle(
        self, caller: Caller, settlements: Sequence[Settlement], *, shared: bool
    ) -> None:
        """Count what was used; `shared`: whether it was claimed where all replicas see it."""
        # With what was spent while Redis was down.
        owed = self._local.take_owed(caller.tenant)
        due = [
            replace(each, used=each.used + owed) if each.claim.metric is Metric.MONEY else each
            for each in settlements
        ]

        def settle(meter: Meter) -> Awaitable[Sequence[int]]:
            # What was claimed of the other meter refills or runs out there.
            same = shared is (meter is self._shared)
            return meter.settle(due if same else [replace(each, minute=0) for each in due])

        claims = [each.claim for each in due]
        left, counted = await self._counted(settle)
        if counted:
            self._note_spent(claims, left)
        self._tell(caller, claims, left)

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

    def _tell(self, caller: Caller, claims: Sequence[Claim], left: Sequence[int]) -> None:
        told = {
            _KEYS[claim.metric]: str(rest)
            for claim, rest in zip(claims, left, strict=True)
            if claim.metric in _KEYS
        }
        self._leases.note(caller, told)
        _trail(told)

    def _note_spent(self, claims: Sequence[Claim], left: Sequence[int]) -> None:
        for claim, rest in zip(claims, left, strict=True):
            if claim.metric is Metric.MONEY:
                self._local.note_elsewhere(claim.subject, claim.limit - rest)


def refusal(claim: Claim, wait_seconds: float) -> Exception:
    """Return the exception that says which limit stood in the way, and until when."""
    if claim.metric is Metric.PROVIDER:
        return ModelFailure(Cause.RATE_LIMITED, wait_seconds)
    subject = claim.subject if claim.metric is Metric.CALLER else f"tenants/{claim.subject}"
    return QuotaExhausted(claim.metric, math.ceil(claim.limit), wait_seconds, subject)


def _trail(trailers: Mapping[str, str]) -> None:
    """Let the caller of the call that is served, if one is, know what is left."""
    with suppress(LookupError):
        trail(trailers)
