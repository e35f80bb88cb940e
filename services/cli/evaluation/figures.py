"""The figures of an evaluation, from what was meant and what was answered."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence

from services.cli.intent.calls import columns
from services.cli.options import terminal

BINS = 15
"""Of confidence, for the calibration error; the number of Guo et al. 2017."""


def accuracy(wanted: Sequence[str], given: Sequence[str]) -> float:
    """Return the share of right answers, in [0, 1]; 0 for nothing."""
    right = sum(1 for a, b in zip(wanted, given, strict=True) if a == b)
    return right / len(wanted) if wanted else 0.0


def macro_f1(wanted: Sequence[str], given: Sequence[str]) -> float:
    """Return the mean of the F1 of every label that was wanted, in [0, 1]."""
    wanted_counts, given_counts = Counter(wanted), Counter(given)
    right = Counter(a for a, b in zip(wanted, given, strict=True) if a == b)
    scores = [
        2 * right[label] / (wanted_counts[label] + given_counts[label]) for label in wanted_counts
    ]
    return sum(scores) / len(scores) if scores else 0.0


def recall(wanted: Sequence[str], given: Sequence[str], label: str) -> float | None:
    """Return the share of a label's rows that were given it; None where there are none."""
    rows = [b for a, b in zip(wanted, given, strict=True) if a == label]
    return rows.count(label) / len(rows) if rows else None


def precision(wanted: Sequence[str], given: Sequence[str], label: str) -> float | None:
    """Return the share of the rows given a label that have it; None where there are none."""
    return recall(given, wanted, label)


def calibration_error(right: Sequence[bool], confidences: Sequence[float]) -> float:
    """Return the expected calibration error (Naeini et al. 2015) over `BINS` equal bins.

    Args:
        right: Whether each answer was right.
        confidences: What was said about it, in [0, 1].

    Returns:
        The mean distance of a bin's accuracy and its mean confidence, weighed by rows, in [0, 1].
    """
    bins: list[list[tuple[bool, float]]] = [[] for _ in range(BINS)]
    for ok, confidence in zip(right, confidences, strict=True):
        bins[min(int(confidence * BINS), BINS - 1)].append((ok, confidence))
    distances = [abs(sum(ok - confidence for ok, confidence in rows)) for rows in bins]
    return sum(distances) / len(right) if right else 0.0


def show(found: Mapping[str, float | int | str | None], as_json: bool) -> None:
    """Print the figures of an evaluation as a table, or as JSON for scripts."""
    if as_json:
        print(json.dumps(found, indent=2))
        return
    table = columns("figure", "value")
    for name, value in found.items():
        table.add_row(name, f"{value:.4f}" if isinstance(value, float) else str(value))
    terminal().print(table)
