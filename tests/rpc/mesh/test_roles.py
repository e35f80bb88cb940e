"""Every method x every role of the default policy, over real mutual TLS."""

import asyncio

import grpc
import pytest
import yaml
from google.protobuf.descriptor import MethodDescriptor
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from kefu.client.status import from_rpc_error
from kefu.errors import Code, KefuError
from kefu.intent.v1.intent_pb2 import ClassifyRequest
from kefu.intent.v1.intent_pb2_grpc import IntentServiceStub
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

from services.local.ca import spiffe_id
from services.mesh.descriptors import contract_methods
from services.mesh.server import Registration
from tests.support.contract import everything
from tests.support.mesh import POLICY, Served, error_of, raw, serve, wired

ROLES: dict[str, list[str]] = yaml.safe_load(POLICY.read_text())["roles"]
FOREIGN = {
    f"{service.full_name}/{method.name}": method
    for file in (
        health_pb2.DESCRIPTOR,
        reflection_pb2.DESCRIPTOR,
        trace_service_pb2.DESCRIPTOR,
    )
    for service in file.services_by_name.values()
    for method in service.methods
    if method.name != "List"  # of health, which our servers do not serve
}
METHODS = contract_methods() | FOREIGN


def trace_sink() -> Registration:
    """The one service that is not of our contract and that ours call."""
    add = trace_service_pb2_grpc.add_TraceServiceServicer_to_server
    return add, trace_service_pb2_grpc.TraceServiceServicer()


async def outcome(
    channel: grpc.aio.Channel, method: MethodDescriptor, allowed: bool
) -> KefuError | None:
    """How an empty request ends."""
    try:
        await raw(channel, method, b"", silent=not allowed)
    except grpc.RpcError as error:
        return from_rpc_error(error, "test")
    return None


async def outcomes(server: Served, role: str) -> dict[str, KefuError | None]:
    """How an empty request to every method ends for the identity that holds a role."""
    channel = server.channel(server.keys(f"test-{role}"))
    allowed = ROLES.get(role, ())
    found = await asyncio.gather(
        *(outcome(channel, each, name in allowed) for name, each in METHODS.items())
    )
    return dict(zip(METHODS, found, strict=True))


async def test_each_role_may_call_exactly_what_the_policy_names() -> None:
    """Allowed where a line allows it, METHOD_NOT_ALLOWED with an audit record where none does."""
    async with serve("audit", wired(*everything(), trace_sink())) as server:
        denied = set()
        for role in (*ROLES, "nobody"):
            for method, error in (await outcomes(server, role)).items():
                if method in ROLES.get(role, ()):
                    assert error is None or error.code is not Code.PERMISSION_DENIED, (role, method)
                    continue
                assert error is not None, (role, method)
                assert error.reason == "METHOD_NOT_ALLOWED", (role, method, error)
                denied.add((spiffe_id(f"test-{role}"), method))
        recorded = {
            (event.identity, event.method)
            for event in server.spooled()
            if (event.outcome, event.reason) == ("PERMISSION_DENIED", "METHOD_NOT_ALLOWED")
        }
    assert recorded == denied
    assert len(denied) > 4 * len(METHODS), "most of the matrix is denials"


@pytest.mark.parametrize("method", sorted(contract_methods()))
def test_every_method_is_named_by_a_role(method: str) -> None:
    """A method that nobody may call cannot be meant; its author forgot the policy."""
    assert any(method in methods for methods in ROLES.values())


async def test_a_binding_holds_for_its_tenants_only() -> None:
    """The same role for the tenant `shop` alone does not reach the tenant `bank`, and says so."""
    async with serve("intent", wired(*everything())) as server:
        stub = server.stub(IntentServiceStub, identity="test-session-shop")
        await stub.Classify(ClassifyRequest(tenant="tenants/shop", text="你好"), timeout=5)
        error = await error_of(
            stub.Classify(ClassifyRequest(tenant="tenants/bank", text="你好"), timeout=5)
        )
        last = server.spooled()[-1]
    assert error.reason == "TENANT_NOT_ALLOWED"
    assert error.metadata["tenant"] == "tenants/bank"
    assert (last.outcome, last.tenant) == ("PERMISSION_DENIED", "bank")
