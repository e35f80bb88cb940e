"""Audit events reach the audit service: after its death, after ours, each at least once."""

import asyncio
import os
import signal
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from kefu.audit.v1.audit_pb2 import AuditEvent, RecordRequest, RecordResponse
from kefu.audit.v1.audit_pb2_grpc import (
    AuditServiceServicer,
    AuditServiceStub,
    add_AuditServiceServicer_to_server,
)
from kefu.errors import KefuError, StorageUnavailable
from kefu.intent.v1.intent_pb2 import ClassifyRequest
from kefu.intent.v1.intent_pb2_grpc import IntentServiceStub
from opentelemetry.trace import get_tracer

from services.mesh.client import Peer
from services.mesh.service import Build
from services.mesh.spool import AuditSpool
from tests.support.contract import everything
from tests.support.mesh import ROOT, answering, serve, wired
from tests.support.spooler import event


class Audit:
    """A real server of the audit contract that keeps what it is sent, or refuses it."""

    def __init__(self) -> None:
        self.batches: list[list[AuditEvent]] = []
        self.failure: KefuError | None = None
        self.arrived = asyncio.Event()

    @property
    def ids(self) -> list[str]:
        """Of the events, in the order in which they came."""
        return [each.event_id for batch in self.batches for each in batch]

    @property
    def build(self) -> Build:
        """It as an audit service."""

        async def record(request: RecordRequest, context: Any) -> RecordResponse:
            if self.failure:
                raise self.failure
            self.batches.append(list(request.events))
            self.arrived.set()
            return RecordResponse(appended=len(request.events))

        servicer = answering(AuditServiceServicer, Record=record)
        return wired((add_AuditServiceServicer_to_server, servicer))

    @asynccontextmanager
    async def peer(self) -> AsyncIterator[Peer]:
        """It, served, as a service calls it."""
        async with serve("audit", self.build) as server:
            keys = server.keys("test-reporter")
            peer = Peer("audit", server.address, AuditServiceStub, keys, get_tracer("test"))
            try:
                yield peer
            finally:
                await peer.close()


def spooled_files(directory: Path) -> list[str]:
    """What lies in a spool, but for the empty file that is open."""
    return sorted(path.suffix for path in directory.iterdir() if path.stat().st_size)


async def test_what_is_spooled_is_shipped_and_removed(tmp_path: Path) -> None:
    """In order, in batches that the audit service takes, and nothing stays behind."""
    audit, spool = Audit(), AuditSpool("test", tmp_path)
    events = [event() for _ in range(1201)]
    for each in events:
        spool.append(each)
    async with audit.peer() as peer:
        assert await spool.ship_once(peer)
    spool.close()
    assert audit.ids == [each.event_id for each in events]
    assert [len(batch) for batch in audit.batches] == [500, 500, 201]
    assert spooled_files(tmp_path) == []


async def test_large_events_go_in_smaller_batches(tmp_path: Path) -> None:
    """500 of the largest events are over the 4 MiB of one message: they must not get stuck."""
    audit, spool = Audit(), AuditSpool("test", tmp_path)
    for _ in range(500):
        large = event(resource="源" * 500)
        large.labels.update({f"label_{number:02}": "值" * 256 for number in range(20)})
        spool.append(large)
    async with audit.peer() as peer:
        assert await spool.ship_once(peer)
    spool.close()
    assert len(audit.ids) == 500
    assert len(audit.batches) > 5


async def test_a_dead_audit_service_loses_nothing(tmp_path: Path) -> None:
    """Everything is kept and sent again, old before new, once it answers."""
    audit, spool = Audit(), AuditSpool("test", tmp_path)
    first, second = event(), event()
    spool.append(first)
    async with audit.peer() as peer:
        audit.failure = StorageUnavailable()
        assert not await spool.ship_once(peer)
        spool.append(second)
        assert not await spool.ship_once(peer)
        audit.failure = None
        assert await spool.ship_once(peer)
    spool.close()
    assert audit.ids == [first.event_id, second.event_id]
    assert spooled_files(tmp_path) == []


async def test_an_odd_event_does_not_hold_up_the_others(tmp_path: Path) -> None:
    """It alone is not taken; its file is set aside for people, and the rest is recorded."""
    audit, spool = Audit(), AuditSpool("test", tmp_path)
    events = [event() for _ in range(7)]
    odd = event(trace_id="not a trace id")
    for each in [*events[:3], odd, *events[3:]]:
        spool.append(each)
    later = event()
    async with audit.peer() as peer:
        assert await spool.ship_once(peer)
        spool.append(later)
        assert await spool.ship_once(peer)
    spool.close()
    assert audit.ids == [each.event_id for each in [*events, later]]
    assert spooled_files(tmp_path) == [".refused"]


async def test_a_damaged_file_is_set_aside(tmp_path: Path) -> None:
    """It cannot be read, so it is kept as it is and said; what comes after goes on."""
    (tmp_path / "00000000000000000001.full").write_bytes(b"\x00\x00\x00\x02\xff\xff")
    audit, spool = Audit(), AuditSpool("test", tmp_path)
    later = event()
    spool.append(later)
    async with audit.peer() as peer:
        assert await spool.ship_once(peer)
    spool.close()
    assert audit.ids == [later.event_id]
    assert spooled_files(tmp_path) == [".refused"]


async def test_a_killed_process_loses_no_event(tmp_path: Path) -> None:
    """Everything that `append` confirmed before kill -9 is shipped by the next start."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.spooler", str(tmp_path),
        cwd=ROOT, stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    assert process.stdout is not None
    confirmed = [(await process.stdout.readline()).decode().strip() for _ in range(200)]
    process.send_signal(signal.SIGKILL)
    rest = (await process.stdout.read()).decode().split()
    await process.wait()
    confirmed += [each for each in rest if len(each) == len(str(uuid.uuid4()))]

    audit, spool = Audit(), AuditSpool("test", tmp_path)
    async with audit.peer() as peer:
        assert await spool.ship_once(peer)
    spool.close()
    assert set(confirmed) <= set(audit.ids)
    assert len(audit.ids) == len(set(audit.ids))


async def test_a_service_ships_by_itself() -> None:
    """A call's event, and that of a refused call, arrive without anybody asking."""
    audit = Audit()
    async with (
        serve("audit", audit.build) as far,
        serve("intent", wired(*everything()), beside=far, peers={"audit": far.address}) as near,
    ):
        request = ClassifyRequest(tenant="tenants/shop", text="你好")
        await near.stub(IntentServiceStub, role="session").Classify(request, timeout=5)
        with pytest.raises(Exception, match="no role"):
            await near.stub(IntentServiceStub, role="auditor").Classify(request, timeout=5)
        async with asyncio.timeout(10):
            while len(audit.ids) < 2:
                audit.arrived.clear()
                await audit.arrived.wait()
    # A batch that was under way when the service ended came twice; the ids tell.
    arrived = {each.event_id: each.outcome for batch in audit.batches for each in batch}
    assert [*arrived.values()] == ["OK", "PERMISSION_DENIED"]


async def test_the_last_events_are_shipped_on_the_way_out() -> None:
    """A drain ends with an empty spool where the audit service answers."""
    audit = Audit()
    async with serve("audit", audit.build) as far:
        async with serve(
            "intent", wired(*everything()), beside=far, peers={"audit": far.address}
        ) as near:
            request = ClassifyRequest(tenant="tenants/shop", text="你好")
            await near.stub(IntentServiceStub, role="session").Classify(request, timeout=5)
        assert len(set(audit.ids)) == 1
