"""Calls that are counted ahead: fewer round trips, and not one call more than the limit."""

import itertools
from contextlib import suppress
from dataclasses import replace

from kefu.errors import QuotaExceeded

from services.generation.chat import Caller
from services.generation.leases import LEASE_SECONDS
from services.generation.limits import Metric
from services.mesh import names
from services.mesh.calls import Call, enter
from tests.unit.generation.meters import Clock
from tests.unit.generation.replicas import LIMITS, SHOP, Replica, SharedMeter, used


async def rates(replica: Replica) -> list[tuple[str, int]]:
    """Whose calls per second are limited, and what is left of them."""
    left = await replica.quotas.left(SHOP)
    return [(claim.subject, rest) for claim, rest in left if claim.metric is Metric.CALLER]


async def test_calls_that_follow_closely_are_counted_some_at_a_time(
    clock: Clock, shared: SharedMeter
) -> None:
    """Twice as many each time, up to a fiftieth of the rate; Redis is asked once for them."""
    replica = Replica(clock, shared, replace(LIMITS, caller_requests_per_second=200))
    asked = []
    for _ in range(11):
        before = shared.asked
        await replica.quotas.begin(SHOP)
        asked.append(shared.asked - before)
    assert asked == [1, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0]
    clock.now += LEASE_SECONDS
    assert dict(await rates(replica)) == {SHOP.identity: 200}


async def test_what_was_counted_ahead_is_for_a_second_and_its_caller(
    clock: Clock, shared: SharedMeter
) -> None:
    """Whoever calls seldom claims one call at a time, and nobody uses another's."""
    replica = Replica(clock, shared, replace(LIMITS, caller_requests_per_second=200))
    await replica.quotas.begin(SHOP)
    await replica.quotas.begin(SHOP)
    before = shared.asked
    await replica.quotas.begin(Caller("bank", SHOP.identity))
    await replica.quotas.begin(Caller("shop", "spiffe://kefu.local/ns/kefu/sa/intent"))
    clock.now += LEASE_SECONDS
    await replica.quotas.begin(SHOP)
    await replica.quotas.begin(SHOP)
    assert shared.asked == before + 4


async def test_two_replicas_that_count_ahead_let_no_more_pass_than_one(
    clock: Clock, shared: SharedMeter
) -> None:
    """Nothing is claimed ahead of the last half, so that nothing of it is left unused."""
    limits = replace(LIMITS, caller_requests_per_second=200)
    both = [Replica(clock, shared, limits) for _ in range(2)]
    passed = 0
    with suppress(QuotaExceeded):
        for replica in itertools.cycle(both):
            await replica.quotas.begin(SHOP)
            passed += 1
    assert passed == 200


async def test_a_call_that_was_counted_ahead_is_told_what_is_left(
    clock: Clock, shared: SharedMeter
) -> None:
    """What its caller was told last, and of the rate what it has in advance besides."""
    replica = Replica(clock, shared, replace(LIMITS, caller_requests_per_second=200))
    for _ in range(2):
        await replica.quotas.begin(SHOP)
    await replica.quotas.admit(SHOP, "a", 500)
    await replica.quotas.settle(SHOP, "a", used(120, 400))
    call = Call("kefu.generation.v1.GenerationService/Generate")
    enter(call)
    before = shared.asked
    await replica.quotas.begin(SHOP)
    assert shared.asked == before
    assert call.trailers == {
        names.QUOTA_CALLER_KEY: "197",
        names.QUOTA_TOKENS_KEY: "880",
        names.QUOTA_MONEY_KEY: "9600",
    }
