"""Between the contract's messages of IntentService and the domain's values, in pairs."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import repeat
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from kefu.errors import InvalidRequest
from kefu.intent.v1 import intent_pb2 as pb
from kefu.type.v1 import text_pb2

from services.intent.answering import Answer, Query, Vector
from services.intent.data_messages import candidate_to, intent_to
from services.intent.patterns import MAX_TEXT_LENGTH
from services.intent.values import Entity, Method, Request
from services.intent.versions.live import Serving
from services.language import Span

_MAX_BATCH_SIZE = 256  # As the contract's field rule says.
_TIME_ZONE = "Asia/Shanghai"  # As the contract says of an empty one.

# As the contract says of `now`. Words such as "in 100 years" still lead to a day of the calendar.
_FIRST_SECOND = 0
_END_SECOND = int(datetime(2200, 1, 1, tzinfo=UTC).timestamp())

_METHODS = {each: pb.Classification.Method.Value(f"METHOD_{each.name}") for each in Method}


def query_from(request: pb.ClassifyRequest) -> Query:
    """Read an utterance.

    Raises:
        InvalidRequest: there is no such time zone, or `now` is outside the years that count.
    """
    vector = _vector_from(request.embedding) if request.HasField("embedding") else None
    return Query(request.text, vector, _now_from(request), request.embedding_follows)


def queries_from(request: pb.BatchClassifyRequest) -> list[Query]:
    """Read several utterances.

    Raises:
        InvalidRequest: there is no such time zone, `now` is outside the years that count, or there
            are vectors for some texts only.
    """
    if request.embeddings and len(request.embeddings) != len(request.texts):
        problem = f"must be none or one for each of the {len(request.texts)} texts"
        raise InvalidRequest(violations=[("embeddings", problem)])
    now = _now_from(request)
    vectors: Iterator[Vector | None] = iter(map(_vector_from, request.embeddings))
    if not request.embeddings:
        vectors = repeat(None)
    return [Query(text, vector, now) for text, vector in zip(request.texts, vectors, strict=False)]


def classification_to(answer: Answer) -> pb.Classification:
    """Write what an utterance asks for."""
    found = answer.found
    return pb.Classification(
        best=candidate_to(found.best),
        alternatives=map(candidate_to, found.alternatives),
        ambiguous=found.ambiguous,
        entities=map(_entity_to, found.entities),
        language_code=found.language.value,
        method=_METHODS[found.method],
        model_version=found.model_version,
        requests=map(_request_to, found.requests),
        wants_embedding=answer.wants_embedding,
    )


def config_to(serving: Serving) -> pb.GetConfigResponse:
    """Write what a model knows."""
    version, classifier = serving.version, serving.classifier
    config = pb.GetConfigResponse(
        intents=map(intent_to, version.intents),
        entity_types=classifier.entities.types,
        model_version=version.id,
        unknown_threshold=classifier.thresholds.unknown,
        ambiguity_margin=classifier.thresholds.ambiguity,
        max_text_length=MAX_TEXT_LENGTH,
        max_batch_size=_MAX_BATCH_SIZE,
        embedding_model=version.embedding_model,
    )
    config.train_time.FromDatetime(version.create_time)
    return config


def _now_from(request: pb.ClassifyRequest | pb.BatchClassifyRequest) -> datetime | None:
    """Return the time from which "tomorrow" counts, in the customer's zone."""
    try:
        zone = ZoneInfo(request.time_zone or _TIME_ZONE)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        problem = "must be an IANA time zone, such as Asia/Shanghai"
        raise InvalidRequest(violations=[("time_zone", problem)]) from None
    if request.HasField("now"):
        if not (
            _FIRST_SECOND <= request.now.seconds < _END_SECOND and 0 <= request.now.nanos < 10**9
        ):
            raise InvalidRequest(violations=[("now", "must lie in the years 1970 to 2199")])
        return request.now.ToDatetime(zone)
    return datetime.now(zone) if request.time_zone else None


def _vector_from(embedding: text_pb2.Embedding) -> Vector:
    return Vector(embedding.model, embedding.vector)


def _entity_to(entity: Entity) -> text_pb2.Entity:
    return text_pb2.Entity(
        type=entity.type, text=entity.text, value=entity.value, span=_span_to(entity.span)
    )


def _request_to(request: Request) -> pb.IntentRequest:
    return pb.IntentRequest(candidate=candidate_to(request.candidate), span=_span_to(request.span))


def _span_to(span: Span) -> text_pb2.TextSpan:
    return text_pb2.TextSpan(start=span.start, end=span.end)
