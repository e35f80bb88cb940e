"""Fits how scores become probabilities, on texts that were held out of training.

A conditional logit (McFadden 1974) with one weight for each kind of score, one offset for each
class, and one score for "something else", which is what texts of held-out intents are. Then a
temperature for each language (Guo et al. 2017).
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize, minimize_scalar

from services.intent.model.calibration import Calibration, Scores

Labels = npt.NDArray[np.int64]
Shares = npt.NDArray[np.float64]

# More texts than these do not move the few numbers.
_MOST_TEXTS = 4_000

# A language with fewer texts shares the temperature of all.
_LEAST_TEXTS = 100

# Keeps the weights finite where the texts are told apart without a mistake.
_DECAY = 1e-4

# Much more for the offsets: a class with a small share of the texts must not gain by chance.
_OFFSET_DECAY = 1e-2


@dataclass(frozen=True, slots=True)
class Sample:
    """Held-out texts with what is right about them."""

    scores: Scores
    """Shape (n, classes, kinds)."""
    labels: Labels
    """Number of each text's class."""
    languages: npt.NDArray[np.str_]
    """Of each text, as `services.language.detect` tells it."""
    importance: npt.NDArray[np.float64]
    """How much each text counts."""

    def at_most(self, count: int) -> "Sample":
        """Return every so manieth text, so that no more than `count` are left."""
        step = -(-len(self.labels) // count)
        return self.take(np.arange(len(self.labels)) % max(step, 1) == 0)

    def take(self, chosen: npt.NDArray[np.bool_]) -> "Sample":
        """Return some of the texts."""
        return Sample(
            self.scores[chosen],
            self.labels[chosen],
            self.languages[chosen],
            self.importance[chosen],
        )


def fit_calibration(sample: Sample, unknown: int) -> Calibration:
    """Fit weights, offsets, the score of "something else" and temperatures by likelihood.

    Args:
        sample: Held-out texts; those of what is no class are labelled `unknown`.
        unknown: Place of the unknown class.
    """
    some = sample.at_most(_MOST_TEXTS)
    classes, kinds = sample.scores.shape[1:]
    weights = 1 / (some.scores.std(axis=(0, 1)) + 1e-6)
    novelty = (some.scores @ weights).max(axis=1).min()
    start = np.concatenate([weights, np.zeros(classes), [novelty]])
    # No score may speak against the class that it is high for.
    bounds = [(0, None)] * kinds + [(None, None)] * (classes + 1)
    best = minimize(_loss, start, (some, unknown), "L-BFGS-B", jac=True, bounds=bounds).x.tolist()
    pooled = Calibration(tuple(best[:kinds]), tuple(best[kinds:-1]), best[-1], {})
    temperatures = {
        str(language): _temperature(pooled, sample, str(language), unknown)
        for language, count in zip(*np.unique(sample.languages, return_counts=True), strict=True)
        if count >= _LEAST_TEXTS
    }
    return replace(pooled, temperatures=temperatures)


def _loss(
    parameters: npt.NDArray[np.float64], sample: Sample, unknown: int
) -> tuple[float, npt.NDArray[np.float64]]:
    """Compute the mean negative log-likelihood and its gradient."""
    rows = np.arange(len(sample.labels))
    kinds = sample.scores.shape[2]
    weighed = sample.scores @ parameters[:kinds] + parameters[kinds:-1]
    weighed = np.hstack([weighed, np.full((len(rows), 1), parameters[-1])])
    weighed -= weighed.max(axis=1, keepdims=True)
    shares = np.exp(weighed)
    shares /= shares.sum(axis=1, keepdims=True)
    # "Unknown" is right by two columns: its own examples and "something else".
    novel = sample.labels == unknown
    right = shares[rows, sample.labels] + novel * shares[:, -1] + 1e-12
    share_of_own = shares[rows, sample.labels] / right
    importance = sample.importance / sample.importance.sum()
    difference = -shares * importance[:, None]
    difference[rows, sample.labels] += share_of_own * importance
    difference[:, -1] += novel * (1 - share_of_own) * importance
    gradient = np.concatenate(
        [np.tensordot(difference[:, :-1], sample.scores, 2), difference.sum(axis=0)]
    )
    decay = np.full(len(parameters), _DECAY)
    decay[kinds:-1] = _OFFSET_DECAY
    loss = -(importance * np.log(right)).sum() + (decay * parameters**2).sum()
    return float(loss), -gradient + 2 * decay * parameters


def _temperature(pooled: Calibration, sample: Sample, language: str, unknown: int) -> float:
    own = sample.take(sample.languages == language).at_most(_MOST_TEXTS)
    rows = np.arange(len(own.labels))

    def loss(temperature: float) -> float:
        tried = replace(pooled, temperatures={language: temperature})
        right = tried.probabilities(own.scores, language, unknown)[rows, own.labels]
        return float(-(own.importance * np.log(right + 1e-12)).sum())

    return float(minimize_scalar(loss, bounds=(0.5, 2.0), method="bounded").x)
