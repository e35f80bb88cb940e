"""Between the contract's messages about training data and the domain's values, in pairs."""

from collections.abc import AsyncIterator

from kefu.intent.v1 import intent_pb2, training_pb2
from kefu.type.v1 import understanding_pb2

from services.intent.drafts.checks import (
    ImportedEntityType,
    ImportedIntent,
    ImportedUtterance,
    ImportPart,
)
from services.intent.drafts.draft import (
    DraftIntent,
    DraftUtterance,
    ImportResult,
    ImportStart,
    Mode,
)
from services.intent.entities import EntityType
from services.intent.review.uncertain import Cluster, Resolution, Settled
from services.intent.training_data import Problem, Severity
from services.intent.values import Candidate, IntentType
from services.intent.versions.version import IntentSummary

_TYPES = {
    each: understanding_pb2.IntentType.Value(f"INTENT_TYPE_{each.name}") for each in IntentType
}
_TYPES_FROM = {number: each for each, number in _TYPES.items()}
_MODES = {
    training_pb2.TrainingDataHeader.MODE_REPLACE: Mode.REPLACE,
    training_pb2.TrainingDataHeader.MODE_MERGE: Mode.MERGE,
}
_SEVERITIES = {
    Severity.ERROR: training_pb2.DataProblem.SEVERITY_ERROR,
    Severity.WARNING: training_pb2.DataProblem.SEVERITY_WARNING,
}
_LONGEST_MESSAGE = 4_000


def tenant_from(name: str) -> str:
    """Return the tenant's id in a resource name `tenants/{tenant}[/...]`."""
    return name.split("/")[1]


def candidate_to(candidate: Candidate) -> understanding_pb2.IntentCandidate:
    """Write an intent with the belief in it."""
    return understanding_pb2.IntentCandidate(
        intent=candidate.intent, type=_TYPES[candidate.type], confidence=candidate.confidence
    )


async def parts_from(
    requests: AsyncIterator[training_pb2.ImportTrainingDataRequest],
) -> AsyncIterator[ImportStart | ImportPart]:
    """Read the messages of an import as they arrive."""
    async for request in requests:
        if request.WhichOneof("part") == "header":
            header = request.header
            yield ImportStart(
                tenant_from(header.parent),
                _MODES[header.mode],
                header.validate_only,
                header.omit_base_intents,
            )
        else:
            yield part_from(request.data)


def part_from(part: training_pb2.TrainingDataPart) -> ImportPart:
    """Read some of an import's data."""
    return ImportPart(
        [
            ImportedIntent(each.intent, _TYPES_FROM.get(each.type), each.description)
            for each in part.intents
        ],
        [ImportedUtterance(each.text, each.intent, each.language_code) for each in part.utterances],
        [
            ImportedEntityType(
                EntityType(
                    each.entity_type,
                    each.pattern,
                    tuple((value.value, tuple(value.words)) for value in each.values),
                    each.fuzzy,
                ),
                each.description,
            )
            for each in part.entity_types
        ],
    )


def import_result_to(result: ImportResult) -> training_pb2.ImportTrainingDataResponse:
    """Write what an import did."""
    return training_pb2.ImportTrainingDataResponse(
        imported=result.imported,
        problems=map(problem_to, result.problems),
        problem_count=result.problem_count,
        intent_count=result.state.intents,
        utterance_count=result.state.utterances,
        added_count=result.state.added,
        removed_count=result.state.removed,
        moved_count=result.state.moved,
        data_hash=result.state.data_hash,
    )


def problem_to(problem: Problem) -> training_pb2.DataProblem:
    """Write a problem of training data."""
    return training_pb2.DataProblem(
        severity=_SEVERITIES[problem.severity],
        reason=problem.reason,
        message=problem.message[:_LONGEST_MESSAGE],
        intent=problem.intent,
    )


def intent_to(intent: DraftIntent | IntentSummary) -> intent_pb2.Intent:
    """Write an intent of the draft or of a model."""
    return intent_pb2.Intent(
        intent=intent.name,
        type=_TYPES[intent.type],
        description=intent.description,
        utterance_count=sum(intent.language_counts.values()),
        language_counts=dict(intent.language_counts),
    )


def utterance_to(utterance: DraftUtterance | Settled) -> training_pb2.Utterance:
    """Write an utterance of the draft."""
    return training_pb2.Utterance(
        text=utterance.text, intent=utterance.intent, language_code=utterance.language
    )


def cluster_to(tenant: str, cluster: Cluster) -> training_pb2.UncertainUtterance:
    """Write a cluster of uncertain utterances under the one that stands for it."""
    message = training_pb2.UncertainUtterance(
        name=f"tenants/{tenant}/uncertainUtterances/{cluster.id}",
        text=cluster.text,
        language_code=cluster.language,
        candidates=map(candidate_to, cluster.candidates),
        count=cluster.count,
        similar=cluster.similar,
    )
    message.last_time.FromDatetime(cluster.last_time)
    return message


def resolution_from(request: training_pb2.ResolveUncertainRequest) -> Resolution:
    """Read what becomes of an uncertain utterance."""
    _, tenant, _, cluster = request.name.split("/")
    return Resolution(tenant, cluster, request.intent, request.text)


def resolved_to(settled: Settled | None) -> training_pb2.ResolveUncertainResponse:
    """Write what was done; an utterance that was dismissed is not in the draft."""
    return training_pb2.ResolveUncertainResponse(
        utterance=utterance_to(settled) if settled else None
    )
