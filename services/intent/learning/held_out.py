"""Scores of texts by models that did not see them: what calibration and quality rest on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from services.intent.learning.meaning import fit_meaning
from services.intent.learning.words import fit_words
from services.intent.model.calibration import Scores
from services.intent.model.meaning import KINDS as MEANING_KINDS
from services.intent.model.words import FAR, scores_of
from services.intent.model.words import KINDS as WORDS_KINDS

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int64]

FOLDS = 5
"""Five leave four fifths of each intent to learn from."""

# A fifth of more utterances than these is enough to measure on, so fewer folds are judged.
_ENOUGH = 20_000

# Texts of held-out intents that are scored: they settle one number, the line of "something else".
_MOST_NOVEL = 4_000

_SEED = 7


@dataclass(frozen=True, slots=True)
class Evidence:
    """All utterances as the models see them."""

    matrix: csr_matrix
    """Their n-grams, from `learning.words.matrix_of`."""
    vectors: Floats | None
    """Their vectors, shape (n, dimensions); None for a model that knows none."""
    labels: Labels
    """Number of each one's class."""
    classes: int
    """How many there are."""

    def learn(self, rows: Rows) -> Callable[[Rows], Scores]:
        """Train on some utterances.

        Returns:
            What scores others: shape (n, classes, kinds), those of the words first.
        """
        labels = self.labels[rows]
        weights, bias = fit_words(self.matrix[rows], labels, self.classes)
        vectors = self.vectors
        meaning = None if vectors is None else fit_meaning(vectors[rows], labels, self.classes)

        def scores(others: Rows) -> Scores:
            said = scores_of(np.asarray(self.matrix[others] @ weights + bias))
            if vectors is None or meaning is None:
                return said
            return np.concatenate([said, meaning.scores(vectors[others])], axis=2)

        return scores


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Utterances and their scores by models that did not see them."""

    rows: Rows
    """Which utterances."""
    scores: Scores
    """Shape (n, classes, kinds)."""

    def take(self, which: npt.NDArray[np.bool_]) -> "HeldOut":
        """Return some of them."""
        return HeldOut(self.rows[which], self.scores[which])


def judge_known(evidence: Evidence, step: Callable[[], None]) -> HeldOut:
    """Score utterances by models that saw others of the same intents.

    Args:
        evidence: All utterances.
        step: Called after each of `steps` models.
    """
    folds = _folds(evidence.labels)
    parts = [np.flatnonzero(folds == fold) for fold in range(_judged_folds(len(folds)))]
    return _judge(evidence, parts, step)


def judge_novel(evidence: Evidence, unknown: int, step: Callable[[], None]) -> HeldOut:
    """Score utterances by models that never saw their intents, so that they look like none.

    Examples of "unknown" that people think of are few and far from what they do offer; a held-out
    intent is what a missing intent really looks like.

    Args:
        evidence: All utterances.
        unknown: Place of the unknown class, whose examples are always learnt.
        step: Called after each of `steps` models.
    """
    width = evidence.classes
    groups = np.random.default_rng(_SEED).permutation(width) % min(FOLDS, width - 1)
    groups[unknown] = FOLDS
    parts = [
        np.flatnonzero(groups[evidence.labels] == group)
        for group in range(_judged_folds(len(evidence.labels)))
    ]
    return _judge(evidence, parts, step, -(-sum(map(len, parts)) // _MOST_NOVEL))


def steps(utterances: int) -> int:
    """Tell how many models `judge_known` and `judge_novel` train together."""
    return 2 * _judged_folds(utterances)


def _judged_folds(utterances: int) -> int:
    return max(1, min(FOLDS, FOLDS * _ENOUGH // max(utterances, 1)))


def _folds(labels: Labels) -> Labels:
    """Deal the utterances of each class out to the folds."""
    order = np.random.default_rng(_SEED).permutation(len(labels))
    folds = np.empty(len(labels), np.int64)
    dealt = 0
    for label in np.unique(labels):
        members = order[labels[order] == label]
        folds[members] = (dealt + np.arange(len(members))) % FOLDS
        dealt += len(members)
    return folds


def _judge(
    evidence: Evidence, parts: Sequence[Rows], step: Callable[[], None], every: int = 1
) -> HeldOut:
    """Score every so manieth row of each part by a model of all other rows."""
    rows: list[Rows] = [np.empty(0, np.int64)]
    scores: list[Scores] = []
    for part in parts:
        rest = np.setdiff1d(np.arange(len(evidence.labels)), part)
        asked = part[::every]
        if len(asked) and len(np.unique(evidence.labels[rest])) > 1:
            rows.append(asked)
            scores.append(evidence.learn(rest)(asked))
        step()
    kinds = WORDS_KINDS + (0 if evidence.vectors is None else MEANING_KINDS)
    empty = np.full((0, evidence.classes, kinds), FAR, np.float32)
    return HeldOut(np.concatenate(rows), np.concatenate([empty, *scores]))
