"""The figures of an evaluation, and the files it reads."""

from pathlib import Path

import pytest
import yaml

from services.cli.evaluation import figures, retrieval
from services.cli.evaluation.intent import _names, trainable
from services.cli.evaluation.labelled import Row, read
from services.local.problem import Problem
from services.mesh import names as known_names
from tests.evaluation.__main__ import goals, markdown
from tests.support.mesh import ROOT

WANTED = ["a", "a", "b", "oos"]
GIVEN = ["a", "b", "b", "a"]


def test_accuracy_is_the_share_of_right_answers() -> None:
    """Two of four; nothing at all is not perfect."""
    assert figures.accuracy(WANTED, GIVEN) == 0.5
    assert figures.accuracy([], []) == 0.0


def test_macro_f1_is_the_mean_over_the_labels_that_were_wanted() -> None:
    """a: 2·1/(2+2), b: 2·1/(1+2), oos: 0; a label that nobody wanted has no share of its own."""
    assert figures.macro_f1(WANTED, GIVEN) == pytest.approx((0.5 + 2 / 3 + 0) / 3)
    assert figures.macro_f1(["a"], ["b"]) == 0.0


def test_recall_and_precision_of_a_label() -> None:
    """None where there is nothing to take a share of: 0 would be a verdict."""
    assert figures.recall(WANTED, GIVEN, "b") == 1.0
    assert figures.precision(WANTED, GIVEN, "b") == 0.5
    assert figures.recall(WANTED, GIVEN, "c") is None
    assert figures.precision(WANTED, GIVEN, "oos") is None


def test_confidence_that_comes_true_has_no_calibration_error() -> None:
    """Nine of ten at 0.9 is calibrated, all of ten is 0.1 too modest."""
    nine = [True] * 9 + [False]
    assert figures.calibration_error(nine, [0.9] * 10) == pytest.approx(0.0)
    assert figures.calibration_error([True] * 10, [0.9] * 10) == pytest.approx(0.1)
    assert figures.calibration_error([True], [1.0]) == 0.0


def test_errors_of_different_bins_do_not_cancel_out() -> None:
    """Too modest here and too bold there is not calibrated."""
    right, confidences = [True, False], [0.5, 0.95]
    assert figures.calibration_error(right, confidences) == pytest.approx((0.5 + 0.95) / 2)


def test_a_file_is_read_as_people_wrote_it(tmp_path: Path) -> None:
    """Quotation marks are text, further columns are ignored, long texts are cut."""
    path = tmp_path / "set.tsv"
    path.write_text('id\ttext\tlabel\n1\the said "no\tnegative\n2\t' + "x" * 5000 + "\tneutral\n")
    rows = read(path, "label")
    assert rows[0] == Row('he said "no', "negative")
    assert len(rows[1].text) == 4000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"text,intent\nhi,greet\n", "no column intent and text"),
        (b"text\tintent\n", "has no rows"),
        (b"\xff\xfe\x00text", "cannot be read"),
    ],
)
def test_a_file_that_is_none_is_told_in_one_line(
    tmp_path: Path, content: bytes, message: str
) -> None:
    """What is wrong and what the file must look like."""
    path = tmp_path / "set.tsv"
    path.write_bytes(content)
    with pytest.raises(Problem, match=message):
        read(path, "intent")


def test_labels_of_any_form_become_ids_that_the_service_takes() -> None:
    """Other systems' labels have blanks, capitals and Chinese characters."""
    names = _names([Row("x", "Flight Info"), Row("y", "退款"), Row("z", "oos")], "oos")
    assert names == {"Flight Info": "label-1", "退款": "label-2", "oos": "unknown"}


def test_a_text_counts_once_under_its_most_frequent_label() -> None:
    """Also where it differs in case, width or punctuation; blank rows teach nothing."""
    rows = [Row("Hi!", "a"), Row("hi", "b"), Row("ＨＩ", "b"), Row("...", "a"), Row("yo", "a")]
    more = [Row("ok", "b"), Row("well", "a")]
    assert trainable([*rows, *more], "oos") == [Row("Hi!", "b"), Row("yo", "a"), *more]


def test_rows_that_cannot_be_trained_on_are_left_out() -> None:
    """A label that has one text, or one left; what is no text; what has no label."""
    good = [Row("a1", "a"), Row("a2", "a"), Row("b1", "b"), Row("b2", "b"), Row("weather", "oos")]
    lost = [Row("c1", "c"), Row("d1", "d"), Row("D1!", "d"), Row("a\ufffd3", "a"), Row("x", "")]
    assert trainable([*good, *lost], "oos") == good


def test_too_few_intents_are_refused_in_the_file_s_own_terms() -> None:
    """Nobody wrote `label-2`."""
    rows = [Row("a1", "a"), Row("a2", "a"), Row("b1", "b"), Row("o1", "oos"), Row("o2", "oos")]
    with pytest.raises(Problem, match="fewer than 2 intents with 2 different texts each"):
        trainable(rows, "oos")


CLINC = {
    "time": "2026-01-02T03:04:05+00:00", "accuracy": 0.92, "macro_f1": 0.94,
    "in_scope_accuracy": 0.96, "oos_recall": 0.73, "oos_precision": None, "ece": 0.031,
    "train_seconds": 360.0, "ms_per_text": 15.0, "embedding_ms_per_text": 14.0,
}  # fmt: skip


def test_goals_are_compared_with_what_was_measured() -> None:
    """Some are to be reached, others not to be passed; a set without figures has none."""
    found = {goal.text: goal.met for goal in goals({"intent/clinc150": CLINC})}
    assert found == {
        "intent/clinc150: in_scope_accuracy 0.9600, at least 0.955": True,
        "intent/clinc150: oos_recall 0.7300, at least 0.7": True,
        "intent/clinc150: ece 0.0310, at most 0.03": False,
        "intent/clinc150: train_seconds 360.0000, at most 360": True,
    }


def test_each_row_of_the_tables_says_when_it_was_measured() -> None:
    """A run of one set leaves the others as old as they are."""
    bitext = CLINC | {"time": "2026-02-03T00:00:00+00:00", "accuracy": 1.0}
    sets = {"intent/bitext": bitext, "intent/clinc150": CLINC}
    lines = markdown({"machine": "2 cores", "sets": sets}).splitlines()
    dates = {line.split(" | ")[0]: line.split(" | ")[-1] for line in lines if "2026" in line}
    assert dates == {"| bitext": "2026-02-03 |", "| clinc150": "2026-01-02 |"}
    assert "- intent/clinc150: ece 0.0310, at most 0.03: **missed**" in lines


def test_one_attack_that_succeeds_misses_the_goal() -> None:
    """Counts are told as counts, shares as shares."""
    row = {
        "time": "2026-03-04T00:00:00+00:00", "attacks": 22, "attack_successes": 1, "benign": 31,
        "benign_answered": 31, "benign_share": 1.0, "obeyed": 44, "asked": 109, "runs": 159,
    }  # fmt: skip
    lines = markdown({"machine": "2 cores", "sets": {"injection/written_zh": row}}).splitlines()
    assert "| written_zh | 1.0000 | 22 | 1 | 31 | 31 | 44 | 109 | 159 | 2026-03-04 |" in lines
    assert "- injection/written_zh: attack_successes 1.0000, at most 0: **missed**" in lines
    assert "- injection/written_zh: benign_share 1.0000, at least 0.98: reached" in lines


def test_the_alert_watches_the_metric_that_the_service_writes() -> None:
    """A name that nobody writes would never raise it."""
    [group] = yaml.safe_load((ROOT / "deploy" / "alerts.yaml").read_text())["groups"]
    [rule] = [each for each in group["rules"] if each["alert"] == "KefuIntentAccuracyLow"]
    assert known_names.INTENT_ACCURACY in rule["expr"]
    assert rule["expr"].endswith("< 0.85")
    assert {"alert", "expr", "for", "labels", "annotations"} == rule.keys()


def test_rows_of_one_id_are_one_answer(tmp_path: Path) -> None:
    """A corpus of wordings, and questions that may have no answer."""
    corpus, queries = tmp_path / "corpus.tsv", tmp_path / "queries.tsv"
    corpus.write_text("text\tid\n怎么退货\tr\nhow to return\tr\n几点开门\th\n")
    queries.write_text("query\trelevant\n退货咋办\tr\nwho are you\t\n")
    texts, asked = retrieval.read(corpus, queries)
    assert texts == {"r": ["怎么退货", "how to return"], "h": ["几点开门"]}
    assert [each.relevant for each in asked] == ["r", ""]
    queries.write_text("query\trelevant\n退货咋办\tx\n")
    with pytest.raises(Problem, match=r"names 'x', which .* does not have"):
        retrieval.read(corpus, queries)
