"""The retry table: which method may be tried again, for every method there is.

Only UNAVAILABLE is retried, since only then the server says that the call is safe to repeat
(AIP-194), and only reads or calls whose `request_id` makes a second arrival return the first
result. A channel-wide budget (gRFC A6 retry throttling) stops retries when most calls fail. A test
holds the table against the descriptors.
"""

import json
from enum import StrEnum


class Retry(StrEnum):
    """Why a method may be retried, or that it may not."""

    READ = "read"
    """Changes nothing."""
    REQUEST_ID = "request_id"
    """A repeat with the same request_id returns the first result."""
    NEVER = "never"
    """A repeat may do something twice, or the caller retries by other means."""


RETRY_TABLE: dict[str, Retry] = {
    "kefu.session.v1.SessionService/CreateSession": Retry.REQUEST_ID,
    "kefu.session.v1.SessionService/GetSession": Retry.READ,
    "kefu.session.v1.SessionService/ListSessions": Retry.READ,
    "kefu.session.v1.SessionService/CloseSession": Retry.REQUEST_ID,
    "kefu.session.v1.SessionService/Converse": Retry.REQUEST_ID,
    "kefu.session.v1.SessionService/Reply": Retry.REQUEST_ID,
    "kefu.session.v1.SessionService/ResumeTurn": Retry.READ,
    "kefu.session.v1.SessionService/GetTurn": Retry.READ,
    "kefu.session.v1.SessionService/ListTurns": Retry.READ,
    "kefu.session.v1.SessionService/MatchIntent": Retry.READ,
    "kefu.intent.v1.IntentService/Classify": Retry.READ,
    "kefu.intent.v1.IntentService/BatchClassify": Retry.READ,
    "kefu.intent.v1.IntentService/GetConfig": Retry.READ,
    # A client stream is not replayed by the channel; importing again changes nothing.
    "kefu.intent.v1.IntentTrainingService/ImportTrainingData": Retry.NEVER,
    "kefu.intent.v1.IntentTrainingService/ListIntents": Retry.READ,
    "kefu.intent.v1.IntentTrainingService/ListUtterances": Retry.READ,
    "kefu.intent.v1.IntentTrainingService/TrainModel": Retry.REQUEST_ID,
    "kefu.intent.v1.IntentTrainingService/GetOperation": Retry.READ,
    "kefu.intent.v1.IntentTrainingService/ListOperations": Retry.READ,
    "kefu.intent.v1.IntentTrainingService/CancelOperation": Retry.REQUEST_ID,
    "kefu.intent.v1.IntentTrainingService/GetModel": Retry.READ,
    "kefu.intent.v1.IntentTrainingService/ListModels": Retry.READ,
    "kefu.intent.v1.IntentTrainingService/ActivateModel": Retry.REQUEST_ID,
    "kefu.intent.v1.IntentTrainingService/RollbackModel": Retry.REQUEST_ID,
    "kefu.intent.v1.IntentTrainingService/CompareModels": Retry.READ,
    "kefu.intent.v1.IntentTrainingService/ListUncertain": Retry.READ,
    "kefu.intent.v1.IntentTrainingService/ResolveUncertain": Retry.REQUEST_ID,
    "kefu.knowledge.v1.KnowledgeService/CreateKnowledgeBase": Retry.REQUEST_ID,
    "kefu.knowledge.v1.KnowledgeService/GetKnowledgeBase": Retry.READ,
    "kefu.knowledge.v1.KnowledgeService/ListKnowledgeBases": Retry.READ,
    # A client stream is not replayed by the channel; importing again skips what is unchanged.
    "kefu.knowledge.v1.KnowledgeService/ImportDocuments": Retry.NEVER,
    "kefu.knowledge.v1.KnowledgeService/ListDocuments": Retry.READ,
    "kefu.knowledge.v1.KnowledgeService/GetDocument": Retry.READ,
    "kefu.knowledge.v1.KnowledgeService/DeleteDocument": Retry.REQUEST_ID,
    "kefu.knowledge.v1.KnowledgeService/ListPassages": Retry.READ,
    "kefu.knowledge.v1.KnowledgeService/Search": Retry.READ,
    # A client stream is not replayed by the channel; uploading again returns the same operation.
    "kefu.knowledge.v1.KnowledgeImportService/UploadDocuments": Retry.NEVER,
    "kefu.knowledge.v1.KnowledgeImportService/GetOperation": Retry.READ,
    "kefu.knowledge.v1.KnowledgeImportService/ListOperations": Retry.READ,
    "kefu.knowledge.v1.KnowledgeImportService/CancelOperation": Retry.REQUEST_ID,
    "kefu.knowledge.v1.KnowledgeImportService/ListImportResults": Retry.READ,
    "kefu.knowledge.v1.KnowledgeReleaseService/PublishKnowledgeBase": Retry.REQUEST_ID,
    "kefu.knowledge.v1.KnowledgeReleaseService/RollbackKnowledgeBase": Retry.REQUEST_ID,
    "kefu.knowledge.v1.KnowledgeReleaseService/ResetDraft": Retry.REQUEST_ID,
    "kefu.knowledge.v1.KnowledgeReleaseService/ListRevisions": Retry.READ,
    "kefu.knowledge.v1.KnowledgeReleaseService/TestKnowledgeBase": Retry.READ,
    "kefu.knowledge.v1.KnowledgeReleaseService/ReplaceTestQuestions": Retry.REQUEST_ID,
    "kefu.knowledge.v1.KnowledgeReleaseService/ListTestQuestions": Retry.READ,
    "kefu.knowledge.v1.KnowledgeReleaseService/ReplaceDictionary": Retry.REQUEST_ID,
    "kefu.knowledge.v1.KnowledgeReleaseService/ListDictionary": Retry.READ,
    # Costs money at a provider; the session decides with the turn's deadline in view.
    "kefu.generation.v1.GenerationService/Generate": Retry.NEVER,
    "kefu.generation.v1.GenerationService/Summarize": Retry.NEVER,
    "kefu.generation.v1.GenerationService/Choose": Retry.NEVER,
    "kefu.generation.v1.GenerationService/Embed": Retry.READ,
    "kefu.generation.v1.GenerationService/ListModels": Retry.READ,
    "kefu.generation.v1.GenerationUsageService/GetUsage": Retry.READ,
    "kefu.sentiment.v1.SentimentService/Analyze": Retry.READ,
    "kefu.sentiment.v1.SentimentService/BatchAnalyze": Retry.READ,
    "kefu.sentiment.v1.SentimentService/GetConfig": Retry.READ,
    "kefu.audit.v1.AuditService/Record": Retry.REQUEST_ID,
    "kefu.audit.v1.AuditService/ListEvents": Retry.READ,
    "kefu.audit.v1.AuditService/GetCheckpoint": Retry.READ,
    "kefu.audit.v1.AuditService/VerifyEvents": Retry.READ,
    "kefu.action.v1.ActionService/ListActions": Retry.READ,
    "kefu.action.v1.ActionService/Execute": Retry.REQUEST_ID,
    "kefu.desk.v1.DeskService/CreateTicket": Retry.REQUEST_ID,
    "kefu.desk.v1.DeskService/GetTicket": Retry.READ,
    "kefu.desk.v1.DeskService/ListTickets": Retry.READ,
    "kefu.desk.v1.DeskService/UpdateTicket": Retry.REQUEST_ID,
}

_POLICY = {
    "maxAttempts": 3,
    "initialBackoff": "0.1s",
    "maxBackoff": "1s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}
# Ten failures in a row empty the budget; each success gives back a tenth of a retry.
_BUDGET = {"maxTokens": 10, "tokenRatio": 0.1}


def service_config() -> str:
    """The table as a gRPC service config (JSON), with round robin over a service's addresses."""
    retried = [
        dict(zip(("service", "method"), name.split("/"), strict=True))
        for name, retry in RETRY_TABLE.items()
        if retry is not Retry.NEVER
    ]
    return json.dumps(
        {
            "loadBalancingConfig": [{"round_robin": {}}],
            "methodConfig": [{"name": retried, "retryPolicy": _POLICY}],
            "retryThrottling": _BUDGET,
        }
    )
