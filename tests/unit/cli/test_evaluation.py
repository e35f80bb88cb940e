"""The figures of an evaluation, and the files it reads."""

from pathlib import Path

import pytest

from services.cli.evaluation import figures
from services.cli.evaluation.intent import _names, _without_repeats
from services.cli.evaluation.labelled import Row, read
from services.local.problem import Problem

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
    assert _without_repeats(rows) == [Row("Hi!", "b"), Row("yo", "a")]
