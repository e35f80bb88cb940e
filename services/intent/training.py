"""Training: from utterances to a calibrated linear model, in about a second.

One-against-rest linear support vectors on TF-IDF n-grams (Joachims 1998: text is linearly
separable in many sparse dimensions), which with few utterances an intent beat logistic
regression in a tenth of its time. Their margins say two things: which intent is nearest, and, by
the best margin, whether any intent is near at all. `Calibration` uses both.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from sklearn.svm import LinearSVC

from services.intent.features import CONCEPT, features
from services.intent.linear_model import Calibration, LinearModel, Vectoriser
from services.intent.values import UNKNOWN
from services.language import fold

Margins = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

# Folds for calibration: five leave four fifths of each intent to learn from.
_FOLDS = 5

# The margin of a class that a fold did not see: what the machine says about what is far away.
_FAR = -1.0

# The share of messages that fit no intent, as a weight in calibration. Half of it is lost as
# false "unknown", so it is kept below what shops report (5-15 %).
_UNKNOWN_SHARE = 0.05

# How much more a concept, or a pair of them, counts than the words that mean it. They carry over
# to unseen words and to the other language; measured by cross-validation, flat around the top.
_CONCEPT_WEIGHT = 3.0
_CONCEPT_PAIR_WEIGHT = 2.0

_SEED = 7


def train(texts: Sequence[str], labels: Sequence[str]) -> LinearModel:
    """Train a model. The same data gives the same model.

    Args:
        texts: Utterances, not folded; at least two of each label.
        labels: The intent of each, `UNKNOWN` for examples of what is none; two intents or more.

    Returns:
        The model, calibrated on held-out folds.
    """
    counted = [features(fold(text)) for text in texts]
    vectoriser = _vectoriser(counted)
    matrix = _matrix(vectoriser, counted)
    classes, numbers = np.unique(np.asarray(labels), return_inverse=True)
    unknown = int(np.flatnonzero(classes == UNKNOWN)[0])
    machine = _fit(matrix, numbers)
    known, novel = _held_out(matrix, numbers, unknown)
    return LinearModel(
        classes=tuple(map(str, classes)),
        unknown=unknown,
        vectoriser=vectoriser,
        weights=np.ascontiguousarray(machine.coef_.T, np.float32),
        bias=machine.intercept_.astype(np.float32),
        calibration=_calibrate(known, numbers, novel, unknown),
    )


def _vectoriser(counted: list[Counter[str]]) -> Vectoriser:
    frequencies = Counter(feature for each in counted for feature in each)
    columns = {feature: column for column, feature in enumerate(frequencies)}
    document_frequency = np.fromiter(frequencies.values(), np.float64)
    total = 1 + len(counted)
    idf = (np.log(total / (1 + document_frequency)) + 1) * list(map(_importance, frequencies))
    return Vectoriser(columns, idf.tolist(), float(np.log(total)) + 1)


def _importance(feature: str) -> float:
    kind, _, content = feature.partition(" ")
    if kind != CONCEPT:
        return 1.0
    return _CONCEPT_PAIR_WEIGHT if " " in content else _CONCEPT_WEIGHT


def _matrix(vectoriser: Vectoriser, counted: list[Counter[str]]) -> csr_matrix:
    columns: list[int] = []
    values: list[float] = []
    starts = [0]
    for each in counted:
        row_columns, row_values = vectoriser.vector(each)
        columns += row_columns
        values += row_values
        starts.append(len(columns))
    return csr_matrix(
        (values, columns, starts), shape=(len(counted), len(vectoriser.columns)), dtype=np.float64
    )


def _fit(matrix: csr_matrix, numbers: Labels) -> LinearSVC:
    return LinearSVC(C=1.0, class_weight="balanced", random_state=_SEED).fit(matrix, numbers)


def _held_out(matrix: csr_matrix, numbers: Labels, unknown: int) -> tuple[Margins, Margins]:
    """Compute margins of texts that the machine has not seen.

    Returns:
        For every text the margins where the text was held out, shape (n, classes); and margins
        where its whole intent was held out, so that it had to look like something else. Examples
        of "unknown" that people think of are few and far from the shop; a held-out intent of the
        same shop is what a missing intent really looks like.
    """
    width = int(numbers.max()) + 1
    random = np.random.default_rng(_SEED)
    order = random.permutation(len(numbers))
    folds = np.empty(len(numbers), np.int64)
    for number in range(width):
        members = order[numbers[order] == number]
        folds[members] = np.arange(len(members)) % _FOLDS
    known = np.full((len(numbers), width), _FAR)
    for fold_number in range(_FOLDS):
        _score(matrix, numbers, folds == fold_number, known)
    novel = np.full((len(numbers), width), _FAR)
    groups = random.permutation(width) % min(_FOLDS, width - 1)
    groups[unknown] = -1
    for group in range(_FOLDS):
        _score(matrix, numbers, groups[numbers] == group, novel)
    return known, novel[numbers != unknown]


def _score(
    matrix: csr_matrix, numbers: Labels, held_out: npt.NDArray[np.bool_], margins: Margins
) -> None:
    """Train without the held-out rows and write their margins into `margins`."""
    rest = numbers[~held_out]
    present = np.unique(rest)
    if not held_out.any() or len(present) < 2:
        return
    scores = _fit(matrix[~held_out], rest).decision_function(matrix[held_out])
    if len(present) == 2:
        scores = np.column_stack([-scores, scores])
    margins[np.ix_(held_out, present)] = scores


def _calibrate(known: Margins, numbers: Labels, novel: Margins, unknown: int) -> Calibration:
    """Fit temperature and novelty by likelihood on held-out margins (Guo et al. 2017)."""
    rows = np.arange(len(numbers))

    def loss(parameters: npt.NDArray[np.float64]) -> float:
        calibration = Calibration(float(np.exp(parameters[0])), float(parameters[1]))
        right = calibration.probabilities(known, unknown)[rows, numbers]
        other = calibration.probabilities(novel, unknown)[:, unknown]
        tiny = 1e-12
        return float(
            -(1 - _UNKNOWN_SHARE) * np.log(right + tiny).mean()
            - _UNKNOWN_SHARE * np.log(other + tiny).mean()
        )

    best = minimize(loss, [np.log(0.15), -0.5], method="Nelder-Mead").x
    return Calibration(float(np.exp(best[0])), float(best[1]))
