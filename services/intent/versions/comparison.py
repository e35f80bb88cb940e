"""Which utterances two models judge differently, and for whom that is good."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from services.intent.answering import Answering
from services.intent.quality import Judged
from services.intent.values import Candidate
from services.intent.versions.live import LiveModels
from services.intent.versions.version import ModelVersion

if TYPE_CHECKING:
    from services.intent.trainings.vector_store import VectorStore
    from services.intent.versions.model_store import ModelStore

# Pages of one comparison come one after the other; each would judge everything again.
_REMEMBERED = 4


class Change(StrEnum):
    """What changed, from the first model to the second."""

    BROKEN = "broken"
    """Was right and is wrong."""
    FIXED = "fixed"
    """Was wrong and is right."""
    OTHER = "other"
    """Was wrong and is wrong in another way, or nobody has said what is right."""


@dataclass(frozen=True, slots=True)
class Pair:
    """What two models say of an utterance."""

    text: str
    """The utterance."""
    intent: str
    """What it means; empty where nobody said."""
    before: Candidate
    """What the first says."""
    after: Candidate
    """What the second says."""


@dataclass(frozen=True, slots=True)
class Changed:
    """An utterance on which they differ."""

    pair: Pair
    change: Change


@dataclass(frozen=True, slots=True)
class Comparison:
    """Where two models differ."""

    compared: int
    """Utterances that both judged."""
    changes: tuple[Changed, ...]
    """Broken ones first, then fixed, then others; each kind by its text."""

    def count(self, change: Change) -> int:
        """Count the changes of a kind."""
        return sum(each.change is change for each in self.changes)


@dataclass(frozen=True, slots=True)
class Sides:
    """The utterances of two training sets, by which model has judged them."""

    both: tuple[tuple[Judged, Judged], ...]
    """Both trained on it; each judged it while it had not seen it."""
    first_only: tuple[Judged, ...]
    """The second has never seen it and can be asked now."""
    second_only: tuple[Judged, ...]
    """The first has never seen it."""


def sides(first: Sequence[Judged], second: Sequence[Judged]) -> Sides:
    """Sort the utterances of two models' training sets."""
    left = {each.text: each for each in first}
    right = {each.text: each for each in second}
    return Sides(
        both=tuple((left[text], right[text]) for text in left if text in right),
        first_only=tuple(each for text, each in left.items() if text not in right),
        second_only=tuple(each for text, each in right.items() if text not in left),
    )


def compare(pairs: Sequence[Pair]) -> Comparison:
    """Find the pairs that differ, worst first."""
    order = list(Change)
    changes = [
        Changed(pair, _change(pair)) for pair in pairs if pair.before.intent != pair.after.intent
    ]
    changes.sort(key=lambda each: (order.index(each.change), each.pair.text))
    return Comparison(len(pairs), tuple(changes))


def _change(pair: Pair) -> Change:
    if pair.after.intent == pair.intent:
        return Change.FIXED
    return Change.BROKEN if pair.before.intent == pair.intent else Change.OTHER


class Comparing:
    """Compares versions of one tenant."""

    def __init__(
        self, models: "ModelStore", vectors: "VectorStore", live: LiveModels, answering: Answering
    ) -> None:
        """Compare what is in `models`, asking them through `answering`."""
        self._models = models
        self._vectors = vectors
        self._live = live
        self._answering = answering
        self._done: OrderedDict[tuple[str, ...], Comparison] = OrderedDict()

    async def compare(
        self, first: ModelVersion, second: ModelVersion, texts: Sequence[str]
    ) -> Comparison:
        """Compare two versions on their training sets and further texts.

        An utterance on which only one of them was trained is put to the other now, with its vector
        where training has left one; the further texts are put to both, on words alone.

        Raises:
            IntentModelNotFound: only the record of a version is kept.
            StorageUnavailable: PostgreSQL does not answer.
        """
        key = (first.name, second.name, *texts)
        if key not in self._done:
            self._done[key] = compare(await self._pairs(first, second, list(dict.fromkeys(texts))))
        self._done.move_to_end(key)
        while len(self._done) > _REMEMBERED:
            self._done.popitem(last=False)
        return self._done[key]

    async def _pairs(
        self, first: ModelVersion, second: ModelVersion, texts: Sequence[str]
    ) -> list[Pair]:
        left, right = await self._models.judged(first), await self._models.judged(second)
        sorted_ = sides(left.judged, right.judged)
        pairs = [
            Pair(old.text, new.intent, old.predicted, new.predicted) for old, new in sorted_.both
        ]
        said = await self._ask(second, [each.text for each in sorted_.first_only], texts)
        asked = zip(sorted_.first_only, said, strict=False)
        pairs += [Pair(each.text, each.intent, each.predicted, after) for each, after in asked]
        new_texts = said[len(sorted_.first_only) :]
        said = await self._ask(first, [each.text for each in sorted_.second_only], texts)
        asked = zip(sorted_.second_only, said, strict=False)
        pairs += [Pair(each.text, each.intent, before, each.predicted) for each, before in asked]
        old_texts = said[len(sorted_.second_only) :]
        return pairs + [
            Pair(*each)
            for each in zip(texts, ["" for _ in texts], old_texts, new_texts, strict=True)
        ]

    async def _ask(
        self, version: ModelVersion, utterances: Sequence[str], texts: Sequence[str]
    ) -> list[Candidate]:
        """Return what a version says of utterances, with their vectors, and of further texts."""
        if not utterances and not texts:
            return []
        kept = await self._vectors.get(version.tenant, version.embedding_model, utterances)
        arrays = {text: np.frombuffer(each, "<f4") for text, each in kept.items()}
        classifier = await self._live.load(version)
        vectors = [arrays.get(text) for text in utterances] + [None] * len(texts)
        found = await self._answering.judge(classifier, [*utterances, *texts], vectors)
        return [each.best for each in found]
