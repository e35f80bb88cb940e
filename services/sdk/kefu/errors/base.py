"""What every failed call of Kefu is: a code, a reason, a sentence and facts."""

from enum import IntEnum
from typing import ClassVar, NamedTuple


class Code(IntEnum):
    """The gRPC status codes that Kefu uses (google.rpc.Code has the numbers)."""

    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    UNAUTHENTICATED = 16


class QuotaViolation(NamedTuple):
    """A limit that stood in the way of a call (`google.rpc.QuotaFailure`)."""

    subject: str
    """Whose limit it is: `tenants/{tenant}`, or the SPIFFE identity of the caller."""
    metric: str
    """What is limited, such as `tokens_per_minute`."""
    limit: int
    """The limit; money in millionths of its currency."""
    description: str = ""
    """One English sentence for developers."""


class KefuError(Exception):
    """A failed call.

    Attributes:
        code: the gRPC status code, which says what kind of failure it is.
        reason: the stable word for it, a value of `ErrorReason` without its prefix.
        message: one English sentence for developers: what happened and what to do.
        metadata: further facts by key; never words of a customer.
        retry_after_seconds: when to try again, where the server knows; None otherwise.
        violations: (field path, description) pairs of an invalid request.
        quotas: the limits that are used up, where the call failed for that.
        localized: (zh, en) sentence that may be shown to a customer, or None.
    """

    code: ClassVar[Code] = Code.UNKNOWN
    reason: ClassVar[str] = ""
    summary: ClassVar[str] = "the call failed"
    localized: ClassVar[tuple[str, str] | None] = None

    def __init__(
        self, message: str = "", *, retry_after_seconds: float | None = None, **metadata: str
    ) -> None:
        super().__init__(message or self.summary)
        self.message = message or self.summary
        self.metadata = metadata
        self.retry_after_seconds = retry_after_seconds
        self.violations: list[tuple[str, str]] = []
        self.quotas: list[QuotaViolation] = []

    @property
    def trace_id(self) -> str:
        """The trace of the failed call, 32 hex digits; empty where the server sent none."""
        return self.metadata.get("trace_id", "")

    @property
    def retryable(self) -> bool:
        """True where the same call, with the same request_id, may succeed later."""
        return self.code is Code.UNAVAILABLE or self.retry_after_seconds is not None
