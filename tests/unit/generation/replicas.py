"""Replicas that share limits, without Redis: one can be taken away, and the clock is set."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from services.generation.chat import Caller
from services.generation.dialogue import Usage
from services.generation.ledger import Ledger
from services.generation.limits import (
    Claim,
    Limits,
    ProviderLimits,
    Settlement,
    TenantLimits,
    Unreachable,
    Verdict,
)
from services.generation.local_meter import LocalMeter
from services.generation.quota import Quotas
from services.generation.usage import Price
from tests.unit.generation.meters import Clock

SHOP = Caller("shop", "spiffe://kefu.local/ns/kefu/sa/session")
PRICE = Price(Decimal(2), Decimal(8), "CNY")
LIMITS = Limits(
    caller_requests_per_second=2,
    default=TenantLimits(tokens_per_minute=1000, money_micros_per_day=10_000),
    tenants={"bank": TenantLimits(tokens_per_minute=100)},
    providers={"a": ProviderLimits(3, PRICE, 500), "free": ProviderLimits(None, None)},
)

TOKENS, MICROS = 100_000, 10_000_000
WIDE = replace(
    LIMITS,
    default=TenantLimits(tokens_per_minute=TOKENS, money_micros_per_day=MICROS),
    providers={
        "a": ProviderLimits(100, PRICE, 500),
        "narrow": ProviderLimits(20, PRICE, 500),
        "endless": ProviderLimits(None, PRICE, 500),
    },
)
"""Room for ten requests of two hundred tokens at a time, of the provider `narrow` for two."""

HURRIED = 4
"""Requests after which three more are claimed."""


class SharedMeter(LocalMeter):
    """A meter that all replicas of a test share, and that can be taken away."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(1.0, clock)
        self.down = False
        self.asked = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.settled = asyncio.Event()

    async def take(self, claims: Sequence[Claim]) -> Verdict:
        """Answer unless it is down."""
        self._arrive()
        await self.gate.wait()
        return await super().take(claims)

    async def settle(self, settlements: Sequence[Settlement]) -> Sequence[int]:
        """Answer unless it is down."""
        self._arrive()
        await self.gate.wait()
        self.settled.set()
        return await super().settle(settlements)

    def _arrive(self) -> None:
        self.asked += 1
        if self.down:
            raise Unreachable("ConnectionError")


class Replica:
    """One process's quotas."""

    def __init__(self, clock: Clock, shared: SharedMeter | None, limits: Limits = LIMITS) -> None:
        self.clock = clock
        self.quotas = Quotas(
            limits, LocalMeter(0.5 if shared else 1.0, clock), shared, Ledger(None, clock), clock
        )

    async def left(self, tenant: str = "shop") -> dict[str, int]:
        """What is left of a tenant's limits."""
        found = await self.quotas.left(Caller(tenant, ""))
        return {str(claim.metric): rest for claim, rest in found}


def used(tokens: int = 0, micros: int | None = None) -> Usage:
    """What a request cost."""
    return Usage("stub", tokens, 0, price_micros=micros, currency="CNY" if micros else "")


async def hurry(replica: Replica, requests: int = HURRIED, provider: str = "a") -> None:
    """Make requests in such a hurry that some of the next ones are claimed with the last."""
    for _ in range(requests):
        await replica.quotas.admit(SHOP, provider, 200)
        await replica.quotas.settle(SHOP, provider, used(50, 300))


async def moments(number: int = 5) -> None:
    """Let every task run until it waits."""
    for _ in range(number):
        await asyncio.sleep(0)
