"""The figures of an evaluation, from what was meant and what was answered."""

import json
from collections.abc import Mapping, Sequence

from services.cli.options import terminal
from services.cli.tables import columns
from services.mesh.measures import calibration_error, macro_f1

__all__ = ["accuracy", "calibration_error", "macro_f1", "precision", "recall", "show"]


def accuracy(wanted: Sequence[str], given: Sequence[str]) -> float:
    """Return the share of right answers, in [0, 1]; 0 for nothing."""
    right = sum(1 for a, b in zip(wanted, given, strict=True) if a == b)
    return right / len(wanted) if wanted else 0.0


def recall(wanted: Sequence[str], given: Sequence[str], label: str) -> float | None:
    """Return the share of a label's rows that were given it; None where there are none."""
    rows = [b for a, b in zip(wanted, given, strict=True) if a == label]
    return rows.count(label) / len(rows) if rows else None


def precision(wanted: Sequence[str], given: Sequence[str], label: str) -> float | None:
    """Return the share of the rows given a label that have it; None where there are none."""
    return recall(given, wanted, label)


def show(found: Mapping[str, float | int | str | None], as_json: bool) -> None:
    """Print the figures of an evaluation as a table, or as JSON for scripts."""
    if as_json:
        print(json.dumps(found, indent=2))
        return
    table = columns("figure", "value")
    for name, value in found.items():
        table.add_row(name, f"{value:.4f}" if isinstance(value, float) else str(value))
    terminal().print(table)
