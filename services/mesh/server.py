"""A server that is built, not assembled: always mTLS, health, the chain, limits and a drain."""

from collections.abc import Callable, Sequence
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from kefu.errors import KefuError

from services.mesh.calls import Middleware
from services.mesh.chain import Chain
from services.mesh.settings import ServiceSettings
from services.mesh.tls import TlsInvalid, probe

Registration = tuple[Callable[[Any, grpc.aio.Server], None], Any]
"""`add_XServicer_to_server` of the generated code, and the servicer."""

# gRPC itself refuses above its limit without a reason or a record, so it is set higher than ours.
_HEADROOM_BYTES = 1024 * 1024
_HEADROOM_CALLS = 2
# Where a server that listens on all addresses can be reached from its own machine.
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "[::]": "127.0.0.1"}  # noqa: S104 (the operator chose it)


class PortTaken(KefuError):
    """The address to listen on is in use or not ours."""

    summary = "the address is in use"


class MeshServer:
    """One service on one port.

    Args:
        settings: addresses, keys and limits.
        middleware: the interceptor list, in order.
        registrations: what is served.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        middleware: Sequence[Middleware],
        registrations: Sequence[Registration],
    ) -> None:
        self._settings = settings
        self._chain = Chain(middleware, settings.max_message_bytes)
        self._server = grpc.aio.server(
            interceptors=[self._chain],
            maximum_concurrent_rpcs=settings.max_concurrent_calls * _HEADROOM_CALLS,
            options=_options(settings),
        )
        self._health = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        names = [health.SERVICE_NAME, reflection.SERVICE_NAME]
        for add, servicer in registrations:
            add(servicer, self._server)
            names.append(_service_name(add))
        reflection.enable_server_reflection(names, self._server)
        self.address = ""

    async def start(self) -> None:
        """Listen, prove TLS 1.3, then say SERVING.

        Raises:
            PortTaken: the address cannot be listened on.
            TlsInvalid: the server would take TLS 1.2.
        """
        host, _, _ = self._settings.listen.rpartition(":")
        try:
            port = self._server.add_secure_port(
                self._settings.listen, self._settings.keys().server_credentials()
            )
        except RuntimeError:
            port = 0
        if not port:
            raise PortTaken(
                f"{self._settings.listen} is taken by another process or is not an address of "
                "this machine; set KEFU_LISTEN to a free one"
            )
        self.address = f"{host}:{port}"
        await self._server.start()
        try:
            await probe(_LOOPBACK.get(host, host), port, self._settings.keys())
        except TlsInvalid:
            await self._server.stop(None)
            raise
        await self._health.set("", health_pb2.HealthCheckResponse.SERVING)

    async def stop(self) -> None:
        """Drain: NOT_SERVING, no new calls, running ones finish within the grace."""
        await self._health.enter_graceful_shutdown()
        self._chain.drain()
        await self._server.stop(self._settings.drain_seconds)


def _options(settings: ServiceSettings) -> list[tuple[str, Any]]:
    age = int(settings.max_connection_age_seconds * 1000)
    return [
        ("grpc.max_receive_message_length", settings.max_message_bytes + _HEADROOM_BYTES),
        ("grpc.max_send_message_length", -1),
        # Without this two processes could share a port and half of the calls would vanish.
        ("grpc.so_reuseport", 0),
        ("grpc.max_connection_age_ms", age),
        ("grpc.max_connection_age_grace_ms", int(settings.max_call_seconds * 1000)),
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
    ]


def _service_name(add: Callable[[Any, grpc.aio.Server], None]) -> str:
    """Full name of the service that an `add_XServicer_to_server` registers."""
    name = add.__name__.removeprefix("add_").removesuffix("Servicer_to_server")
    module = add.__module__.removesuffix("_pb2_grpc").rpartition(".")[0]
    return f"{module}.{name}"
