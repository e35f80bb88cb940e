"""Fits what scores are worth, anew: `python -m services.knowledge.learning`; commit the result.

A score becomes the probability that the question is answered at all, where half of the questions
are (Platt 1999). Fitted on all companies, and judged on each by what the others teach.
"""

import functools
import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from services.encoder.conversion import directory
from services.encoder.encoder import Encoder
from services.knowledge.calibration import ARTEFACT
from services.knowledge.learning.cases import Case, cases
from services.knowledge.learning.companies import companies

ANSWERABLE_PRECISION = 0.74
"""Of the questions that are said to be answerable, the share that is, where half of all are: a
wrong answer costs more than a question that goes to a person."""

WEAK_RECALL = 0.7
"""Of the questions that have an answer, the share that is at least said to have related passages:
what customers of the invented companies ask shares few words with any answer."""

_BINS = 10
_WEAK_REGULARISATION = 1e3

Doubles = NDArray[np.float64]


def main() -> None:
    """Ask all questions, fit, judge, and write the file."""
    encoder = Encoder.load(directory())
    encode = functools.cache(lambda text, question: encoder.encode(text, query=question))
    found = {each.name: list(cases(each, encode)) for each in companies()}
    written: dict[str, object] = {}
    judged = {}
    for situation, field in (("dense", "score"), ("lexical", "lexical_score")):
        everything = [case for several in found.values() for case in several]
        model = _fitted(everything, field)
        line = (model.coef_[0, 0], model.intercept_[0])
        written[situation] = [round(float(value), 4) for value in line]
        judged[situation] = _held_out(found, field)
    probability, answered = judged["dense"]
    answerable, weak = _thresholds(probability, answered)
    record = {
        situation: {
            "questions": len(answered_),
            "expected_calibration_error": round(_calibration_error(probability_, answered_), 4),
            "balanced_accuracy": round(_balanced(probability_ >= 0.5, answered_), 4),
        }
        for situation, (probability_, answered_) in judged.items()
    }
    written |= {"answerable": answerable, "weak": weak, "record": record}
    ARTEFACT.write_text(json.dumps(written, indent=2) + "\n")
    print(json.dumps(written, indent=2))  # noqa: T201 (a command)


def _fitted(known: Sequence[Case], field: str) -> LogisticRegression:
    model = LogisticRegression(C=_WEAK_REGULARISATION, class_weight="balanced")
    scores = np.array([[getattr(case, field)] for case in known])
    return model.fit(scores, np.array([case.answered for case in known]))


def _held_out(found: dict[str, list[Case]], field: str) -> tuple[Doubles, NDArray[np.bool_]]:
    """Return the probability of each question by what the other companies teach, and the truth."""
    probabilities, answered = [], []
    for name, several in found.items():
        model = _fitted([case for other in found if other != name for case in found[other]], field)
        scores = np.array([[getattr(case, field)] for case in several])
        probabilities.append(model.predict_proba(scores)[:, 1])
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
