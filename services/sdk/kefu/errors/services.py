"""Failures of single services, in the order of their reasons."""

from kefu.errors.base import Code, KefuError


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
    """No such intent model, or the tenant has none."""

    code = Code.NOT_FOUND
    reason = "INTENT_MODEL_NOT_FOUND"
    summary = "the tenant has no such intent model; import training data and train one"


class TrainingDataInvalid(KefuError):
    """The draft cannot be trained on; the message names every problem, one a line."""

    code = Code.FAILED_PRECONDITION
    reason = "TRAINING_DATA_INVALID"
    summary = "the draft cannot be trained on; import data that can"


class TrainingDataTooLarge(KefuError):
    """An import is over a limit of the draft."""

    code = Code.RESOURCE_EXHAUSTED
    reason = "TRAINING_DATA_TOO_LARGE"
    summary = "the training data is over a limit; leave out what says the same again"


class TrainingInProgress(KefuError):
    """Another training of the tenant runs."""

    code = Code.ABORTED
    reason = "TRAINING_IN_PROGRESS"
    summary = "a training of this tenant is running; wait for it or cancel it"


class OperationNotFound(KefuError):
    """No such operation."""

    code = Code.NOT_FOUND
    reason = "OPERATION_NOT_FOUND"
    summary = "no such operation; it may be older than 30 days"


class IntentNotFound(KefuError):
    """The draft has no such intent."""

    code = Code.NOT_FOUND
    reason = "INTENT_NOT_FOUND"
    summary = "the draft has no such intent"


class UncertainUtteranceNotFound(KefuError):
    """No such uncertain utterance."""

    code = Code.NOT_FOUND
    reason = "UNCERTAIN_UTTERANCE_NOT_FOUND"
    summary = "no such uncertain utterance; it may be resolved already"


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
    summary = "an import is one header, then its content"


class EmbeddingMismatch(KefuError):
    """The vector was made by another model than the knowledge base's."""

    code = Code.FAILED_PRECONDITION
    reason = "EMBEDDING_MISMATCH"
    summary = "the embedding was made by another model than the knowledge base's vectors"


class RevisionNotFound(KefuError):
    """The knowledge base has no such revision, or it is too old to be kept."""

    code = Code.NOT_FOUND
    reason = "REVISION_NOT_FOUND"
    summary = "no such revision; ListRevisions names those that there are"


class PublishRefused(KefuError):
    """Too few of the knowledge base's own test questions pass."""

    code = Code.FAILED_PRECONDITION
    reason = "PUBLISH_REFUSED"
    summary = "too few test questions pass; TestKnowledgeBase says which do not"


class ImportInProgress(KefuError):
    """Another import into the knowledge base runs."""

    code = Code.ABORTED
    reason = "IMPORT_IN_PROGRESS"
    summary = "an import into this knowledge base is running; wait for it or cancel it"


class UploadTooLarge(KefuError):
    """An upload has too many files or bytes."""

    code = Code.RESOURCE_EXHAUSTED
    reason = "UPLOAD_TOO_LARGE"
    summary = "the upload is over a limit; upload the folder in parts"


class ModelUnavailable(KefuError):
    """No model provider answered and the caller forbade the extractive answer."""

    code = Code.UNAVAILABLE
    reason = "MODEL_UNAVAILABLE"
    summary = "no model provider answered, retry"


class QuotaExceeded(KefuError):
    """A limit on the use of models is used up; nothing was spent."""

    code = Code.RESOURCE_EXHAUSTED
    reason = "QUOTA_EXCEEDED"
    summary = "a limit on the use of models is used up; retry after the given time"
    localized = (
        "智能应答额度已用完，请稍后再试。",
        "The limit is used up, please try again later.",
    )


class ModelNotFound(KefuError):
    """The named model is not configured."""

    code = Code.INVALID_ARGUMENT
    reason = "MODEL_NOT_FOUND"
    summary = "the model is not configured; ListModels names those that are"


class ModelRefused(KefuError):
    """A model provider refused, and would again; `cause` says whether that was for the texts."""

    code = Code.FAILED_PRECONDITION
    reason = "MODEL_REFUSED"
    summary = "a model provider refused the request and would again"


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
