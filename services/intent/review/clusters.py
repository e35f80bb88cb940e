"""Puts what says nearly the same into one cluster, so that a reviewer judges it once.

Greedy leader clustering: an utterance joins the most similar cluster, judged by the utterance that
stands for it, or begins one of its own. It needs one look at each cluster and no second pass, so
utterances can be placed as they come.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.intent.review.pii import PLACEHOLDER
from services.intent.training_data import key
from services.language import fold
from services.language.script import HAN

SAME_WORDS = 0.5
"""Share of all terms of two utterances that both have, from which they say the same: five of six
such pairs of the training utterances of two public sets have one intent."""

SAME_MEANING = 0.94
"""Cosine from which two utterances that share a term mean the same: five of six pairs, as above.
Vectors of the model lie close together; at 0.90 it is half of the pairs."""

# What begins or fills every other sentence: two that share only this share nothing.
_FRAME_WORDS = frozenset(
    re.findall(
        r"\w+",
        "the and you your for can are was how what that this with have has not did does want need"
        " please is it in on to of my me do be if or at an am so we us",
    )
)
_FRAME = re.compile(
    "我的|你们|我们|怎么样|怎么|什么|可以|一下|这个|那个|帮我|请问|为什么|能不能|[的了吗呢吧啊呀哦嘛我你您他她它]"
)
_WORD = re.compile("[0-9a-z\u00df-\u024f]{2,}")
_HAN_RUN = re.compile(f"[{HAN}]+")

Vector = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Member:
    """An utterance that stands for a cluster, or is to be placed."""

    cluster: bytes
    """Id of the cluster; for one that is to be placed, of the cluster that it would begin."""
    terms: frozenset[str]
    """What it is about, see `terms`."""
    vector: Vector | None = None
    """L2-normalised; None where there is none."""
    embedding_model: str = ""
    """What made the vector; vectors of two models are never compared."""


class Clusters:
    """The clusters of one tenant."""

    def __init__(self, leaders: Iterable[Member]) -> None:
        """Begin with the clusters that these stand for."""
        self._leaders: list[Member] = []
        self._by_term: dict[str, list[int]] = {}
        for leader in leaders:
            self._add(leader)

    def place(self, member: Member) -> bytes:
        """Return the id of the cluster that an utterance belongs to; its own where it fits none."""
        shared = Counter(place for term in member.terms for place in self._by_term.get(term, ()))
        best, cluster = 0.0, b""
        for place, count in shared.items():
            leader = self._leaders[place]
            either = len(member.terms) + len(leader.terms) - count
            likeness = _likeness(member, leader, count / either)
            if likeness > best:
                best, cluster = likeness, leader.cluster
        if best:
            return cluster
        self._add(member)
        return member.cluster

    def _add(self, leader: Member) -> None:
        place = len(self._leaders)
        self._leaders.append(leader)
        for term in leader.terms:
            self._by_term.setdefault(term, []).append(place)


def terms(text: str) -> frozenset[str]:
    """Return what an utterance is about: words and numbers, and pairs of Chinese characters."""
    folded = _FRAME.sub(" ", fold(PLACEHOLDER.sub(" ", text)))
    found = set(_WORD.findall(folded)) - _FRAME_WORDS
    for run in _HAN_RUN.findall(folded):
        found |= {run[start : start + 2] for start in range(max(1, len(run) - 1))}
    return frozenset(found or {key(text)})


def _likeness(member: Member, leader: Member, overlap: float) -> float:
    """Say how alike two utterances that share a term are; 0 where they are too little so."""
    if overlap >= SAME_WORDS:
        return 1 + overlap
    if (
        member.vector is None
        or leader.vector is None
        or member.embedding_model != leader.embedding_model
        or member.vector.shape != leader.vector.shape
    ):
        return 0.0
    cosine = float(member.vector @ leader.vector)
    return cosine if cosine >= SAME_MEANING else 0.0
