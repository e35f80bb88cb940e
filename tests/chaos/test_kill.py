"""`kill -9` of any one service during a conversation.

The customer gets an answer or one clear retryable error; the same request_id then completes; no
turn is doubled, no action is carried out twice, no audit record is missing.
"""

import asyncio
import os
import signal
import uuid
from collections import Counter

import pytest
from kefu.audit.v1 import audit_pb2
from kefu.audit.v1.audit_pb2_grpc import AuditServiceStub
from kefu.client import Client
from kefu.errors import KefuError
from kefu.session.v1 import session_pb2
from kefu.session.v1 import turn_pb2 as turns

from tests.support.running import TENANT, Running

VICTIMS = ("intent", "sentiment", "knowledge", "generation", "audit", "desk", "session")
_PATIENCE_SECONDS = 60


async def _persistent(kefu: Client, session: str, text: str) -> tuple[turns.Turn, list[KefuError]]:
    """Send a message until it is answered, always with the same request_id; also the errors."""
    request_id, errors = str(uuid.uuid4()), []
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while True:
            try:
                return await kefu.reply(session, text, request_id), errors
            except KefuError as error:
                errors.append(error)
                await asyncio.sleep(error.retry_after_seconds or 0.2)


async def _serving_again(mesh: Running, victim: str, killed: int) -> None:
    """Wait until the supervisor has started the victim anew."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while True:
            found = mesh.services()[victim]
            if found["state"] == "SERVING" and found["pid"] not in (0, killed):
                return
            await asyncio.sleep(0.1)


def _kill(mesh: Running, victim: str) -> int:
    pid = int(mesh.services()[victim]["pid"])
    os.kill(pid, signal.SIGKILL)
    return pid


@pytest.mark.parametrize("victim", VICTIMS)
async def test_killing_a_service_loses_nothing(mesh: Running, victim: str) -> None:
    """Kill it while turns are under way, and look at every promise afterwards."""
    async with mesh.client() as kefu:
        session = (await kefu.create_session(TENANT)).name
        await _persistent(kefu, session, "你好")
        texts = ["退货运费谁出？", "帐篷怎么清洗保养？", "帮我查订单SO20260002", "发票怎么开？"]
        first = asyncio.create_task(_persistent(kefu, session, texts[0]))
        await asyncio.sleep(0)
        killed = _kill(mesh, victim)
        answers = [await first]
        for text in texts[1:]:
            answers.append(await _persistent(kefu, session, text))
        await _serving_again(mesh, victim, killed)
        listed = await kefu.stub.ListTurns(
            session_pb2.ListTurnsRequest(parent=session, page_size=100), timeout=10
        )
    for turn, errors in answers:
        assert turn.text
        assert all(error.retryable for error in errors), errors
    wanted = ["你好", *texts]
    assert [turn.input_text for turn in listed.turns] == wanted, "no turn is doubled or lost"
    await _assert_audited(mesh, [turn.name for turn in listed.turns])


async def _assert_audited(mesh: Running, names: list[str]) -> None:
    """Each turn has exactly one completion record, and the chain verifies."""
    async with mesh.stub("audit", AuditServiceStub) as audit:
        request = audit_pb2.ListEventsRequest(
            parent=TENANT,
            page_size=100,
            filter=audit_pb2.EventFilter(
                method="turn.completed", resource_prefix=names[0].rpartition("/")[0]
            ),
        )
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while True:
                events = (await audit.ListEvents(request, timeout=5)).events
                found = Counter(each.event.resource for each in events)
                if set(found) >= set(names):
                    break
                await asyncio.sleep(0.2)
        assert found == Counter(names)
        verified = await audit.VerifyEvents(
            audit_pb2.VerifyEventsRequest(parent=TENANT), timeout=20
        )
    assert verified.ok, verified.problem


async def test_killing_the_session_mid_stream_restarts_the_same_turn(mesh: Running) -> None:
    """A stream that its server leaves behind goes on, under the same name, to one completion."""
    async with mesh.client() as kefu:
        session = (await kefu.create_session(TENANT)).name
        request_id = str(uuid.uuid4())
        names, completed = [], []
        errors: list[KefuError] = []
        killed = 0
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while not completed:
                try:
                    async for event in kefu.converse(session, "睡袋怎么洗？", request_id):
                        kind = event.WhichOneof("event")
                        if kind == "started":
                            names.append(event.started.turn)
                        if not killed:
                            killed = _kill(mesh, "session")
                        if kind == "completed":
                            completed.append(event.completed.turn)
                except KefuError as error:
                    errors.append(error)
                    await asyncio.sleep(error.retry_after_seconds or 0.2)
        listed = await kefu.stub.ListTurns(session_pb2.ListTurnsRequest(parent=session), timeout=10)
    assert all(error.retryable for error in errors), errors
    assert len(set(names)) == 1, "a repeat is the same turn"
    assert [turn.name for turn in listed.turns] == [completed[0].name] == [names[0]]
