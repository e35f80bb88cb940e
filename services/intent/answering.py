"""From an utterance to its classification: the live model, and beyond it where it is in doubt."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import numpy.typing as npt
import structlog
from kefu.errors import KefuError
from prometheus_client import Counter

from services.intent.classifier import MAX_ALTERNATIVES, Classifier
from services.intent.values import UNKNOWN, Candidate, Classification, IntentType, Method
from services.intent.versions.live import LiveModels
from services.intent.versions.version import IntentSummary, ModelVersion
from services.mesh import names
from services.mesh.batching import Batcher

Floats = npt.NDArray[np.float32]

# Handing over to the thread is paid once for so many; together they take less time than a caller
# notices, and one of somebody's hundreds waits for no more.
_CALLS_AT_ONCE = 32
_TEXTS_AT_ONCE = 16

_CLASSIFICATIONS = Counter(
    names.INTENT_CLASSIFICATIONS, "Utterances classified, by how.", ["method"]
)
_CHOICES = Counter(
    names.INTENT_CHOICES, "Doubtful utterances put to a model provider.", ["outcome"]
)


@dataclass(frozen=True, slots=True)
class Vector:
    """A vector that came with a request."""

    model: str
    """The embedding model that made it."""
    values: bytes
    """Little-endian float32."""


@dataclass(frozen=True, slots=True)
class Query:
    """An utterance to classify."""

    text: str
    """What the customer wrote, at most 4,000 code points."""
    vector: Vector | None
    """Of the text."""
    now: datetime | None
    """From which "tomorrow" counts, in the customer's time zone; None: the server's clock."""
    vector_follows: bool = False
    """Whether the caller, if a vector is wanted, sends the text again with it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an utterance asks for."""

    found: Classification
    wants_embedding: bool
    """Whether no vector came that the model can look at, and one might make it surer."""


Choose = Callable[[str, str, Sequence[IntentSummary]], Awaitable[str]]
"""Has a model choose which intent a tenant's text means: its name, or empty where none fits."""

Note = Callable[[str, str, Classification, Floats | None, str], None]
"""Remembers a tenant's utterance for labelling if it is doubtful, with its vector and what made
it."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """When an answer is doubtful, and what is done about it."""

    sure: float
    """From this confidence on a vector is not asked for."""
    provider_below: float
    """Below this confidence a model provider is asked; 0: never."""
    choose: Choose
    note: Note


@dataclass(frozen=True, slots=True)
class _Item:
    """A text on its way through the worker; the classifier stays with it when others go live."""

    classifier: Classifier
    text: str
    vector: Floats | None
    now: datetime | None


class Answering:
    """Classifies. Made inside a running event loop."""

    def __init__(self, live: LiveModels, doubt: Doubt) -> None:
        """Answer with the live models, and in doubt as `doubt` says."""
        self._live = live
        self._doubt = doubt
        # Two, so that a call never stands behind the hundreds of texts of somebody's batch.
        self._calls: Batcher[_Item, Classification] = Batcher(_judge, _CALLS_AT_ONCE, "classify")
        self._texts: Batcher[_Item, Classification] = Batcher(_judge, _TEXTS_AT_ONCE, "batch")

    async def answer(self, tenant: str, query: Query) -> Answer:
        """Classify one utterance of a customer.

        Args:
            tenant: The tenant's id.
            query: The utterance.

        Raises:
            IntentModelNotFound: the tenant has no live model.
        """
        serving = self._live.of(tenant)
        item = _item(serving.classifier, query)
        found = await self._calls.submit(item)
        wants = self._wants_embedding(found, item)
        comes_again = wants and query.vector is None and query.vector_follows
        if not comes_again:
            if found.best.confidence < self._doubt.provider_below:
                found = await self._ask(tenant, query.text, found, serving.version)
            model = item.classifier.embedding_model
            self._doubt.note(tenant, query.text, found, item.vector, model)
        _CLASSIFICATIONS.labels(found.method).inc()
        return Answer(found, wants)

    async def answers(self, tenant: str, queries: Sequence[Query]) -> list[Answer]:
        """Classify utterances by the local model alone: somebody tries it out.

        Raises:
            IntentModelNotFound: the tenant has no live model.
        """
        classifier = self._live.of(tenant).classifier
        items = [_item(classifier, query) for query in queries]
        found = await self._in_turn(items)
        for each in found:
            _CLASSIFICATIONS.labels(each.method).inc()
        return [
            Answer(each, self._wants_embedding(each, item))
            for each, item in zip(found, items, strict=True)
        ]

    async def judge(
        self, classifier: Classifier, texts: Sequence[str], vectors: Sequence[Floats | None]
    ) -> list[Classification]:
        """Classify texts by any model, behind the calls of customers."""
        items = [_Item(classifier, *each, None) for each in zip(texts, vectors, strict=True)]
        return await self._in_turn(items)

    async def aclose(self) -> None:
        """Finish what runs, then end the workers."""
        await self._calls.aclose()
        await self._texts.aclose()

    async def _in_turn(self, items: Sequence[_Item]) -> list[Classification]:
        """Classify a few at a time: the texts of other callers get their turn in between."""
        found: list[Classification] = []
        for start in range(0, len(items), _TEXTS_AT_ONCE):
            found += await self._texts.submit_all(items[start : start + _TEXTS_AT_ONCE])
        return found

    def _sure(self, found: Classification) -> bool:
        """Tell whether an answer leaves nothing to ask."""
        return (
            found.best.type is not IntentType.UNKNOWN
            and not found.ambiguous
            and found.best.confidence >= self._doubt.sure
        )

    def _wants_embedding(self, found: Classification, item: _Item) -> bool:
        return (
            bool(item.classifier.embedding_model)
            and item.vector is None
            and (not self._sure(found))
        )

    async def _ask(
        self, tenant: str, text: str, found: Classification, version: ModelVersion
    ) -> Classification:
        """Let a model provider choose among the candidates; without an answer all stays as it is.

        Its choice counts as sure as the line below which it was asked, unless the local model
        believed more in it.
        """
        ranked = [each for each in (found.best, *found.alternatives) if each.intent != UNKNOWN]
        by_name = {each.name: each for each in version.intents}
        options = [by_name[each.intent] for each in ranked if each.intent in by_name]
        if not options:
            return found
        try:
            chosen = await self._doubt.choose(tenant, text, options)
        except KefuError as error:
            structlog.get_logger("intent").warning("provider_failed", reason=error.reason)
            _CHOICES.labels("failed").inc()
            return found
        if chosen and chosen not in {each.name for each in options}:
            _CHOICES.labels("failed").inc()
            return found
        _CHOICES.labels("chosen" if chosen else "none").inc()
        believed = {each.intent: each.confidence for each in ranked}
        kind = by_name[chosen].type if chosen else IntentType.UNKNOWN
        confidence = max(believed.get(chosen, 0.0), self._doubt.provider_below)
        return replace(
            found,
            best=Candidate(chosen or UNKNOWN, kind, confidence),
            alternatives=tuple(each for each in ranked if each.intent != chosen)[:MAX_ALTERNATIVES],
            ambiguous=False,
            method=Method.PROVIDER,
        )


def _item(classifier: Classifier, query: Query) -> _Item:
    return _Item(classifier, query.text, _vector(classifier, query.vector), query.now)


def _vector(classifier: Classifier, given: Vector | None) -> Floats | None:
    """Return the values of a vector that the model can look at; None for any other."""
    if given is None or not classifier.embedding_model:
        return None
    if given.model != classifier.embedding_model:
        return None
    if len(given.values) != 4 * classifier.dimensions:
        return None
    values = np.frombuffer(given.values, "<f4")
    return values if np.isfinite(values).all() else None


def _judge(items: Sequence[_Item]) -> list[Classification | Exception]:
    """Classify in the worker's thread, each text by its own model.

    A text that breaks its model fails its own call alone: the others may be another tenant's.
    """
    return [_judged(item) for item in items]


def _judged(item: _Item) -> Classification | Exception:
    try:
        return item.classifier.classify(item.text, item.vector, item.now)
    except Exception as error:
        return error
