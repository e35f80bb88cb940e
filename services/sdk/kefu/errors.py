"""Every way in which a call to Kefu can fail, one class per reason.

The domain raises these, one interceptor turns them into `google.rpc.Status`, and the client turns
the status back into the same class, so `except TurnInProgress` works on either side of the wire.
The module imports neither grpc nor protobuf: domain code may use it.

The reasons are those of `kefu.type.v1.ErrorReason`; a test holds the two together.
"""

from enum import IntEnum
from typing import ClassVar


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


class KefuError(Exception):
    """A failed call.

    Attributes:
        code: the gRPC status code, which says what kind of failure it is.
        reason: the stable word for it, a value of `ErrorReason` without its prefix.
        message: one English sentence for developers: what happened and what to do.
        metadata: further facts by key; never words of a customer.
        retry_after_seconds: when to try again, where the server knows; None otherwise.
        violations: (field path, description) pairs of an invalid request.
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

    @property
    def trace_id(self) -> str:
        """The trace of the failed call, 32 hex digits; empty where the server sent none."""
        return self.metadata.get("trace_id", "")

    @property
    def retryable(self) -> bool:
        """True where the same call, with the same request_id, may succeed later."""
        return self.code is Code.UNAVAILABLE or self.retry_after_seconds is not None


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


class SessionNotFound(KefuError):
    """No such session."""

    code = Code.NOT_FOUND
    reason = "SESSION_NOT_FOUND"
    summary = "no such session; create one with CreateSession"


class SessionAlreadyExists(KefuError):
    """A session with this id was made by another request."""

    code = Code.ALREADY_EXISTS
    reason = "SESSION_ALREADY_EXISTS"
    summary = "a session with this id exists; choose another id or none"


class SessionClosed(KefuError):
    """The session was closed or expired."""

    code = Code.FAILED_PRECONDITION
    reason = "SESSION_CLOSED"
    summary = "the session is over; create another"
    localized = (
        "本次会话已结束，请重新开始。",
        "This conversation is over, please start a new one.",
    )


class TurnInProgress(KefuError):
    """Another turn of the session runs."""

    code = Code.ABORTED
    reason = "TURN_IN_PROGRESS"
    summary = "another turn of this session is running; retry after the given time"
    localized = ("上一条消息还在处理，请稍候。", "Your last message is still being answered.")


class TurnNotFound(KefuError):
    """No such turn."""

    code = Code.NOT_FOUND
    reason = "TURN_NOT_FOUND"
    summary = "no such turn"


class IntentModelNotFound(KefuError):
    """The tenant has no intent model."""

    code = Code.NOT_FOUND
    reason = "INTENT_MODEL_NOT_FOUND"
    summary = "the tenant has no intent model; add its intents file"


class KnowledgeBaseNotFound(KefuError):
    """No such knowledge base."""

    code = Code.NOT_FOUND
    reason = "KNOWLEDGE_BASE_NOT_FOUND"
    summary = "no such knowledge base; create it with CreateKnowledgeBase"


class KnowledgeBaseAlreadyExists(KefuError):
    """A knowledge base with this id was made by another request."""

    code = Code.ALREADY_EXISTS
    reason = "KNOWLEDGE_BASE_ALREADY_EXISTS"
    summary = "a knowledge base with this id exists"


class DocumentNotFound(KefuError):
    """No such document."""

    code = Code.NOT_FOUND
    reason = "DOCUMENT_NOT_FOUND"
    summary = "no such document"


class ImportOutOfOrder(KefuError):
    """An import's messages come in the wrong order."""

    code = Code.INVALID_ARGUMENT
    reason = "IMPORT_OUT_OF_ORDER"
    summary = "an import is one header, then files"


class EmbeddingMismatch(KefuError):
    """The vector was made by another model than the knowledge base's."""

    code = Code.FAILED_PRECONDITION
    reason = "EMBEDDING_MISMATCH"
    summary = "the embedding was made by another model than the knowledge base's vectors"


class ModelUnavailable(KefuError):
    """No model provider answered and the caller forbade the extractive answer."""

    code = Code.UNAVAILABLE
    reason = "MODEL_UNAVAILABLE"
    summary = "no model provider answered, retry"


class ModelNotFound(KefuError):
    """The named model is not configured."""

    code = Code.INVALID_ARGUMENT
    reason = "MODEL_NOT_FOUND"
    summary = "the model is not configured; ListModels names those that are"


class CheckpointInvalid(KefuError):
    """The checkpoint's signature is not this log's."""

    code = Code.INVALID_ARGUMENT
    reason = "CHECKPOINT_INVALID"
    summary = "the checkpoint was not signed by this log"


class ActionNotFound(KefuError):
    """The action server has no such action."""

    code = Code.NOT_FOUND
    reason = "ACTION_NOT_FOUND"
    summary = "the action server has no such action"


class TicketNotFound(KefuError):
    """No such ticket."""

    code = Code.NOT_FOUND
    reason = "TICKET_NOT_FOUND"
    summary = "no such ticket"


class TicketTransitionInvalid(KefuError):
    """The ticket cannot go from its status to the wanted one."""

    code = Code.FAILED_PRECONDITION
    reason = "TICKET_TRANSITION_INVALID"
    summary = "the ticket cannot go from its status to the wanted one"


class EtagMismatch(KefuError):
    """The resource changed since it was read."""

    code = Code.ABORTED
    reason = "ETAG_MISMATCH"
    summary = "the resource changed since it was read; read it again"


def by_reason(reason: str) -> type[KefuError] | None:
    """The class of a reason word; None for one that this release does not know."""
    return _BY_REASON.get(reason)


_BY_REASON = {each.reason: each for each in KefuError.__subclasses__()}
