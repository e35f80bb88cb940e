"""Requests to a provider that are claimed ahead, so that not each of them asks Redis.

A tenant whose requests to a provider follow each other closely claims enough for some of them at a
time. They are then let pass without a round trip, and what one of them leaves over is there for the
next. After a second it is settled: what was used is counted, and the rest given back. What is
claimed ahead is claimed: all replicas together still spend no more than the limit. So that nobody
is refused for what nobody uses, nothing is claimed ahead where less than half of a limit is left,
and little of it at a time.
"""

import math
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from services.generation.limits import Claim, Metric, Settlement, Verdict

ADVANCE_SECONDS = 1.0
"""How long requests that were claimed ahead may begin."""

_SHARES = {Metric.PROVIDER: 10, Metric.TOKENS: 50, Metric.MONEY: 50}
"""One part in so many of a limit at a time: of 50 requests a second five."""

_MOST = 10
"""Requests at a time; more would save next to nothing."""

_PAIRS = 10_000
"""Tenants and providers whose pace is remembered."""

Pair = tuple[str, str]
"""A tenant and a provider."""


@dataclass(slots=True, eq=False)
class Advance:
    """What requests of one tenant to one provider have in advance."""

    until: float
    """By the clock of `Advances`' user, in seconds."""
    claims: Mapping[Metric, Claim]
    """The limits of which it is a part."""
    rest: Mapping[Metric, int]
    """What was left of each for everybody when it was claimed."""
    minute: int
    """When that was, see `Verdict.minute`."""
    free: dict[Metric, float]
    """What of it is promised to no request."""
    used: dict[Metric, float] = field(default_factory=dict)
    """What requests have used of it that are over."""
    ended: bool = False
    """Whether it was settled: requests under way then settle for themselves."""

    def covers(self, claims: Sequence[Claim]) -> bool:
        """Whether a request may pass with what is free."""
        return all(each.need <= self.free.get(each.metric, -1.0) for each in claims)

    def draw(self, claims: Sequence[Claim]) -> None:
        """Promise a request what it claims."""
        for each in claims:
            self.free[each.metric] -= each.need

    def put_back(self, claims: Sequence[Claim], used: Mapping[Metric, float]) -> None:
        """Take back what a request leaves over of what it was promised."""
        for each in claims:
            spent = used[each.metric]
            self.free[each.metric] += each.need - spent
            self.used[each.metric] = self.used.get(each.metric, 0.0) + spent

    def settlements(self) -> list[Settlement]:
        """Return what ends it; what requests under way were promised stays claimed."""
        used = self.used
        return [
            Settlement(
                replace(claim, need=self.free[metric] + used.get(metric, 0.0)),
                used.get(metric, 0.0),
                self.minute,
            )
            for metric, claim in self.claims.items()
        ]


@dataclass(frozen=True, slots=True)
class _Pace:
    """How closely requests follow each other."""

    until: float
    """A request that claims before this follows closely."""
    size: int
    """The most that was lately claimed for at once."""
    rest: Mapping[Metric, int]
    """What was left of each limit for everybody."""


class Advances:
    """The advances of one process."""

    def __init__(self) -> None:
        self._paces: OrderedDict[Pair, _Pace] = OrderedDict()
        self._open: dict[Pair, list[Advance]] = {}
        self._asking: set[Pair] = set()

    def find(self, pair: Pair, claims: Sequence[Claim], now: float) -> Advance | None:
        """Return an advance that covers a request; None: it has to be claimed."""
        for each in self._open.get(pair, ()):
            if now < each.until and each.covers(claims):
                return each
        return None

    def left(self, pair: Pair, claims: Sequence[Claim]) -> list[int]:
        """Return what is left of a tenant's limits, of which it has a part in advance.

        As far as this process knows: what others have used since that was claimed is not in it.
        """
        mine = self._open[pair]
        return [
            max(0, math.floor(mine[-1].rest[each.metric] + sum(a.free[each.metric] for a in mine)))
            for each in claims
        ]

    def size(self, pair: Pair, claims: Sequence[Claim], now: float) -> int:
        """Return for how many requests to claim: twice as many as lately, if those were not enough.

        One while others are claimed ahead already: many at once must not claim ten times each.
        """
        last = self._paces.get(pair)
        if last is None or now >= last.until or pair in self._asking:
            return 1
        sizes = [2 * last.size, _MOST]
        for each in claims:
            if last.rest.get(each.metric, 0) < each.limit / 2:
                return 1
            if each.need:
                sizes.append(int(each.limit / _SHARES[each.metric] / each.need))
        return max(1, min(sizes))

    @contextmanager
    def asking(self, pair: Pair, size: int) -> Iterator[None]:
        """Note that so much is being claimed while the block runs."""
        if size == 1:
            yield
            return
        self._asking.add(pair)
        try:
            yield
        finally:
            self._asking.discard(pair)

    def keep(
        self, pair: Pair, claims: Sequence[Claim], size: int, verdict: Verdict, now: float
    ) -> Advance | None:
        """Keep what was claimed for `size` requests, the first of which begins now.

        Returns:
            The advance, which has to end after `ADVANCE_SECONDS`; None where it is one request's
            alone, of which only the pace is remembered.
        """
        rest = {each.metric: left for each, left in zip(claims, verdict.left, strict=True)}
        last = self._paces.get(pair)
        lately = last.size if last is not None and now < last.until else 1
        self._paces[pair] = _Pace(now + ADVANCE_SECONDS, max(size, lately), rest)
        self._paces.move_to_end(pair)
        while len(self._paces) > _PAIRS:
            self._paces.popitem(last=False)
        if size == 1:
            return None
        free = {each.metric: each.need * (size - 1) for each in claims}
        limits = {each.metric: each for each in claims}
        advance = Advance(now + ADVANCE_SECONDS, limits, rest, verdict.minute, free)
        self._open.setdefault(pair, []).append(advance)
        return advance

    def end(self, pair: Pair, advance: Advance) -> list[Settlement]:
        """Return what settles an advance; nothing where that was done."""
        if advance.ended:
            return []
        advance.ended = True
        self._open[pair].remove(advance)
        if not self._open[pair]:
            del self._open[pair]
        return advance.settlements()

    def all_open(self) -> list[tuple[Pair, Advance]]:
        """Return the advances that have not ended."""
        return [(pair, each) for pair, advances in self._open.items() for each in advances]
