"""Fits the linear model over n-grams.

One-against-rest linear support vectors on TF-IDF n-grams (Joachims 1998: text is linearly
separable in many sparse dimensions), which with few utterances an intent beat logistic
regression in a tenth of its time. Their margins say two things: which intent is nearest, and, by
the best margin, whether any intent is near at all.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from sklearn.svm import LinearSVC

from services.intent.model.features import CONCEPT
from services.intent.model.words import FAR, Vectoriser

Labels = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

# How much more a concept, or a pair of them, counts than the words that mean it. They carry over
# to unseen words and to the other language, and must not drown in the many pairs of distant words;
# measured by cross-validation, flat around the top.
_CONCEPT_WEIGHT = 3.6
_CONCEPT_PAIR_WEIGHT = 2.4

# Rarity counts by this power. Most pairs of words are of one or two utterances; by their full
# rarity they outweigh the common words that carry over to what was never said. Chosen by
# cross-validation together with the weights of the concepts and the cost below.
_RARITY_POWER = 0.75

# The cost C of an utterance inside the margin; 2 is as good.
_COST = 3.0

# From so many features on, those of a single utterance are left out: half of all, worth nothing.
_MANY_FEATURES = 50_000

# Most weights of a model: 40 MB in two bytes each, and 80 MB of memory in four.
_MOST_WEIGHTS = 20_000_000

_SEED = 7


def fit_vectoriser(counted: Sequence[Counter[str]], classes: int) -> Vectoriser:
    """Choose the features and weigh each by its rarity.

    Args:
        counted: The features of each utterance.
        classes: How many classes there are; with many, fewer features are kept.
    """
    frequencies = Counter(feature for each in counted for feature in each)
    if len(frequencies) > _MANY_FEATURES:
        common = [each for each in frequencies.most_common() if each[1] > 1]
        frequencies = Counter(dict(common[: _MOST_WEIGHTS // classes]))
    columns = {feature: column for column, feature in enumerate(frequencies)}
    total = 1 + len(counted)
    # One place more, for a feature that no utterance has.
    document_frequency = np.array([*frequencies.values(), 0], np.float64)
    rarity = (np.log(total / (1 + document_frequency)) + 1) ** _RARITY_POWER
    idf = rarity[:-1] * list(map(_importance, frequencies))
    return Vectoriser(columns, idf.tolist(), float(rarity[-1]))


def matrix_of(vectoriser: Vectoriser, counted: Sequence[Counter[str]]) -> csr_matrix:
    """Lay out the vectors of utterances as the rows of a sparse matrix."""
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


def fit_words(matrix: csr_matrix, labels: Labels, classes: int) -> tuple[Floats, Floats]:
    """Train one machine a class against the rest.

    Args:
        matrix: From `matrix_of`, shape (n, features).
        labels: Number of each row's class; at least two classes.
        classes: How many there are, those without a row included.

    Returns:
        Weights, shape (features, classes), and bias, shape (classes,).
    """
    machine = LinearSVC(C=_COST, class_weight="balanced", tol=0.01, random_state=_SEED)
    machine.fit(matrix, labels)
    weights = np.zeros((matrix.shape[1], classes), np.float32)
    bias = np.full(classes, FAR, np.float32)
    if len(machine.classes_) == 2:  # one machine tells two apart
        weights[:, machine.classes_] = np.vstack([-machine.coef_, machine.coef_]).T
        bias[machine.classes_] = np.concatenate([-machine.intercept_, machine.intercept_])
    else:
        weights[:, machine.classes_] = machine.coef_.T
        bias[machine.classes_] = machine.intercept_
    return weights, bias


def _importance(feature: str) -> float:
    kind, _, content = feature.partition(" ")
    if kind != CONCEPT:
        return 1.0
    return _CONCEPT_PAIR_WEIGHT if " " in content else _CONCEPT_WEIGHT
