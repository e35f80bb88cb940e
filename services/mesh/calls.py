"""One call on its way through the server, and the middleware that it passes.

A middleware sees a call before and after the handler and, in between, each request message. It
knows nothing of gRPC, so it is tested by calling it.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass, field, replace
from typing import ClassVar

from google.protobuf.message import Message
from kefu.errors import KefuError

from services.mesh.identity import Caller


@dataclass(slots=True)
class Call:
    """A call being served.

    Attributes:
        method: full name, such as `kefu.session.v1.SessionService/Reply`.
        certificate_uris: every URI of the client certificate that TLS verified.
        metadata: the caller's text metadata, lower-case keys.
        seconds_left: until the caller's deadline when the call arrived; None: the caller set none.
        caller: who calls; None until the certificate was read or where it cannot be.
        refusal: why the caller could not be identified; raised where permission is checked, so that
            the audit record, which comes earlier, sees it.
        tenant: id of the tenant that the request is about; empty: none.
        resource: name of what it is about; empty: none.
        trace_id: W3C trace id, 32 hex digits.
        span_id: of this call's span, 16 hex digits.
        labels: further facts for the audit record, see `annotate`.
        trailers: metadata that the caller gets with the end of the call, see `trail`.
        error: how the call failed; None while it runs and where it succeeded.
    """

    method: str
    certificate_uris: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    seconds_left: float | None = None
    caller: Caller | None = None
    refusal: KefuError | None = None
    tenant: str = ""
    resource: str = ""
    trace_id: str = ""
    span_id: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    trailers: dict[str, str] = field(default_factory=dict)
    error: KefuError | None = None
    started: float = field(default_factory=time.monotonic)
    deadline: float = float("inf")

    @property
    def service(self) -> str:
        """Full name of the service, without the method."""
        return self.method.rpartition("/")[0]

    @property
    def identity(self) -> str:
        """The caller's SPIFFE URI; empty where there is none."""
        return self.caller.identity if self.caller else ""

    @property
    def elapsed_seconds(self) -> float:
        """Since the call arrived."""
        return time.monotonic() - self.started

    @property
    def remaining_seconds(self) -> float:
        """Until the server gives up; infinite before the deadline middleware ran."""
        return self.deadline - time.monotonic()


class Middleware(ABC):
    """A step that every call passes."""

    name: ClassVar[str]
    """Short name; the order of the names is checked at start."""

    @abstractmethod
    def around(self, call: Call) -> AbstractAsyncContextManager[None]:
        """Run before and after the handler; an exception raised here or below ends the call."""

    def on_request(self, call: Call, message: Message) -> None:  # noqa: B027 (most look at none)
        """Look at one request message before the handler gets it; raise to refuse it."""


_current: ContextVar[Call] = ContextVar("kefu_call")


def current() -> Call:
    """The call that is being served in this task.

    Raises:
        LookupError: outside a call.
    """
    return _current.get()


def enter(call: Call) -> None:
    """Make a call the current one of this task and of the tasks that it starts."""
    _current.set(call)


def outliving() -> Context:
    """Return a context for work that goes on when the current call has ended.

    It has the call's identity and trace, but not its deadline, which would end the calls that the
    work makes of others. Give it to `asyncio.create_task`.

    Raises:
        LookupError: outside a call.
    """
    context = copy_context()
    context.run(_current.set, replace(current(), seconds_left=None, deadline=float("inf")))
    return context


def annotate(*, resource: str = "", **labels: str) -> None:
    """Add facts to the audit record of the current call: ids, labels, lengths, hashes.

    Args:
        resource: name of what the call made or found, in place of what the request named.
        labels: at most 20, values up to 256 characters.
    """
    call = current()
    call.resource = resource or call.resource
    call.labels.update(labels)


def trail(trailers: Mapping[str, str]) -> None:
    """Tell the caller of the current call something with its end, however it ends.

    Args:
        trailers: metadata by key; a later value of a key replaces an earlier one.
    """
    current().trailers.update(trailers)
