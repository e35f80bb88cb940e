"""Callers' parts of requests for vectors: what providers made of each, and who is asked again."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.generation import retrying
from services.generation.dialogue import Usage
from services.generation.embedding import Refused
from services.generation.embedding_batches import Part
from services.generation.failure import Cause, ModelFailure
from services.generation.route import Guard
from services.generation.usage import Price

if TYPE_CHECKING:
    from services.generation.provider import Provider

# Less time than this is not worth a request that is paid for; a provider nearby needs so much.
LEAST_SECONDS = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class Vendor:
    """A provider of vectors."""

    name: str
    """As it is named in the settings."""
    provider: "Provider"
    guard: Guard
    seconds: float
    """Longest wait for its vectors."""
    retry_seconds: float
    """Longest wait until it is asked again."""
    fault_seconds: float
    """From so long a wait on it is the provider's fault that there are no vectors, whoever cut the
    wait short. More than it needs when it is well: impatient callers must not open its breaker."""
    price: Price | None
    """None where the settings name none."""


@dataclass(slots=True, eq=False)
class Share:
    """A caller's part of a request, as it is sent."""

    part: Part
    texts: Sequence[str]
    tokens: int
    """As they are estimated."""
    failures: dict[Vendor, ModelFailure] = field(default_factory=dict)
    """Of each provider that was asked, the last one."""
    cost: Usage | None = None
    """Of all requests that it went out with."""

    def charge(self, usage: Usage) -> None:
        """Add what a request has cost."""
        if self.cost is None or not self.cost.input_tokens:
            self.cost = usage
        elif usage.input_tokens:
            self.cost += usage

    def in_time(self) -> bool:
        """Whether somebody waits for it, with time for a request."""
        left = self.part.until - asyncio.get_running_loop().time()
        return self.part.waits and left >= LEAST_SECONDS

    def was_asked(self, vendor: Vendor) -> bool:
        """Whether a provider got a request with it before."""
        failure = self.failures.get(vendor)
        return failure is not None and failure.asked

    def give_up(self) -> None:
        """End it with what is of most use to know, if it has not ended.

        What may pass comes first: then another time is worth a try, wherever else it was refused.
        Then the refusal of a provider that has read the texts.
        """
        causes = list(self.failures.values())
        passing = [each for each in causes if not isinstance(each, Refused)]
        if not passing:
            read = [each for each in causes if isinstance(each, Refused) and not each.every_text]
            self.part.end((read or causes or [ModelFailure(Cause.TIMEOUT)])[-1])
            return
        waits = [each.retry_after_seconds for each in passing]
        soonest = min((wait for wait in waits if wait is not None), default=None)
        self.part.end(ModelFailure(passing[-1].cause, soonest))


def halves(vendor: Vendor, shares: Sequence[Share]) -> list[list[Share]]:
    """Return in halves what a provider refused of a request; nothing where that is one share's.

    The longest stand together: mostly it is the length that is refused.
    """
    refused = [share for share in shares if share.part.waits and _may_pass_apart(vendor, share)]
    if len(refused) < 2:
        return []
    refused.sort(key=lambda share: share.tokens, reverse=True)
    half = len(refused) // 2
    return [refused[:half], refused[half:]]


def _may_pass_apart(vendor: Vendor, share: Share) -> bool:
    failure = share.failures.get(vendor)
    return isinstance(failure, Refused) and not failure.every_text


def again(
    asked: Mapping[Vendor, Sequence[Share]], retry: int, left: float
) -> tuple[float, dict[Vendor, list[Share]]]:
    """Return how long to wait, and whom to ask then for what; nobody where that is not worth it."""
    wanted: dict[Vendor, list[Share]] = {}
    waits: dict[Vendor, float] = {}
    jitter = retrying.jitter_seconds(retry)
    for vendor, shares in asked.items():
        for share in shares:
            failure = share.failures.get(vendor)
            if failure and share.part.waits and retrying.retryable(failure):
                wanted.setdefault(vendor, []).append(share)
                wait = jitter + (failure.retry_after_seconds or 0.0)
                waits[vendor] = max(wait, waits.get(vendor, 0.0))
    soonest = min(waits.values(), default=left)
    if retry >= retrying.RETRIES or soonest >= left:
        return 0.0, {}
    return soonest, {
        vendor: shares
        for vendor, shares in wanted.items()
        # A retry is taken by who is asked again: one before may answer.
        if waits[vendor] == soonest
        and (not _were_asked(vendor, shares) or vendor.guard.retries.allows())
    }


def may_ask(vendor: Vendor, shares: Sequence[Share]) -> bool:
    """Return whether a provider may be asked for shares now; a retry is counted."""
    # Who was not asked yet has only waited: that is no retry.
    return not _were_asked(vendor, shares) or vendor.guard.retries.take()


def _were_asked(vendor: Vendor, shares: Sequence[Share]) -> bool:
    return any(share.was_asked(vendor) for share in shares)
