"""Between the contract's messages and the words of this service."""

import numpy as np
from kefu.errors import InvalidRequest
from kefu.sentiment.v1 import sentiment_pb2 as pb
from kefu.type.v1 import text_pb2, understanding_pb2

from services.sentiment.analyzer import Analysis, Method, Question, Sentiment
from services.sentiment.features import Floats
from services.sentiment.scale import Emotion, Label
from services.sentiment.trend import Escalation, Reason

_LABELS = {
    each: understanding_pb2.SentimentLabel.Value(f"SENTIMENT_LABEL_{each.name}") for each in Label
}
_EMOTIONS = {each: understanding_pb2.Emotion.Value(f"EMOTION_{each.name}") for each in Emotion}
_REASONS = {
    Reason.NONE: understanding_pb2.Escalation.REASON_UNSPECIFIED,
    Reason.STRONG: understanding_pb2.Escalation.REASON_STRONG,
    Reason.REPEATED: understanding_pb2.Escalation.REASON_REPEATED,
    Reason.WORSENING: understanding_pb2.Escalation.REASON_WORSENING,
    Reason.NOT_RECOVERED: understanding_pb2.Escalation.REASON_NOT_RECOVERED,
}
_METHODS = {
    pb.METHOD_UNSPECIFIED: Method.BILINGUAL,
    pb.METHOD_BILINGUAL: Method.BILINGUAL,
    pb.METHOD_VADER: Method.VADER,
}
_BYTES_PER_VALUE = 4


class Vectors:
    """Reads the embeddings of requests, those of the model that the service was trained with."""

    def __init__(self, model: str, dimensions: int) -> None:
        """Look at vectors of one model.

        Args:
            model: Its name.
            dimensions: Length of its vectors.
        """
        self._model = model
        self._dimensions = dimensions

    def read(self, embedding: text_pb2.Embedding, field: str) -> Floats | None:
        """Return the values, L2-normalised; None for another model's, or where there is none.

        Raises:
            InvalidRequest: It is no vector of that model.
        """
        if embedding.model != self._model:
            return None
        if len(embedding.vector) != self._dimensions * _BYTES_PER_VALUE:
            problem = f"must hold {self._dimensions} values of {_BYTES_PER_VALUE} bytes"
            raise InvalidRequest(violations=[(field, problem)])
        values = np.frombuffer(embedding.vector, "<f4").astype(np.float32)
        length = float(np.linalg.norm(values))
        if not 0 < length < np.inf:
            raise InvalidRequest(violations=[(field, "must be finite and not zero")])
        return values / np.float32(length)


def question(request: pb.AnalyzeRequest, vectors: Vectors) -> Question:
    """One text to be measured.

    Raises:
        InvalidRequest: The embedding is no vector of its model.
    """
    vector = vectors.read(request.embedding, "embedding.vector")
    return Question(request.text, vector, _METHODS[request.method])


def questions(request: pb.BatchAnalyzeRequest, vectors: Vectors) -> list[Question]:
    """Several texts to be measured.

    Raises:
        InvalidRequest: An embedding is no vector of its model, or there are fewer or more of them
            than texts.
    """
    method = _METHODS[request.method]
    if not request.embeddings:
        return [Question(text, None, method) for text in request.texts]
    if len(request.embeddings) != len(request.texts):
        raise InvalidRequest(violations=[("embeddings", "must be none, or one per text")])
    return [
        Question(text, vectors.read(each, f"embeddings[{number}].vector"), method)
        for number, (text, each) in enumerate(zip(request.texts, request.embeddings, strict=True))
    ]


def analysis_to_proto(analysis: Analysis) -> pb.Analysis:
    """The mood of a text and its sentences."""
    return pb.Analysis(
        sentiment=_sentiment(analysis.sentiment),
        sentences=(
            pb.SentenceSentiment(
                span=text_pb2.TextSpan(start=each.span.start, end=each.span.end),
                sentiment=_sentiment(each.sentiment),
            )
            for each in analysis.sentences
        ),
        language_code=analysis.language.value,
    )


def escalation_to_proto(decision: Escalation) -> understanding_pb2.Escalation:
    """A decision about a conversation."""
    return understanding_pb2.Escalation(
        escalate=decision.escalate, reason=_REASONS[decision.reason], trend=decision.trend
    )


def _sentiment(sentiment: Sentiment) -> understanding_pb2.Sentiment:
    emotion = sentiment.emotion
    return understanding_pb2.Sentiment(
        compound=sentiment.compound,
        label=_LABELS[sentiment.label],
        confidence=sentiment.confidence,
        method=sentiment.method,
        emotion=understanding_pb2.EMOTION_UNSPECIFIED if emotion is None else _EMOTIONS[emotion],
        urgency=sentiment.urgency,
    )
