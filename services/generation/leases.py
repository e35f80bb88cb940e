"""Calls of a caller that are counted ahead, so that not each of them asks Redis.

A caller whose calls follow each other closely claims some of its rate at a time, and these calls
then begin without a round trip. What is claimed ahead is claimed: all replicas together still let
no more pass than the limit. So that a limit is not used up by what nobody uses, nothing is claimed
ahead where less than half of it is left, little at a time, and for a second.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from services.generation.chat import Caller

LEASE_SECONDS = 1.0
"""How long calls that were counted ahead may begin."""

_SHARE = 50
"""One part in so many of the rate at a time: of 200 calls a second four."""

_MOST = 10
"""Calls at a time; more would save next to nothing."""

_CALLERS = 10_000
"""Whose leases are kept; who is forgotten has lost a call or two of a second's."""


@dataclass(slots=True)
class Lease:
    """What one caller has in advance."""

    until: float
    """By the clock of `Leases`' user, in seconds."""
    size: int
    """Calls that were claimed, the one for which it was done included."""
    left: int
    """Those of them that have not begun."""
    rest: float
    """What was left of the rate for everybody."""
    told: dict[str, str] = field(default_factory=dict)
    """What the caller was told last of what is left, by key of the trailing metadata."""


class Leases:
    """The leases of one process, by caller."""

    def __init__(self) -> None:
        self._leases: OrderedDict[Caller, Lease] = OrderedDict()

    def use(self, caller: Caller, now: float) -> Lease | None:
        """Begin a call that was counted ahead and return its lease; None: it was not."""
        lease = self._leases.get(caller)
        if lease is None or not lease.left or now >= lease.until:
            return None
        lease.left -= 1
        return lease

    def size(self, caller: Caller, limit: float, now: float) -> int:
        """Return how many calls to claim at once: twice as many as lately, if those were used."""
        lease = self._leases.get(caller)
        used = lease is not None and not lease.left and now < lease.until
        if lease is None or not used or lease.rest < limit / 2:
            return 1
        return max(1, min(2 * lease.size, _MOST, int(limit / _SHARE)))

    def keep(self, caller: Caller, size: int, rest: float, now: float) -> Lease:
        """Keep what was claimed for a caller, whose first call begins now."""
        before = self._leases.get(caller)
        unused = before.left if before is not None and now < before.until else 0
        told = before.told if before is not None else {}
        lease = Lease(now + LEASE_SECONDS, size, size - 1 + unused, rest, told)
        self._leases[caller] = lease
        self._leases.move_to_end(caller)
        while len(self._leases) > _CALLERS:
            self._leases.popitem(last=False)
        return lease

    def note(self, caller: Caller, told: Mapping[str, str]) -> None:
        """Note what a caller was told is left, for its calls that ask nobody."""
        if lease := self._leases.get(caller):
            lease.told.update(told)
