"""Requests that are claimed ahead: fewer round trips, and nothing spent beyond a limit."""

import asyncio
import itertools
from contextlib import suppress

import pytest

from services.generation import quota
from services.generation.advances import ADVANCE_SECONDS
from services.generation.failure import ModelFailure
from services.generation.meters import REST_SECONDS
from services.generation.quota import QuotaExhausted
from services.mesh import names
from services.mesh.calls import Call, enter
from tests.unit.generation.meters import Clock
from tests.unit.generation.replicas import (
    HURRIED,
    MICROS,
    SHOP,
    TOKENS,
    WIDE,
    Replica,
    SharedMeter,
    hurry,
    moments,
    used,
)


@pytest.fixture
def replica(clock: Clock, shared: SharedMeter) -> Replica:
    """One replica of two."""
    return Replica(clock, shared, WIDE)


async def test_requests_that_follow_closely_are_claimed_some_at_a_time(
    replica: Replica, shared: SharedMeter
) -> None:
    """Twice as many each time; at the end only what was used is counted."""
    asked = []
    for _ in range(14):
        before = shared.asked
        await hurry(replica, 1)
        asked.append(shared.asked - before)
    assert asked == [2, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    await replica.quotas.close()
    assert await replica.left() == {
        "tokens_per_minute": TOKENS - 14 * 50,
        "money_per_day": MICROS - 14 * 300,
    }


@pytest.mark.parametrize(
    ("provider", "tokens", "asking"),
    [
        ("a", 200, [0, 1, 3, 7, 15, 25]),
        ("narrow", 200, [0, 1, 3, 5, 7, 9]),
        ("a", 500, [0, 1, 3, 7, 11, 15]),
    ],
)
async def test_no_more_than_a_little_of_a_limit_is_claimed_at_a_time(
    provider: str, tokens: int, asking: list[int], replica: Replica, shared: SharedMeter
) -> None:
    """Ten requests at the most, a tenth of a provider's rate, a fiftieth of the tokens."""
    found = []
    for number in range(asking[-1] + 1):
        before = shared.asked
        await replica.quotas.admit(SHOP, provider, tokens)
        if shared.asked > before:
            found.append(number)
    assert found == asking


async def test_whoever_asks_seldom_claims_for_one_request(
    clock: Clock, replica: Replica, shared: SharedMeter
) -> None:
    """And is settled at once, so that everybody sees at any time what was used."""
    for _ in range(4):
        before = shared.asked
        await hurry(replica, 1)
        assert shared.asked == before + 2
        clock.now += ADVANCE_SECONDS


async def test_two_replicas_that_claim_ahead_spend_no_more_than_one(
    clock: Clock, shared: SharedMeter
) -> None:
    """Nothing is claimed ahead of the last half, so that all of a limit can be used."""
    busy, quiet = Replica(clock, shared, WIDE), Replica(clock, shared, WIDE)
    passed = 0
    with suppress(QuotaExhausted):
        for each in itertools.cycle([quiet, *[busy] * 6]):
            await each.quotas.admit(SHOP, "endless", 500)
            passed += 1
    assert passed == TOKENS / 500
    assert shared.asked < passed * 0.8


async def test_an_advance_is_settled_after_its_time(
    monkeypatch: pytest.MonkeyPatch, replica: Replica, shared: SharedMeter
) -> None:
    """What was used is counted and the rest given back, also when nobody asks any more."""
    monkeypatch.setattr(quota, "ADVANCE_SECONDS", 0.01)
    await hurry(replica)
    settled = shared.settled = asyncio.Event()
    await settled.wait()
    await replica.quotas.close()
    assert await replica.left() == {
        "tokens_per_minute": TOKENS - HURRIED * 50,
        "money_per_day": MICROS - HURRIED * 300,
    }


async def test_an_advance_is_for_a_second(
    clock: Clock, replica: Replica, shared: SharedMeter
) -> None:
    """What is left of it then is nobody's."""
    await hurry(replica)
    clock.now += ADVANCE_SECONDS
    before = shared.asked
    await replica.quotas.admit(SHOP, "a", 200)
    assert shared.asked == before + 1


async def test_who_is_under_way_when_it_ends_settles_for_itself(replica: Replica) -> None:
    """What it was promised stays claimed until then."""
    await hurry(replica)
    await replica.quotas.admit(SHOP, "a", 200)
    await replica.quotas.close()
    assert (await replica.left())["tokens_per_minute"] == TOKENS - HURRIED * 50 - 200
    await replica.quotas.settle(SHOP, "a", used(70, 100))
    assert await replica.left() == {
        "tokens_per_minute": TOKENS - HURRIED * 50 - 70,
        "money_per_day": MICROS - HURRIED * 300 - 100,
    }


async def test_who_uses_more_than_it_was_promised_is_counted_whole(replica: Replica) -> None:
    """An estimate may be too low."""
    await hurry(replica)
    await replica.quotas.admit(SHOP, "a", 200)
    await replica.quotas.settle(SHOP, "a", used(900, 5000))
    await replica.quotas.close()
    assert await replica.left() == {
        "tokens_per_minute": TOKENS - HURRIED * 50 - 900,
        "money_per_day": MICROS - HURRIED * 300 - 5000,
    }


async def test_others_see_what_is_claimed_ahead(clock: Clock, shared: SharedMeter) -> None:
    """A replica that has another provider's last place has it alone."""
    first, second = Replica(clock, shared, WIDE), Replica(clock, shared, WIDE)
    await hurry(first, 2, "narrow")
    for _ in range(17):
        await second.quotas.admit(SHOP, "narrow", 1)
    with pytest.raises(ModelFailure):
        await second.quotas.admit(SHOP, "narrow", 1)
    await first.quotas.admit(SHOP, "narrow", 1)


async def test_where_many_are_refused_one_may_pass(clock: Clock, shared: SharedMeter) -> None:
    """What others took meanwhile is found out, and the request is not lost for it."""
    replica, other = Replica(clock, shared, WIDE), Replica(clock, shared, WIDE)
    await replica.quotas.admit(SHOP, "narrow", 1)
    for _ in range(18):
        await other.quotas.admit(SHOP, "narrow", 1)
    await other.quotas.close()
    left = 20 - 1 - 18
    for _ in range(left):
        await replica.quotas.admit(SHOP, "narrow", 1)
    with pytest.raises(ModelFailure):
        await replica.quotas.admit(SHOP, "narrow", 1)


async def test_many_at_once_do_not_each_claim_ten_times(
    replica: Replica, shared: SharedMeter
) -> None:
    """Three have an advance, one claims eight, the others for themselves; then it goes on so."""
    await hurry(replica)
    shared.gate.clear()
    many = [asyncio.create_task(replica.quotas.admit(SHOP, "a", 200)) for _ in range(20)]
    await moments()
    shared.gate.set()
    await asyncio.gather(*many)
    claimed = TOKENS - HURRIED * 50 - (await replica.left())["tokens_per_minute"]
    assert claimed == (20 + 7) * 200 + 3 * 150  # which three of the first left over
    before = shared.asked
    for _ in range(7 + 10):
        await replica.quotas.admit(SHOP, "a", 200)
    assert shared.asked == before + 1


async def test_the_caller_is_told_what_is_left(replica: Replica) -> None:
    """Without a round trip, as exactly as with one."""
    await hurry(replica)
    call = Call("kefu.generation.v1.GenerationService/Generate")
    enter(call)
    await replica.quotas.admit(SHOP, "a", 200)
    assert call.trailers[names.QUOTA_TOKENS_KEY] == str(TOKENS - HURRIED * 50 - 200)
    await replica.quotas.settle(SHOP, "a", used(50, 300))
    assert call.trailers[names.QUOTA_TOKENS_KEY] == str(TOKENS - (HURRIED + 1) * 50)
    assert call.trailers[names.QUOTA_MONEY_KEY] == str(MICROS - (HURRIED + 1) * 300)


async def test_whose_request_goes_out_with_another_s_needs_none_of_the_provider(
    replica: Replica, shared: SharedMeter
) -> None:
    """Texts of several callers are one request; who has requests in advance may need more."""
    for _ in range(HURRIED):
        await replica.quotas.admit(SHOP, "a", 200, requests=0)
    before = shared.asked
    await replica.quotas.admit(SHOP, "a", 200, requests=0)
    assert shared.asked == before
    for asked in (1, 2, 2):  # How much is left of the provider's rate has to be seen first.
        await replica.quotas.admit(SHOP, "a", 200)
        assert shared.asked == before + asked


async def test_what_was_used_ahead_of_an_outage_is_counted_after_it(
    clock: Clock, replica: Replica, shared: SharedMeter
) -> None:
    """Redis goes before the advance is settled; its claim is held until it runs out."""
    await hurry(replica, 5)
    shared.down = True
    await replica.quotas.close()
    shared.down = False
    clock.now += REST_SECONDS
    await hurry(replica, 1)
    clock.now += 3600
    assert (await replica.left())["money_per_day"] == MICROS - 6 * 300


async def test_while_redis_is_down_nothing_is_claimed_ahead(
    clock: Clock, replica: Replica, shared: SharedMeter
) -> None:
    """A replica's part of the limits is its own, and asking costs nothing."""
    await hurry(replica, 1)
    shared.down = True
    await replica.quotas.admit(SHOP, "a", 200)
    assert (await replica.left())["tokens_per_minute"] == TOKENS / 2 - 200
    shared.down = False
    clock.now += REST_SECONDS
    before = shared.asked
    await hurry(replica, 1)
    assert shared.asked == before + 2
