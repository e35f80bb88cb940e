"""Fitting the heads of the model: multinomial logistic regression around a prior belief."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar
from scipy.sparse import csr_matrix

from services.sentiment.scale import Doubles

Integers = NDArray[np.intp]

_MOST_STEPS = 400


@dataclass(frozen=True, slots=True)
class Design:
    """What the model sees of n texts: a dense block, then a sparse one."""

    dense: Doubles
    """Shape (n, dense columns)."""
    sparse: csr_matrix
    """Shape (n, sparse columns)."""

    def __getitem__(self, rows: Integers) -> "Design":
        """Return some of the texts."""
        return Design(self.dense[rows], self.sparse[rows])

    @property
    def width(self) -> int:
        """Number of all columns."""
        return int(self.dense.shape[1] + self.sparse.shape[1])

    def scores(self, weights: Doubles) -> Doubles:
        """Multiply with weights of shape (width, k)."""
        cut = self.dense.shape[1]
        product: Doubles = self.dense @ weights[:cut] + self.sparse @ weights[cut:]
        return product

    def pulled(self, residuals: Doubles) -> Doubles:
        """Multiply the transpose with residuals of shape (n, k)."""
        return np.vstack([self.dense.T @ residuals, self.sparse.T @ residuals])


def fit_softmax(
    design: Design, answers: Integers, counts: Doubles, prior: Doubles, trust: float
) -> tuple[Doubles, Doubles]:
    """Find the weights that explain the answers without leaving the prior further than needed.

    Args:
        design: Of n texts.
        answers: In [0, k), shape (n,).
        counts: For how many texts each stands, shape (n,).
        prior: What is believed before a text was seen, shape (width, k).
        trust: How far one text counts against the prior: the inverse of the variance with which
            weights may leave it.

    Returns:
        Weights, shape (width, k), and bias, shape (k,).
    """
    size = prior.shape[1]
    wanted = np.eye(size)[answers]

    def loss(flat: Doubles) -> tuple[float, Doubles]:
        moved, bias = flat[:-size].reshape(prior.shape), flat[-size:]
        log_odds = log_softmax(design.scores(prior + moved) + bias)
        residuals = (np.exp(log_odds) - wanted) * (counts * trust)[:, None]
        value = -float((wanted * log_odds).sum(axis=1) @ counts) * trust
        slope = design.pulled(residuals) + moved
        return value + float((moved**2).sum()) / 2, np.append(slope, residuals.sum(axis=0))

    start = np.zeros(prior.size + size)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _MOST_STEPS})
    return prior + found.x[:-size].reshape(prior.shape), found.x[-size:]


def log_softmax(scores: Doubles) -> Doubles:
    """Logarithms of the probabilities that scores of shape (n, k) stand for."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    result: Doubles = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return result


def temperature(scores: Doubles, answers: Integers, counts: Doubles) -> float:
    """Find the number that scores must be divided by to be as sure as they are right.

    Source: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.

    Args:
        scores: Of texts that were held out, shape (n, k).
        answers: Shape (n,).
        counts: For how many texts each stands, shape (n,).
    """

    def loss(logarithm: float) -> float:
        log_odds = log_softmax(scores / np.exp(logarithm))
        return -float(log_odds[np.arange(len(answers)), answers] @ counts)

    return float(np.exp(minimize_scalar(loss, bounds=(-2, 2), method="bounded").x))


def calibration_error(probabilities: Doubles, answers: Integers, bins: int = 10) -> float:
    """Expected calibration error of the likeliest answers: mean gap of confidence and truth.

    Args:
        probabilities: Shape (n, k).
        answers: Shape (n,).
        bins: Equal steps of confidence.
    """
    sure = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == answers
    step = np.minimum((sure * bins).astype(int), bins - 1)
    gaps = (abs((sure - right)[step == each].sum()) for each in range(bins))
    return float(sum(gaps)) / len(answers)
