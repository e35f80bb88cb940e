"""Fits what scores are worth, anew: `python -m services.knowledge.learning`; commit the result.

A score becomes the probability that the question is answered at all, where half of the questions
are (with vectors as Platt 1999, by words alone isotonic). Fitted on all companies, and judged on
each by what the others teach.
"""

import functools
import json
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from services.encoder.conversion import directory
from services.encoder.encoder import Encoder
from services.knowledge.calibration import ARTEFACT, on_curve
from services.knowledge.learning.cases import Case, cases
from services.knowledge.learning.companies import companies

ANSWERABLE_PRECISION = 0.74
"""Of the questions that are said to be answerable, the share that is, where half of all are: a
wrong answer costs more than a question that goes to a person."""

WEAK_RECALL = 0.7
"""Of the questions that have an answer, the share that is at least said to have related passages:
what customers of the invented companies ask shares few words with any answer."""

_BINS = 10
_LEAST_SLOPE = 0.2
_EDGES = (0.05, 0.1, 0.2, 0.4, 0.6, 0.8)
"""Of the evidence by words, which is little for most questions."""

_WEAK_REGULARISATION = 1e3

Doubles = NDArray[np.float64]
Judge = Callable[[Sequence[Case]], Doubles]
"""Gives questions the probability that they are answered."""


def main() -> None:
    """Ask all questions, fit, judge, and write the file."""
    encoder = Encoder.load(directory())
    encode = functools.cache(lambda text, question: encoder.encode(text, query=question))
    found = {each.name: list(cases(each, encode)) for each in companies()}
    everything = [case for several in found.values() for case in several]
    probability, answered = _held_out(found, _by_meaning)
    answerable, weak = _thresholds(probability, answered)
    record = {}
    for situation, fitted in (("dense", _by_meaning), ("lexical", _by_words)):
        probability, answered = _held_out(found, fitted)
        record[situation] = {
            "questions": len(answered),
            "expected_calibration_error": round(_calibration_error(probability, answered), 4),
            "balanced_accuracy": round(_balanced(probability >= 0.5, answered), 4),
        }
    line = _line(everything)
    written = {
        "dense": [round(float(value), 4) for value in (line.coef_[0, 0], line.intercept_[0])],
        "lexical": [[round(value, 4) for value in corner] for corner in _curve(everything)],
        "answerable": answerable,
        "weak": weak,
        "record": record,
    }
    ARTEFACT.write_text(json.dumps(written, indent=2) + "\n")
    print(json.dumps(written, indent=2))  # noqa: T201 (a command)


def _by_meaning(known: Sequence[Case]) -> Judge:
    model = _line(known)
    return lambda asked: np.asarray(
        model.predict_proba([[case.score] for case in asked])[:, 1], np.float64
    )


def _by_words(known: Sequence[Case]) -> Judge:
    corners = _curve(known)
    return lambda asked: np.array([on_curve(corners, case.lexical_score) for case in asked])


def _line(known: Sequence[Case]) -> LogisticRegression:
    """Fit the log-odds of an answer to the evidence where vectors took part."""
    model = LogisticRegression(C=_WEAK_REGULARISATION, class_weight="balanced")
    return model.fit([[case.score] for case in known], [case.answered for case in known])


def _curve(known: Sequence[Case]) -> list[tuple[float, float]]:
    """Fit the probability of an answer to the evidence of words, as a curve that always rises.

    Source: isotonic regression, Zadrozny and Elkan, "Transforming Classifier Scores into Accurate
    Multiclass Probability Estimates", KDD 2002; of the means of bins, so that it has few steps.
    """
    evidence = np.array([case.lexical_score for case in known])
    answered = np.array([case.answered for case in known])
    weights, bins = _weights(answered), np.searchsorted(_EDGES, evidence, "right")
    means = [
        [np.average(values[bins == place], weights=weights[bins == place]) for place in set(bins)]
        for values in (evidence, answered)
    ]
    sizes = [weights[bins == place].sum() for place in set(bins)]
    # Nowhere level, so that more evidence is always a higher score.
    rise = _LEAST_SLOPE * np.array(means[0])
    shares = np.array(means[1]) - rise
    level = IsotonicRegression().fit(means[0], shares, sample_weight=sizes).predict(means[0])
    found = sorted(zip(map(float, means[0]), map(float, level + rise), strict=True))
    (left, low), (right, high) = found[0], found[-1]
    return [(0.0, low - _LEAST_SLOPE * left), *found, (1.0, high + _LEAST_SLOPE * (1 - right))]


def _held_out(
    found: dict[str, list[Case]], fitted: Callable[[Sequence[Case]], Judge]
) -> tuple[Doubles, NDArray[np.bool_]]:
    """Return the probability of each question by what the other companies teach, and the truth."""
    probabilities, answered = [], []
    for name, several in found.items():
        judge = fitted([case for other in found if other != name for case in found[other]])
        probabilities.append(judge(several))
        answered.append(np.array([case.answered for case in several]))
    return np.concatenate(probabilities), np.concatenate(answered)


def _thresholds(probability: Doubles, answered: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the least probabilities of the two verdicts, in hundredths."""
    steps = np.arange(0.3, 0.9, 0.01)
    weights = _weights(answered)
    precisions = [
        (weights * answered)[probability >= step].sum() / weights[probability >= step].sum()
        for step in steps
    ]
    answerable = next(
        step for step, share in zip(steps, precisions, strict=True) if share >= ANSWERABLE_PRECISION
    )
    recalls = [(probability >= step)[answered].mean() for step in steps]
    weak = [step for step, share in zip(steps, recalls, strict=True) if share >= WEAK_RECALL][-1]
    return round(float(answerable), 2), round(float(min(weak, answerable)), 2)


def _calibration_error(probability: Doubles, answered: NDArray[np.bool_]) -> float:
    """Return the expected calibration error where half of the questions are answered."""
    weights = _weights(answered)
    bins = np.minimum((probability * _BINS).astype(int), _BINS - 1)
    gaps = weights * (answered - probability)
    return float(sum(abs(gaps[bins == place].sum()) for place in range(_BINS)) / weights.sum())


def _balanced(said: NDArray[np.bool_], answered: NDArray[np.bool_]) -> float:
    return float((said[answered].mean() + (~said)[~answered].mean()) / 2)


def _weights(answered: NDArray[np.bool_]) -> Doubles:
    """Weigh both kinds of questions alike."""
    share = answered.mean()
    weights: Doubles = np.where(answered, 0.5 / share, 0.5 / (1 - share))
    return weights


if __name__ == "__main__":
    main()
