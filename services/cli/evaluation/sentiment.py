"""`kefu eval sentiment`: the moods of a labelled file."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from kefu.sentiment.v1 import sentiment_pb2 as pb
from kefu.sentiment.v1.sentiment_pb2_grpc import SentimentServiceStub
from kefu.type.v1 import understanding_pb2

from services.cli.evaluation import figures
from services.cli.evaluation.figures import show
from services.cli.evaluation.labelled import Row, read
from services.cli.evaluation.throwaway import (
    TENANT,
    batches,
    channels,
    embed,
    on_a_throwaway_mesh,
)
from services.cli.options import JsonOption
from services.local.home import Home
from services.local.intent_training import LONG_CALL_SECONDS
from services.local.problem import Problem

LABELS = ("positive", "negative", "neutral")

_NAMES = {
    understanding_pb2.SENTIMENT_LABEL_POSITIVE: "positive",
    understanding_pb2.SENTIMENT_LABEL_NEGATIVE: "negative",
    understanding_pb2.SENTIMENT_LABEL_NEUTRAL: "neutral",
}


class Method(StrEnum):
    """How to measure."""

    BILINGUAL = "bilingual"
    VADER = "vader"


_METHODS = {Method.BILINGUAL: pb.METHOD_BILINGUAL, Method.VADER: pb.METHOD_VADER}


@dataclass(frozen=True, slots=True)
class SentimentFigures:
    """What an evaluation found; shares in [0, 1].

    Attributes:
        classes: 3, or 2 where the file has no neutral rows: then the sign of `compound` decides,
            and 0 counts as positive.
        ms_per_text: of measuring, vectors included; `embedding_ms_per_text` of those alone.
    """

    accuracy: float
    macro_f1: float
    ms_per_text: float
    embedding_ms_per_text: float
    classes: int
    rows: int
    method: str


def register(evaluate: typer.Typer) -> None:
    """Add the command of this module."""
    evaluate.command("sentiment")(command)


def command(
    test: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="TSV with columns text, label.")
    ],
    method: Annotated[Method, typer.Option(help="How to measure.")] = Method.BILINGUAL,
    as_json: JsonOption = False,
) -> None:
    """Measure the moods of a file: positive, negative and, where it has them, neutral rows."""
    rows = read(test, "label")
    if strange := sorted({row.label for row in rows} - set(LABELS)):
        raise Problem(
            f"{test} has the label {strange[0]!r}", f"labels are {', '.join(LABELS)}, in English"
        )
    found = on_a_throwaway_mesh(lambda place: run(place, rows, method))
    show(asdict(found), as_json)


async def run(place: Home, rows: Sequence[Row], method: Method) -> SentimentFigures:
    """Evaluate on a running mesh.

    Raises:
        KefuError: a call failed.
    """
    two_classes = all(row.label != "neutral" for row in rows)
    given: list[str] = []
    seconds = embedding_seconds = 0.0
    async with channels(place, "sentiment", "generation") as (sentiment, generation):
        stub = SentimentServiceStub(sentiment)
        for texts in batches([row.text or "." for row in rows], "measuring"):
            request = pb.BatchAnalyzeRequest(
                tenant=f"tenants/{TENANT}", texts=texts, method=_METHODS[method]
            )
            began = time.perf_counter()
            if method is Method.BILINGUAL:
                request.embeddings.extend(await embed(generation, texts))
            embedded = time.perf_counter()
            response = await stub.BatchAnalyze(request, timeout=LONG_CALL_SECONDS)
            seconds += time.perf_counter() - began
            embedding_seconds += embedded - began
            given += [_label(each.sentiment, two_classes) for each in response.analyses]
    wanted = [row.label for row in rows]
    return SentimentFigures(
        accuracy=figures.accuracy(wanted, given),
        macro_f1=figures.macro_f1(wanted, given),
        ms_per_text=1000 * seconds / len(rows),
        embedding_ms_per_text=1000 * embedding_seconds / len(rows),
        classes=2 if two_classes else 3,
        rows=len(rows),
        method=method.value,
    )


def _label(mood: understanding_pb2.Sentiment, two_classes: bool) -> str:
    if two_classes:
        return "negative" if mood.compound < 0 else "positive"
    return _NAMES[mood.label]
