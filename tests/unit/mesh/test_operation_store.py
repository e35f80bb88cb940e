"""One suite for the table `operations` of every service that has one, on a real PostgreSQL."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from kefu.errors import OperationNotFound, RequestIdReused

from services.knowledge.imports.import_operation_store import ImportOperationStore
from services.knowledge.sql import TENANT_ROLE
from services.mesh.database import Pool, migrate, open_pool
from services.mesh.operations.messages import operation_to
from services.mesh.operations.operation import (
    MAX_PROBLEM,
    Occupied,
    Operation,
    Request,
    State,
    new_id,
)
from services.mesh.operations.operation_store import OperationStore
from tests.support.mesh import ROOT
from tests.support.postgres import fresh_database


@dataclass(frozen=True)
class Table:
    """The table of a service.

    Attributes:
        name: The service's.
        store: What reads and writes it.
        owner: Connections that see all of it.
        by_subject: Whether one operation of each subject may run, rather than one of each tenant.
    """

    name: str
    store: OperationStore
    owner: Pool
    by_subject: bool


@pytest.fixture(params=["intent", "knowledge"])
async def table(request: pytest.FixtureRequest) -> AsyncIterator[Table]:
    """The empty table of each service in turn, as its migrations make it."""
    with fresh_database() as url:
        async with open_pool(url, 2) as owner:
            await migrate(owner, ROOT / "services" / request.param / "migrations")
            if request.param == "intent":
                yield Table("intent", OperationStore(owner), owner, by_subject=False)
                return
            async with open_pool(url, 4, role=TENANT_ROLE) as pool:
                store = ImportOperationStore(pool, owner)
                yield Table("knowledge", store, owner, by_subject=True)


def request(tenant: str = "shop", **changes: Any) -> Request:
    """A fresh request."""
    asked = Request(tenant, str(uuid.uuid4()), "Work", {"much": True}, "0" * 32, "a/b")
    return replace(asked, **changes)


async def begun(table: Table, **changes: Any) -> Operation:
    """A new operation."""
    operation, new = await table.store.begin(request(**changes))
    assert new
    return operation


async def ended(table: Table, **changes: Any) -> Operation:
    """A new operation that has succeeded."""
    operation = await begun(table, **changes)
    assert await table.store.succeed(operation, "a/b/c")
    return operation


async def aged(table: Table, operation: Operation, column: str, interval: str) -> None:
    """Make an operation older."""
    async with table.owner.connection() as connection:
        await connection.execute(
            f"UPDATE operations SET {column} = {column} - %s::interval WHERE id = %s".encode(),
            (interval, operation.id),
        )


async def test_it_is_pending_first(table: Table) -> None:
    """With all that is known of it; everybody reads the same."""
    asked = request()
    operation, new = await table.store.begin(asked)
    assert new
    assert operation == await table.store.get("shop", operation.id)
    assert (operation.method, operation.subject, operation.trace_id) == ("Work", "a/b", "0" * 32)
    assert (operation.state, operation.stage, operation.progress) == (State.PENDING, "", 0.0)
    assert operation.end_time is None
    assert operation.name == f"tenants/shop/operations/{operation.id}"


async def test_a_repeat_is_the_same_operation(table: Table) -> None:
    """While it runs and when it has ended; with the same id something else is refused."""
    asked = request()
    assert await table.store.first(asked) is None
    operation, _ = await table.store.begin(asked)
    assert await table.store.begin(asked) == (operation, False)
    assert await table.store.first(asked) == operation
    await table.store.succeed(operation, "done")
    again, new = await table.store.begin(asked)
    assert (again.state, new) == (State.SUCCEEDED, False)
    for change in ({"asked": {"much": False}}, {"method": "Rest"}):
        with pytest.raises(RequestIdReused):
            await table.store.begin(replace(asked, **change))
        with pytest.raises(RequestIdReused):
            await table.store.first(replace(asked, **change))


async def test_one_runs_at_a_time(table: Table) -> None:
    """Of a tenant, or of a subject: what the service's index says; others are not held up."""
    first = await begun(table)
    with pytest.raises(Occupied):
        await table.store.begin(request())
    other = request(subject="a/c")
    if table.by_subject:
        assert (await table.store.begin(other))[1]
    else:
        with pytest.raises(Occupied):
            await table.store.begin(other)
    await begun(table, tenant="bank")
    await table.store.cancel("shop", first.id)
    await begun(table)


async def test_of_many_at_once_one_begins(table: Table) -> None:
    """Whichever was first; as many copies of one request are one operation."""
    results = await asyncio.gather(
        *(table.store.begin(request()) for _ in range(4)), return_exceptions=True
    )
    assert sorted(isinstance(each, Occupied) for each in results) == [False, True, True, True]
    same = request("bank")
    copies = await asyncio.gather(*(table.store.begin(same) for _ in range(4)))
    assert len({operation.id for operation, _ in copies}) == 1
    assert sorted(new for _, new in copies) == [False, False, False, True]


async def test_progress_never_falls(table: Table) -> None:
    """Without a stage it still waits for its turn."""
    operation = await begun(table)
    assert await table.store.beat(operation, "", 0.0)
    assert (await table.store.get("shop", operation.id)).state is State.PENDING
    for told, kept in ((0.5, 0.5), (0.2, 0.5), (0.7, 0.7)):
        assert await table.store.beat(operation, "working", told)
        now = await table.store.get("shop", operation.id)
        assert (now.state, now.stage, now.progress) == (State.RUNNING, "working", kept)


async def test_whoever_ends_it_first_has_ended_it(table: Table) -> None:
    """What comes later changes nothing, and is told so."""
    operation = await ended(table)
    done = await table.store.get("shop", operation.id)
    assert (done.state, done.progress, done.result) == (State.SUCCEEDED, 1.0, "a/b/c")
    assert done.end_time is not None
    assert not await table.store.fail(operation, "INTERNAL", "late")
    assert not await table.store.succeed(operation, "again")
    assert not await table.store.beat(operation, "late", 1.0)
    assert await table.store.cancel("shop", operation.id) == done


async def test_a_failure_says_why_within_its_bounds(table: Table) -> None:
    """However much there is to say."""
    operation = await begun(table)
    assert await table.store.fail(operation, "INTERNAL", "x" * (MAX_PROBLEM + 1))
    failed = await table.store.get("shop", operation.id)
    assert (failed.state, failed.reason, len(failed.problem)) == (
        State.FAILED, "INTERNAL", MAX_PROBLEM,
    )  # fmt: skip


async def test_what_nobody_works_at_is_ended(table: Table) -> None:
    """Of all tenants, by whoever looks; one whose heart beats is left alone."""
    silent, alive = await begun(table), await begun(table, tenant="bank")
    for each in (silent, alive):
        await aged(table, each, "heartbeat", "1 minute")
    await table.store.beat(alive, "working", 0.1)
    assert await table.store.end_stale(30, "INTERNAL", "gone") == [silent.name]
    assert await table.store.end_stale(30, "INTERNAL", "gone") == []
    found = await table.store.get("shop", silent.id)
    assert (found.state, found.problem) == (State.FAILED, "gone")
    assert (await table.store.get("bank", alive.id)).state is State.RUNNING


async def test_what_ended_long_ago_is_forgotten(table: Table) -> None:
    """What has not ended is not, however old it is."""
    old, young = await ended(table), await ended(table)
    running = await begun(table)
    await aged(table, old, "end_time", "31 days")
    await aged(table, young, "end_time", "29 days")
    await aged(table, running, "create_time", "31 days")
    await table.store.remove_old(30)
    with pytest.raises(OperationNotFound):
        await table.store.get("shop", old.id)
    listed = await table.store.list_operations("shop", "", 10)
    assert [each.id for each in listed] == [running.id, young.id]


async def test_lists_are_newest_first(table: Table) -> None:
    """And go on behind an id."""
    made = [(await ended(table)).id for _ in range(3)]
    listed = await table.store.list_operations("shop", "", 2)
    assert [each.id for each in listed] == made[:0:-1]
    rest = await table.store.list_operations("shop", made[1], 2)
    assert [each.id for each in rest] == made[:1]
    assert await table.store.list_operations("bank", "", 2) == []


async def test_a_tenant_sees_its_own(table: Table) -> None:
    """Neither reads nor ends what is another's."""
    operation = await begun(table)
    for call in (table.store.get("bank", operation.id), table.store.cancel("bank", operation.id)):
        with pytest.raises(OperationNotFound):
            await call
    stranger = replace(operation, tenant="bank")
    assert not await table.store.beat(stranger, "working", 0.5)
    assert not await table.store.succeed(stranger, "mine")
    assert (await table.store.get("shop", operation.id)).state is State.PENDING


async def test_a_subject_is_occupied_by_another_request(table: Table) -> None:
    """Its own does not stand in its way."""
    if not isinstance(table.store, ImportOperationStore):
        pytest.skip("only imports ask before they begin")
    asked = request()
    assert not await table.store.occupied("shop", "a/b", asked.id)
    operation, _ = await table.store.begin(asked)
    assert not await table.store.occupied("shop", "a/b", asked.id)
    assert await table.store.occupied("shop", "a/b", str(uuid.uuid4()))
    assert not await table.store.occupied("shop", "a/c", str(uuid.uuid4()))
    assert not await table.store.occupied("bank", "a/b", str(uuid.uuid4()))
    await table.store.succeed(operation, "")
    assert not await table.store.occupied("shop", "a/b", str(uuid.uuid4()))


async def test_the_message_says_the_same(table: Table) -> None:
    """An operation that has not ended has no end; a long stage is cut."""
    operation = await begun(table)
    await table.store.beat(operation, "s" * 100, 0.25)
    message = operation_to(await table.store.get("shop", operation.id))
    assert (message.name, message.method, message.subject) == (operation.name, "Work", "a/b")
    assert (message.state, message.progress) == (message.STATE_RUNNING, 0.25)
    assert len(message.stage) == 64
    assert not message.HasField("end_time")
    await table.store.fail(operation, "INTERNAL", "why")
    message = operation_to(await table.store.get("shop", operation.id))
    assert (message.state, message.reason, message.problem) == (
        message.STATE_FAILED, "INTERNAL", "why",
    )  # fmt: skip
    assert message.HasField("end_time")


def test_ids_sort_by_time() -> None:
    """So that a list is in order without another column; they fit a resource's name."""
    made = [new_id() for _ in range(100)]
    assert sorted(made, key=lambda each: each[:14]) == made
    assert len(set(made)) == 100
    assert {len(each) for each in made} == {24}


def test_the_order_of_what_is_asked_for_does_not_matter() -> None:
    """The same wish has the same fingerprint, another has another."""
    one, two = request(asked={"a": 1, "b": 2}), request(asked={"b": 2, "a": 1})
    assert one.fingerprint == two.fingerprint
    assert one.fingerprint != request(asked={"a": 1, "b": 3}).fingerprint
    assert one.fingerprint != replace(one, method="Rest").fingerprint
