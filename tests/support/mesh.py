"""One service over loopback mTLS with the production chain, and clients of every kind.

    async with serve("desk", build, Settings, database_url=url) as server:
        stub = server.stub(DeskServiceStub, role="agent")
        await stub.GetTicket(request, timeout=5)

The policy is the default one plus, for each role, an identity `test-<role>` that holds it for every
tenant and `test-<role>-shop` that holds it for the tenant `shop` alone.
"""

import itertools
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import grpc
import yaml
from google.protobuf.descriptor import MethodDescriptor
from kefu.audit.v1.audit_pb2 import AuditEvent
from kefu.client.status import from_rpc_error
from kefu.errors import Code
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter

from services.local.ca import Authority, Leaf, spiffe_id
from services.mesh.server import Registration
from services.mesh.service import Build, Mesh, serving
from services.mesh.settings import ServiceSettings
from services.mesh.spool import read_events
from services.mesh.tls import KeyPair

ROOT = Path(__file__).resolve().parents[2]
POLICY = ROOT / "deploy" / "policy.yaml"
Stub = TypeVar("Stub")


def write_policy(path: Path) -> None:
    """The default policy with the test identities bound."""
    document = yaml.safe_load(POLICY.read_text())
    for role in document["roles"]:
        for suffix, tenants in (("", ["*"]), ("-shop", ["shop"])):
            identity = spiffe_id(f"test-{role}{suffix}")
            document["bindings"].append({"identity": identity, "roles": [role], "tenants": tenants})
    path.write_text(yaml.safe_dump(document))


def write_leaf(folder: Path, name: str, leaf: Leaf) -> KeyPair:
    """Put a leaf beside the folder's ca.pem."""
    (folder / f"{name}.pem").write_bytes(leaf.certificate)
    (folder / f"{name}.key").write_bytes(leaf.key)
    return KeyPair(folder / f"{name}.pem", folder / f"{name}.key", folder / "ca.pem")


def wired(*registrations: Registration, spans: SpanExporter | None = None) -> Build:
    """The wiring of a service that serves just these; its spans go to `spans` as they end."""

    @asynccontextmanager
    async def build(_settings: ServiceSettings, mesh: Mesh) -> AsyncIterator[list[Registration]]:
        if spans is not None:
            mesh.tracer.span_processor.add_span_processor(SimpleSpanProcessor(spans))
        yield list(registrations)

    return build


def answering(servicer: type, **methods: Callable[..., Any]) -> Any:
    """A servicer of a generated class; each method is `async def (request, context)`."""
    return type("Answering", (servicer,), {k: staticmethod(v) for k, v in methods.items()})()


def lost(error: grpc.RpcError) -> set[Code]:
    """The code that grpc.aio put in place of the server's, if it did.

    It does where a call ends while it still writes: what failed is then its writing.
    """
    assert isinstance(error, grpc.aio.AioRpcError)
    wrote = "SendMessageOperation" in (error.debug_error_string() or "")
    return {Code.INTERNAL} if wrote else set()


async def raw(
    channel: grpc.aio.Channel, method: MethodDescriptor, *messages: bytes, silent: bool = False
) -> bytes:
    """Call a method with bytes as they are; the first response, also as bytes.

    Args:
        channel: whose certificate calls.
        method: what is called.
        messages: the request, or its parts where it streams.
        silent: send nothing where the request streams. A call that is refused as soon as it arrives
            may end while grpc.aio still writes, and then it reports INTERNAL, not our status.

    Raises:
        grpc.RpcError: as the server answered.
    """
    path = f"/{method.containing_service.full_name}/{method.name}"
    request: Any = messages[0] if messages else b""
    kind = channel.unary_unary
    if method.client_streaming and method.server_streaming:
        kind, request = channel.stream_stream, iter(messages)
    elif method.client_streaming:
        kind, request = channel.stream_unary, iter(messages)
    elif method.server_streaming:
        kind = channel.unary_stream
    spoken = () if silent and method.client_streaming else (request,)
    call = kind(path)(*spoken, timeout=10)
    if not method.server_streaming:
        return await call
    answer = await call.read()
    if answer is grpc.aio.EOF:
        raise grpc.aio.AioRpcError(
            await call.code(), await call.initial_metadata(), await call.trailing_metadata(),
            await call.details(),
        )  # fmt: skip
    call.cancel()
    return answer


@dataclass
class Served:
    """A running service and the means to call it."""

    address: str
    folder: Path
    authority: Authority
    settings: ServiceSettings
    stack: AsyncExitStack
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def keys(self, name: str) -> KeyPair:
        """A fresh certificate of the mesh's CA for `sa/<name>`."""
        return write_leaf(self.folder, f"{name}-{next(self._numbers)}", self.authority.issue(name))

    def channel(self, keys: KeyPair, address: str = "") -> grpc.aio.Channel:
        """A plain channel that shows `keys`, to another address if need be; closed with this."""
        channel = grpc.aio.secure_channel(address or self.address, keys.channel_credentials())
        self.stack.push_async_callback(channel.close)
        return channel

    def stub(self, stub: Callable[[Any], Stub], *, role: str = "", identity: str = "") -> Stub:
        """A stub that calls as `test-<role>`, or as `sa/<identity>`."""
        return stub(self.channel(self.keys(identity or f"test-{role}")))

    def spooled(self) -> list[AuditEvent]:
        """The audit events that the service wrote, oldest first."""
        files = sorted(self.settings.spool_dir.glob("*.full"))
        files += self.settings.spool_dir.glob("open.spool")
        return [event for path in files for event in read_events(path)]


@asynccontextmanager
async def serve(
    name: str,
    build: Build,
    settings_class: type[ServiceSettings] = ServiceSettings,
    *,
    beside: Served | None = None,
    leaf: Callable[[Authority, str], Leaf] = Authority.issue,
    **overrides: Any,
) -> AsyncIterator[Served]:
    """Run one service until the block ends.

    Args:
        name: its short name, also that of its certificate.
        build: its wiring.
        settings_class: class of its settings.
        beside: another service, whose CA this one shares; the two can call each other.
        leaf: makes its certificate.
        overrides: settings that differ from the defaults.
    """
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kefu-test-")))
        authority = beside.authority if beside else Authority.create()
        (folder / "ca.pem").write_bytes(authority.certificate_pem)
        keys = write_leaf(folder, name, leaf(authority, name))
        write_policy(folder / "policy.yaml")
        values: dict[str, Any] = {
            "cert_file": keys.cert_file,
            "key_file": keys.key_file,
            "ca_file": keys.ca_file,
            "policy_file": folder / "policy.yaml",
            "spool_dir": folder / "spool",
            "drain_seconds": 1,
        }
        settings = settings_class(**(values | overrides))
        server = await stack.enter_async_context(serving(name, settings, build))
        clients = await stack.enter_async_context(AsyncExitStack())
        yield Served(server.address, folder, authority, settings, clients)


async def error_of(call: Any, service: str = "test") -> Any:
    """The typed error that a call ends with; fails the test where it succeeds."""
    try:
        if hasattr(call, "__aiter__"):
            async for _ in call:
                pass
        else:
            await call
    except grpc.RpcError as error:
        return from_rpc_error(error, service)
    raise AssertionError("the call succeeded, an error was expected")
