"""What every meter does, in one process or in Redis: one suite, so that they cannot differ."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.generation.limits import HOLD_MINUTES, Meter, Metric, Settlement
from services.generation.local_meter import LocalMeter
from services.generation.quota_store import QuotaStore, open_client
from tests.unit.generation.meters import Clock, money, requests, tokens

SECONDS_TILL_MIDNIGHT = 12 * 3600


@pytest.fixture(params=["local", "redis"])
async def meter(
    request: pytest.FixtureRequest, clock: Clock, redis_url: str
) -> AsyncIterator[Meter]:
    """An unused meter of either kind."""
    if request.param == "local":
        yield LocalMeter(1.0, clock)
        return
    async with open_client(redis_url) as client:
        await client.flushdb()
        yield QuotaStore(client, clock)


async def test_a_bucket_is_full_at_first_and_then_empty(meter: Meter) -> None:
    """Ten at once, not eleven; who is refused hears when there is one more."""
    for left in range(9, -1, -1):
        assert (await meter.take([requests()])).left == [left]
    verdict = await meter.take([requests()])
    assert verdict.refused == 0
    assert verdict.wait_seconds == pytest.approx(0.1, abs=0.002)


async def test_a_bucket_refills_evenly(meter: Meter, clock: Clock) -> None:
    """Half a second later half of it is there again, and never more than it holds."""
    await meter.take([requests(10)])
    clock.now += 0.5
    assert (await meter.take([requests(0)])).left == [5]
    clock.now += 3600
    assert (await meter.take([requests(0)])).left == [10]


async def test_the_time_to_wait_is_enough(meter: Meter, clock: Clock) -> None:
    """Who comes back when it was told to is let pass."""
    await meter.take([tokens(600)])
    verdict = await meter.take([tokens(90)])
    assert verdict.wait_seconds == pytest.approx(9)
    clock.now += verdict.wait_seconds
    assert (await meter.take([tokens(90)])).refused is None


async def test_a_request_larger_than_the_bucket_passes_when_it_is_full(
    meter: Meter, clock: Clock
) -> None:
    """Otherwise it would never pass; those after it wait until it is paid for."""
    assert (await meter.take([tokens(900)])).refused is None
    verdict = await meter.take([tokens(60)])
    assert verdict.wait_seconds == pytest.approx(36)
    clock.now += 35
    assert (await meter.take([tokens(60)])).refused == 0


async def test_all_or_nothing(meter: Meter) -> None:
    """Where one limit stands in the way, nothing is taken of the others."""
    await meter.take([money(1000)])
    verdict = await meter.take([tokens(100), money(1), requests()])
    assert verdict.refused == 1
    assert verdict.left == [600, 0, 10]
    assert (await meter.take([tokens(), money(), requests(0)])).left == [600, 0, 10]


async def test_to_look_costs_nothing_and_is_never_refused(meter: Meter) -> None:
    """Also where a limit is used up, or over it."""
    await meter.take([tokens(900), money(1000)])
    for _ in range(3):
        verdict = await meter.take([tokens(), money()])
        assert (verdict.refused, verdict.left) == (None, [0, 0])


async def test_subjects_have_limits_of_their_own(meter: Meter) -> None:
    """One tenant's appetite is not another's hunger."""
    await meter.take([tokens(600), money(1000)])
    verdict = await meter.take([tokens(600, subject="bank"), money(1000, subject="bank")])
    assert verdict.refused is None


async def test_what_was_not_used_is_given_back(meter: Meter) -> None:
    """A request claims the most that it can cost, and settles what it did."""
    claims = [tokens(300), money(800)]
    verdict = await meter.take(claims)
    assert verdict.left == [300, 200]
    settled = [Settlement(claims[0], 40, verdict.minute), Settlement(claims[1], 90, verdict.minute)]
    assert await meter.settle(settled) == [560, 910]


async def test_what_was_used_beyond_the_claim_is_counted(meter: Meter) -> None:
    """An estimate may be too low: the next ones wait for it."""
    claims = [tokens(300), money(100)]
    verdict = await meter.take(claims)
    used = [Settlement(claims[0], 900, verdict.minute), Settlement(claims[1], 1500, verdict.minute)]
    assert await meter.settle(used) == [0, 0]
    assert (await meter.take([tokens(60)])).wait_seconds == pytest.approx(36)
    assert (await meter.take([money(1)])).wait_seconds == pytest.approx(SECONDS_TILL_MIDNIGHT)


async def test_what_was_never_claimed_is_counted_too(meter: Meter) -> None:
    """Such as what was claimed of another meter."""
    assert await meter.settle([Settlement(tokens(300), 40), Settlement(money(800), 90)]) == [
        560,
        910,
    ]


async def test_money_begins_anew_at_midnight_utc(meter: Meter, clock: Clock) -> None:
    """A second before it is refused, with the time until then."""
    await meter.settle([Settlement(money(), 1000)])
    clock.now += SECONDS_TILL_MIDNIGHT - 1
    verdict = await meter.take([money(1)])
    assert verdict.refused == 0
    assert verdict.wait_seconds == pytest.approx(1)
    clock.now += 1
    assert (await meter.take([money()])).left == [1000]


async def test_money_held_by_requests_under_way_is_worth_a_second_try(meter: Meter) -> None:
    """Most of them cost less than the most: nobody is sent away until midnight for that."""
    await meter.take([money(900)])
    verdict = await meter.take([money(200)])
    assert (verdict.refused, verdict.wait_seconds) == (0, 1)


async def test_a_claim_that_is_never_settled_runs_out(meter: Meter, clock: Clock) -> None:
    """A replica that was killed does not keep a tenant's money for the day."""
    await meter.take([money(1000)])
    clock.now += 60 * HOLD_MINUTES
    assert (await meter.take([money()])).left == [0]
    clock.now += 60
    assert (await meter.take([money()])).left == [1000]


async def test_a_claim_that_is_settled_after_it_ran_out_counts_once(
    meter: Meter, clock: Clock
) -> None:
    """What was used is counted, and nothing is given back that is not held."""
    verdict = await meter.take([money(500)])
    clock.now += 60 * (HOLD_MINUTES + 1)
    assert await meter.settle([Settlement(money(500), 100, verdict.minute)]) == [900]


async def test_a_request_over_midnight_is_counted_to_the_day_of_its_end(
    meter: Meter, clock: Clock
) -> None:
    """Until then its money is held, whichever day it is."""
    clock.now += SECONDS_TILL_MIDNIGHT - 1
    verdict = await meter.take([money(400)])
    clock.now += 2
    assert (await meter.take([money()])).left == [600]
    assert await meter.settle([Settlement(money(400), 300, verdict.minute)]) == [700]


async def test_a_limit_that_is_lowered_holds_at_once(meter: Meter) -> None:
    """A bucket that was filled under a larger limit has no more than the new one."""
    await meter.take([tokens(10)])
    assert (await meter.take([tokens(0, limit=100)])).left == [100]


async def test_a_clock_that_is_set_back_gives_nothing_away(meter: Meter, clock: Clock) -> None:
    """Neither refilled twice nor stuck."""
    await meter.take([requests(10)])
    clock.now -= 100
    assert (await meter.take([requests(0)])).left == [0]


async def test_fractions_of_a_request_add_up(meter: Meter, clock: Clock) -> None:
    """A provider that takes one request in two seconds gets one in two seconds."""
    slow = requests(limit=0.5)
    assert (await meter.take([slow])).refused is None
    verdict = await meter.take([slow])
    assert verdict.wait_seconds == pytest.approx(2)
    clock.now += 2
    assert (await meter.take([slow])).refused is None


async def test_who_claims_nothing_beside_others_gives_nothing_back(meter: Meter) -> None:
    """What a process admitted while Redis was away is settled without a claim there."""
    verdict = await meter.take([money(1)])
    assert await meter.settle([Settlement(money(1), 0, verdict.minute)]) == [1000]
    assert await meter.settle([Settlement(money(0), 7, verdict.minute)]) == [993]


Step = tuple[int, int, int, int, int]
"""Seconds that pass, tokens and money that are claimed, and those that are used (-1: it never
settles)."""

STEPS = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 7, 59, 600, 3601]),
        st.integers(0, 900),
        st.integers(0, 1500),
        st.integers(-1, 900),
        st.integers(0, 1500),
    ),
    max_size=15,
)


@settings(max_examples=60, deadline=None)
@given(steps=STEPS)
@example(steps=[(0, 0, 1, 0, 0), (0, 0, 0, 0, 0)])
async def test_both_kinds_agree_whatever_happens(redis_url: str, steps: list[Step]) -> None:
    """Claims, refusals, settlements, lost ones, clocks over midnight: figure for figure."""
    clock = Clock()
    async with open_client(redis_url) as client:
        await client.flushdb()
        meters: list[Meter] = [LocalMeter(1.0, clock), QuotaStore(client, clock)]
        for seconds, some_tokens, some_money, used_tokens, used_money in steps:
            clock.now += seconds
            claims = [tokens(some_tokens), money(some_money), requests()]
            local, shared = [await meter.take(claims) for meter in meters]
            assert local.wait_seconds == pytest.approx(shared.wait_seconds, abs=0.002)
            assert (local.left, local.refused) == (shared.left, shared.refused)
            if local.refused is None and used_tokens >= 0:
                assert local.minute == shared.minute
                settled = [
                    Settlement(claims[0], used_tokens, local.minute),
                    Settlement(claims[1], used_money, local.minute),
                ]
                left = [await meter.settle(settled) for meter in meters]
                assert left[0] == left[1]


async def test_more_requests_than_connections_wait_for_their_turn(redis_url: str) -> None:
    """A burst is no outage: every one of them is counted."""
    async with open_client(redis_url) as client:
        await client.flushdb()
        store = QuotaStore(client, Clock())
        claims = [tokens(1, limit=1000)]
        await asyncio.gather(*(store.take(claims) for _ in range(300)))
        assert (await store.take([tokens(limit=1000)])).left == [700]


async def test_a_local_meter_uses_its_share_alone() -> None:
    """Four replicas with a quarter each are together what one limit allows."""
    meter = LocalMeter(0.25, Clock())
    assert (await meter.take([tokens(), money(), requests(0)])).left == [150, 250, 2]
    assert (await meter.take([money(251)])).refused == 0


async def test_a_local_meter_shares_what_the_others_have_left() -> None:
    """Of a day's money that is half spent, a quarter of the other half."""
    meter = LocalMeter(0.25, Clock())
    meter.note_elsewhere("shop", 500)
    assert (await meter.take([money()])).left == [125]
    meter.note_elsewhere("shop", 1000)
    assert (await meter.take([money(1)])).refused == 0


def told(meter: LocalMeter, *, counted: bool = True) -> float:
    """What the shop owes, which somebody tells the others."""
    with meter.owed("shop") as debt:
        debt.counted = counted
        return debt.amount


async def test_what_a_local_meter_spent_is_owed_once() -> None:
    """Somebody tells the others, who count it for everybody."""
    clock = Clock()
    meter = LocalMeter(0.25, clock)
    await meter.settle([Settlement(money(), 70), Settlement(tokens(), 7)])
    assert told(meter) == 70
    assert told(meter) == 0
    await meter.settle([Settlement(money(), 70)])
    clock.now += SECONDS_TILL_MIDNIGHT
    assert told(meter) == 0, "yesterday's limit is over"


async def test_what_nobody_has_counted_stays_spent_here() -> None:
    """While it is told, and after it was told in vain: neither makes room in this meter."""
    meter = LocalMeter(0.25, Clock())
    await meter.settle([Settlement(money(), 250)])
    with meter.owed("shop") as debt:
        assert debt.amount == 250
        assert told(meter) == 0, "nobody else tells the same"
        assert (await meter.take([money(1)])).refused == 0
    assert (await meter.take([money(1)])).refused == 0
    assert told(meter) == 250
    assert (await meter.take([money(1)])).refused is None


async def test_what_is_spent_while_a_debt_is_told_is_the_next_one() -> None:
    """And what was owed before midnight takes nothing off the new day."""
    clock = Clock()
    meter = LocalMeter(0.25, clock)
    await meter.settle([Settlement(money(), 70)])
    with meter.owed("shop") as debt:
        await meter.settle([Settlement(money(), 30)])
        debt.counted = True
    assert told(meter, counted=False) == 30
    with meter.owed("shop") as debt:
        clock.now += SECONDS_TILL_MIDNIGHT
        await meter.settle([Settlement(money(), 5)])
        debt.counted = True
    assert told(meter) == 5


def test_metrics_are_named_as_the_contract_names_them() -> None:
    """Callers and dashboards know them by these words."""
    assert {str(each) for each in Metric} == {
        "provider_requests_per_second",
        "caller_requests_per_second",
        "tokens_per_minute",
        "money_per_day",
    }
