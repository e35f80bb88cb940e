"""Which utterances two models judge differently, and for whom that is good."""

import asyncio
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from services.intent.answering import Answering
from services.intent.quality import Judged
from services.intent.training_data import key, key_hash
from services.intent.values import Candidate
from services.intent.versions.live import LiveModels
from services.intent.versions.version import ModelVersion

if TYPE_CHECKING:
    from services.intent.trainings.vector_store import VectorStore
    from services.intent.versions.model_store import ModelStore

# Pages of one comparison come one after the other; each would judge everything again.
_REMEMBERED = 4

# Of the utterances that one version has never seen it is asked about these many: some eight seconds
# of a core, where all of 100,000 would take longer than any call may.
_MOST_ASKED = 10_000


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
    of: int
    """Utterances that there are: more than `compared` where those that only one version knows are
    so many that a sample of them was judged, always the same."""
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
    left_out: int = 0
    """How many more there are that only one model knows."""


def sides(
    first: Sequence[Judged], second: Sequence[Judged], most_asked: int = _MOST_ASKED
) -> Sides:
    """Sort the utterances of two models' training sets; what counts as the same is the same.

    Args:
        first: The first model's.
        second: The second model's.
        most_asked: Most utterances of which the other model is asked, for each of the two.
    """
    left = {key(each.text): each for each in first}
    right = {key(each.text): each for each in second}
    alone = _unknown_to(right, left), _unknown_to(left, right)
    first_only, second_only = (_sample(each, most_asked) for each in alone)
    return Sides(
        both=tuple((each, right[same]) for same, each in left.items() if same in right),
        first_only=first_only,
        second_only=second_only,
        left_out=sum(map(len, alone)) - len(first_only) - len(second_only),
    )


def _unknown_to(known: Collection[str], told: Mapping[str, Judged]) -> list[Judged]:
    return [each for same, each in told.items() if same not in known]


def _sample(judged: Sequence[Judged], most: int) -> tuple[Judged, ...]:
    """Return at most so many, drawn alike on every replica, in their order."""
    if len(judged) <= most:
        return tuple(judged)
    places = sorted(range(len(judged)), key=lambda place: key_hash(judged[place].text))
    return tuple(judged[place] for place in sorted(places[:most]))


def compare(pairs: Sequence[Pair], left_out: int = 0) -> Comparison:
    """Find the pairs that differ, worst first.

    Args:
        pairs: What two models say.
        left_out: How many more utterances there are, for the count.
    """
    order = list(Change)
    changes = [
        Changed(pair, _change(pair)) for pair in pairs if pair.before.intent != pair.after.intent
    ]
    changes.sort(key=lambda each: (order.index(each.change), each.pair.text))
    return Comparison(len(pairs), len(pairs) + left_out, tuple(changes))


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
        question = (first.name, second.name, *texts)
        if question not in self._done:
            self._done[question] = await self._compared(first, second, list(dict.fromkeys(texts)))
        self._done.move_to_end(question)
        while len(self._done) > _REMEMBERED:
            self._done.popitem(last=False)
        return self._done[question]

    async def _compared(
        self, first: ModelVersion, second: ModelVersion, texts: Sequence[str]
    ) -> Comparison:
        left, right = await self._models.judged(first), await self._models.judged(second)
        # In threads: of 100,000 utterances this is seconds' work.
        sorted_ = await asyncio.to_thread(sides, left.judged, right.judged)
        new = await self._ask(second, [each.text for each in sorted_.first_only], texts)
        old = await self._ask(first, [each.text for each in sorted_.second_only], texts)
        pairs = await asyncio.to_thread(_pairs, sorted_, old, new, texts)
        return await asyncio.to_thread(compare, pairs, sorted_.left_out)

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


def _pairs(
    sorted_: Sides, old: Sequence[Candidate], new: Sequence[Candidate], texts: Sequence[str]
) -> list[Pair]:
    """Put together what two models say.

    Args:
        sorted_: The utterances of their training sets.
        old: What the first says of those of the second only, then of the texts.
        new: What the second says of those of the first only, then of the texts.
        texts: Further texts.
    """
    pairs = [Pair(was.text, is_.intent, was.predicted, is_.predicted) for was, is_ in sorted_.both]
    for each, after in zip(sorted_.first_only, new, strict=False):
        pairs.append(Pair(each.text, each.intent, each.predicted, after))
    for each, before in zip(sorted_.second_only, old, strict=False):
        pairs.append(Pair(each.text, each.intent, before, each.predicted))
    said = old[len(sorted_.second_only) :], new[len(sorted_.first_only) :]
    return pairs + [Pair(text, "", *each) for text, *each in zip(texts, *said, strict=True)]
