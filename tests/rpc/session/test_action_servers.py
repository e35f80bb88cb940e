"""The company's own systems: which there are, and what happens while they cannot be asked."""

import asyncio
import uuid
from pathlib import Path
from typing import Any

import pytest
import yaml
from kefu.errors import ServiceUnavailable
from kefu.session.v1 import session_pb2 as pb
from kefu.session.v1.session_pb2_grpc import SessionServiceStub
from kefu.session.v1.turn_pb2 import DIALOGUE_STATE_FILLING, DIALOGUE_STATE_IDLE, Turn

from services.session import action_peers
from tests.rpc.session.company import Company
from tests.rpc.session.front import SECONDS, Front, new_id, reply

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def tenant() -> str:
    """A tenant whose systems nobody has asked yet."""
    return f"t-{uuid.uuid4().hex[:8]}"


def name_servers(front: Front, tenant: str, content: bytes | None = None) -> None:
    """Write the tenant's file: the company's server, or something else."""
    file = Path(front.settings["tenants_dir"]) / tenant / "actions.yaml"
    file.parent.mkdir(exist_ok=True)
    servers = {"servers": [{"name": "orders", "target": front.behind.address}]}
    file.write_bytes(yaml.safe_dump(servers).encode() if content is None else content)


async def wish(channel: SessionServiceStub, tenant: str) -> Turn:
    """A new customer of the tenant wants to cancel an order."""
    request = pb.CreateSessionRequest(parent=f"tenants/{tenant}", request_id=new_id())
    session = (await channel.CreateSession(request, timeout=SECONDS)).session.name
    return await reply(channel, session, "取消订单")


async def until(channel: SessionServiceStub, tenant: str, state: int) -> None:
    """Wish until it leads to a state: a list is read again behind the turns, not in them."""
    async with asyncio.timeout(10):
        while (await wish(channel, tenant)).dialogue_state != state:
            pass


async def test_a_tenant_without_systems_has_no_operations(
    channel: SessionServiceStub, tenant: str
) -> None:
    """The wish is answered from the knowledge, which may tell how it is done by hand."""
    turn = await wish(channel, tenant)
    assert turn.dialogue_state == DIALOGUE_STATE_IDLE
    assert turn.text


@pytest.mark.parametrize(
    "content",
    [b"]", b"servers: 5", b"servers: [{name: orders}]", b"- orders", b"servers: [orders]",
     b"\xff\xfe", b"servers: [{name: orders, target: ''}]"],
)  # fmt: skip
async def test_a_broken_file_costs_the_operations_and_no_turn(
    front: Front, channel: SessionServiceStub, logs: list[Any], tenant: str, content: bytes
) -> None:
    """The operator finds it in the log; customers are answered all the same."""
    name_servers(front, tenant, content)
    assert (await wish(channel, tenant)).dialogue_state == DIALOGUE_STATE_IDLE
    assert {"actions file", "no actions"} & {each["event"] for each in logs}


async def test_a_mended_file_is_read_without_a_restart(
    front: Front, channel: SessionServiceStub, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Soon after a failure, and every minute else; also where only the address was wrong."""
    monkeypatch.setattr(action_peers, "_RETRY_SECONDS", 0)
    for wrong in (b"]", b"servers: [{name: orders, target: '127.0.0.1:1'}]"):
        name_servers(front, tenant, wrong)
        assert (await wish(channel, tenant)).dialogue_state == DIALOGUE_STATE_IDLE
    name_servers(front, tenant)
    await until(channel, tenant, DIALOGUE_STATE_FILLING)


async def test_the_first_customers_all_wait_for_the_first_list(
    front: Front, channel: SessionServiceStub, company: Company, tenant: str
) -> None:
    """Nobody is told that there are no operations because somebody else is still asking."""
    name_servers(front, tenant)
    gate = company.hold("ListActions")
    wishes = [asyncio.ensure_future(wish(channel, tenant)) for _ in range(3)]
    await company.arrived("ListActions")
    gate.set()
    turns = await asyncio.gather(*wishes)
    assert {each.dialogue_state for each in turns} == {DIALOGUE_STATE_FILLING}
    assert len(company.asked["ListActions"]) == 1


async def test_a_system_that_is_taken_out_of_the_file_is_asked_no_more(
    front: Front, channel: SessionServiceStub, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its operations go with it."""
    monkeypatch.setattr(action_peers, "_REFRESH_SECONDS", 0)
    name_servers(front, tenant)
    assert (await wish(channel, tenant)).dialogue_state == DIALOGUE_STATE_FILLING
    name_servers(front, tenant, b"servers: []")
    await until(channel, tenant, DIALOGUE_STATE_IDLE)


async def test_an_old_list_serves_while_the_system_is_down_or_slow(
    front: Front,
    channel: SessionServiceStub,
    company: Company,
    tenant: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Only the turn that asks again waits for it; the others go on with what is known."""
    monkeypatch.setattr(action_peers, "_REFRESH_SECONDS", 0)
    monkeypatch.setattr(action_peers, "_RETRY_SECONDS", 0)
    name_servers(front, tenant)
    await wish(channel, tenant)
    company.fails = {"ListActions": ServiceUnavailable()}
    assert (await wish(channel, tenant)).dialogue_state == DIALOGUE_STATE_FILLING
    gate = company.hold("ListActions")
    company.asked.clear()
    waiting = asyncio.ensure_future(wish(channel, tenant))
    await company.arrived("ListActions")
    assert (await wish(channel, tenant)).dialogue_state == DIALOGUE_STATE_FILLING
    gate.set()
    assert (await waiting).dialogue_state == DIALOGUE_STATE_FILLING
