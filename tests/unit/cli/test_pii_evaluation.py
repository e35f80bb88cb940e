"""`kefu eval pii`: what counts as found, and what the file must look like."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.cli import main
from services.cli.evaluation.pii import PiiFigures, Row, read, run
from services.local.problem import Problem
from services.pii import Finder
from tests.evaluation.__main__ import goals, markdown

GOOD = Row("手机13800138000", "cn_mobile", "13800138000", True)


def figures(*rows: Row) -> tuple[float, float]:
    """Precision and recall of the finder on rows."""
    found = run(rows, Finder(["SO[0-9]{8}"]))
    return found.precision, found.recall


@pytest.mark.parametrize(
    ("row", "precision", "recall"),
    [
        (GOOD, 1.0, 1.0),
        # Another type than the row's, a part of the value, more than it.
        (Row("手机13800138000", "cn_id", "13800138000", True), 0.5, 0.5),
        (Row("手机13800138000", "cn_mobile", "138001380", True), 0.5, 0.5),
        (Row("手机13800138000", "cn_mobile", "手机13800138000", True), 0.5, 0.5),
        # Right, and something else beside it.
        (Row("a@example.com,13800138000", "cn_mobile", "13800138000", True), 2 / 3, 1.0),
        # Nothing there to be found, and nothing or something found.
        (Row("尾号8821", "none", "8821", False), 1.0, 1.0),
        (Row("手机13800138000", "cn_mobile", "13800138000", False), 0.5, 1.0),
        # Not found.
        (Row("我叫大明", "name", "大明", True), 1.0, 0.5),
        # A type that only the file knows: whatever covers the value is right.
        (Row("手机13800138000", "telefon", "13800138000", True), 1.0, 1.0),
        (Row("订单SO20261234", "order", "SO20261234", True), 1.0, 1.0),
        (Row("手机13800138000", "MOBILE", "13800138000", True), 1.0, 1.0),
        (Row("手机13800138000", "phone", "13800138000", True), 1.0, 1.0),
    ],
)
def test_the_exact_value_of_the_type_counts(row: Row, precision: float, recall: float) -> None:
    """Everything else that is found in a sentence is a mistake."""
    assert figures(GOOD, row) == pytest.approx((precision, recall))


def test_nothing_found_is_no_perfect_score() -> None:
    """Shares of nothing are 0, not 1."""
    assert figures(Row("我叫大明", "name", "大明", True)) == (0.0, 0.0)


def write(folder: Path, *rows: str) -> Path:
    """Write a file with a header and rows."""
    path = folder / "set.tsv"
    path.write_text("\n".join(["sentence\ttype\tvalue\tis_valid", *rows, ""]))
    return path


def test_a_file_is_read(tmp_path: Path) -> None:
    """One row a line."""
    path = write(tmp_path, "手机13800138000\tcn_mobile\t13800138000\t1", "尾号8821\tnone\t8821\t0")
    assert read(path) == [GOOD, Row("尾号8821", "none", "8821", False)]


def test_a_label_that_is_neither_1_nor_0_is_refused(tmp_path: Path) -> None:
    """A file of another kind is not measured as if it were one."""
    with pytest.raises(Problem, match="has is_valid 'yes'"):
        read(write(tmp_path, "手机13800138000\tcn_mobile\t13800138000\tyes"))


def test_the_command_prints_json(tmp_path: Path) -> None:
    """For scripts; it starts no mesh."""
    path = write(tmp_path, "手机13800138000\tcn_mobile\t13800138000\t1")
    outcome = CliRunner().invoke(
        main.build(["eval"]), ["eval", "pii", "--test", str(path), "--json"]
    )
    assert outcome.exit_code == 0, outcome.output
    found = json.loads(outcome.stdout)
    assert found.keys() == set(PiiFigures.__dataclass_fields__)
    assert (found["precision"], found["recall"], found["rows"]) == (1.0, 1.0, 1)


def test_order_numbers_are_found_by_given_patterns(tmp_path: Path) -> None:
    """As the services are given them; one that cannot be used is told in one line."""
    path = write(tmp_path, "订单SO20261234\torder\tSO20261234\t1")
    app = main.build(["eval"])
    command = ["eval", "pii", "--json", "--test", str(path), "--order-pattern"]
    assert json.loads(CliRunner().invoke(app, [*command, "SO[0-9]{8}"]).stdout)["recall"] == 1.0
    refused = CliRunner().invoke(app, [*command, "("]).exception
    assert isinstance(refused, Problem)
    assert str(refused).startswith("'(' is not valid RE2")


def test_goals_and_tables_have_it() -> None:
    """`make eval` writes it down beside the others."""
    row = {
        "time": "2026-01-02T03:04:05+00:00", "precision": 0.96, "recall": 0.94, "found": 100,
        "wrong": 4, "missed": 6, "ms_per_text": 0.03, "rows": 145,
    }  # fmt: skip
    sets = {"pii/pii_zh": row}
    assert {goal.text: goal.met for goal in goals(sets)} == {
        "pii/pii_zh: precision 0.9600, at least 0.95": True,
        "pii/pii_zh: recall 0.9400, at least 0.95": False,
    }
    assert "| pii_zh | 0.9600 | 0.9400 | 0.030 | 2026-01-02 |" in markdown(
        {"machine": "2 cores", "sets": sets}
    )
