"""The sentiment service's face: protobuf in, one domain call, protobuf out."""

from kefu.sentiment.v1 import sentiment_pb2 as pb
from kefu.sentiment.v1.sentiment_pb2_grpc import SentimentServiceServicer

from services.mesh.batching import Batcher
from services.sentiment.analyzer import LANGUAGES, NAMES, Analysis, Method, Question
from services.sentiment.messages import (
    Vectors,
    analysis_to_proto,
    escalation_to_proto,
    question,
    questions,
)
from services.sentiment.settings import Settings
from services.sentiment.trend import Lines, escalation

# As the contract's field rules say.
_MAX_TEXT_LENGTH = 4000
_MAX_BATCH_SIZE = 256


class SentimentServicer(SentimentServiceServicer):
    """Serves `kefu.sentiment.v1.SentimentService`."""

    def __init__(
        self,
        utterances: Batcher[Question, Analysis],
        batches: Batcher[Question, Analysis],
        settings: Settings,
        embedding_model: str,
        dimensions: int,
    ) -> None:
        """Serve an analyzer.

        Args:
            utterances: Measures single utterances outside the event loop.
            batches: Measures the texts of batches, so that no turn stands behind hundreds of
                somebody's long texts.
            settings: Lines and limits, to be told to callers.
            embedding_model: Whose vectors the analyzer reads.
            dimensions: Length of these vectors.
        """
        self._utterances = utterances
        self._batches = batches
        self._settings = settings
        self._lines = Lines(settings.escalation_line, settings.recovery_line)
        self._embedding_model = embedding_model
        self._vectors = Vectors(embedding_model, dimensions)

    async def Analyze(self, request: pb.AnalyzeRequest, context: object) -> pb.AnalyzeResponse:
        """Measure one utterance and decide about the conversation."""
        analysis = await self._utterances.submit(question(request, self._vectors))
        decision = escalation([*request.history, analysis.sentiment.compound], self._lines)
        return pb.AnalyzeResponse(
            analysis=analysis_to_proto(analysis), escalation=escalation_to_proto(decision)
        )

    async def BatchAnalyze(
        self, request: pb.BatchAnalyzeRequest, context: object
    ) -> pb.BatchAnalyzeResponse:
        """Measure several utterances, in their order."""
        response = pb.BatchAnalyzeResponse()
        # A few at a time: other batches get their turn in between.
        waiting = questions(request, self._vectors)
        size = self._settings.batch_limit
        for start in range(0, len(waiting), size):
            found = await self._batches.submit_all(waiting[start : start + size])
            response.analyses.extend(map(analysis_to_proto, found))
        return response

    async def GetConfig(
        self, request: pb.GetConfigRequest, context: object
    ) -> pb.GetConfigResponse:
        """Say how this server measures."""
        return pb.GetConfigResponse(
            method=NAMES[Method.BILINGUAL],
            language_codes=LANGUAGES,
            neutral_band=self._settings.neutral_band,
            escalation_line=self._settings.escalation_line,
            max_text_length=_MAX_TEXT_LENGTH,
            max_batch_size=_MAX_BATCH_SIZE,
            embedding_model=self._embedding_model,
            recovery_line=self._settings.recovery_line,
        )
