"""The account of what models were used for: gathered, written once a second, summed up."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextvars import ContextVar
from datetime import date

import pytest
import redis
from kefu.errors import InvalidRequest, PageTokenInvalid, StorageUnavailable
from prometheus_client import REGISTRY
from redis.asyncio import Redis
from structlog.testing import capture_logs

from services.generation import ledger as ledger_module
from services.generation.accounts import KEPT_DAYS, Account, Counts, Dimension, Period
from services.generation.chat import Caller
from services.generation.dialogue import Usage
from services.generation.ledger import Ledger
from services.generation.limits import DAY_SECONDS, Unreachable
from services.generation.quota_store import open_client
from services.generation.usage_store import UsageStore
from services.mesh import names
from tests.unit.generation.meters import Clock

SESSION = Caller("shop", "spiffe://kefu.local/ns/kefu/sa/session")
INTENT = Caller("shop", "spiffe://kefu.local/ns/kefu/sa/intent")
TODAY = "2026-11-30"
CHEAP = Usage("small", 100, 20, 50, price_micros=300, currency="CNY")
GUESSED = Usage("large", 10, 5, estimated=True, price_micros=70, currency="USD")
FREE = Usage("own", 7, 3)


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[UsageStore]:
    """An empty store."""
    async with open_client(redis_url) as client:
        await client.flushdb()
        yield UsageStore(client)


class Unsteady(UsageStore):
    """A store that can be taken away."""

    down = True

    async def add(self, tenant: str, rows: Mapping[Account, Counts]) -> None:
        """Add unless it is down."""
        if self.down:
            raise Unreachable("ConnectionError")
        await super().add(tenant, rows)


class Traced(UsageStore):
    """A store that notes whose context it is asked in."""

    trace: ContextVar[str] = ContextVar("trace", default="nobody's")

    def __init__(self, client: Redis) -> None:
        super().__init__(client)
        self.asked_in: list[str] = []

    async def add(self, tenant: str, rows: Mapping[Account, Counts]) -> None:
        """Add."""
        self.asked_in.append(self.trace.get())
        await super().add(tenant, rows)


async def sums(
    ledger: Ledger, *by: Dimension, start: str = "", end: str = "", tenant: str = "shop"
) -> list[tuple[Account, Counts]]:
    """The rows of a question that fits on a page."""
    page = await ledger.page(tenant, ledger.period(start, end), frozenset(by), 100, "")
    assert not page.token
    return page.rows


async def test_what_was_recorded_is_summed_up_at_once(store: UsageStore, clock: Clock) -> None:
    """Nobody has to wait for the second in which it is written; a row for each currency."""
    ledger = Ledger(store, clock)
    for used in (CHEAP, CHEAP, GUESSED, FREE):
        ledger.record(SESSION, "a", used)
    assert await sums(ledger) == [
        (Account("", "", "", "", ""), Counts(1, 0, 7, 3, 0, 0)),
        (Account("", "", "", "", "CNY"), Counts(2, 0, 200, 40, 100, 600)),
        (Account("", "", "", "", "USD"), Counts(1, 1, 10, 5, 0, 70)),
    ]
    await ledger.close()


async def test_replicas_add_up(store: UsageStore, clock: Clock) -> None:
    """What several wrote is one sum for all, and nothing is counted twice."""
    first, second = Ledger(store, clock), Ledger(store, clock)
    first.record(SESSION, "a", CHEAP)
    second.record(SESSION, "a", CHEAP)
    await first.close()
    await second.close()
    third = Ledger(store, clock)
    assert await sums(third) == [(Account("", "", "", "", "CNY"), Counts(2, 0, 200, 40, 100, 600))]


async def test_rows_are_told_apart_by_what_is_asked_for(store: UsageStore, clock: Clock) -> None:
    """Day, caller, provider with model, or all of them, in order."""
    ledger = Ledger(store, clock)
    ledger.record(SESSION, "b", CHEAP)
    ledger.record(INTENT, "a", CHEAP)
    await ledger.close()
    clock.now += DAY_SECONDS
    ledger = Ledger(store, clock)
    ledger.record(SESSION, "a", CHEAP)
    days = await sums(ledger, Dimension.DAY, start=TODAY)
    assert [(account.day, counts.calls) for account, counts in days] == [
        (TODAY, 2),
        ("2026-12-01", 1),
    ]
    callers = await sums(ledger, Dimension.IDENTITY, start=TODAY)
    assert [(account.identity, counts.calls) for account, counts in callers] == [
        (INTENT.identity, 1),
        (SESSION.identity, 2),
    ]
    providers = await sums(ledger, Dimension.PROVIDER, start=TODAY)
    assert [(each.provider, each.model, counts.calls) for each, counts in providers] == [
        ("a", "small", 2),
        ("b", "small", 1),
    ]
    assert len(await sums(ledger, *Dimension, start=TODAY)) == 3
    assert len(await sums(ledger, *Dimension)) == 1, "today alone"
    await ledger.close()


async def test_tenants_see_their_own(store: UsageStore, clock: Clock) -> None:
    """Another's usage is in no sum of theirs."""
    ledger = Ledger(store, clock)
    ledger.record(SESSION, "a", CHEAP)
    assert await sums(ledger, tenant="bank") == []
    await ledger.close()
    assert await sums(ledger, tenant="bank") == []


async def test_pages_follow_each_other(store: UsageStore, clock: Clock) -> None:
    """Every row once, and a token of another question is refused."""
    ledger = Ledger(store, clock)
    for number in range(5):
        ledger.record(SESSION, f"p{number}", CHEAP)
    today, by = ledger.period("", ""), frozenset({Dimension.PROVIDER})
    seen, token = [], ""
    for _ in range(3):
        page = await ledger.page("shop", today, by, 2, token)
        seen += [account.provider for account, _ in page.rows]
        token = page.token
    assert (seen, token) == (["p0", "p1", "p2", "p3", "p4"], "")
    token = (await ledger.page("shop", today, by, 2, "")).token
    with pytest.raises(PageTokenInvalid):
        await ledger.page("bank", today, by, 2, token)
    await ledger.close()


async def test_counts_are_written_once_a_second(
    store: UsageStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All answers of a second with one command, without anybody's asking."""
    monkeypatch.setattr(ledger_module, "WRITE_SECONDS", 0.01)
    ledger = Ledger(store, clock)
    ledger.record(SESSION, "a", CHEAP)
    ledger.record(SESSION, "a", CHEAP)
    async with asyncio.timeout(5):
        while not await store.rows("shop", [TODAY]):  # noqa: ASYNC110 (Redis tells nobody)
            await asyncio.sleep(0.005)
    (counts,) = (await store.rows("shop", [TODAY])).values()
    assert counts.calls == 2
    await ledger.close()


async def test_what_cannot_be_written_is_kept_and_written_later(
    redis_url: str, store: UsageStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An outage of Redis loses no counts; a gauge shows how many wait."""
    monkeypatch.setattr(ledger_module, "WRITE_SECONDS", 0.005)
    async with open_client(redis_url) as client:
        unsteady = Unsteady(client)
        ledger = Ledger(unsteady, clock)
        ledger.record(SESSION, "a", CHEAP)
        async with asyncio.timeout(5):
            while not REGISTRY.get_sample_value(names.USAGE_PENDING):  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        ledger.record(SESSION, "a", CHEAP)
        unsteady.down = False
        async with asyncio.timeout(5):
            while REGISTRY.get_sample_value(names.USAGE_PENDING):  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        await ledger.close()
    (counts,) = (await store.rows("shop", [TODAY])).values()
    assert counts.calls == 2


async def test_counts_that_are_lost_are_said_to_be(redis_url: str, clock: Clock) -> None:
    """A process that ends while Redis is down takes them with it."""
    async with open_client(redis_url) as client:
        ledger = Ledger(Unsteady(client), clock)
        ledger.record(SESSION, "a", CHEAP)
        with capture_logs() as logs:
            await ledger.close()
    assert [(each["event"], each["rows"]) for each in logs] == [("usage lost", 1)]


async def test_without_redis_a_process_keeps_its_own_account(clock: Clock) -> None:
    """One process on a desk needs nothing else."""
    ledger = Ledger(None, clock)
    ledger.record(SESSION, "a", CHEAP)
    assert [counts.calls for _, counts in await sums(ledger)] == [1]
    await ledger.close()


async def test_a_redis_that_is_down_is_an_error_of_storage() -> None:
    """Half a sum would pass for a whole one."""
    async with open_client("unix:///nonexistent/redis.sock") as client:
        ledger = Ledger(UsageStore(client))
        with pytest.raises(StorageUnavailable):
            await sums(ledger)


async def test_a_row_lives_for_400_days(store: UsageStore, redis_url: str) -> None:
    """A year, and a month to look back from it."""
    await store.add("shop", {Account(TODAY, "i", "p", "m", "CNY"): Counts(1)})
    with redis.Redis.from_url(redis_url) as client:
        (key,) = client.keys("*")
        assert key == f"kefu:usage:shop:{TODAY}".encode()
        left = client.ttl(key)
    assert KEPT_DAYS * DAY_SECONDS - 60 < left <= KEPT_DAYS * DAY_SECONDS


async def test_a_count_of_a_newer_release_is_passed_over(store: UsageStore, redis_url: str) -> None:
    """Replicas of two releases write to the same row."""
    await store.add("shop", {Account(TODAY, "i", "p", "m", "CNY"): Counts(1)})
    with redis.Redis.from_url(redis_url) as client:
        client.hset(f"kefu:usage:shop:{TODAY}", '["i","p","m","CNY","joules"]', 3)
    assert await store.rows("shop", [TODAY]) == {Account(TODAY, "i", "p", "m", "CNY"): Counts(1)}


async def test_money_is_a_metric(clock: Clock) -> None:
    """By provider and currency, in whole units."""
    labels = {"provider": "metered", "currency": "CNY"}
    Ledger(None, clock).record(SESSION, "metered", CHEAP)
    assert REGISTRY.get_sample_value(f"{names.MONEY}_total", labels) == pytest.approx(0.0003)


def test_tokens_are_a_metric(clock: Clock) -> None:
    """Of each request that was settled, by who made them and whether they were read or written."""
    ledger = Ledger(None, clock)
    ledger.record(SESSION, "counted", CHEAP)
    ledger.record(INTENT, "counted", CHEAP)
    ledger.record(SESSION, "counted", Usage("small", 0, 0))
    found = {
        direction: REGISTRY.get_sample_value(
            f"{names.TOKENS}_total",
            {"provider": "counted", "model": "small", "direction": direction},
        )
        for direction in ("input", "output")
    }
    assert found == {"input": 200, "output": 40}


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [
        ("2026-13-01", "", "start_day"),
        ("", "2026-02-30", "end_day"),
        ("2026-12-01", "", "end_day"),
        ("2025-10-01", "2026-11-30", "end_day"),
    ],
)
def test_days_that_make_no_sense_are_named(start: str, end: str, field: str) -> None:
    """No such day, the end before the start, more than is kept."""
    with pytest.raises(InvalidRequest) as refused:
        Period.read(start, end, date(2026, 11, 30))
    assert [name for name, _ in refused.value.violations] == [field]


def test_no_days_mean_today() -> None:
    """The first and the last."""
    assert Period.read("", "", date(2026, 11, 30)).days() == [TODAY]
    assert Period.read("2026-11-28", "", date(2026, 11, 30)).days()[0] == "2026-11-28"
    assert len(Period.read("2025-10-26", "", date(2026, 11, 30)).days()) == KEPT_DAYS + 1


async def test_what_is_written_for_all_is_nobody_s_call(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its log would name the trace of whoever was the first."""
    monkeypatch.setattr(ledger_module, "WRITE_SECONDS", 0.0)
    async with open_client(redis_url) as client:
        store = Traced(client)
        ledger = Ledger(store)
        store.trace.set("the first caller's")
        ledger.record(SESSION, "a", CHEAP)
        await ledger.close()
    assert store.asked_in == ["nobody's"]
