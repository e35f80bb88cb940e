"""`kefu eval retrieval` on a whole mesh: what scripts read, in every mode."""

import json
import subprocess
from pathlib import Path

import pytest

from services.cli.evaluation import retrieval
from services.cli.evaluation.retrieval import Kind, Mode, Query
from services.local.home import Home
from tests.support.running import KEFU, Running

TEXTS = {
    "returns": ["签收后几天内可以退货", "how long do I have to return a thing"],
    "hours": ["你们几点开门", "what are your opening hours"],
    "gift": ["礼品卡怎么用"],
}
ASKED = [
    Query("签收后几天内可以退货？", "returns"),
    Query("几点开门营业呀", "hours"),
    Query("how to use a gift card", "gift"),
    Query("量子力学的波函数坍缩", ""),
]


@pytest.mark.parametrize("mode", Mode)
async def test_what_is_found_is_compared_with_what_answers(mesh: Running, mode: Mode) -> None:
    """The easy questions come first in every mode; only vectors find 礼品卡 by English words."""
    base = f"eval-{mode.value}"
    found = await retrieval.run(Home.at(mesh.home), base, TEXTS, ASKED, mode)
    assert found.recall_at_1 >= (2 / 3 if mode is Mode.LEXICAL else 1.0)
    assert found.mrr_at_10 >= found.recall_at_1
    assert found.no_answer_auroc == pytest.approx(1.0, abs=1 / 3)
    assert found.verdict_balanced_accuracy is not None
    assert (found.queries, found.answers, found.mode) == (4, 3, mode.value)
    assert found.ms_per_query >= found.embedding_ms_per_query
    assert (found.embedding_ms_per_query > 0) is (mode is not Mode.LEXICAL)


async def test_a_corpus_of_passages_is_searched_as_documents(mesh: Running) -> None:
    """Where every question has its answer, nothing is told apart."""
    long = {name: ["。".join([*texts, "此外另有说明" * 60])] for name, texts in TEXTS.items()}
    found = await retrieval.run(
        Home.at(mesh.home), "eval-passages", long, ASKED[:2], Mode.HYBRID, Kind.PASSAGES
    )
    assert found.recall_at_1 == 1.0
    assert found.no_answer_auroc is None
    assert found.verdict_balanced_accuracy is None


def test_a_file_that_cannot_be_used_is_refused_before_a_mesh_is_started(tmp_path: Path) -> None:
    """An id that the corpus does not have is a slip of the author."""
    corpus, queries = tmp_path / "corpus.tsv", tmp_path / "queries.tsv"
    corpus.write_text("text\tid\n几点开门\thours\n")
    queries.write_text("query\trelevant\n几点关门\thuors\n")
    done = subprocess.run(
        [KEFU, "eval", "retrieval", "--corpus", corpus, "--queries", queries, "--json"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 3
    assert "'huors'" in done.stderr
    assert not done.stdout


def test_the_command_prints_what_scripts_read(tmp_path: Path) -> None:
    """As a command, on a mesh of its own."""
    corpus, queries = tmp_path / "corpus.tsv", tmp_path / "queries.tsv"
    rows = [f"{text}\t{name}" for name, texts in TEXTS.items() for text in texts]
    corpus.write_text("\n".join(["text\tid", *rows]) + "\n")
    queries.write_text("query\trelevant\n几点开门\thours\n你是谁\t\n")
    done = subprocess.run(
        [KEFU, "eval", "retrieval", "--corpus", corpus, "--queries", queries,
         "--mode", "lexical", "--json"],
        capture_output=True, text=True, timeout=180,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {"recall_at_1", "recall_at_3", "recall_at_5", "mrr_at_10", "no_answer_auroc",
            "verdict_balanced_accuracy", "ms_per_query"} <= found.keys()  # fmt: skip
    assert found["recall_at_1"] == 1.0
