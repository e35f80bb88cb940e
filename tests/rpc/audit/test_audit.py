"""The audit service through its front door: what is recorded, proven, refused and found out."""

import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from kefu.audit.v1 import audit_pb2 as pb
from kefu.audit.v1.audit_pb2_grpc import AuditServiceStub
from kefu.errors import (
    CheckpointInvalid,
    InvalidRequest,
    MethodNotAllowed,
    PageTokenInvalid,
    StorageUnavailable,
    TenantNotAllowed,
)

from services.audit import messages
from services.audit.__main__ import build
from services.audit.export import checkpoint_line, record_line, verify_export
from services.audit.settings import Settings
from tests.support.audit_records import STRANGER, an_event
from tests.support.mesh import Served, error_of, serve
from tests.support.postgres import fresh_database

SHOP = "tenants/shop"
AUDITOR = "spiffe://kefu.local/ns/kefu/sa/test-auditor"


@dataclass
class Audit:
    """A running service, the stubs of those who may use it, and its database."""

    served: Served
    reporter: AuditServiceStub
    auditor: AuditServiceStub
    database_url: str

    async def record(self, *events: pb.AuditEvent) -> pb.RecordResponse:
        """Send events as a service does."""
        request = pb.RecordRequest(events=events, request_id=str(uuid.uuid4()))
        response: pb.RecordResponse = await self.reporter.Record(request, timeout=5)
        return response

    async def list_events(self, **wanted: Any) -> pb.ListEventsResponse:
        """List the shop's events as an auditor does."""
        request = pb.ListEventsRequest(**({"parent": SHOP} | wanted))
        response: pb.ListEventsResponse = await self.auditor.ListEvents(request, timeout=5)
        return response

    async def checkpoint(self, parent: str = SHOP) -> pb.Checkpoint:
        """Fetch the signed head of a chain."""
        request = pb.GetCheckpointRequest(parent=parent)
        response: pb.GetCheckpointResponse = await self.auditor.GetCheckpoint(request, timeout=5)
        return response.checkpoint

    async def verify(self, known: pb.Checkpoint | None = None) -> pb.VerifyEventsResponse:
        """Verify the shop's chain."""
        request = pb.VerifyEventsRequest(parent=SHOP, known_checkpoint=known)
        response: pb.VerifyEventsResponse = await self.auditor.VerifyEvents(request, timeout=10)
        return response

    async def tamper(self, statement: str) -> None:
        """Edit the tables as their owner, who switches the triggers off and on again."""
        switch = "ALTER TABLE audit_events {} TRIGGER ALL"
        async with await psycopg.AsyncConnection.connect(self.database_url) as connection:
            await connection.execute(switch.format("DISABLE"))
            await connection.execute(statement)
            await connection.execute(switch.format("ENABLE"))


@pytest.fixture
async def audit(tmp_path: Path) -> AsyncIterator[Audit]:
    """The service with an empty database and a key of its own."""
    with fresh_database() as url:
        settings: dict[str, Any] = {
            "database_url": url,
            "signing_key_file": tmp_path / "keys" / "audit.pem",
        }
        async with serve("audit", build, Settings, **settings) as served:
            yield Audit(
                served,
                served.stub(AuditServiceStub, role="reporter"),
                served.stub(AuditServiceStub, role="auditor"),
                url,
            )


def some_events(count: int, first: int = 0, **changes: object) -> list[pb.AuditEvent]:
    """Return messages of different events."""
    return [messages.event_to(an_event(first + n, **changes)) for n in range(count)]


async def test_what_is_recorded_is_listed(audit: Audit) -> None:
    """Every field comes back, newest first, with its place in the chain."""
    events = some_events(3)
    response = await audit.record(*events)
    assert (response.appended, response.duplicates) == (3, 0)
    page = await audit.list_events()
    assert [chained.event for chained in page.events] == events[::-1]
    assert [chained.sequence for chained in page.events] == [3, 2, 1]
    newest, second, _ = page.events
    assert newest.previous_hash == second.hash
    assert newest.record_time.ToNanoseconds() > 0


async def test_a_repeat_is_acknowledged_and_appended_once(audit: Audit) -> None:
    """A spool may send a batch again after a lost answer."""
    await audit.record(*some_events(5))
    response = await audit.record(*some_events(6))
    assert (response.appended, response.duplicates) == (1, 5)
    assert (await audit.verify()).verified == 6


async def test_an_event_id_is_the_same_in_capitals(audit: Audit) -> None:
    """UUIDs have no case."""
    (event,) = some_events(1)
    event.event_id = "ABCDEFAB-0000-4000-8000-000000000001"
    await audit.record(event)
    event.event_id = event.event_id.lower()
    assert (await audit.record(event)).duplicates == 1


async def test_what_a_database_cannot_hold_does_not_block_a_spool(audit: Audit) -> None:
    """Nanoseconds are cut, an absurd latency is capped; the chain verifies."""
    (event,) = some_events(1)
    event.time.nanos = 123_456_789
    event.latency.seconds = 300_000_000_000
    assert (await audit.record(event)).appended == 1
    (chained,) = (await audit.list_events()).events
    assert chained.event.time.nanos == 123_456_000
    assert (await audit.verify()).ok


async def test_events_are_paged(audit: Audit) -> None:
    """Pages go on below the last event, also while others are recorded."""
    await audit.record(*some_events(5))
    first = await audit.list_events(page_size=3)
    assert [chained.sequence for chained in first.events] == [5, 4, 3]
    await audit.record(*some_events(2, first=5))
    second = await audit.list_events(page_size=3, page_token=first.next_page_token)
    assert [chained.sequence for chained in second.events] == [2, 1]
    assert second.next_page_token == ""


async def test_events_are_filtered(audit: Audit) -> None:
    """Each set field restricts; time is the event's own."""
    await audit.record(*some_events(4))
    await audit.record(*some_events(1, first=4, outcome="PERMISSION_DENIED"))
    events = some_events(5)
    middle = pb.EventFilter(start_time=events[1].time, end_time=events[3].time)
    filters = [
        (pb.EventFilter(outcome="PERMISSION_DENIED"), [5]),
        (pb.EventFilter(trace_id=f"{2:032x}"), [3]),
        (pb.EventFilter(resource_prefix="tenants/shop/sessions/s1"), [2]),
        (middle, [3, 2]),
        (pb.EventFilter(method="none"), []),
    ]
    for wanted, sequences in filters:
        page = await audit.list_events(filter=wanted)
        assert [chained.sequence for chained in page.events] == sequences


async def test_a_page_token_of_another_question_is_refused(audit: Audit) -> None:
    """Another filter is another list; a made-up token is none."""
    await audit.record(*some_events(2))
    token = (await audit.list_events(page_size=1)).next_page_token
    for wanted in (
        {"page_token": token, "filter": pb.EventFilter(outcome="OK")},
        {"page_token": token, "parent": "tenants/-"},
        {"page_token": "made up"},
    ):
        assert isinstance(await error_of(audit.list_events(**wanted)), PageTokenInvalid)


async def test_a_checkpoint_is_signed_and_steady(audit: Audit) -> None:
    """It verifies with nothing but the public key, and stays the same while nothing is added."""
    await audit.record(*some_events(4))
    made = await audit.checkpoint()
    assert (made.chain, made.sequence) == (SHOP, 4)
    assert messages.checkpoint_from(made).is_signed_by(made.public_key)
    assert await audit.checkpoint() == made
    empty = await audit.checkpoint("tenants/nobody")
    assert empty.sequence == 0
    assert messages.checkpoint_from(empty).is_signed_by(made.public_key)


async def test_a_whole_chain_verifies(audit: Audit) -> None:
    """The answer counts what was read and carries the head; an empty chain is whole, too."""
    assert (await audit.verify()).ok
    await audit.record(*some_events(7))
    found = await audit.verify(await audit.checkpoint())
    assert (found.ok, found.verified, found.checkpoint.sequence) == (True, 7, 7)
    assert not found.HasField("problem")


@pytest.mark.parametrize(
    ("statement", "kind", "sequence"),
    [
        ("UPDATE audit_events SET outcome = 'OK' WHERE sequence = 3", "KIND_ALTERED", 3),
        ("DELETE FROM audit_events WHERE sequence = 2", "KIND_MISSING", 2),
        ("DELETE FROM audit_events WHERE sequence >= 4", "KIND_TRUNCATED", 4),
        (
            "UPDATE audit_events SET sequence = 99 WHERE sequence = 2;"
            "UPDATE audit_events SET sequence = 2 WHERE sequence = 4;"
            "UPDATE audit_events SET sequence = 4 WHERE sequence = 99",
            "KIND_REORDERED",
            2,
        ),
        (
            "CREATE TEMP TABLE copy AS SELECT * FROM audit_events WHERE sequence = 5;"
            "UPDATE copy SET sequence = 6, previous_hash = hash;"
            "INSERT INTO audit_events SELECT * FROM copy",
            "KIND_INSERTED",
            6,
        ),
        (
            "DELETE FROM audit_events WHERE sequence = 5; UPDATE audit_statements SET sequence = 4,"
            " hash = (SELECT hash FROM audit_events WHERE sequence = 4)",
            "KIND_HEAD_REPLACED",
            4,
        ),
    ],
)
async def test_tampering_in_the_database_is_named(
    audit: Audit, statement: str, kind: str, sequence: int
) -> None:
    """The owner of the tables can edit them; verification says what was done to which record."""
    await audit.record(*some_events(5, outcome="PERMISSION_DENIED"))
    await audit.tamper(statement)
    found = await audit.verify()
    assert not found.ok
    assert pb.Problem.Kind.Name(found.problem.kind) == kind
    assert found.problem.sequence == sequence
    assert found.problem.description


async def test_an_altered_record_is_named_by_its_event_id(audit: Audit) -> None:
    """So that the auditor finds it elsewhere, such as in the services' logs."""
    events = some_events(3)
    await audit.record(*events)
    await audit.tamper("UPDATE audit_events SET identity = 'x' WHERE sequence = 2")
    assert (await audit.verify()).problem.event_id == events[1].event_id


async def test_a_kept_checkpoint_outlives_a_restored_backup(audit: Audit) -> None:
    """Records and head put back to an earlier state are genuine; the kept checkpoint is newer."""
    await audit.record(*some_events(3))
    async with await psycopg.AsyncConnection.connect(audit.database_url) as connection:
        await connection.execute("CREATE TABLE backup AS SELECT * FROM audit_statements")
    await audit.record(*some_events(2, first=3))
    kept = await audit.checkpoint()
    await audit.tamper(
        "DELETE FROM audit_events WHERE sequence > 3; DELETE FROM audit_statements;"
        "INSERT INTO audit_statements SELECT * FROM backup"
    )
    assert (await audit.verify()).ok
    found = await audit.verify(kept)
    assert (found.problem.kind, found.problem.sequence) == (pb.Problem.KIND_TRUNCATED, 4)


async def test_a_checkpoint_that_this_log_did_not_sign_is_refused(audit: Audit) -> None:
    """Of another chain, altered, signed by somebody else, or empty."""
    await audit.record(*some_events(2))
    genuine = await audit.checkpoint()
    altered = pb.Checkpoint()
    altered.CopyFrom(genuine)
    altered.sequence = 1
    statement = messages.checkpoint_from(genuine).statement
    foreign = messages.checkpoint_to(STRANGER.sign(statement))
    for known in (altered, foreign, await audit.checkpoint("tenants/-"), pb.Checkpoint()):
        assert isinstance(await error_of(audit.verify(known)), CheckpointInvalid)


async def test_an_export_of_what_was_listed_verifies_offline(audit: Audit) -> None:
    """What an auditor fetches is enough to verify without the service."""
    await audit.record(*some_events(5))
    request = pb.GetCheckpointRequest(parent=SHOP)
    head = await audit.auditor.GetCheckpoint(request, timeout=5)
    assert not head.HasField("anchor")
    records = [messages.record_from(item) for item in (await audit.list_events()).events]
    lines = [checkpoint_line(messages.checkpoint_from(head.checkpoint))]
    lines += [record_line(record) for record in reversed(records)]
    key = head.checkpoint.public_key
    assert verify_export(lines, SHOP, key).ok
    assert not verify_export([*lines[:2], *lines[3:]], SHOP, key).ok


def wrong(**changes: Any) -> pb.RecordRequest:
    """Return a batch of one event with a wrong field."""
    (event,) = some_events(1)
    broken = pb.AuditEvent(**changes)
    event.MergeFrom(broken)
    return pb.RecordRequest(events=[event], request_id=str(uuid.uuid4()))


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (pb.RecordRequest(request_id=str(uuid.uuid4())), "events"),
        (pb.RecordRequest(events=some_events(1), request_id="1"), "request_id"),
        (wrong(event_id="no-uuid"), "events[0].event_id"),
        (wrong(tenant="Shop!"), "events[0].tenant"),
        (wrong(trace_id="xyz"), "events[0].trace_id"),
        (wrong(resource="r" * 513), "events[0].resource"),
        (pb.RecordRequest(events=some_events(501), request_id=str(uuid.uuid4())), "events"),
        (wrong(time={"seconds": 10**12}), "events.time"),
    ],
)
async def test_a_bad_batch_is_refused(audit: Audit, request_: pb.RecordRequest, field: str) -> None:
    """INVALID_ARGUMENT that names the field, and nothing of the batch is appended."""
    error = await error_of(audit.reporter.Record(request_, timeout=5))
    assert isinstance(error, InvalidRequest)
    assert [path for path, _ in error.violations] == [field]
    assert (await audit.checkpoint()).sequence == 0


async def test_each_role_has_its_half(audit: Audit) -> None:
    """Services write and cannot read; auditors read and cannot write; the refusal is recorded."""
    batch = pb.RecordRequest(events=some_events(1), request_id=str(uuid.uuid4()))
    for call in (
        audit.auditor.Record(batch, timeout=5),
        audit.reporter.ListEvents(pb.ListEventsRequest(parent=SHOP), timeout=5),
        audit.reporter.GetCheckpoint(pb.GetCheckpointRequest(parent=SHOP), timeout=5),
        audit.reporter.VerifyEvents(pb.VerifyEventsRequest(parent=SHOP), timeout=5),
    ):
        assert isinstance(await error_of(call), MethodNotAllowed)
    refused = [event for event in audit.served.spooled() if event.outcome == "PERMISSION_DENIED"]
    assert len(refused) == 4
    (writing,) = [event for event in refused if event.method.endswith("/Record")]
    assert writing.identity == AUDITOR


async def test_an_auditor_of_one_tenant_sees_that_tenant_s_chain(audit: Audit) -> None:
    """Neither another tenant's chain nor the one of no tenant."""
    stub = audit.served.stub(AuditServiceStub, identity="test-auditor-shop")
    assert (await stub.ListEvents(pb.ListEventsRequest(parent=SHOP), timeout=5)).events == []
    for parent in ("tenants/bank", "tenants/-"):
        call = stub.ListEvents(pb.ListEventsRequest(parent=parent), timeout=5)
        assert isinstance(await error_of(call), TenantNotAllowed)


async def test_a_lost_database_is_one_clear_retryable_error(tmp_path: Path) -> None:
    """The spool keeps the batch and sends it again; nothing about the database is told."""
    async with AsyncExitStack() as stack:
        with fresh_database() as url:
            settings: dict[str, Any] = {
                "database_url": url,
                "signing_key_file": tmp_path / "audit.pem",
            }
            served = await stack.enter_async_context(serve("audit", build, Settings, **settings))
        stub = served.stub(AuditServiceStub, role="reporter")
        batch = pb.RecordRequest(events=some_events(1), request_id=str(uuid.uuid4()))
        error = await error_of(stub.Record(batch, timeout=10))
        assert isinstance(error, StorageUnavailable)
        assert error.retryable
        assert "test_" not in str(error)
