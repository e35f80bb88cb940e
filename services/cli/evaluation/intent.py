"""`kefu eval intent`: train on one labelled file, classify another."""

import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
from kefu.intent.v1 import intent_pb2
from kefu.intent.v1 import training_pb2 as pb
from kefu.intent.v1.intent_pb2_grpc import IntentServiceStub
from kefu.type.v1.operation_pb2 import Operation
from kefu.type.v1.understanding_pb2 import INTENT_TYPE_QUERY
from rich.console import Console
from rich.status import Status

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
from services.cli.intent.calls import request_id
from services.cli.options import JsonOption
from services.language import fold
from services.local.home import Home
from services.local.intent_training import (
    LONG_CALL_SECONDS,
    begin_training,
    import_parts,
    wait_for,
)
from services.local.problem import Problem
from services.local.training_file import UNREADABLE, messages

UNKNOWN = "unknown"
"""How the intent service names what fits no intent."""

MIN_INTENTS = 2
"""Of a model: there must be something to tell an intent apart from."""

MIN_TEXTS = 2
"""Of an intent, so that the service trains it."""


@dataclass(frozen=True, slots=True)
class IntentFigures:
    """What an evaluation found; shares in [0, 1].

    Attributes:
        in_scope_accuracy: of the rows that have an intent; one called unknown is wrong.
        oos_recall: of the rows without one; None where the test file has none.
        oos_precision: of the rows called unknown; None where none was.
        ece: expected calibration error of the best intent's confidence, 15 bins.
        train_seconds: from TrainModel to its end, vectors included.
        ms_per_text: of classifying, vectors included; `embedding_ms_per_text` of those alone.
        left_out: training rows that say the same as another, under its label or a second one; that
            say nothing or cannot be read; or that are the only text of their label. Test rows of
            a label that is not trained count as wrong.
    """

    accuracy: float
    macro_f1: float
    in_scope_accuracy: float
    oos_recall: float | None
    oos_precision: float | None
    ece: float
    train_seconds: float
    ms_per_text: float
    embedding_ms_per_text: float
    train_rows: int
    test_rows: int
    left_out: int


def register(evaluate: typer.Typer) -> None:
    """Add the command of this module."""
    evaluate.command("intent")(command)


def command(
    train: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="TSV with columns text, intent.")
    ],
    test: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="TSV with columns text, intent.")
    ],
    oos_label: Annotated[
        str, typer.Option(help="Label of rows that fit no intent, in either file.")
    ] = "oos",
    lexical_only: Annotated[
        bool, typer.Option("--lexical-only", help="Words alone, without vectors.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Train on one file and classify another, through the real services."""
    learnt, judged = read(train, "intent"), read(test, "intent")
    trainable(learnt, oos_label)  # what cannot be used is refused before a mesh is started
    found = on_a_throwaway_mesh(lambda place: run(place, learnt, judged, oos_label, lexical_only))
    show(asdict(found), as_json)


async def run(
    place: Home, learnt: Sequence[Row], judged: Sequence[Row], oos_label: str, lexical_only: bool
) -> IntentFigures:
    """Evaluate on a running mesh; the evaluation's tenant is trained anew.

    Args:
        place: the mesh's home.
        learnt: rows to train on.
        judged: rows to classify.
        oos_label: of rows that fit no intent.
        lexical_only: without vectors.

    Raises:
        Problem: the rows cannot be trained on.
        KefuError: a call failed.
    """
    kept = trainable(learnt, oos_label)
    names = _names(kept, oos_label)
    async with channels(place, "intent", "generation") as (intent, generation):
        await _import(intent, kept, names)
        began = time.perf_counter()
        await _train(intent, lexical_only)
        train_seconds = time.perf_counter() - began
        judgement = await _classify(intent, None if lexical_only else generation, judged)
    labels = {name: label for label, name in names.items()} | {UNKNOWN: oos_label}
    wanted, answers = [row.label for row in judged], [labels[name] for name in judgement.given]
    in_scope = [pair for pair in zip(wanted, answers, strict=True) if pair[0] != oos_label]
    right = [a == b for a, b in zip(wanted, answers, strict=True)]
    return IntentFigures(
        accuracy=figures.accuracy(wanted, answers),
        macro_f1=figures.macro_f1(wanted, answers),
        in_scope_accuracy=figures.accuracy([a for a, _ in in_scope], [b for _, b in in_scope]),
        oos_recall=figures.recall(wanted, answers, oos_label),
        oos_precision=figures.precision(wanted, answers, oos_label),
        ece=figures.calibration_error(right, judgement.confidences),
        train_seconds=train_seconds,
        ms_per_text=1000 * judgement.seconds / len(judged),
        embedding_ms_per_text=1000 * judgement.embedding_seconds / len(judged),
        train_rows=len(learnt),
        test_rows=len(judged),
        left_out=len(learnt) - len(kept),
    )


def trainable(rows: Sequence[Row], oos_label: str) -> list[Row]:
    """Return the rows that a model can be trained on, see `IntentFigures.left_out`.

    Raises:
        Problem: fewer than two intents are left.
    """
    kept = _without_repeats(rows)
    counts = Counter(row.label for row in kept)
    intents = {label for label, count in counts.items() if label and count >= MIN_TEXTS}
    if len(intents - {oos_label}) < MIN_INTENTS:
        raise Problem(
            f"the training file has fewer than {MIN_INTENTS} intents with {MIN_TEXTS} different"
            " texts each",
            "give a file with more rows",
        )
    return [row for row in kept if row.label in intents | {oos_label}]


def _names(rows: Sequence[Row], oos_label: str) -> dict[str, str]:
    """An id that the service takes for every label, whatever the file calls it."""
    labels = dict.fromkeys(row.label for row in rows if row.label != oos_label)
    return {label: f"label-{number}" for number, label in enumerate(labels, 1)} | {
        oos_label: UNKNOWN
    }


def _without_repeats(rows: Sequence[Row]) -> list[Row]:
    """Each text once, under the label that it has most often; the first of equals.

    Texts are the same where only punctuation, width or script differs, as for the intent service,
    which refuses one text under two labels. One that has no letter at all teaches nothing; one with
    characters that are no text, as of another encoding, is refused.
    """
    counts: dict[str, Counter[str]] = {}
    texts: dict[str, str] = {}
    for row in rows:
        if UNREADABLE.search(row.text):
            continue
        if key := "".join(filter(str.isalnum, fold(row.text))):
            counts.setdefault(key, Counter())[row.label] += 1
            texts.setdefault(key, row.text)
    return [Row(texts[key], labels.most_common(1)[0][0]) for key, labels in counts.items()]


async def _import(channel: Any, rows: Sequence[Row], names: dict[str, str]) -> None:
    header = pb.TrainingDataHeader(
        parent=f"tenants/{TENANT}",
        request_id=request_id(),
        mode=pb.TrainingDataHeader.MODE_REPLACE,
        omit_base_intents=True,
    )
    wanted = [name for name in names.values() if name != UNKNOWN]
    intents = [intent_pb2.Intent(intent=name, type=INTENT_TYPE_QUERY) for name in wanted]
    utterances = [pb.Utterance(text=row.text, intent=names[row.label]) for row in rows]
    response = await import_parts(channel, header, messages(intents, [], utterances))
    if not response.imported:
        problem = next((each.message for each in response.problems), "the import was refused")
        labels = {name: label for label, name in names.items()}
        said = re.sub(r"label-\d+", lambda name: labels.get(name[0], name[0]), problem)
        raise Problem(f"the training file was refused: {said}", "mend the training file")


async def _train(channel: Any, lexical_only: bool) -> None:
    line = Status("training ...", console=Console(stderr=True, highlight=False))

    def on_change(operation: Operation) -> None:
        line.update(f"{operation.stage or 'waiting'} {operation.progress:.0%}")

    begun = await begin_training(channel, TENANT, activate=True, lexical_only=lexical_only)
    with line:
        await wait_for(channel, begun, on_change)


@dataclass(slots=True)
class _Judgement:
    """What the service said about the rows, and how long it took, in seconds."""

    given: list[str] = field(default_factory=list)
    confidences: list[float] = field(default_factory=list)
    seconds: float = 0.0
    embedding_seconds: float = 0.0


async def _classify(channel: Any, generation: Any | None, rows: Sequence[Row]) -> _Judgement:
    """Classify rows; without a channel to the generation service on words alone."""
    stub, judgement = IntentServiceStub(channel), _Judgement()
    for texts in batches([row.text or "." for row in rows], "classifying"):
        request = intent_pb2.BatchClassifyRequest(tenant=f"tenants/{TENANT}", texts=texts)
        began = time.perf_counter()
        if generation is not None:
            request.embeddings.extend(await embed(generation, texts))
        embedded = time.perf_counter()
        response = await stub.BatchClassify(request, timeout=LONG_CALL_SECONDS)
        judgement.seconds += time.perf_counter() - began
        judgement.embedding_seconds += embedded - began
        for each in response.classifications:
            judgement.given.append(each.best.intent)
            judgement.confidences.append(each.best.confidence)
    return judgement
