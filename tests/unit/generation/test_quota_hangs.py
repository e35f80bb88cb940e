"""Redis is slow to answer: limits hold meanwhile, and nothing is kept for who has left."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from services.generation.limits import Claim, ProviderLimits, Settlement, Unreachable, Verdict
from services.generation.meters import REST_SECONDS
from services.generation.quota import QuotaExhausted
from tests.unit.generation.meters import Clock
from tests.unit.generation.replicas import (
    HURRIED,
    LIMITS,
    MICROS,
    PRICE,
    SHOP,
    TOKENS,
    WIDE,
    Replica,
    SharedMeter,
    hurry,
    moments,
    used,
)

DAY = LIMITS.default.money_micros_per_day or 0
MONEY_ONLY = replace(LIMITS, providers={"a": ProviderLimits(None, PRICE, 500)})


class SlowMeter(SharedMeter):
    """It counts at once, and answers when it may; or never, and then it counts all the same."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.hangs = False
        self.answering = asyncio.Event()
        self.answering.set()

    async def take(self, claims: Sequence[Claim]) -> Verdict:
        """Count, then answer."""
        verdict = await super().take(claims)
        await self._answer()
        return verdict

    async def settle(self, settlements: Sequence[Settlement]) -> Sequence[int]:
        """Count, then answer."""
        left = await super().settle(settlements)
        await self._answer()
        return left

    async def _answer(self) -> None:
        await self.answering.wait()
        if self.hangs:
            raise Unreachable("TimeoutError")


@pytest.fixture
def slow(clock: Clock) -> SlowMeter:
    """What all replicas see, a moment later."""
    return SlowMeter(clock)


async def leaving(replica: Replica, slow: SlowMeter, provider: str, tokens: int = 100) -> None:
    """Be admitted by half: Redis has counted it, and its answer is on the way."""
    before = slow.asked
    slow.answering.clear()
    admitting = asyncio.create_task(replica.quotas.admit(SHOP, provider, tokens))
    await moments()
    assert slow.asked == before + 1
    admitting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await admitting
    slow.answering.set()
    await moments()


async def test_a_replica_keeps_to_its_part_while_redis_hangs(
    clock: Clock, shared: SharedMeter
) -> None:
    """What was spent stays spent while somebody waits for Redis to count it."""
    replica = Replica(clock, shared, MONEY_ONLY)
    shared.down = True
    await replica.quotas.admit(SHOP, "a", 1)
    await replica.quotas.admit(SHOP, "a", 1)
    await replica.quotas.settle(SHOP, "a", used(1, DAY // 2 - 8))
    clock.now += REST_SECONDS
    shared.down = False
    shared.gate.clear()
    # Nobody has asked since the rest was over: this one finds out whether Redis is back.
    settling = asyncio.create_task(replica.quotas.settle(SHOP, "a", used(1, 8)))
    await moments()
    for _ in range(3):
        with pytest.raises(QuotaExhausted):
            await replica.quotas.admit(SHOP, "a", 1)
    shared.gate.set()
    await settling


async def test_what_redis_is_told_stays_spent_until_it_has_answered(
    clock: Clock, shared: SharedMeter
) -> None:
    """Two settle at once after an outage: the money is counted once, and not spent again."""
    replica = Replica(clock, shared, MONEY_ONLY)
    shared.down = True
    for _ in range(3):
        await replica.quotas.admit(SHOP, "a", 1)
    await replica.quotas.settle(SHOP, "a", used(1, 3000))
    clock.now += REST_SECONDS
    shared.down = False
    await replica.left()
    shared.gate.clear()
    settling = [
        asyncio.create_task(replica.quotas.settle(SHOP, "a", used(1, 100))) for _ in range(2)
    ]
    await moments()
    shared.gate.set()
    await asyncio.gather(*settling)
    assert (await replica.left())["money_per_day"] == DAY - 3000 - 200


async def test_redis_is_told_nothing_that_it_may_count_late(clock: Clock, slow: SlowMeter) -> None:
    """Whoever finds it hanging, once in a while, has told it of his own request only."""
    replica = Replica(clock, slow)
    await replica.left()
    slow.hangs = True
    for _ in range(4):
        await replica.quotas.settle(SHOP, "a", used(1, 1000))
        clock.now += REST_SECONDS
    slow.hangs = False
    await replica.left()
    await replica.quotas.settle(SHOP, "a", used(1, 0))
    # Nobody knows whether those were counted; all of them were, and are told once more.
    assert (await replica.left())["money_per_day"] == DAY - 4000 - 4000


async def test_a_claim_of_a_caller_who_left_is_given_back(clock: Clock, slow: SlowMeter) -> None:
    """Redis has counted it; its answer finds nobody."""
    replica = Replica(clock, slow)
    for _ in range(5):
        await leaving(replica, slow, "free")
    await replica.quotas.close()
    assert await replica.left() == {"tokens_per_minute": 1000, "money_per_day": DAY}
    await replica.quotas.admit(SHOP, "free", 1000)


async def test_who_left_is_not_settled_in_another_s_place(clock: Clock, slow: SlowMeter) -> None:
    """Another request of the same caller at the same provider keeps its claim."""
    replica = Replica(clock, slow)
    await replica.quotas.admit(SHOP, "a", 100)
    await leaving(replica, slow, "a")
    await replica.quotas.close()
    assert (await replica.left())["tokens_per_minute"] == 900
    await replica.quotas.settle(SHOP, "a", used(10, 0))
    assert (await replica.left())["tokens_per_minute"] == 990


async def test_what_a_caller_who_left_claimed_ahead_serves_the_next(
    clock: Clock, slow: SlowMeter
) -> None:
    """As if he had asked and used nothing; the rest is given back when its time is over."""
    replica = Replica(clock, slow, WIDE)
    await hurry(replica, HURRIED + 3)
    await leaving(replica, slow, "a", 200)
    before = slow.asked
    await hurry(replica, 1)
    assert slow.asked == before
    await replica.quotas.close()
    assert await replica.left() == {
        "tokens_per_minute": TOKENS - (HURRIED + 4) * 50,
        "money_per_day": MICROS - (HURRIED + 4) * 300,
    }


async def test_who_leaves_is_refused_in_silence(clock: Clock, slow: SlowMeter) -> None:
    """There is nothing to give back."""
    replica = Replica(clock, slow)
    await replica.quotas.settle(SHOP, "a", used(1000, 0))
    await leaving(replica, slow, "a")
    await replica.quotas.close()
    assert (await replica.left())["tokens_per_minute"] == 0


async def test_who_asks_nobody_changes_no_task(clock: Clock, shared: SharedMeter) -> None:
    """What was claimed ahead, and what one process counts for itself, is there at once."""
    ahead, alone = Replica(clock, shared, WIDE), Replica(clock, None)
    await hurry(ahead)
    for replica in (ahead, alone):
        admitting = replica.quotas.admit(SHOP, "a", 100)
        with pytest.raises(StopIteration):
            admitting.send(None)
