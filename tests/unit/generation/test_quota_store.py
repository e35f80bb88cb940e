"""What limits cost Redis: its commands, and for how long it keeps what."""

from collections.abc import AsyncIterator

import pytest
import redis

from services.generation.limits import DAY_SECONDS, Settlement
from services.generation.quota_store import QuotaStore, open_client
from tests.bench.counters import redis_counts
from tests.unit.generation.meters import Clock, money, requests, tokens

MONEY_KEY = "kefu:{quota}:money_per_day:shop"
TOKENS_KEY = "kefu:{quota}:tokens_per_minute:shop"


@pytest.fixture
async def store(own_redis_url: str) -> AsyncIterator[QuotaStore]:
    """An empty store whose clock is Redis' own, and whose scripts Redis knows."""
    async with open_client(own_redis_url) as client:
        await client.flushdb()
        found = QuotaStore(client)
        verdict = await found.take([tokens()])
        await found.settle([Settlement(tokens(), 0, verdict.minute)])
        yield found


async def test_a_claim_reads_and_writes_each_bucket_once(
    store: QuotaStore, own_redis_url: str
) -> None:
    """In one round trip, as does the settlement."""
    with redis.Redis.from_url(own_redis_url) as client:
        before = redis_counts(client)
        verdict = await store.take([tokens(10), requests()])
        claimed = redis_counts(client)
        await store.settle([Settlement(tokens(10), 3, verdict.minute)])
        settled = redis_counts(client)
    found = claimed.per_turn(before, 1)
    assert found.commands == {"evalsha": 1, "time": 1, "get": 2, "set": 2}
    assert found.round_trips == 1
    assert settled.per_turn(claimed, 1).commands == {"evalsha": 1, "time": 1, "get": 1, "set": 1}


async def test_money_is_read_once_and_its_expiry_seldom_set(own_redis_url: str) -> None:
    """With the first hold of a minute and the first sum of a day."""
    async with open_client(own_redis_url) as client:
        await client.flushdb()
        store = QuotaStore(client, Clock())
        found = []
        with redis.Redis.from_url(own_redis_url) as counting:
            before = redis_counts(counting)
            for _ in range(2):
                verdict = await store.take([money(100)])
                await store.settle([Settlement(money(100), 30, verdict.minute)])
                after = redis_counts(counting)
                found.append(after.per_turn(before, 1).commands)
                before = after
    assert found[0]["expire"] == 2
    assert found[1] == {"evalsha": 2, "hgetall": 2, "hincrby": 3}


async def test_nothing_is_kept_for_longer_than_it_counts(
    store: QuotaStore, own_redis_url: str
) -> None:
    """A bucket until it is full again, and a minute; a day's money for another day."""
    verdict = await store.take([tokens(300), money(100)])
    with redis.Redis.from_url(own_redis_url) as client:
        assert 80 <= client.ttl(TOKENS_KEY) <= 91
        assert DAY_SECONDS < client.ttl(MONEY_KEY) <= 2 * DAY_SECONDS
        client.persist(MONEY_KEY)
        await store.settle([Settlement(money(100), 30, verdict.minute)])
        assert DAY_SECONDS < client.ttl(MONEY_KEY) <= 2 * DAY_SECONDS


async def test_what_does_not_count_any_more_is_forgotten(own_redis_url: str) -> None:
    """Sums of days before, and holds that ran out: a purse does not grow."""
    clock = Clock()
    async with open_client(own_redis_url) as client:
        await client.flushdb()
        store = QuotaStore(client, clock)
        verdict = await store.take([money(100)])
        await store.settle([Settlement(money(100), 30, verdict.minute)])
        clock.now += DAY_SECONDS
        await store.take([money(0)])
        assert not await client.exists(MONEY_KEY)
