"""`kefu intent` and `kefu eval` on a whole mesh, as a company uses them."""

import json
import subprocess
import sys
import threading
import uuid
from pathlib import Path
from typing import Any

import pytest
from kefu.intent.v1 import training_pb2 as pb
from kefu.intent.v1.training_pb2_grpc import IntentTrainingServiceStub

from services.cli.evaluation import intent, sentiment
from services.cli.evaluation.labelled import Row
from services.local.home import Home
from services.local.training_file import parts
from tests.support.running import KEFU, Running

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
    compared = mesh.kefu("intent", "compare", first, second, *books)
    # Of both versions: the books, the gifts, and what every tenant has beside its own.
    counts = [int(word) for word in compared.splitlines()[-1].split() if word.isdecimal()]
    assert counts[0] >= 27
    assert 0 < sum(counts[1:]) <= counts[0]
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


async def test_evaluating_leaves_alone_what_the_draft_was_imported_with(
    mesh: Running, table: Path
) -> None:
    """A draft without the intents that every tenant has is still without them."""
    header = pb.TrainingDataHeader(
        parent="tenants/plain", request_id=str(uuid.uuid4()), omit_base_intents=True,
        mode=pb.TrainingDataHeader.MODE_REPLACE,
    )  # fmt: skip
    messages = [pb.ImportTrainingDataRequest(header=header)]
    messages += [pb.ImportTrainingDataRequest(data=part) for part in parts(table)]
    async with mesh.stub("intent", IntentTrainingServiceStub) as stub:
        assert (await stub.ImportTrainingData(iter(messages), timeout=60)).imported
    mesh.kefu("intent", "train", "--lexical-only", "--tenant", "plain")
    shown = mesh.json("intent", "evaluate", "--lexical-only", "--tenant", "plain")
    assert shown["utterance_count"] == 24
    again = mesh.json("intent", "evaluate", "--lexical-only", "--tenant", "plain")
    assert again["name"] == shown["name"]
    assert mesh.kefu("intent", "operations", "--tenant", "plain").count("succeeded") == 1


def test_utterances_without_words_have_a_column(mesh: Running, tmp_path: Path) -> None:
    """Emoji and codes are in no language."""
    path = tmp_path / "signs.csv"
    path.write_text("text,intent\n👍,liked\nA-100,code\nB-200,code\n")
    mesh.kefu("intent", "import", str(path), "--tenant", "signs")
    header, *rows = mesh.kefu("intent", "list", "--tenant", "signs").splitlines()
    column = header.index(" und ") + 1
    counted = {row.split()[0]: row[column : column + 3].strip() for row in rows}
    assert counted == {"code": "2", "liked": "1"}


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


INTENT_KEYS = {
    "accuracy", "macro_f1", "in_scope_accuracy", "oos_recall", "oos_precision", "ece",
    "train_seconds", "ms_per_text", "embedding_ms_per_text", "train_rows", "test_rows", "left_out",
}  # fmt: skip


def test_an_evaluation_of_intents_prints_what_scripts_read(tmp_path: Path) -> None:
    """As a command, on a mesh of its own, with files as they come.

    Ten rows an intent, one that says the same as another, one that is no text, a label with a
    single row, which cannot be trained: its test row is wrong, and the rest is measured.
    """
    train, test = tmp_path / "train.tsv", tmp_path / "test.tsv"
    rows = [f"{text}\t{name}" for name, texts in BOOKS.items() for text in texts]
    strange = ["今天天气怎么样\toos", "who won the match\toos", "讲个笑话\toos"]
    lost = ["几点开门？\topening_hours", "\ufffd\ufffd\tfind_book", "gift wrapping\tgift"]
    train.write_text("\n".join(["text\tintent", *rows, *strange, *lost]) + "\n")
    test.write_text("text\tintent\n几点开门\topening_hours\nwrap it\tgift\n讲个笑话！\toos\n")
    found = _evaluated("intent", "--train", train, "--test", test, "--lexical-only")
    assert found.keys() == INTENT_KEYS
    assert (found["train_rows"], found["test_rows"], found["left_out"]) == (30, 3, 3)
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert found["in_scope_accuracy"] == 0.5
    assert found["oos_recall"] == 1.0
    assert found["embedding_ms_per_text"] < found["ms_per_text"]


def test_an_evaluation_of_moods_prints_what_scripts_read(tmp_path: Path) -> None:
    """As a command, on a mesh of its own."""
    test = tmp_path / "test.tsv"
    test.write_text("text\tlabel\nI love it\tpositive\nThis is terrible\tnegative\n")
    found = _evaluated("sentiment", "--test", test, "--method", "vader")
    assert (found["accuracy"], found["macro_f1"]) == (1.0, 1.0)
    assert (found["classes"], found["rows"], found["method"]) == (2, 2, "vader")
    assert found["ms_per_text"] > found["embedding_ms_per_text"] >= 0


def _evaluated(*arguments: str | Path) -> Any:
    """What `kefu eval ... --json` printed."""
    done = subprocess.run(
        [KEFU, "eval", *arguments, "--json"], capture_output=True, text=True, timeout=180
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


GOOD_LINES = "text\tintent\na 1\tx\na 2\tx\nb 1\ty\nb 2\ty\n"


@pytest.mark.parametrize(
    ("what", "content", "status", "says"),
    [
        ("intent", None, 2, "does not exist"),
        ("intent", "", 3, "has no column intent and text"),
        ("intent", "text\tlabel\nhi\tgreet\n", 3, "has no column intent"),
        ("intent", "text\tintent\n", 3, "has no rows"),
        ("intent", "text\tintent\na 1\tx\na 2\tx\nb\ty\n", 3, "fewer than 2 intents with 2"),
        ("sentiment", "text\tlabel\nfine\tgood\n", 3, "labels are positive, negative, neutral"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_before_a_mesh_is_started(
    tmp_path: Path, what: str, content: str | None, status: int, says: str
) -> None:
    """What is wrong and what the file must look like."""
    good, bad = tmp_path / "good.tsv", tmp_path / "bad.tsv"
    good.write_text(GOOD_LINES)
    if content is not None:
        bad.write_text(content)
    files = ["--train", bad, "--test", good] if what == "intent" else ["--test", bad]
    done = subprocess.run([KEFU, "eval", what, *files], capture_output=True, text=True, timeout=60)
    assert done.returncode == status
    assert says in " ".join(done.stderr.replace("│", " ").split())


def test_what_the_model_doubted_can_be_reviewed(mesh: Running) -> None:
    """The customer's number is not in it."""
    mesh.kefu("ask", "可以拿来喂我家的鹦鹉吗？我电话13812345678")
    shown = _reviewed(mesh, "鹦鹉")
    assert "13812345678" not in json.dumps(shown, ensure_ascii=False)


TERMINAL = """
import os, pty, signal, sys
# Who runs the tests in the background has them ignore Ctrl-C, and a command would inherit that.
signal.signal(signal.SIGINT, signal.SIG_DFL)
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))
"""
"""Runs a command on a terminal; what comes in by a pipe are its keys."""


def test_ctrl_c_ends_a_review_at_its_question(mesh: Running) -> None:
    """Exit status 130 at once, not after another Enter."""
    mesh.kefu("ask", "可以拿来喂我家的仓鼠吗？")
    assert _reviewed(mesh, "仓鼠")
    with subprocess.Popen(
        [sys.executable, "-c", TERMINAL, KEFU, "intent", "review", "--home", mesh.home],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdin
        assert process.stdout
        # For a question that never comes, or never ends.
        watch = threading.Timer(60, process.kill)
        watch.daemon = True
        watch.start()
        shown = b""
        while not shown.endswith(b"\n> "):
            byte = process.stdout.read(1)
            assert byte, shown.decode()
            shown += byte
        process.stdin.write(b"\x03")
        process.stdin.flush()
        assert process.wait() == 130


def _reviewed(mesh: Running, word: str) -> list[Any]:
    """What is to be reviewed, once the service has written down what has this word in it."""
    deadline_looks = 40
    for _ in range(deadline_looks):
        shown = mesh.kefu("intent", "review", "--json")
        if word in shown:
            return list(json.loads(f"[{shown.replace('}' + chr(10) + '{', '},{')}]"))
    raise AssertionError(f"nothing with {word!r} is to be reviewed")
