"""Failures that any method can have: bad requests, callers, limits, outages."""

from kefu.errors.base import Code, KefuError


class InvalidRequest(KefuError):
    """A field breaks its rule; `violations` names each."""

    code = Code.INVALID_ARGUMENT
    reason = "INVALID_REQUEST"
    summary = "the request breaks its field rules"

    def __init__(
        self, message: str = "", *, violations: list[tuple[str, str]] | None = None, **metadata: str
    ) -> None:
        found = violations or []
        listed = "; ".join(f"{field}: {problem}" for field, problem in found)
        super().__init__(message or f"{self.summary}: {listed}")
        self.metadata = metadata
        self.violations = found


class MalformedRequest(KefuError):
    """The bytes are not a message of the method's type."""

    code = Code.INVALID_ARGUMENT
    reason = "MALFORMED_REQUEST"
    summary = "the bytes are not a message of the request type"


class MessageTooLarge(KefuError):
    """One message is over the size limit."""

    code = Code.RESOURCE_EXHAUSTED
    reason = "MESSAGE_TOO_LARGE"
    summary = "the message is over the size limit; send less at once"


class PageTokenInvalid(KefuError):
    """The page token was not made by this method for these filters."""

    code = Code.INVALID_ARGUMENT
    reason = "PAGE_TOKEN_INVALID"
    summary = "page_token was not returned by this list; start again without one"


class RequestIdReused(KefuError):
    """The request_id was used before for another request."""

    code = Code.INVALID_ARGUMENT
    reason = "REQUEST_ID_REUSED"
    summary = "request_id was used before for another request; use a new UUID"


class CallerUnidentified(KefuError):
    """The certificate does not carry exactly one SPIFFE URI of the trust domain."""

    code = Code.UNAUTHENTICATED
    reason = "CALLER_UNIDENTIFIED"
    summary = "the client certificate must carry exactly one SPIFFE URI of the trust domain"


class EndUserTokenInvalid(KefuError):
    """The end-user token cannot be trusted."""

    code = Code.UNAUTHENTICATED
    reason = "END_USER_TOKEN_INVALID"
    summary = "the end-user token is not valid"


class MethodNotAllowed(KefuError):
    """No role of the caller names the method."""

    code = Code.PERMISSION_DENIED
    reason = "METHOD_NOT_ALLOWED"
    summary = "no role of the caller allows this method"


class TenantNotAllowed(KefuError):
    """The caller's binding does not cover the tenant, or it might not exist (AIP-211)."""

    code = Code.PERMISSION_DENIED
    reason = "TENANT_NOT_ALLOWED"
    summary = "permission denied on the tenant (or it might not exist)"


class RateLimited(KefuError):
    """The identity's call rate is over its limit."""

    code = Code.RESOURCE_EXHAUSTED
    reason = "RATE_LIMITED"
    summary = "too many calls by this identity; retry after the given time"
    localized = ("请求太频繁了，请稍后再试。", "Too many requests, please try again shortly.")


class ServerBusy(KefuError):
    """The server already serves its limit of concurrent calls."""

    code = Code.RESOURCE_EXHAUSTED
    reason = "SERVER_BUSY"
    summary = "the server is at its limit of concurrent calls; retry after the given time"
    localized = ("系统繁忙，请稍后再试。", "We are busy right now, please try again shortly.")


class DeadlineExceeded(KefuError):
    """The server gave up just before the caller's deadline."""

    code = Code.DEADLINE_EXCEEDED
    reason = "DEADLINE_EXCEEDED"
    summary = "the call did not finish before its deadline"
    localized = ("处理超时，请稍后再试。", "This took too long, please try again.")


class ShuttingDown(KefuError):
    """The server drains."""

    code = Code.UNAVAILABLE
    reason = "SHUTTING_DOWN"
    summary = "the server is shutting down; another replica answers, retry"


class StorageUnavailable(KefuError):
    """A database or cache did not answer."""

    code = Code.UNAVAILABLE
    reason = "STORAGE_UNAVAILABLE"
    summary = "storage is unavailable, retry"
    localized = ("系统暂时不可用，请稍后再试。", "The service is temporarily unavailable.")


class ServiceUnavailable(KefuError):
    """Another service of the mesh did not answer."""

    code = Code.UNAVAILABLE
    reason = "SERVICE_UNAVAILABLE"
    summary = "a service is unavailable, retry"
    localized = ("系统暂时不可用，请稍后再试。", "The service is temporarily unavailable.")


class Internal(KefuError):
    """A defect of Kefu; the text stays in the server's log under `error_id`."""

    code = Code.INTERNAL
    reason = "INTERNAL"
    summary = "internal error; give the error id to the operator"


class MethodNotFound(KefuError):
    """No such method on this server."""

    code = Code.UNIMPLEMENTED
    reason = "METHOD_NOT_FOUND"
    summary = "no such method on this server"
