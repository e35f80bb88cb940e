"""Calls to other services: one choke point for deadline, trace context and typed errors."""

import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
from kefu.client.channel import open_channel
from kefu.client.status import from_rpc_error
from kefu.errors import DeadlineExceeded, KefuError, by_reason
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer

from services.mesh import names
from services.mesh.calls import current
from services.mesh.interceptors.deadline import margin_seconds
from services.mesh.telemetry import outgoing_metadata
from services.mesh.tls import KeyPair

# For calls that nobody waits for, such as a background refresh.
_DEFAULT_SECONDS = 10.0


class Peer:
    """Another service, as this one calls it.

    Args:
        service: its short name, for errors and spans.
        target: gRPC target, such as `dns:///intent:8443` or `127.0.0.1:4433`.
        stub: class of its generated stub.
        keys: the certificate that this service shows.
        tracer: makes the spans of failed calls.
        outside: another company system, which sends no spans here: each call gets a client span.
    """

    def __init__(
        self,
        service: str,
        target: str,
        stub: Callable[[Any], Any],
        keys: KeyPair,
        tracer: Tracer,
        outside: bool = False,
    ) -> None:
        self.service = service
        self._outside = outside
        self._channel = open_channel(target, keys.channel_credentials())
        self._stub = stub(self._channel)
        self._tracer = tracer

    async def unary(
        self, method: str, request: Any, timeout_seconds: float = _DEFAULT_SECONDS
    ) -> Any:
        """Call a method that answers once; the request may be an iterator where it streams in.

        Args:
            method: its short name, such as `Classify`.
            request: the message.
            timeout_seconds: at the most; less where the current call has less left.

        Raises:
            KefuError: of the class that the callee raised, or ServiceUnavailable,
                DeadlineExceeded.
        """
        started = time.time_ns()
        try:
            response = await getattr(self._stub, method)(
                request, timeout=self._seconds(timeout_seconds), metadata=outgoing_metadata()
            )
        except grpc.RpcError as error:
            raise self._failed(method, error, started) from None
        if self._outside:
            self._span(method, started, None)
        return response

    async def stream(
        self, method: str, request: Any, timeout_seconds: float = _DEFAULT_SECONDS
    ) -> AsyncIterator[Any]:
        """Call a method that answers with a stream; leaving the loop cancels the call.

        Raises:
            KefuError: as `unary` does.
        """
        started = time.time_ns()
        call = getattr(self._stub, method)(
            request, timeout=self._seconds(timeout_seconds), metadata=outgoing_metadata()
        )
        try:
            async for message in call:
                yield message
        except grpc.RpcError as error:
            raise self._failed(method, error, started) from None
        finally:
            call.cancel()

    async def close(self) -> None:
        """Close the channel once running calls are done."""
        await self._channel.close(grace=1.0)

    def _seconds(self, wanted: float) -> float:
        """The time for the next hop: never more than the current call has, less a margin."""
        try:
            left = current().remaining_seconds
        except LookupError:
            return wanted
        left -= margin_seconds(left)
        if left <= 0:
            raise DeadlineExceeded(service=self.service)
        return min(wanted, left)

    def _failed(self, method: str, error: grpc.RpcError, started: int) -> KefuError:
        """The typed error, and a client span: a call that never arrived has no server span."""
        failure = from_rpc_error(error, self.service)
        if by_reason(failure.reason) is None:
            # Not one of our services, or newer than we: what it says may be anybody's words.
            failure.message = f"the {self.service} service failed with {failure.code.name}"
        self._span(method, started, failure)
        return failure

    def _span(self, method: str, started: int, failure: KefuError | None) -> None:
        """A client span, for a call of which no server of ours may have told."""
        attributes: dict[str, str | int] = {
            names.RPC_SYSTEM: "grpc",
            names.RPC_SERVICE: self.service,
            names.RPC_METHOD: method,
            names.RPC_STATUS: int(failure.code) if failure else 0,
        }
        span = self._tracer.start_span(
            f"{self.service}/{method}",
            kind=SpanKind.CLIENT,
            start_time=started,
            attributes=attributes,
        )
        if failure is not None:
            span.set_attribute(names.ERROR_REASON, failure.reason)
            span.set_status(Status(StatusCode.ERROR, failure.reason))
        span.end()
