"""Who may spend on models: requests are let pass or refused before they cost, and settled after.

Every limit is counted where all replicas see it, in Redis. A request claims the most that it can
cost before it is sent and settles what it did cost, so that two replicas cannot both spend the
last of a limit. While Redis does not answer, each replica keeps to its part of every limit.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass
from typing import Any

from kefu.errors import QuotaExceeded, QuotaViolation
from prometheus_client import Counter

from services.generation.advances import ADVANCE_SECONDS, Advance, Advances, Pair
from services.generation.chat import Caller
from services.generation.dialogue import Usage
from services.generation.failure import Cause, ModelFailure
from services.generation.leases import Leases
from services.generation.ledger import Ledger
from services.generation.limits import Claim, Limits, Meter, Metric, Settlement, Verdict
from services.generation.local_meter import LocalMeter
from services.generation.meters import Meters
from services.mesh import names
from services.mesh.calls import trail

_KEYS = {
    Metric.CALLER: names.QUOTA_CALLER_KEY,
    Metric.TOKENS: names.QUOTA_TOKENS_KEY,
    Metric.MONEY: names.QUOTA_MONEY_KEY,
}
_REFUSALS = Counter(
    names.QUOTA_REFUSALS, "Requests refused before they cost anything.", ["limit", "tenant"]
)


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
        self._meters = Meters(local, shared, clock)
        self._ledger = ledger
        self._clock = clock
        self._leases = Leases()
        self._advances = Advances()
        self._reserved: dict[tuple[Caller, str], deque[_Reservation]] = {}
        self._settling: dict[asyncio.Task[None], Caller] = {}

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
        if advance := self._advances.find(pair, claims, self._clock()):
            advance.draw(claims)
            reservation = _Reservation(own, advance.minute, True, advance)
            self._tell(caller, own, self._advances.left(pair, own))
        else:
            claiming = self._claim(pair, own, claims, caller)
            if claims and self._meters.distant:
                reservation = await self._waited_for(claiming, caller, provider)
            else:
                reservation = await claiming
        self._reserved.setdefault((caller, provider), deque()).append(reservation)

    async def settle(self, caller: Caller, provider: str, usage: Usage) -> None:
        """Count what an admitted request has used; goes on where the caller is cancelled."""
        if counting := self.spent(caller, provider, usage):
            await asyncio.shield(counting)

    def spent(
        self, caller: Caller, provider: str, usage: Usage | None
    ) -> asyncio.Task[None] | None:
        """Count what an admitted request has used, in a task of its own where Redis is asked.

        Which of several requests under way between the same two is settled makes no difference:
        all their claims are given back in the end, and all that they used is counted.

        Args:
            caller: Who was let pass.
            provider: To whom.
            usage: None: the request was not made.
        """
        if usage is not None:
            self._ledger.record(caller, provider, usage)
        waiting = self._reserved.get((caller, provider))
        reservation = waiting.popleft() if waiting else None
        if not waiting:
            self._reserved.pop((caller, provider), None)
        return self._end_request(caller, provider, reservation, usage)

    def _end_request(
        self,
        caller: Caller,
        provider: str,
        reservation: _Reservation | None,
        usage: Usage | None,
    ) -> asyncio.Task[None] | None:
        """Count what a request has used in place of what was claimed for it, see `spent`."""
        claims = reservation.claims if reservation else self._limits.of_tenant(caller.tenant)
        if not claims:
            return None
        used = {
            Metric.TOKENS: float(usage.input_tokens + usage.output_tokens if usage else 0),
            Metric.MONEY: float((usage.price_micros if usage else None) or 0),
        }
        if reservation and (advance := reservation.advance) and not advance.ended:
            advance.put_back(claims, used)
            self._tell(caller, claims, self._advances.left((caller.tenant, provider), claims))
            return None
        minute = reservation.minute if reservation else 0
        settlements = [Settlement(each, used[each.metric], minute) for each in claims]
        shared = reservation is not None and reservation.shared
        return self._begin(caller, self._settle(caller, settlements, shared=shared))

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

    async def _waited_for(
        self, claiming: Coroutine[Any, Any, _Reservation], caller: Caller, provider: str
    ) -> _Reservation:
        """Claim in a task of its own, and give back what is claimed for a caller who has left.

        Redis may have counted it by then, which only its answer tells.
        """
        task = asyncio.create_task(claiming)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            self._begin(caller, self._give_back(task, caller, provider))
            raise

    async def _give_back(
        self, claiming: asyncio.Task[_Reservation], caller: Caller, provider: str
    ) -> None:
        with suppress(QuotaExhausted, ModelFailure):
            if settling := self._end_request(caller, provider, await claiming, None):
                await settling

    async def _claim(
        self, pair: Pair, own: Sequence[Claim], claims: Sequence[Claim], caller: Caller
    ) -> _Reservation:
        """Claim for some requests at once, and for one where that is refused."""
        # Not before this begins: of many at once each has to see what the others claim.
        size = self._advances.size(pair, claims, self._clock())
        with self._advances.asking(pair, size):
            verdict, shared = await self._take(claims, caller, size)
        if not shared:
            return _Reservation(own, verdict.minute, shared)
        if verdict.refused is not None:
            size = 1
            verdict, shared = await self._take(claims, caller)
        advance = self._advances.keep(pair, claims, size, verdict, self._clock())
        if advance is not None:
            # In no call's context: its log would name that one's trace.
            asyncio.get_running_loop().call_later(
                ADVANCE_SECONDS, self._end, pair, advance, context=Context()
            )
            self._tell(caller, own, self._advances.left(pair, own))
        return _Reservation(own, verdict.minute, shared, advance)

    def _end(self, pair: Pair, advance: Advance) -> None:
        """Settle an advance, in a task of its own."""
        if settlements := self._advances.end(pair, advance):
            caller = Caller(pair[0])
            self._begin(caller, self._settle(caller, settlements, shared=True))

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
        verdict, shared = await self._meters.take(claims, size)
        if verdict.refused is not None and shared and size > 1:
            return verdict, shared
        self._tell(caller, claims, verdict.left)
        if verdict.refused is not None:
            claim = claims[verdict.refused]
            _REFUSALS.labels(claim.metric, caller.tenant).inc()
            raise refusal(claim, verdict.wait_seconds)
        return verdict, shared

    def _begin(self, caller: Caller, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Begin to settle something for a caller, who need not wait for it."""
        task = asyncio.create_task(work)
        self._settling[task] = caller
        task.add_done_callback(self._settling.pop)
        return task

    async def _settle(
        self, caller: Caller, settlements: Sequence[Settlement], *, shared: bool
    ) -> None:
        """Count what was used; `shared`: whether it was claimed where all replicas see it."""
        left = await self._meters.settle(caller.tenant, settlements, shared=shared)
        self._tell(caller, [each.claim for each in settlements], left)

    def _tell(self, caller: Caller, claims: Sequence[Claim], left: Sequence[int]) -> None:
        told = {
            _KEYS[claim.metric]: str(rest)
            for claim, rest in zip(claims, left, strict=True)
            if claim.metric in _KEYS
        }
        self._leases.note(caller, told)
        _trail(told)


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
