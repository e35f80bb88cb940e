"""Lets a call through only where the policy says so."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from google.protobuf.message import Message
from kefu.errors import CallerUnidentified, MethodNotAllowed, TenantNotAllowed

from services.mesh.calls import Call, Middleware
from services.mesh.descriptors import is_tenant_id, resource_names
from services.mesh.policy import Policy


class Authorise(Middleware):
    """Default deny, by identity and method first, then by the tenants that the request names.

    Args:
        policy: gives the policy in force, which may be replaced while the server runs.
    """

    name = "authorise"

    def __init__(self, policy: Callable[[], Policy]) -> None:
        self._policy = policy

    @asynccontextmanager
    async def around(self, call: Call) -> AsyncIterator[None]:
        """Refuse callers without an identity and methods that none of their roles names."""
        if call.refusal is not None:
            raise call.refusal
        if call.caller is None:
            raise CallerUnidentified()
        if not self._policy().decide(call.identity, call.method).allowed:
            raise MethodNotAllowed(method=call.method, identity=call.identity)
        yield

    def on_request(self, call: Call, message: Message) -> None:
        """Refuse a request that names a tenant outside the caller's bindings."""
        for tenant in resource_names(message).tenants:
            if not self._policy().decide(call.identity, call.method, tenant).allowed:
                printable = tenant if is_tenant_id(tenant) else "?"
                raise TenantNotAllowed(tenant=f"tenants/{printable}")
