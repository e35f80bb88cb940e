"""Every way in which a call to Kefu can fail, one class per reason.

The domain raises these, one interceptor turns them into `google.rpc.Status`, and the client turns
the status back into the same class, so `except TurnInProgress` works on either side of the wire.
The module imports neither grpc nor protobuf: domain code may use it.

The reasons are those of `kefu.type.v1.ErrorReason`; a test holds the two together.
"""

from kefu.errors.base import Code, KefuError, QuotaViolation
from kefu.errors.mesh import (
    CallerUnidentified,
    DeadlineExceeded,
    EndUserTokenInvalid,
    Internal,
    InvalidRequest,
    MalformedRequest,
    MessageTooLarge,
    MethodNotAllowed,
    MethodNotFound,
    PageTokenInvalid,
    RateLimited,
    RequestIdReused,
    ServerBusy,
    ServiceUnavailable,
    ShuttingDown,
    StorageUnavailable,
    TenantNotAllowed,
)
from kefu.errors.services import (
    ActionNotFound,
    CheckpointInvalid,
    DocumentNotFound,
    EmbeddingMismatch,
    EtagMismatch,
    ImportInProgress,
    ImportOutOfOrder,
    IntentModelNotFound,
    IntentNotFound,
    KnowledgeBaseAlreadyExists,
    KnowledgeBaseNotFound,
    ModelNotFound,
    ModelRefused,
    ModelUnavailable,
    OperationNotFound,
    PublishRefused,
    QuotaExceeded,
    RevisionNotFound,
    SessionAlreadyExists,
    SessionClosed,
    SessionNotFound,
    TicketNotFound,
    TicketTransitionInvalid,
    TrainingDataInvalid,
    TrainingDataTooLarge,
    TrainingInProgress,
    TurnInProgress,
    TurnNotFound,
    UncertainUtteranceNotFound,
    UploadTooLarge,
)

__all__ = [
    "ActionNotFound",
    "CallerUnidentified",
    "CheckpointInvalid",
    "Code",
    "DeadlineExceeded",
    "DocumentNotFound",
    "EmbeddingMismatch",
    "EndUserTokenInvalid",
    "EtagMismatch",
    "ImportInProgress",
    "ImportOutOfOrder",
    "IntentModelNotFound",
    "IntentNotFound",
    "Internal",
    "InvalidRequest",
    "KefuError",
    "KnowledgeBaseAlreadyExists",
    "KnowledgeBaseNotFound",
    "MalformedRequest",
    "MessageTooLarge",
    "MethodNotAllowed",
    "MethodNotFound",
    "ModelNotFound",
    "ModelRefused",
    "ModelUnavailable",
    "OperationNotFound",
    "PageTokenInvalid",
    "PublishRefused",
    "QuotaExceeded",
    "QuotaViolation",
    "RateLimited",
    "RequestIdReused",
    "RevisionNotFound",
    "ServerBusy",
    "ServiceUnavailable",
    "SessionAlreadyExists",
    "SessionClosed",
    "SessionNotFound",
    "ShuttingDown",
    "StorageUnavailable",
    "TenantNotAllowed",
    "TicketNotFound",
    "TicketTransitionInvalid",
    "TrainingDataInvalid",
    "TrainingDataTooLarge",
    "TrainingInProgress",
    "TurnInProgress",
    "TurnNotFound",
    "UncertainUtteranceNotFound",
    "UploadTooLarge",
    "by_reason",
]


def by_reason(reason: str) -> type[KefuError] | None:
    """The class of a reason word; None for one that this release does not know."""
    return _BY_REASON.get(reason)


_BY_REASON = {each.reason: each for each in KefuError.__subclasses__()}
