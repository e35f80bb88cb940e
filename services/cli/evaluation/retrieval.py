"""`kefu eval retrieval`: what a search finds, on questions whose answers are known."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from kefu.knowledge.v1 import knowledge_pb2 as pb
from kefu.knowledge.v1.knowledge_pb2_grpc import KnowledgeServiceStub

from services.cli.evaluation.figures import show
from services.cli.evaluation.labelled import LONGEST_TEXT, read_columns
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
from services.local.knowledge_files import import_files
from services.local.problem import Problem
from services.local.publishing import publish, until_embedded
from services.mesh.measures import area_under_roc

_FOUND = 10
"""Passages asked for: the mean reciprocal rank looks at the first ten."""

_SHORT = 300
"""Texts up to here are taken for questions, in code points; a passage of a document is longer."""


class Mode(StrEnum):
    """How to search."""

    HYBRID = "hybrid"
    LEXICAL = "lexical"
    DENSE = "dense"


class Kind(StrEnum):
    """As what the corpus is imported."""

    AUTO = "auto"
    FAQ = "faq"
    PASSAGES = "passages"


@dataclass(frozen=True, slots=True)
class Query:
    """A question, and the id of what answers it; empty: nothing does."""

    text: str
    relevant: str


@dataclass(frozen=True, slots=True)
class Answered:
    """What the service said to a question.

    Attributes:
        ids: what was found, best first, each once.
        score: of the best, in [0, 1]; 0 where nothing was found.
        answerable: whether the verdict was that it is answered.
    """

    ids: Sequence[str]
    score: float
    answerable: bool


@dataclass(frozen=True, slots=True)
class RetrievalFigures:
    """What an evaluation found; shares in [0, 1].

    Attributes:
        recall_at_1: of the questions that have an answer, the share whose answer came first;
            `recall_at_3` and `recall_at_5` among the first three and five.
        mrr_at_10: mean reciprocal rank; 0 for an answer that is not among the first ten.
        no_answer_auroc: how well the best score tells questions that have an answer from those
            that have none; None where all or none have one.
        verdict_balanced_accuracy: mean of the shares of both kinds that the verdict is right
            about; None as above.
        ms_per_query: of searching, the question's vector included;
            `embedding_ms_per_query` of that alone.
    """

    recall_at_1: float
    recall_at_3: float
    recall_at_5: float
    mrr_at_10: float
    no_answer_auroc: float | None
    verdict_balanced_accuracy: float | None
    ms_per_query: float
    embedding_ms_per_query: float
    queries: int
    answers: int
    mode: str


def register(evaluate: typer.Typer) -> None:
    """Add the command of this module."""
    evaluate.command("retrieval")(command)


def command(
    corpus: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="TSV with columns text, id.")
    ],
    queries: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="TSV with columns query, relevant.")
    ],
    mode: Annotated[Mode, typer.Option(help="How to search.")] = Mode.HYBRID,
    kind: Annotated[Kind, typer.Option("--as", help="How to import the corpus.")] = Kind.AUTO,
    as_json: JsonOption = False,
) -> None:
    """Search for the questions of a file in a corpus: rows of one id are one answer.

    A row of QUERIES whose `relevant` is empty is answered by nothing.
    """
    texts, asked = read(corpus, queries)
    found = on_a_throwaway_mesh(lambda place: run(place, "corpus", texts, asked, mode, kind))
    show(asdict(found), as_json)


def read(corpus: Path, queries: Path) -> tuple[dict[str, list[str]], list[Query]]:
    """Read a corpus and its questions.

    Returns:
        The texts of each id, and the questions.

    Raises:
        Problem: a file cannot be read, or a question names an id that the corpus does not have.
    """
    texts: dict[str, list[str]] = {}
    for text, name in read_columns(corpus, ("text", "id")):
        if text and name:
            texts.setdefault(name, []).append(text)
    asked = [
        Query(text[:LONGEST_TEXT] or ".", relevant)
        for text, relevant in read_columns(queries, ("query", "relevant"))
    ]
    if strange := sorted({each.relevant for each in asked} - {*texts, ""}):
        raise Problem(
            f"{queries} names {strange[0]!r}, which {corpus} does not have",
            "`relevant` holds an id of the corpus, or nothing",
        )
    return texts, asked


async def run(
    place: Home,
    base: str,
    texts: dict[str, list[str]],
    asked: Sequence[Query],
    mode: Mode,
    kind: Kind = Kind.AUTO,
) -> RetrievalFigures:
    """Evaluate on a running mesh, in a knowledge base of this id.

    Raises:
        KefuError: a call failed.
        Problem: the corpus was refused.
    """
    if kind is Kind.AUTO:
        short = all(len(each) <= _SHORT for several in texts.values() for each in several)
        kind = Kind.FAQ if short else Kind.PASSAGES
    names = {f"{number}": name for number, name in enumerate(texts)}
    async with channels(place, "knowledge", "generation") as (knowledge, generation):
        await _import(knowledge, base, _files(names, texts, kind))
        began = time.perf_counter()
        answered, embedding_seconds = await _ask(knowledge, generation, base, asked, mode, names)
        seconds = time.perf_counter() - began
    return _figures(asked, answered, mode, seconds, embedding_seconds)


def _files(names: dict[str, str], texts: dict[str, list[str]], kind: Kind) -> list[pb.SourceFile]:
    """Make one file of each answer, so that the name of a document tells which it is."""
    if kind is Kind.PASSAGES:
        return [
            pb.SourceFile(path=f"{number}.txt", content="\n\n".join(texts[name]).encode())
            for number, name in names.items()
        ]
    return [
        pb.SourceFile(path=f"{number}.jsonl", content=_faq(number, texts[name]))
        for number, name in names.items()
    ]


def _faq(number: str, questions: list[str]) -> bytes:
    # The corpus has no answers; its question stands for one, and adds no word to find it by.
    faq = {
        "id": number,
        "question": questions[0],
        "variants": questions[1:],
        "answer": questions[0],
    }
    return json.dumps(faq, ensure_ascii=False).encode()


async def _import(channel: Any, base: str, files: Sequence[pb.SourceFile]) -> None:
    """Import the corpus, wait until all of it has its vectors, and put it live."""
    results = await import_files(channel, TENANT, base, files)
    if refused := next((each for each in results if each.problem), None):
        raise Problem(f"the corpus was refused: {refused.problem}", "mend the corpus")
    name = f"tenants/{TENANT}/knowledgeBases/{base}"
    await until_embedded(channel, name)
    await publish(channel, name)


async def _ask(
    channel: Any,
    generation: Any,
    base: str,
    asked: Sequence[Query],
    mode: Mode,
    names: dict[str, str],
) -> tuple[list[Answered], float]:
    """Ask all questions; also how long their vectors took, in seconds."""
    stub, answered, embedding_seconds = KnowledgeServiceStub(channel), [], 0.0
    for texts in batches([each.text for each in asked], "searching"):
        vectors = []
        if mode is not Mode.LEXICAL:
            began = time.perf_counter()
            vectors = await embed(generation, texts)
            embedding_seconds += time.perf_counter() - began
        for place, text in enumerate(texts):
            request = pb.SearchRequest(
                parent=f"tenants/{TENANT}/knowledgeBases/{base}",
                query=text,
                page_size=_FOUND,
                scope=pb.SEARCH_SCOPE_ALL,
                mode=pb.SearchRequest.Mode.Value(f"MODE_{mode.name}"),
            )
            if vectors:
                request.embedding.CopyFrom(vectors[place])
            found = await stub.Search(request, timeout=LONG_CALL_SECONDS)
            answered.append(_answered(found, names))
    return answered, embedding_seconds


def _answered(found: pb.SearchResponse, names: dict[str, str]) -> Answered:
    documents = [found.faq.document] if found.HasField("faq") else []
    documents += [each.document for each in found.passages]
    score = found.passages[0].score if found.passages else 0.0
    ids = [names[each.rpartition("/")[2].partition(".")[0]] for each in documents]
    return Answered(
        ids=list(dict.fromkeys(ids)),
        score=1.0 if found.HasField("faq") else score,
        answerable=found.verdict == pb.SearchResponse.VERDICT_ANSWERABLE,
    )


def _figures(
    asked: Sequence[Query],
    answered: Sequence[Answered],
    mode: Mode,
    seconds: float,
    embedding_seconds: float,
) -> RetrievalFigures:
    pairs = list(zip(asked, answered, strict=True))
    ranks = [_rank(each.ids, query.relevant) for query, each in pairs if query.relevant]
    have = [each for query, each in pairs if query.relevant]
    lack = [each for query, each in pairs if not query.relevant]
    both = bool(have and lack)
    return RetrievalFigures(
        recall_at_1=_share(rank <= 1 for rank in ranks),
        recall_at_3=_share(rank <= 3 for rank in ranks),
        recall_at_5=_share(rank <= 5 for rank in ranks),
        mrr_at_10=sum(1 / rank for rank in ranks) / len(ranks) if ranks else 0.0,
        no_answer_auroc=area_under_roc([e.score for e in have], [e.score for e in lack])
        if both
        else None,
        verdict_balanced_accuracy=(
            _share(e.answerable for e in have) + _share(not e.answerable for e in lack)
        )
        / 2
        if both
        else None,
        ms_per_query=1000 * seconds / len(asked),
        embedding_ms_per_query=1000 * embedding_seconds / len(asked),
        queries=len(asked),
        answers=len({query.relevant for query in asked} - {""}),
        mode=mode.value,
    )


def _rank(ids: Sequence[str], wanted: str) -> float:
    """Return the 1-based rank; infinite where it is not among the first ten."""
    return ids.index(wanted) + 1 if wanted in ids[:_FOUND] else float("inf")


def _share(right: Any) -> float:
    values = list(right)
    return sum(values) / len(values) if values else 0.0
