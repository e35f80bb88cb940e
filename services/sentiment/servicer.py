"""The sentiment service's face: protobuf in, one domain call, protobuf out."""

import asyncio

from kefu.sentiment.v1 import sentiment_pb2 as pb
from kefu.sentiment.v1.sentiment_pb2_grpc import SentimentServiceServicer
from kefu.type.v1 import text_pb2, understanding_pb2

from services.sentiment.analyzer import LANGUAGES, METHOD, Analysis, Analyzer, Sentiment
from services.sentiment.scale import Label
from services.sentiment.trend import Escalation, Reason, escalation

# As the contract's field rules say.
_MAX_TEXT_LENGTH = 4000
_MAX_BATCH_SIZE = 256

_LABELS = {
    each: understanding_pb2.SentimentLabel.Value(f"SENTIMENT_LABEL_{each.name}") for each in Label
}
_REASONS = {
    Reason.NONE: understanding_pb2.Escalation.REASON_UNSPECIFIED,
    Reason.STRONG: understanding_pb2.Escalation.REASON_STRONG,
    Reason.REPEATED: understanding_pb2.Escalation.REASON_REPEATED,
    Reason.WORSENING: understanding_pb2.Escalation.REASON_WORSENING,
}


class SentimentServicer(SentimentServiceServicer):
    """Serves `kefu.sentiment.v1.SentimentService`."""

    def __init__(self, analyzer: Analyzer, neutral_band: float, escalation_line: float) -> None:
        """Serve an analyzer.

        Args:
            analyzer: Measures texts.
            neutral_band: The analyzer's neutral band, to be told to callers.
            escalation_line: Compound in [-1, 0] below which an utterance counts for escalation.
        """
        self._analyzer = analyzer
        self._neutral_band = neutral_band
        self._line = escalation_line

    async def Analyze(self, request: pb.AnalyzeRequest, context: object) -> pb.AnalyzeResponse:
        """Measure one utterance and decide about the conversation."""
        analysis = self._analyzer.analyze(request.text)
        decision = escalation(request.history, analysis.sentiment, self._line)
        return pb.AnalyzeResponse(analysis=_analysis(analysis), escalation=_escalation(decision))

    async def BatchAnalyze(
        self, request: pb.BatchAnalyzeRequest, context: object
    ) -> pb.BatchAnalyzeResponse:
        """Measure several utterances, in their order."""
        response = pb.BatchAnalyzeResponse()
        for text in request.texts:
            response.analyses.append(_analysis(self._analyzer.analyze(text)))
            # A full batch takes a second: single utterances get their turn in between.
            await asyncio.sleep(0)
        return response

    async def GetConfig(
        self, request: pb.GetConfigRequest, context: object
    ) -> pb.GetConfigResponse:
        """Say how this server measures."""
        return pb.GetConfigResponse(
            method=METHOD,
            language_codes=LANGUAGES,
            neutral_band=self._neutral_band,
            escalation_line=self._line,
            max_text_length=_MAX_TEXT_LENGTH,
            max_batch_size=_MAX_BATCH_SIZE,
        )


def _analysis(analysis: Analysis) -> pb.Analysis:
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


def _sentiment(sentiment: Sentiment) -> understanding_pb2.Sentiment:
    return understanding_pb2.Sentiment(
        compound=sentiment.compound,
        label=_LABELS[sentiment.label],
        confidence=sentiment.confidence,
        method=METHOD,
    )


def _escalation(decision: Escalation) -> understanding_pb2.Escalation:
    return understanding_pb2.Escalation(
        escalate=decision.escalate, reason=_REASONS[decision.reason], trend=decision.trend
    )
