"""Writes one audit event for each call, refused ones included, before its result leaves."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from google.protobuf.message import Message
from kefu.errors import DeadlineExceeded, Internal, KefuError

from services.mesh.calls import Call, Middleware
from services.mesh.descriptors import is_tenant_id, resource_names
from services.mesh.interceptors.trace import UNTRACED

RecordCall = Callable[[Call, str, str], None]
"""Takes a call, the name of its gRPC code and its error reason; raises where it cannot be kept."""

# The event loop's clock ticks in milliseconds and may fire a little early.
_CLOCK_SLACK_SECONDS = 0.005


class Audit(Middleware):
    """Outside authorise, so that what was refused is recorded too.

    The event is on disk before the response is sent: an answered call has a record whatever
    happens next.

    Args:
        record: keeps the event on this machine's disk.
    """

    name = "audit"

    def __init__(self, record: RecordCall) -> None:
        self._record = record

    @asynccontextmanager
    async def around(self, call: Call) -> AsyncIterator[None]:
        """Record the call when it ends, however it ends."""
        try:
            yield
        except BaseException as error:
            # The errors step, further out, has not seen the failure yet.
            self._record(call, *_failure(call, error))
            raise
        if call.method not in UNTRACED:
            self._record(call, "OK", "")

    def on_request(self, call: Call, message: Message) -> None:
        """Note what the call is about."""
        found = resource_names(message)
        call.resource = call.resource or found.first
        if found.tenants:
            # Logs and spans show it, and the request was not validated yet.
            call.tenant = found.tenants[0] if is_tenant_id(found.tenants[0]) else ""


def _failure(call: Call, error: BaseException) -> tuple[str, str]:
    """Code and reason of what the handler raised."""
    if isinstance(error, KefuError):
        return error.code.name, error.reason
    if isinstance(error, Exception):
        return Internal.code.name, Internal.reason
    # The deadline step cancels what runs below it; a cancellation before that is the caller's.
    if call.remaining_seconds <= _CLOCK_SLACK_SECONDS:
        return DeadlineExceeded.code.name, DeadlineExceeded.reason
    return "CANCELLED", ""
