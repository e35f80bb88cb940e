"""How a model provider can fail, in one word each."""

from enum import StrEnum


class Cause(StrEnum):
    """Why a provider did not answer; the value is what callers and logs see."""

    RATE_LIMITED = "rate_limited"
    """HTTP 429, or more requests than the settings let this provider have."""
    TIMEOUT = "timeout"
    """No first token or no next token in time."""
    UNREACHABLE = "unreachable"
    """The connection was refused, not made in time, broke, or ended before the answer did."""
    REFUSED = "refused"
    """Another 4xx: wrong key, unknown model, a request that the provider does not take."""
    PROVIDER_ERROR = "provider_error"
    """HTTP 5xx, or an error object in the stream."""
    BROKEN_RESPONSE = "broken_response"
    """What came is not what the protocol says."""
    EMPTY_ANSWER = "empty_answer"
    """The model finished without a word."""
    CIRCUIT_OPEN = "circuit_open"
    """It was not asked, since it has failed too often of late."""
    SATURATED = "saturated"
    """It was not asked, since it had as many requests in flight as it may have."""


class ModelFailure(Exception):
    """A provider failed. It stays inside the service and carries nothing the provider said."""

    def __init__(self, cause: Cause, retry_after_seconds: float | None = None) -> None:
        super().__init__(cause.value)
        self.cause = cause
        self.retry_after_seconds = retry_after_seconds
        """When the provider said to come back; None where it did not."""
        self.asked = False
        """Whether the provider got a request at all."""


class NotFound(ModelFailure):
    """The provider does not have what the request names: HTTP 404."""

    def __init__(self) -> None:
        super().__init__(Cause.REFUSED)


class ContentRefused(ModelFailure):
    """The provider does not take what the request holds: HTTP 400, 413 or 422."""

    def __init__(self) -> None:
        super().__init__(Cause.REFUSED)
