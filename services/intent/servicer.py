"""The intent service's face: protobuf in, one domain call, protobuf out."""

from kefu.intent.v1 import intent_pb2 as pb
from kefu.intent.v1.intent_pb2_grpc import IntentServiceServicer
from kefu.type.v1 import text_pb2, understanding_pb2

from services.intent.catalog import Catalog
from services.intent.classifier import Classifier
from services.intent.patterns import MAX_TEXT_LENGTH
from services.intent.training_data import Intent
from services.intent.values import Candidate, Classification, Entity, IntentType, Method

_MAX_BATCH_SIZE = 256  # As the contract's field rule says.

_TYPES = {
    each: understanding_pb2.IntentType.Value(f"INTENT_TYPE_{each.name}") for each in IntentType
}
_METHODS = {each: pb.Classification.Method.Value(f"METHOD_{each.name}") for each in Method}


class IntentServicer(IntentServiceServicer):
    """Serves `kefu.intent.v1.IntentService`."""

    def __init__(self, catalog: Catalog) -> None:
        """Serve the models of a catalog."""
        self._catalog = catalog

    async def Classify(self, request: pb.ClassifyRequest, context: object) -> pb.ClassifyResponse:
        """Classify one utterance and find its entities."""
        [found] = await self._catalog.classify(request.tenant, [request.text])
        return pb.ClassifyResponse(classification=_classification(found))

    async def BatchClassify(
        self, request: pb.BatchClassifyRequest, context: object
    ) -> pb.BatchClassifyResponse:
        """Classify several utterances, in their order."""
        found = await self._catalog.classify(request.tenant, request.texts)
        return pb.BatchClassifyResponse(classifications=map(_classification, found))

    async def GetConfig(
        self, request: pb.GetConfigRequest, context: object
    ) -> pb.GetConfigResponse:
        """Say what the tenant's model knows."""
        return _config(self._catalog.of(request.tenant))


def _classification(found: Classification) -> pb.Classification:
    return pb.Classification(
        best=_candidate(found.best),
        alternatives=map(_candidate, found.alternatives),
        ambiguous=found.ambiguous,
        entities=map(_entity, found.entities),
        language_code=found.language.value,
        method=_METHODS[found.method],
        model_version=found.model_version,
    )


def _candidate(candidate: Candidate) -> understanding_pb2.IntentCandidate:
    return understanding_pb2.IntentCandidate(
        intent=candidate.intent, type=_TYPES[candidate.type], confidence=candidate.confidence
    )


def _entity(entity: Entity) -> text_pb2.Entity:
    span = text_pb2.TextSpan(start=entity.span.start, end=entity.span.end)
    return text_pb2.Entity(type=entity.type, text=entity.text, value=entity.value, span=span)


def _config(classifier: Classifier) -> pb.GetConfigResponse:
    config = pb.GetConfigResponse(
        intents=map(_intent, classifier.data.intents),
        entity_types=classifier.entities.types,
        model_version=classifier.version,
        unknown_threshold=classifier.thresholds.unknown,
        ambiguity_margin=classifier.thresholds.ambiguity,
        max_text_length=MAX_TEXT_LENGTH,
        max_batch_size=_MAX_BATCH_SIZE,
    )
    config.train_time.FromDatetime(classifier.train_time)
    return config


def _intent(intent: Intent) -> pb.Intent:
    return pb.Intent(
        intent=intent.name,
        type=_TYPES[intent.type],
        description=intent.description,
        utterance_count=len(intent.utterances),
    )
