"""The frame of every service process: settings in, a draining server out."""

import asyncio
import gc
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import prometheus_client
import structlog
import uvloop
from kefu.audit.v1.audit_pb2_grpc import AuditServiceStub
from kefu.errors import KefuError
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Tracer
from pydantic import ValidationError
from pydantic_settings import SettingsError

from services.mesh import logs
from services.mesh.calls import Call
from services.mesh.client import Peer
from services.mesh.descriptors import contract_methods
from services.mesh.interceptors import build_middleware
from services.mesh.policy import PolicyInvalid
from services.mesh.policy_file import PolicyFile
from services.mesh.server import MeshServer, Registration
from services.mesh.settings import ServiceSettings
from services.mesh.spool import AuditSpool
from services.mesh.telemetry import tracer_provider
from services.mesh.tls import TlsInvalid

FOREIGN_METHODS = frozenset(
    {
        "grpc.health.v1.Health/Check",
        "grpc.health.v1.Health/Watch",
        "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        "opentelemetry.proto.collector.trace.v1.TraceService/Export",
    }
)
"""Methods that a policy may name and that are not of our contract."""

_FLUSH_SECONDS = 3.0
EXIT_CANNOT_START = 2

# New objects after which cyclic garbage is looked for. A call makes thousands, which mostly go by
# themselves; Python's own 700 is for programs that are not servers.
_YOUNG_OBJECTS = 10_000


class Mesh:
    """What the frame gives to a service.

    Attributes:
        name: short name of this service, such as `intent`.
        spool: where audit events go; for events that are no call, such as a completed turn.
        tracer: makes the spans of this service.
    """

    def __init__(self, name: str, settings: ServiceSettings, tracer: Tracer) -> None:
        self.name = name
        self.tracer = tracer
        self.spool = AuditSpool(name, settings.spool_dir)
        self._settings = settings
        self._peers: list[Peer] = []

    def peer(self, service: str, stub: Callable[[Any], Any], target: str = "") -> Peer:
        """Another service by its name in the `peers` setting, or a system outside by its target.

        Raises:
            KefuError: the setting does not name the service.
        """
        found = target or self._settings.peers.get(service, "")
        if not found:
            raise KefuError(f"KEFU_PEERS does not name the address of {service!r}")
        peer = Peer(service, found, stub, self._settings.keys(), self.tracer, bool(target))
        self._peers.append(peer)
        return peer

    async def close(self) -> None:
        """Close every channel and the spool."""
        for peer in self._peers:
            await peer.close()
        self.spool.close()


Build = Callable[[Any, Mesh], AbstractAsyncContextManager[list[Registration]]]
"""Wires a service: opens its stores and peers, gives what is to be served, closes them after."""


@asynccontextmanager
async def serving(name: str, settings: ServiceSettings, build: Build) -> AsyncIterator[MeshServer]:
    """Run a service inside this process until the block ends, then drain it.

    Raises:
        PolicyInvalid, TlsInvalid, KefuError: it cannot start, and why.
    """
    problems = settings.keys().problems()
    if problems:
        raise TlsInvalid("; ".join(problems))
    policy = PolicyFile(settings.policy_file, FOREIGN_METHODS | frozenset(contract_methods()))
    provider = tracer_provider(name, settings.otlp_endpoint, settings.keys())
    mesh = Mesh(name, settings, provider.get_tracer("kefu.mesh"))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(mesh.close)
        stack.callback(_flush_spans, provider)
        await stack.enter_async_context(_shipping(mesh, settings))
        registrations = await stack.enter_async_context(build(settings, mesh))
        record: Callable[[Call, str, str], None] = mesh.spool.record_call
        middleware = build_middleware(settings, lambda: policy.policy, record, mesh.tracer)
        server = MeshServer(settings, middleware, registrations)
        await server.start()
        watching = asyncio.create_task(policy.watch())
        try:
            yield server
        finally:
            watching.cancel()
            await server.stop()


@asynccontextmanager
async def _shipping(mesh: Mesh, settings: ServiceSettings) -> AsyncIterator[None]:
    """Ship audit events while the block runs, and once more after it."""
    if "audit" not in settings.peers:
        yield
        return
    audit = mesh.peer("audit", AuditServiceStub)
    task = asyncio.create_task(mesh.spool.ship(audit))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        with suppress(TimeoutError):
            async with asyncio.timeout(_FLUSH_SECONDS):
                await mesh.spool.ship_once(audit)


def _flush_spans(provider: TracerProvider) -> None:
    provider.force_flush(int(_FLUSH_SECONDS * 1000))
    provider.shutdown()


def run(name: str, settings_class: type[ServiceSettings], build: Build) -> None:
    """The whole life of a service process: `python -m services.<name>`.

    Exits 0 after a drain, 2 with every reason on standard error where it cannot start.
    """
    logs.configure(name)
    try:
        settings = settings_class()  # type: ignore[call-arg]  # the environment has them
    except ValidationError as error:
        _cannot_start(name, [_setting_problem(each) for each in error.errors()])
    except SettingsError as error:  # a value that should be JSON
        _cannot_start(name, [str(error)])
    try:
        uvloop.run(_serve(name, settings, build))
    except PolicyInvalid as error:
        _cannot_start(name, list(error.problems))
    except (TlsInvalid, KefuError) as error:
        _cannot_start(name, [str(error)])
    except OSError as error:  # a file or folder of the settings
        _cannot_start(name, [f"{error.filename or 'the system'}: {error.strerror or error}"])


async def _serve(name: str, settings: ServiceSettings, build: Build) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    host, _, port = settings.metrics_listen.rpartition(":")
    try:
        metrics, _ = prometheus_client.start_http_server(int(port), host)
    except OSError as error:
        raise KefuError(f"metrics address {settings.metrics_listen}: {error.strerror}") from None
    log = structlog.get_logger("service")
    async with serving(name, settings, build) as server:
        settle_memory()
        log.info("serving", address=server.address, metrics_port=metrics.server_port)
        await stop.wait()
        log.info("draining")
    metrics.shutdown()
    log.info("stopped")


def settle_memory() -> None:
    """Leave what was loaded at the start out of every later search for cyclic garbage."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, *gc.get_threshold()[1:])


def _setting_problem(error: Any) -> str:
    field = ".".join(str(step) for step in error["loc"])
    problem = str(error["msg"]).removeprefix("Value error, ")
    # What concerns several settings, or a file that one names, says so itself.
    return f"KEFU_{field.upper()}: {problem}" if field else problem


def _cannot_start(name: str, problems: Sequence[str]) -> None:
    for problem in problems:
        print(f"{name} cannot start: {problem}", file=sys.stderr)
    sys.exit(EXIT_CANNOT_START)
