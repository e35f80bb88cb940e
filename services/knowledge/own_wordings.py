"""Which FAQ is meant, told by the company's own wordings: a small classifier for each revision.

How near the nearest wording is says little where FAQs lie close together. The wordings of all FAQs
together say where one ends and the next begins, so they train a classifier: kernel ridge regression
(Saunders, Gammerman and Vovk 1998) on the vectors and the words of the wordings, one class an FAQ.
How far words count beside meaning, and how far single wordings are to be trusted, differs from
company to company; its own wordings decide, each left out once, which ridge regression does without
training again (Allen 1974).
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from services.knowledge.ranking import FaqPlace
from services.language import fold, words

Doubles = NDArray[np.float64]

MOST_WORDINGS = 3000
"""Most wordings that a classifier is made of: a second's work. FAQ bases beyond go without."""

JUDGED_WORDINGS = 600
"""Most wordings that choose the settings: the time grows with the cube of their number."""

_WORD_SHARES = (0.0, 0.1, 0.2, 0.3, 0.5, 0.8)
"""Weights of the words' kernel beside that of the meaning that are tried."""

_SHARPNESS = (0.0, 3.0)
"""How fast a wording's influence falls with its distance in meaning; 0: evenly."""

_RIDGES = (0.1, 0.3, 1.0, 3.0)
"""How much is held to be chance."""

_SCALES = (4.0, 8.0, 12.0, 16.0, 24.0)
"""From a score to log-odds."""

_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af]+")
_LONGEST_HAN, _LATIN_GRAM = 3, 4


@dataclass(frozen=True, slots=True)
class Wording:
    """A wording of an FAQ's question.

    Attributes:
        faq: Which FAQ.
        text: The wording.
        vector: float, L2-normalised, of a question.
    """

    faq: FaqPlace
    text: str
    vector: Sequence[float] | NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Settings:
    """What was chosen: weight of words, sharpness, ridge, scale of the scores."""

    word_share: float
    sharpness: float
    ridge: float
    scale: float

    def kernel(self, meaning: Doubles, lexical: Doubles) -> Doubles:
        """Join both kernels."""
        if self.sharpness:
            meaning = np.exp(self.sharpness * (meaning - 1.0))
        joined: Doubles = meaning + self.word_share * lexical
        return joined


class OwnWordings:
    """Tells which FAQ of a revision a question means, given that one of them does."""

    def __init__(self, wordings: Sequence[Wording]) -> None:
        """Train on the wordings of one revision; `enough` says whether that is worth it."""
        self._faqs = list(dict.fromkeys(each.faq for each in wordings))
        places = {faq: place for place, faq in enumerate(self._faqs)}
        labels = np.array([places[each.faq] for each in wordings])
        vectors = np.asarray([each.vector for each in wordings], np.float64)
        self._centre = vectors.mean(axis=0)
        self._vectors = _unit(vectors - self._centre)
        self._terms = _Terms([each.text for each in wordings])
        self._settings = self._chosen(labels)
        joined = self._settings.kernel(self._vectors @ self._vectors.T, self._terms.kernel)
        targets = np.eye(len(self._faqs))[labels]
        ridge = self._settings.ridge * np.eye(len(wordings))
        self._duals: Doubles = np.linalg.solve(joined + ridge, targets)

    def probabilities(self, text: str, vector: Sequence[float]) -> Mapping[FaqPlace, float]:
        """Return how probable each FAQ is, given that one answers; they add up to 1.

        Args:
            text: The question.
            vector: Its vector, by the model of the wordings' vectors.
        """
        placed = _unit((np.asarray(vector, np.float64) - self._centre)[None])[0]
        near = self._settings.kernel(self._vectors @ placed, self._terms.likeness(text))
        scores = self._settings.scale * (near @ self._duals)
        odds = np.exp(scores - scores.max())
        return dict(zip(self._faqs, (odds / odds.sum()).tolist(), strict=True))

    def _chosen(self, labels: NDArray[np.intp]) -> _Settings:
        """Choose what makes the left-out wordings of FAQs with several of them most probable."""
        part = slice(0, None) if len(labels) <= JUDGED_WORDINGS else _spread(len(labels))
        labels = labels[part]
        targets = np.eye(len(self._faqs))[labels]
        judged = targets.sum(axis=0)[labels] > 1
        meaning = self._vectors[part] @ self._vectors[part].T
        lexical = self._terms.kernel[part][:, part]
        best, chosen = math.inf, _Settings(0.0, 0.0, 1.0, _SCALES[0])
        for share, sharpness in product(_WORD_SHARES, _SHARPNESS):
            kernel = _Settings(share, sharpness, 1.0, 1.0).kernel(meaning, lexical)
            values, turn = np.linalg.eigh(kernel)
            for ridge in _RIDGES:
                left_out = _left_out(values, turn, ridge, targets)[judged]
                for scale in _SCALES:
                    loss = _loss(scale * left_out, labels[judged])
                    if loss < best:
                        best, chosen = loss, _Settings(share, sharpness, ridge, scale)
        return chosen


def enough(wordings: Sequence[Wording]) -> bool:
    """Say whether a classifier is worth making: some FAQ has two wordings, and there is time."""
    counts = Counter(each.faq for each in wordings)
    return len(counts) > 1 and max(counts.values()) > 1 and len(wordings) <= MOST_WORDINGS


def _left_out(values: Doubles, turn: Doubles, ridge: float, targets: Doubles) -> Doubles:
    """Return what is predicted for each wording by all others; shape (wordings, FAQs)."""
    shares = values / (values + ridge)
    fitted = (turn * shares) @ (turn.T @ targets)
    own = np.einsum("ij,ij->i", turn * shares, turn)
    left: Doubles = targets - (targets - fitted) / np.maximum(1.0 - own, 1e-9)[:, None]
    return left


def _loss(scores: Doubles, labels: NDArray[np.intp]) -> float:
    """Return the mean negative log-likelihood of the right FAQs."""
    top = scores.max(axis=1, keepdims=True)
    sums = np.log(np.exp(scores - top).sum(axis=1)) + top[:, 0]
    return float((sums - scores[np.arange(len(labels)), labels]).mean())


def _spread(count: int) -> NDArray[np.intp]:
    """Return places over all wordings, with neighbours, which are mostly of one FAQ."""
    starts = np.linspace(0, count - 4, JUDGED_WORDINGS // 4).astype(np.intp)
    return np.unique((starts[:, None] + np.arange(4)).ravel())


def _unit(rows: Doubles) -> Doubles:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Doubles = rows / np.maximum(lengths, 1e-9)
    return unit


class _Terms:
    """Words, and parts of words, of the wordings, weighted by tf-idf, rows L2-normalised.

    Attributes:
        kernel: float64, shape (wordings, wordings), in [0, 1].
    """

    def __init__(self, texts: Sequence[str]) -> None:
        counted = [Counter(_grams(text)) for text in texts]
        frequencies = Counter(gram for each in counted for gram in each)
        self._columns = {gram: place for place, gram in enumerate(frequencies)}
        self._rarity = np.array(
            [math.log((1 + len(texts)) / (1 + count)) + 1.0 for count in frequencies.values()]
        )
        self._rows = self._weighted(counted)
        self.kernel: Doubles = (self._rows @ self._rows.T).toarray()

    def likeness(self, text: str) -> Doubles:
        """Return the likeness of a text with each wording, shape (wordings,)."""
        row = self._weighted([Counter(_grams(text))])
        found: Doubles = (self._rows @ row.T).toarray()[:, 0]
        return found

    def _weighted(self, counted: Sequence[Counter[str]]) -> csr_matrix:
        rows, columns, values = [], [], []
        for number, each in enumerate(counted):
            known = [(self._columns[gram], n) for gram, n in each.items() if gram in self._columns]
            weights = np.array([(1 + math.log(n)) * self._rarity[place] for place, n in known])
            rows += [number] * len(known)
            columns += [place for place, _ in known]
            values.append(weights / max(float(np.linalg.norm(weights)), 1e-9))
        shape = (len(counted), max(len(self._columns), 1))
        return csr_matrix((np.concatenate(values), (rows, columns)), shape)


def _grams(text: str) -> Iterator[str]:
    """Yield words, pairs of words, Chinese characters up to three, and parts of Latin words."""
    for run in _HAN.findall(fold(text)):
        for length in range(1, _LONGEST_HAN + 1):
            yield from (run[start : start + length] for start in range(len(run) - length + 1))
    found = words(text)
    yield from (f"word:{word}" for word in found)
    yield from (f"pair:{one} {other}" for one, other in pairwise(found))
    for word in found:
        if word.isascii() and len(word) > _LATIN_GRAM - 1:
            marked = f"<{word}>"
            yield from (
                f"part:{marked[start : start + _LATIN_GRAM]}"
                for start in range(len(marked) - _LATIN_GRAM + 1)
            )
