"""The record in a real PostgreSQL: appended once and in order; whoever edits it is found out."""

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from services.audit.checkpoint import Purpose
from services.audit.event import Event, EventFilter
from services.audit.store import PARTITION_DAYS_AHEAD, Appended, Store
from services.audit.verify import HEAD_NOTICE, Kind
from services.mesh.database import Pool
from tests.support.audit_records import NOON, SHOP, SIGNER, STRANGER, an_event, head_of

EVERYTHING = EventFilter()


async def as_owner(pool: Pool, statement: str, *values: object) -> int:
    """Run a statement as an administrator who first silences the triggers; return its row count."""
    async with pool.connection() as connection, connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        return (await connection.execute(statement, values or None)).rowcount


async def problem_of(store: Store) -> tuple[Kind, int]:
    """Verify the shop's chain, which must fail, and return what was found where."""
    problem = (await store.verify(SHOP, None)).problem
    assert problem is not None
    return problem.kind, problem.sequence


async def test_events_come_back_as_they_were_recorded(store: Store) -> None:
    """Every field survives the database to the microsecond, also Chinese and empty ones."""
    events = [
        an_event(0),
        an_event(1, labels={"规则": "退货", "": "x"}, reason="R", outcome="ABORTED"),
        Event(event_id=an_event(2).event_id, time=NOON, tenant="shop", method="m", outcome="OK"),
    ]
    assert await store.append(events) == Appended(3, 0)
    records = await store.list_records(SHOP, EVERYTHING, None, 10)
    assert [record.event for record in reversed(records)] == events
    assert [record.sequence for record in records] == [3, 2, 1]
    assert (await store.verify(SHOP, None)).ok


async def test_a_repeat_is_acknowledged_and_not_appended(store: Store) -> None:
    """A spool may send a batch again after a lost answer, also mixed with new events."""
    await store.append([an_event(0), an_event(1)])
    assert await store.append([an_event(0), an_event(1)]) == Appended(0, 2)
    assert await store.append([an_event(1), an_event(2), an_event(2)]) == Appended(1, 2)
    verdict = await store.verify(SHOP, None)
    assert verdict.ok
    assert verdict.records == 3


async def test_each_tenant_has_its_own_gapless_chain(store: Store) -> None:
    """One batch may hold many tenants; events of none have a chain too."""
    tenants = ["shop", "", "bank", "shop", "", "shop"]
    await store.append([an_event(n, tenant=tenant) for n, tenant in enumerate(tenants)])
    heads = {
        chain: (await store.statements(chain))[0].statement.sequence
        for chain in ("tenants/shop", "tenants/bank", "tenants/-", "tenants/none")
    }
    assert heads == {"tenants/shop": 3, "tenants/bank": 1, "tenants/-": 2, "tenants/none": 0}


async def test_batches_at_the_same_time_make_one_chain(store: Store) -> None:
    """Many writers, crossing tenants in opposite orders and repeating each other: no deadlock."""

    async def send(batch: int) -> Appended:
        numbers = [*range(batch * 10, batch * 10 + 10), 9]
        events = [an_event(n, tenant=("shop", "bank")[n % 2]) for n in numbers]
        return await store.append(events[:: 1 if batch % 2 else -1])

    results = await asyncio.gather(*(send(batch) for batch in range(12)))
    assert sum(result.appended for result in results) == 120
    for chain in (SHOP, "tenants/bank"):
        verdict = await store.verify(chain, None)
        assert verdict.ok
        assert verdict.records == 60


async def test_a_full_batch_is_cheap(store: Store) -> None:
    """500 events take some 20 ms, 17 of them CPU of this process; many times that is a defect.

    CPU time is measured, because a busy machine stretches the other.
    """
    await store.append([an_event(n) for n in range(500)])
    started = time.process_time()
    await store.append([an_event(n) for n in range(500, 1000)])
    assert time.process_time() - started < 0.25


async def test_records_are_listed_in_pages(store: Store) -> None:
    """Newest first, going on below the last sequence of the page before."""
    await store.append([an_event(n) for n in range(7)])
    first = await store.list_records(SHOP, EVERYTHING, None, 3)
    rest = await store.list_records(SHOP, EVERYTHING, first[-1].sequence, 10)
    assert [record.sequence for record in first + rest] == [7, 6, 5, 4, 3, 2, 1]


@pytest.mark.parametrize(
    ("wanted", "sequences"),
    [
        (EventFilter(method="kefu.desk.v1.DeskService/GetTicket"), [2]),
        (EventFilter(identity="spiffe://kefu.local/ns/shop/sa/other"), [3]),
        (EventFilter(outcome="PERMISSION_DENIED"), [3]),
        (EventFilter(trace_id=f"{3:032x}"), [4]),
        (EventFilter(resource_prefix="tenants/shop/tickets/"), [2]),
        (EventFilter(resource_prefix="tenants/shop/%"), []),
        (EventFilter(start_time=NOON + timedelta(milliseconds=3)), [5, 4]),
        (EventFilter(end_time=NOON + timedelta(milliseconds=1)), [1]),
        (
            EventFilter(
                start_time=NOON + timedelta(milliseconds=1),
                end_time=NOON + timedelta(milliseconds=4),
                outcome="OK",
            ),
            [4, 2],
        ),
    ],
)
async def test_filters_combine(store: Store, wanted: EventFilter, sequences: list[int]) -> None:
    """Each filter alone, both ends of a time range, and a few together."""
    await store.append(
        [
            an_event(0),
            an_event(
                1, method="kefu.desk.v1.DeskService/GetTicket", resource="tenants/shop/tickets/t1"
            ),
            an_event(
                2, outcome="PERMISSION_DENIED", identity="spiffe://kefu.local/ns/shop/sa/other"
            ),
            an_event(3),
            an_event(4),
            an_event(5, tenant="bank"),
        ]
    )
    found = await store.list_records(SHOP, wanted, None, 10)
    assert [record.sequence for record in found] == sequences


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_events SET outcome = 'OK'",
        "DELETE FROM audit_events WHERE sequence = 1",
        "TRUNCATE audit_events",
        "UPDATE {partition} SET outcome = 'OK'",
        "DELETE FROM {partition}",
        "TRUNCATE {partition}",
    ],
)
async def test_the_database_refuses_changes(store: Store, pool: Pool, statement: str) -> None:
    """Not even the tables' owner changes a record in passing, in the table or in a partition."""
    await store.append([an_event(0)])
    partition = f"audit_events_{datetime.now(UTC):%Y%m%d}"
    async with pool.connection() as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
            await connection.execute(statement.format(partition=partition))
    assert (await store.verify(SHOP, None)).records == 1


@pytest.mark.parametrize(
    ("tampering", "kind", "sequence"),
    [
        ("UPDATE audit_events SET identity = 'x' WHERE sequence = 4", Kind.ALTERED, 4),
        ("UPDATE audit_events SET labels = '{}' WHERE sequence = 5", Kind.ALTERED, 5),
        (
            "UPDATE audit_events SET recorded_at = recorded_at - interval '1 microsecond' "
            "WHERE sequence = 5",
            Kind.ALTERED,
            5,
        ),
        ("UPDATE audit_events SET hash = sha256(hash) WHERE sequence = 6", Kind.ALTERED, 6),
        ("DELETE FROM audit_events WHERE sequence IN (3, 6)", Kind.MISSING, 3),
        ("DELETE FROM audit_events WHERE sequence > 8", Kind.TRUNCATED, 9),
        ("DELETE FROM audit_events", Kind.TRUNCATED, 1),
        (
            "UPDATE audit_events SET sequence = 47 WHERE sequence = 4;"
            "UPDATE audit_events SET sequence = 4 WHERE sequence = 7;"
            "UPDATE audit_events SET sequence = 7 WHERE sequence = 47",
            Kind.REORDERED,
            4,
        ),
        (
            "CREATE TEMP TABLE copy AS SELECT * FROM audit_events WHERE sequence = 2;"
            "UPDATE copy SET sequence = 11; INSERT INTO audit_events SELECT * FROM copy",
            Kind.INSERTED,
            11,
        ),
        ("UPDATE audit_statements SET sequence = 8", Kind.HEAD_REPLACED, 8),
        ("DELETE FROM audit_statements", Kind.HEAD_REPLACED, 10),
    ],
)
async def test_tampering_by_the_owner_is_found(
    store: Store, pool: Pool, tampering: str, kind: Kind, sequence: int
) -> None:
    """An administrator can silence the triggers, but not the chain."""
    await store.append([an_event(n) for n in range(10)])
    assert await as_owner(pool, tampering) > 0
    assert await problem_of(store) == (kind, sequence)


async def test_a_cut_tail_with_a_head_to_match_is_found_before_and_after_appending(
    store: Store, pool: Pool
) -> None:
    """The forged head lacks the signature; appending goes on but leaves a notice in the chain."""
    await store.append([an_event(n) for n in range(10)])
    await as_owner(pool, "DELETE FROM audit_events WHERE sequence > 6")
    await as_owner(
        pool,
        "UPDATE audit_statements SET sequence = 6, "
        "hash = (SELECT hash FROM audit_events WHERE sequence = 6)",
    )
    assert await problem_of(store) == (Kind.HEAD_REPLACED, 6)
    assert await store.append([an_event(10)]) == Appended(1, 0)
    assert await problem_of(store) == (Kind.HEAD_REPLACED, 7)
    notice = (await store.list_records(SHOP, EventFilter(method=HEAD_NOTICE), None, 5))[0]
    assert notice.event.labels["found_sequence"] == "6"


async def test_a_removed_head_does_not_start_the_chain_again(store: Store, pool: Pool) -> None:
    """Appending goes on behind the last record, and says what it found."""
    await store.append([an_event(0), an_event(1)])
    await as_owner(pool, "DELETE FROM audit_statements")
    await store.append([an_event(2)])
    assert await problem_of(store) == (Kind.HEAD_REPLACED, 3)
    assert (await store.statements(SHOP))[0].statement.sequence == 4


async def test_a_database_put_back_is_found_with_a_kept_checkpoint(
    store: Store, pool: Pool
) -> None:
    """Old head and old records are genuine; the checkpoint kept elsewhere is newer."""
    await store.append([an_event(n) for n in range(5)])
    old, _ = await store.statements(SHOP)
    await store.append([an_event(n) for n in range(5, 9)])
    kept, _ = await store.statements(SHOP)
    await as_owner(pool, "DELETE FROM audit_events WHERE sequence > 5")
    await as_owner(
        pool,
        "UPDATE audit_statements SET sequence = 5, hash = %s, time = %s, signature = %s",
        old.statement.hash,
        old.statement.time,
        old.signature,
    )
    assert (await store.verify(SHOP, old)).ok
    problem = (await store.verify(SHOP, kept)).problem
    assert problem is not None
    assert (problem.kind, problem.sequence) == (Kind.TRUNCATED, 6)


async def test_a_head_signed_with_another_key_is_not_ours(store: Store, pool: Pool) -> None:
    """Whoever rewrites the chain and signs with a key of their own is told from the service."""
    await store.append([an_event(0)])
    records = await store.list_records(SHOP, EVERYTHING, None, 1)
    forged = head_of(records, STRANGER)
    await as_owner(
        pool,
        "UPDATE audit_statements SET signature = %s, public_key = %s",
        forged.signature,
        forged.public_key,
    )
    assert await problem_of(store) == (Kind.HEAD_REPLACED, 1)


async def test_verification_reads_a_moment_not_a_moving_target(store: Store) -> None:
    """Batches appended while a chain is walked neither fail nor lengthen the walk."""
    await store.append([an_event(n) for n in range(1500)])
    walk = asyncio.create_task(store.verify(SHOP, None))
    for number in range(1500, 1600):
        await store.append([an_event(number)])
    verdict = await walk
    assert verdict.ok
    assert 1500 <= verdict.records <= 1600


async def append_ago(pool: Pool, days: int, first: int, last: int) -> None:
    """Append events to the chain by a clock that is `days` behind."""
    moment = datetime.now(UTC) - timedelta(days=days)
    past = Store(pool, SIGNER, lambda: moment)
    await past.make_partitions(moment.date())
    await past.append([an_event(n) for n in range(first, last)])


async def test_retention_drops_whole_days_and_the_rest_still_verifies(
    store: Store, pool: Pool
) -> None:
    """What is left starts behind a signed anchor; a second run finds nothing to do."""
    await append_ago(pool, 200, 0, 4)
    await append_ago(pool, 190, 4, 7)
    await append_ago(pool, 10, 7, 9)
    await store.append([an_event(9)])
    first_kept = datetime.now(UTC).date() - timedelta(days=180)
    dropped = await store.drop_before(first_kept)
    assert len(dropped) == len({*dropped}) >= 2
    verdict = await store.verify(SHOP, None)
    assert verdict.ok
    assert verdict.records == 3
    assert await store.drop_before(first_kept) == []
    _, anchor = await store.statements(SHOP)
    assert anchor is not None
    assert anchor.statement.purpose is Purpose.ANCHOR
    assert anchor.statement.sequence == 7
    assert anchor.is_signed_by(SIGNER.public_key)
    # What was dropped is forgotten; what is kept still counts as seen.
    assert await store.append([an_event(7), an_event(8)]) == Appended(0, 2)


async def test_cutting_the_beginning_is_not_retention(store: Store, pool: Pool) -> None:
    """Dropping a day by hand leaves no anchor, so the first records are missing."""
    await append_ago(pool, 3, 0, 4)
    await store.append([an_event(4)])
    day = datetime.now(UTC) - timedelta(days=3)
    await as_owner(pool, f"DROP TABLE audit_events_{day:%Y%m%d}")
    assert await problem_of(store) == (Kind.MISSING, 1)


async def test_a_clock_set_back_does_not_disorder_the_chain(store: Store, pool: Pool) -> None:
    """A record is never dated before its predecessor, since retention goes by the date."""
    await store.append([an_event(0)])
    await append_ago(pool, 1, 1, 2)
    later, earlier = await store.list_records(SHOP, EVERYTHING, None, 2)
    assert later.recorded_at == earlier.recorded_at


async def test_partitions_are_made_ahead_once(store: Store, pool: Pool) -> None:
    """Replicas may do it at the same time; a week of failed upkeep does no harm."""
    today = datetime.now(UTC).date()
    await asyncio.gather(*(store.make_partitions(today) for _ in range(4)))
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT audit_partition_days()")
        days = [day for (day,) in await cursor.fetchall()]
    assert days == [today + timedelta(days=ahead) for ahead in range(PARTITION_DAYS_AHEAD + 1)]


async def test_a_running_verification_postpones_retention(store: Store, pool: Pool) -> None:
    """Retention waits for nobody while appends would have to wait behind it."""
    await append_ago(pool, 200, 0, 2)
    await store.append([an_event(2)])
    first_kept = datetime.now(UTC).date() - timedelta(days=180)
    async with pool.connection() as reader, reader.transaction():
        await reader.execute("SELECT count(*) FROM audit_events")
        assert await store.drop_before(first_kept) == []
    assert await store.drop_before(first_kept) != []
    assert (await store.verify(SHOP, None)).ok


async def test_a_batch_is_appended_whole_or_not_at_all(store: Store) -> None:
    """An event that the database refuses takes its batch with it, and leaves no gap."""
    await store.append([an_event(0)])
    with pytest.raises(psycopg.DataError):
        await store.append([an_event(1), replace(an_event(2), event_id="no uuid")])
    assert await store.append([an_event(1)]) == Appended(1, 0)
    assert (await store.verify(SHOP, None)).ok
