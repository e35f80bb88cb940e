"""Judging the weights on utterances that they were not learned from, and scaling what they say."""

from dataclasses import dataclass

import numpy as np

from services.sentiment.fitting import Integers, calibration_error, log_softmax, temperature
from services.sentiment.learning import Corpus, fit
from services.sentiment.model import OUTPUTS, columns, expected_level
from services.sentiment.scale import Doubles, Label

_FOLDS = 5
_SEED = 3


@dataclass(frozen=True, slots=True)
class Scales:
    """What turns scores into calibrated figures; see `model.Weights`."""

    temperature: float
    """Divides the scores of polarity."""
    blame_cuts: tuple[float, float]
    """Where strong and extreme blame begin."""
    praise_cuts: tuple[float, float]
    """Where strong and extreme praise begin."""


def held_out(data: Corpus, with_vectors: bool) -> Doubles:
    """Score each utterance by weights that were learned from the others, shape (n, OUTPUTS)."""
    scores = np.zeros((len(data.utterances), OUTPUTS))
    fold = _folds(data)
    for each in range(_FOLDS):
        inside = np.flatnonzero(fold == each)
        fitted = fit(data.part(np.flatnonzero(fold != each)), with_vectors)
        scores[inside] = fitted.scores(data.part(inside), with_vectors)
    return scores


def scales(data: Corpus, scores: Doubles) -> Scales:
    """Fit the scales to held-out scores."""
    polarity = scores[:, columns("polarity")]
    return Scales(
        temperature(polarity, data.answers("polarity"), _evenly(data)),
        _cuts(data, scores, "blame"),
        _cuts(data, scores, "praise"),
    )


def quality(data: Corpus, scores: Doubles, fitted: Scales) -> dict[str, dict[str, float]]:
    """Measure held-out scores by kind of utterance and by the mean of the kinds.

    Returns:
        For each kind and `mean`: `accuracy`, `macro_f1`, `log_loss` and `ece` of the three labels.
    """
    log_odds = log_softmax(scores[:, columns("polarity")] / fitted.temperature)
    answers, kinds = data.answers("polarity"), data.kinds
    found = {
        str(kind): _figures(log_odds[kinds == kind], answers[kinds == kind])
        for kind in sorted(set(kinds))
    }
    names = next(iter(found.values()))
    found["mean"] = {
        n: round(float(np.mean([each[n] for each in found.values()])), 4) for n in names
    }
    return found


def _figures(log_odds: Doubles, answers: Integers) -> dict[str, float]:
    chosen = log_odds.argmax(axis=1)
    f1 = []
    for each in range(len(Label)):
        both = ((chosen == each) & (answers == each)).sum()
        f1.append(2 * both / max(1, (chosen == each).sum() + (answers == each).sum()))
    return {
        "accuracy": round(float((chosen == answers).mean()), 4),
        "macro_f1": round(float(np.mean(f1)), 4),
        "log_loss": round(-float(log_odds[np.arange(len(answers)), answers].mean()), 4),
        "ece": round(calibration_error(np.exp(log_odds), answers), 4),
    }


def _folds(data: Corpus) -> Integers:
    """Number the folds so that each holds its share of every kind and level."""
    random = np.random.default_rng(_SEED)
    groups = np.array([f"{each.kind}{each.level}" for each in data.utterances])
    fold = np.zeros(len(groups), np.intp)
    for group in sorted(set(groups)):
        rows = random.permutation(np.flatnonzero(groups == group))
        fold[rows] = np.arange(len(rows)) % _FOLDS
    return fold


def _evenly(data: Corpus) -> Doubles:
    """Let every kind of utterance count as much as any other."""
    kinds, times = np.unique(data.kinds, return_counts=True)
    each = dict(zip(kinds.tolist(), (1 / times).tolist(), strict=True))
    return np.array([each[kind] for kind in data.kinds])


def _cuts(data: Corpus, scores: Doubles, head: str) -> tuple[float, float]:
    """Cut the expected levels so that as many are mild, strong and extreme as were rated so.

    Expected levels lie closer together than levels do; the cuts undo that.
    """
    answers = data.answers(head)
    asked = np.flatnonzero(answers >= 0)
    levels = [expected_level(scores[row].astype(np.float32), head) for row in asked]
    mild, strong = (float(np.mean(answers[asked] <= each)) for each in (0, 1))
    low, high = np.quantile(levels, [mild, strong]).tolist()
    return low, high
