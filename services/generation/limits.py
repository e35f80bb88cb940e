"""What may be spent on models: the limits, and what a request claims of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from services.generation.usage import Price

DAY_SECONDS = 86_400
"""Of a UTC day."""

HOLD_MINUTES = 10
"""How long money is kept for a request that never settles, such as a killed replica's: longer than
any request takes."""

HOLD_RETRY_SECONDS = 1.0
"""When to come back where requests under way hold the money: most of them use less of it."""


class Metric(StrEnum):
    """What is limited, by the name that callers see."""

    PROVIDER = "provider_requests_per_second"
    CALLER = "caller_requests_per_second"
    TOKENS = "tokens_per_minute"
    MONEY = "money_per_day"
    """In millionths of the currency; the day is UTC."""


_SECONDS = {Metric.PROVIDER: 1, Metric.CALLER: 1, Metric.TOKENS: 60, Metric.MONEY: DAY_SECONDS}


@dataclass(frozen=True, slots=True)
class Claim:
    """A part of one limit that a request wants.

    Money is a sum that begins anew each day. Everything else is a bucket, full at first, which
    refills evenly: `limit` may be taken at once, and as much again in the next `seconds`.
    """

    metric: Metric
    subject: str
    """Whose limit: a provider's name, a SPIFFE identity, or a tenant's id."""
    limit: float
    need: float = 0
    """0 only looks, and is never refused. A bucket that is full lets a larger need than it holds
    pass, and takes longer to refill: otherwise such a request would never pass."""

    @property
    def seconds(self) -> int:
        """Time in which a used-up limit is whole again."""
        return _SECONDS[self.metric]


@dataclass(frozen=True, slots=True)
class Settlement:
    """What becomes of a claim once its request is over."""

    claim: Claim
    used: float
    """What was used of the limit."""
    minute: int = 0
    """When `claim.need` was claimed, see `Verdict.minute`; 0: it was not, or of another meter."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a meter says about some claims."""

    left: Sequence[int]
    """What is left of each limit, claim by claim."""
    refused: int | None = None
    """Place of the claim that is refused; then nothing was claimed."""
    wait_seconds: float = 0.0
    """When a refused one may pass."""
    minute: int = 0
    """When it was claimed, in minutes since the epoch by the meter's clock."""


class Unreachable(Exception):
    """A meter does not answer; its text is the kind of failure."""


class Defective(Unreachable):
    """A meter answers that it cannot count, a mistake of ours; its text is the whole error.

    Unlike an outage it may concern this request alone, and no waiting mends it.
    """


class Meter(Protocol):
    """Where limits are counted: `quota_store.QuotaStore`, or `local_meter.LocalMeter`."""

    async def take(self, claims: Sequence[Claim]) -> Verdict:
        """Claim all or nothing.

        Raises:
            Unreachable: Nobody knows whether anything was claimed.
        """
        ...

    async def settle(self, settlements: Sequence[Settlement]) -> Sequence[int]:
        """Count what was used in place of what was claimed; return what is left of each limit.

        Raises:
            Unreachable: Nobody knows whether it was counted.
        """
        ...


@dataclass(frozen=True, slots=True)
class TenantLimits:
    """What one tenant may use; None: as much as it likes."""

    tokens_per_minute: int | None = None
    money_micros_per_day: int | None = None


@dataclass(frozen=True, slots=True)
class ProviderLimits:
    """What a provider takes, and what it costs."""

    requests_per_second: float | None = None
    price: Price | None = None
    max_tokens: int = 0
    """Longest answer; 0 where it makes vectors, whose requests cost their input."""


@dataclass(frozen=True, slots=True)
class Limits:
    """All limits, as the settings name them."""

    caller_requests_per_second: float | None = None
    default: TenantLimits = TenantLimits()
    tenants: Mapping[str, TenantLimits] = field(default_factory=dict)
    """Those of tenants that differ from `default`."""
    providers: Mapping[str, ProviderLimits] = field(default_factory=dict)

    def of_caller(self, identity: str, requests: float) -> list[Claim]:
        """Return the claim of calls of an identity; none where there is no limit."""
        limit = self.caller_requests_per_second
        return [Claim(Metric.CALLER, identity, limit, requests)] if limit and identity else []

    def of_provider(self, provider: str, requests: int = 1) -> list[Claim]:
        """Return the claim of requests to a provider; none where there is no limit."""
        limit = self._provider(provider).requests_per_second
        return [Claim(Metric.PROVIDER, provider, limit, requests)] if limit and requests else []

    def of_tenant(self, tenant: str, tokens: float = 0, micros: float = 0) -> list[Claim]:
        """Return the claims of a request that may use so much."""
        own = self.tenants.get(tenant, self.default)
        claims = []
        if tenant and own.tokens_per_minute is not None:
            claims.append(Claim(Metric.TOKENS, tenant, own.tokens_per_minute, tokens))
        if tenant and own.money_micros_per_day is not None:
            claims.append(Claim(Metric.MONEY, tenant, own.money_micros_per_day, micros))
        return claims

    def most_micros(self, provider: str, tokens: int) -> int:
        """Return the most that a request costs at a provider; 0 where it has no price.

        Args:
            provider: The provider's name.
            tokens: At the most, in and out.
        """
        known = self._provider(provider)
        return known.price.most_micros(tokens, known.max_tokens) if known.price else 0

    def _provider(self, provider: str) -> ProviderLimits:
        return self.providers.get(provider, ProviderLimits())
