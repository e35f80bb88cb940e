"""Figures of a classifier that are told of trained models and of evaluations alike."""

from collections import Counter
from collections.abc import Sequence

CALIBRATION_BINS = 15
"""Bins of confidence, as is usual for the expected calibration error (Guo et al. 2017)."""


def macro_f1(wanted: Sequence[str], given: Sequence[str]) -> float:
    """Return the mean of the F1 of every label that was wanted, in [0, 1]; 0 for nothing.

    A label that was only given has no F1 to average: its mistakes count where they were made.
    """
    wanted_counts, given_counts = Counter(wanted), Counter(given)
    right = Counter(a for a, b in zip(wanted, given, strict=True) if a == b)
    scores = [
        2 * right[label] / (wanted_counts[label] + given_counts[label]) for label in wanted_counts
    ]
    return sum(scores) / len(scores) if scores else 0.0


def calibration_error(right: Sequence[bool], confidences: Sequence[float]) -> float:
    """Return the expected calibration error (Naeini et al. 2015) over `CALIBRATION_BINS` bins.

    Args:
        right: Whether each answer was right.
        confidences: What was said about it, in [0, 1].

    Returns:
        The mean distance of a bin's accuracy and its mean confidence, weighed by answers, in
        [0, 1]; 0 for nothing.
    """
    gaps = [0.0] * CALIBRATION_BINS
    for ok, confidence in zip(right, confidences, strict=True):
        gaps[min(int(confidence * CALIBRATION_BINS), CALIBRATION_BINS - 1)] += ok - confidence
    return sum(map(abs, gaps)) / len(right) if len(right) else 0.0


def area_under_roc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """Return how often a positive scores above a negative, ties counting half, in [0, 1].

    The area under the receiver operating characteristic (Hanley and McNeil 1982), by ranks.

    Args:
        positive: Scores of what should score high; at least one.
        negative: Scores of what should score low; at least one.
    """
    ordered = sorted([(score, True) for score in positive] + [(score, False) for score in negative])
    ranks, start = 0.0, 0
    while start < len(ordered):
        end = start
        while end < len(ordered) and ordered[end][0] == ordered[start][0]:
            end += 1
        # Those that tie share the mean of their ranks.
        ranks += (start + 1 + end) / 2 * sum(each[1] for each in ordered[start:end])
        start = end
    least = len(positive) * (len(positive) + 1) / 2
    return (ranks - least) / (len(positive) * len(negative))
