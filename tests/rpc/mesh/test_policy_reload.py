"""A changed policy takes effect in a running server; a broken one never does."""

import asyncio
from typing import Any

import yaml
from kefu.intent.v1.intent_pb2 import ClassifyRequest
from kefu.intent.v1.intent_pb2_grpc import IntentServiceStub
from prometheus_client import REGISTRY

from services.local.ca import spiffe_id
from tests.rpc.mesh.conftest import Lines
from tests.support.contract import everything
from tests.support.mesh import Served, error_of, serve, wired

REQUEST = ClassifyRequest(tenant="tenants/shop", text="你好")
NEWCOMER = spiffe_id("newcomer")


def reloads(outcome: str) -> float:
    """Changed files so far that were taken or refused."""
    labels = {"outcome": outcome}
    return REGISTRY.get_sample_value("kefu_policy_reloads_total", labels) or 0.0


def document(server: Served) -> Any:
    """The policy as it stands on disk."""
    return yaml.safe_load(server.settings.policy_file.read_text())


async def write(server: Served, text: str, outcome: str) -> None:
    """Replace the policy and wait until the server has decided about it."""
    before = reloads(outcome)
    server.settings.policy_file.write_text(text)
    async with asyncio.timeout(10):
        while reloads(outcome) == before:  # noqa: ASYNC110 (a metric tells)
            await asyncio.sleep(0.02)


async def test_a_good_change_is_taken_and_a_broken_one_is_not(log_lines: Lines) -> None:
    """In, kept in through a broken file, and out again, without a restart."""
    async with serve("intent", wired(*everything())) as server:
        stub = server.stub(IntentServiceStub, identity="newcomer")
        first = await error_of(stub.Classify(REQUEST, timeout=5))
        policy = document(server)
        policy["bindings"].append({"identity": NEWCOMER, "roles": ["session"], "tenants": ["shop"]})
        await write(server, yaml.safe_dump(policy), "taken")
        await stub.Classify(REQUEST, timeout=5)

        policy["bindings"][-1]["roles"] = ["sesion"]
        await write(server, yaml.safe_dump(policy), "refused")
        await stub.Classify(REQUEST, timeout=5)
        await write(server, "roles: [", "refused")
        await stub.Classify(REQUEST, timeout=5)
        await write(server, "roles:\n  x:\n", "refused")
        await stub.Classify(REQUEST, timeout=5)

        policy["bindings"].pop()
        await write(server, yaml.safe_dump(policy), "taken")
        last = await error_of(stub.Classify(REQUEST, timeout=5))
    assert first.reason == last.reason == "METHOD_NOT_ALLOWED"
    refused = [line for line in log_lines() if "the old one stays" in line["event"]]
    assert "unknown role sesion" in str(refused[0]["problems"])
