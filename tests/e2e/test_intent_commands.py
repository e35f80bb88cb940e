"""`kefu intent` and `kefu eval` on a whole mesh, as a company uses them."""

import json
import subprocess
from pathlib import Path

import pytest

from services.cli.evaluation import intent, sentiment
from services.cli.evaluation.labelled import Row
from services.local.home import Home
from tests.support.running import KEFU, Running

pytestmark = pytest.mark.xdist_group("e2e")

BOOKS = {
    "find_book": ["有没有这本书", "找一本小说", "do you have this book", "looking for a novel",
                  "想买本菜谱", "is this title in stock", "书还有货吗", "search for a cookbook"],
    "opening_hours": ["几点开门", "周末营业吗", "when do you open", "are you open on sunday",
                      "晚上几点关门", "what are your hours", "今天开到几点", "closing time please"],
    "return_book": ["我要退书", "书破了想退", "I want to return a book", "the book is damaged",
                    "买错书了能退吗", "can I give a book back", "退一本书", "refund my book"],
}  # fmt: skip
"""A small company of its own: another tenant of the same mesh."""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """The company's utterances as a table."""
    path = tmp_path / "books.csv"
    rows = [f"{text},{name}" for name, texts in BOOKS.items() for text in texts]
    path.write_text("text,intent\n" + "\n".join(rows) + "\n")
    return path


def test_a_company_trains_switches_compares_and_goes_back(mesh: Running, table: Path) -> None:
    """Import, list, train, models, a second version, compare, rollback: one command each."""
    books = ("--tenant", "books")
    report = mesh.json("intent", "import", str(table), *books)
    assert report["imported"]
    assert report["utterance_count"] == 24
    listed = mesh.kefu("intent", "list", *books)
    assert [name for name in BOOKS if name in listed] == list(BOOKS)
    assert "几点开门" in mesh.kefu("intent", "list", "opening_hours", *books)
    assert "words only" in mesh.kefu("intent", "train", "--activate", "--lexical-only", *books)
    first = _live(mesh)
    table.write_text(
        "text,intent\n想送书给朋友,gift\ncan you wrap it as a gift,gift\n包装成礼物,gift\n"
    )
    mesh.kefu("intent", "import", str(table), *books)
    shown = mesh.kefu("intent", "train", "--activate", *books)
    assert "with vectors" in shown
    second = _live(mesh)
    assert second != first
    assert "compared" in mesh.kefu("intent", "compare", first, second, *books)
    assert first in mesh.kefu("intent", "rollback", *books)
    assert _live(mesh) == first
    assert second in mesh.kefu("intent", "activate", second, *books)
    assert mesh.kefu("intent", "operations", *books).count("succeeded") == 2


def _live(mesh: Running) -> str:
    """Id of the live version of the books."""
    lines = mesh.kefu("intent", "models", "--tenant", "books").splitlines()
    [line] = [each for each in lines if " live " in each]
    return line.split()[0]


def test_evaluating_trains_no_version_twice(mesh: Running) -> None:
    """The sample's draft is what its live model was trained on, so its record is shown."""
    first = mesh.json("intent", "evaluate", "--lexical-only")
    assert 0.8 < first["quality"]["lexical"]["accuracy"] <= 1
    assert first["quality"]["confusions"]
    assert {each["language_code"] for each in first["quality"]["languages"]} >= {"zh", "en"}
    assert mesh.json("intent", "evaluate", "--lexical-only")["name"] == first["name"]


def test_a_table_with_conflicts_changes_nothing_and_says_where(
    mesh: Running, tmp_path: Path
) -> None:
    """One line that names the text and both intents; exit status 1."""
    path = tmp_path / "bad.csv"
    path.write_text("text,intent\n退书,return_book\n退書,find_book\n")
    done = _refused(mesh, "intent", "import", str(path), "--tenant", "bad")
    assert done.returncode == 1
    assert "return_book" in done.stdout
    assert "find_book" in done.stdout
    assert "nothing was changed" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("intent", "train", "--tenant", "nobody"), "TRAINING_DATA_INVALID"),
        (("intent", "activate", "none", "--tenant", "nobody"), "INTENT_MODEL_NOT_FOUND"),
        (("intent", "rollback", "--tenant", "nobody"), "INTENT_MODEL_NOT_FOUND"),
        (("intent", "cancel", "tenants/nobody/operations/none"), "OPERATION_NOT_FOUND"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    mesh: Running, arguments: tuple[str, ...], message: str
) -> None:
    """With the reason and the trace."""
    done = _refused(mesh, *arguments)
    assert done.returncode == 4
    assert message in done.stderr
    assert "kefu trace" in done.stderr


def _refused(mesh: Running, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [KEFU, *arguments, "--home", mesh.home], capture_output=True, text=True, timeout=60
    )


async def test_an_evaluation_trains_on_one_file_and_judges_another(mesh: Running) -> None:
    """Labels of any form, oos rows in both files; all keys that scripts read are there."""
    names = {"find_book": "Find Book", "opening_hours": "营业时间", "return_book": "returns"}
    rows = [Row(text, names[name]) for name, texts in BOOKS.items() for text in texts]
    strange = ["今天天气怎么样", "who won the match", "讲个笑话", "what is the capital of France"]
    learnt = [*rows, *(Row(text, "oos") for text in strange)]
    judged = [Row(rows[0].text, "Find Book"), Row("几点关门呀", "营业时间"), Row("♞♞", "oos")]
    found = await intent.run(Home.at(mesh.home), learnt, judged, "oos", lexical_only=False)
    assert found.accuracy == 1.0
    assert found.oos_recall == 1.0
    assert 0 <= found.ece <= 1
    assert found.train_seconds > 0
    assert found.ms_per_text > found.embedding_ms_per_text > 0


@pytest.mark.parametrize("method", sentiment.Method)
async def test_moods_of_a_file_are_measured_by_either_method(
    mesh: Running, method: sentiment.Method
) -> None:
    """Three classes where the file has neutral rows, two where it has none."""
    rows = [
        Row("great service, thank you so much!", "positive"),
        Row("This is terrible, I am very angry", "negative"),
        Row("What time do you open?", "neutral"),
    ]
    three = await sentiment.run(Home.at(mesh.home), rows, method)
    assert (three.classes, three.accuracy, three.rows) == (3, 1.0, 3)
    two = await sentiment.run(Home.at(mesh.home), rows[:2], method)
    assert (two.classes, two.accuracy) == (2, 1.0)


def test_a_file_of_the_wrong_form_is_refused_before_a_mesh_is_started(tmp_path: Path) -> None:
    """What is wrong and what the file must look like; exit status 3."""
    path = tmp_path / "set.tsv"
    path.write_text("text\tlabel\nfine\tgood\n")
    done = subprocess.run(
        [KEFU, "eval", "sentiment", "--test", path], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 3
    assert "labels are positive, negative, neutral" in done.stderr


def test_what_the_model_doubted_can_be_reviewed(mesh: Running) -> None:
    """The customer's number is not in it."""
    mesh.kefu("ask", "可以拿来喂我家的鹦鹉吗？我电话13812345678")
    deadline_looks = 40
    for _ in range(deadline_looks):
        shown = mesh.kefu("intent", "review", "--json")
        if "鹦鹉" in shown:
            break
    assert "鹦鹉" in shown
    assert "13812345678" not in shown
    assert all(json.loads(part) for part in shown.replace("}\n{", "}\0{").split("\0"))
