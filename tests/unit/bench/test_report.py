"""The tables say the same in a terminal and in Markdown, and the document keeps its words."""

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from tests.bench import report

CELL: dict[str, Any] = {
    "workload": "model", "concurrency": 8, "repeats": 3, "turns": 120, "strayed": 0,
    "failed": {"RATE_LIMITED": 2}, "p50_ms": 190.0,
    "turns_per_second": {"median": 40.0, "low": 38.0, "high": 41.5},
    "p99_ms": 402.5, "first_delta_p50_ms": None, "first_delta_p99_ms": None, "deltas": 12.0,
    "cpu_ms": {
        "session": {"median": 5.5, "low": 5.0, "high": 6.0},
        "desk": {"median": 0.01, "low": 0.0, "high": 0.02},
    },
    "cpu_total_ms": {"median": 30.0, "low": 30.0, "high": 30.0}, "calls": 7.0,
    "calls_by_method": {}, "commands": 8.0, "commands_by_name": {}, "round_trips": 3.1,
    "other_cores": 0.02,
}  # fmt: skip

FOUND: dict[str, Any] = {
    "started": "2026-11-22T10:00:00+00:00", "seconds": 240.2, "warnings": ["the machine was busy"],
    "machine": {"cores": 2, "cpu": "CPU X", "memory_mib": 24576, "python": "3.11.7",
                "packages": {"grpcio": "1.85.1"}, "load_average": [0.05, 0.1, 0.2]},
    "echo": [], "turns": [CELL], "embedded_seconds": 20.0, "quick": False,
    "pace_ms": [7.5, 7.0, 15.0],
    "statements": {"model": {"kefu_session": {"SELECT": 2.0}, "kefu_audit": {"COPY": 1.0}}},
    "startup": {"first": {"ready": 9.0, "serving": 8.5, "by_process": {"session": 6.0}}},
}  # fmt: skip


def test_a_table_without_rows_is_left_out() -> None:
    """A run that was cut short shows what it has."""
    titles = [grid.title for grid in report.grids(FOUND)]
    assert not any("floor" in title for title in titles)
    assert any("throughput" in title for title in titles)


def test_the_machine_is_told_with_its_pace() -> None:
    """Two runs can only be compared where it was the same."""
    assert "took 7.5 ms (7.0-15.0)" in report.machine_line(FOUND)


def test_a_row_tells_median_and_extremes_and_what_is_missing() -> None:
    """A dash is not a zero: no first words came, so no time of theirs is known."""
    turns = report.grids(FOUND)[0]
    row = dict(zip(turns.header, turns.rows[0], strict=True))
    assert row["turns/s"] == "40.0 (38.0-41.5)"
    assert row["first delta p50"] == "-"
    assert row["failed"] == "2"


def test_statements_are_told_within_and_behind_the_turn() -> None:
    """Two for the turn itself, one in a batch behind it."""
    costs = report.grids(FOUND)[1]
    row = dict(zip(costs.header, costs.rows[0], strict=True))
    assert (row["SQL statements"], row["SQL behind it"]) == ("2.00", "1.00")


def test_processes_that_do_nothing_have_no_row() -> None:
    """The desk opens no ticket in any of the workloads."""
    cpu = report.grids(FOUND)[2]
    assert [row[0] for row in cpu.rows] == ["session"]


def test_the_end_of_embedding_is_counted_from_the_start() -> None:
    """A new mesh is ready before its knowledge has vectors; both are told."""
    *_, ready, embedded = report.grids(FOUND)[3].rows
    assert (ready, embedded) == (("ready", "9.00"), ("knowledge embedded", "29.0"))


def test_the_terminal_shows_machine_tables_and_warnings() -> None:
    """Figures without their machine are rumours."""
    console = Console(record=True, width=120, file=open("/dev/null", "w"))  # noqa: SIM115
    report.show(FOUND, console)
    text = console.export_text()
    assert "2 cores of CPU X" in text
    assert "warning: the machine was busy" in text
    console.file.close()


def test_the_document_keeps_everything_around_the_figures(tmp_path: Path) -> None:
    """Writing twice replaces, and does not append."""
    document = tmp_path / "benchmarks.md"
    document.write_text(f"# Words\n\n{report.BEGIN}\nold\n{report.END}\n\nMore words.\n", "utf-8")
    report.write_into(document, FOUND)
    once = document.read_text("utf-8")
    report.write_into(document, FOUND)
    assert document.read_text("utf-8") == once
    assert once.startswith("# Words\n")
    assert once.endswith("\n\nMore words.\n")
    assert "old" not in once
    assert "| model | 8 | 120 | 40.0 (38.0-41.5) |" in once


def test_round_trips_stand_beside_commands(tmp_path: Path) -> None:
    """What a turn waits for, and what Redis does."""
    document = tmp_path / "benchmarks.md"
    document.write_text(f"{report.BEGIN}\n{report.END}\n", "utf-8")
    report.write_into(document, FOUND)
    text = document.read_text("utf-8")
    assert "| Redis round trips | Redis commands |" in text
    assert "| 7.00 | 3.10 | 8.00 |" in text


def test_a_document_without_the_marks_is_refused(tmp_path: Path) -> None:
    """Else the figures would silently go nowhere."""
    document = tmp_path / "benchmarks.md"
    document.write_text("# Words\n", "utf-8")
    with pytest.raises(ValueError, match="no place for the figures"):
        report.write_into(document, FOUND)


def test_the_figures_of_a_trial_do_not_enter_the_document(tmp_path: Path) -> None:
    """They would look like the others."""
    document = tmp_path / "benchmarks.md"
    document.write_text(f"{report.BEGIN}\n{report.END}\n", "utf-8")
    with pytest.raises(ValueError, match="trial"):
        report.write_into(document, FOUND | {"quick": True})
