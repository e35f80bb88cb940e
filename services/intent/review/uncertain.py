"""What customers said that the live model was unsure of: noted beside the call, reviewed by people.

Noting never waits: a call only puts what it saw into a bounded queue. A background task takes
personal data out and writes the rest; nothing else ever leaves the memory of the process.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

import structlog
from kefu.errors import InvalidRequest, StorageUnavailable
from prometheus_client import Counter

from services.intent.drafts.checks import ImportedUtterance, UtteranceRejected, checked
from services.intent.drafts.draft import stored_number
from services.intent.review.clusters import Vector
from services.intent.review.pii import PLACEHOLDER, replace_personal
from services.intent.training_data import key
from services.intent.values import (
    UNKNOWN,
    Candidate,
    Classification,
    Entity,
    IntentType,
    Method,
)
from services.mesh import names, paging

if TYPE_CHECKING:
    from services.intent.review.uncertain_store import UncertainStore

MAX_KEPT = 10_000
"""Most utterances kept of a tenant; the oldest and surest leave first."""

MAX_QUEUED = 2_000
"""Most utterances that wait to be written; 4 MB of the usual kind, vectors included."""

FLUSH_SECONDS = 5.0
"""How long what was noted may wait, so that one write serves many calls."""

_PURGE_SECONDS = 3_600.0

_AMBIGUOUS_DOUBT = 0.5
_LEAST_DOUBT = 0.01

_LOG = structlog.get_logger("review")
_DROPPED = Counter(names.UNCERTAIN_DROPPED, "Doubtful utterances that were not kept.", ["cause"])


@dataclass(frozen=True, slots=True)
class Note:
    """An utterance as a call saw it, personal data and all. It is never written."""

    tenant: str
    text: str
    language: str
    candidates: tuple[Candidate, ...]
    doubt: float
    entities: tuple[Entity, ...]
    vector: Vector | None
    embedding_model: str


@dataclass(frozen=True, slots=True)
class Met:
    """An utterance that may be written: personal data is replaced."""

    key: bytes
    """See `training_data.key_hash`."""
    text: str
    language: str
    candidates: tuple[Candidate, ...]
    """What the model made of it, most likely first."""
    doubt: int
    """How unsure it was, in thousandths, 0 to 1,000."""
    count: int
    """How often it was met."""
    vector: Vector | None
    """None where none came, and where the text held personal data: it would hold it too."""
    embedding_model: str


@dataclass(frozen=True, slots=True)
class Cluster:
    """Utterances that say nearly the same."""

    id: str
    """Of the utterance that stands for it, 64 hex digits."""
    text: str
    language: str
    candidates: tuple[Candidate, ...]
    count: int
    """How often any of them was met."""
    similar: tuple[str, ...]
    """Up to five others of it."""
    last_time: datetime
    rank: tuple[int, str]
    """What orders clusters, descending: what is to be learnt from it, and its id."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a reviewer says of an utterance."""

    tenant: str
    utterance: str
    """Id of the utterance that stands for its cluster."""
    intent: str
    """The intent that it means, or `unknown`; empty: dismissed."""
    text: str
    """What to add in its place; empty: as it is."""


@dataclass(frozen=True, slots=True)
class Settled:
    """The utterance that the draft has got."""

    text: str
    intent: str
    language: str


class Uncertain:
    """Collects what the live models are unsure of."""

    def __init__(self, store: "UncertainStore", below: float) -> None:
        """Collect into a store.

        Args:
            store: Where to.
            below: Answers of less confidence than this are doubtful, in [0, 1].
        """
        self._store = store
        self._below = below
        self._queue: deque[Note] = deque()
        self._arrived = asyncio.Event()

    def note(
        self,
        tenant: str,
        text: str,
        found: Classification,
        vector: Vector | None = None,
        embedding_model: str = "",
    ) -> None:
        """Remember an utterance if its answer is doubtful. Never waits, never raises.

        Args:
            tenant: The tenant's id.
            text: What the customer wrote.
            found: The final answer to it.
            vector: The text's vector, float32, L2-normalised, if there is one.
            embedding_model: What made the vector.
        """
        doubt = self._doubt(found)
        if doubt is None:
            return
        if len(self._queue) >= MAX_QUEUED:
            _DROPPED.labels("queue_full").inc()
            return
        candidates = (found.best, *found.alternatives)
        self._queue.append(
            Note(tenant, text, found.language.value, candidates, doubt, found.entities, vector,
                 embedding_model)
        )  # fmt: skip
        self._arrived.set()

    def _doubt(self, found: Classification) -> float | None:
        """Say how unsure an answer is, in [0, 1]; None where it is sure enough."""
        if found.method in (Method.EXACT, Method.NEAR_EXACT):
            return None
        doubt = max(1 - found.best.confidence, _LEAST_DOUBT)
        if found.ambiguous:
            return max(doubt, _AMBIGUOUS_DOUBT)
        # Of what no intent covers even a sure answer is worth a look: it may be a new intent.
        if found.best.type is IntentType.UNKNOWN or found.best.confidence < self._below:
            return doubt
        return None

    async def run(self) -> None:
        """Write what was noted, forget what is too old; when cancelled, write the rest first."""
        try:
            while True:
                with suppress(StorageUnavailable):
                    await self._store.purge()
                with suppress(TimeoutError):
                    async with asyncio.timeout(_PURGE_SECONDS):
                        await self._arrived.wait()
                await asyncio.sleep(FLUSH_SECONDS)
                await self.flush()
        finally:
            await self.flush()

    async def flush(self) -> None:
        """Write what was noted so far; what cannot be written is counted and let go."""
        self._arrived.clear()
        notes = list(self._queue)
        self._queue.clear()
        for tenant in {note.tenant for note in notes}:
            own = [note for note in notes if note.tenant == tenant]
            try:
                # Patterns over 2,000 texts take some 100 ms; other calls go on meanwhile.
                met = await asyncio.to_thread(_met, own)
                await self._store.write(tenant, met, MAX_KEPT)
            except StorageUnavailable:
                _DROPPED.labels("storage").inc(len(own))
            except Exception as error:
                # One odd text must not end the collecting; what the error says may quote it.
                _LOG.error("not written", error=type(error).__name__)
                _DROPPED.labels("defect").inc(len(own))


def _met(notes: Sequence[Note]) -> list[Met]:
    """Take personal data out, and count what says the same as one."""
    found: dict[bytes, Met] = {}
    for note in notes:
        text = replace_personal(note.text, note.entities)
        try:
            utterance = checked(ImportedUtterance(text, UNKNOWN, note.language))
        except UtteranceRejected:  # Bare punctuation or binary text teaches nothing.
            continue
        if not key(PLACEHOLDER.sub("", text)):  # Nor does a bare number, the answer to a question.
            continue
        met = Met(
            utterance.key, utterance.text, note.language, note.candidates,
            round(1000 * note.doubt), 1, note.vector if text == note.text else None,
            note.embedding_model,
        )  # fmt: skip
        before = found.get(met.key)
        found[met.key] = replace(met, count=before.count + 1) if before else met
    return list(found.values())


class Review:
    """What people do with it."""

    def __init__(self, store: "UncertainStore") -> None:
        """Work on a store."""
        self._store = store

    async def clusters(self, tenant: str, size: int, token: str) -> tuple[list[Cluster], str]:
        """Return a page of clusters, the largest and most doubtful first, and the next token.

        Raises:
            PageTokenInvalid: The token is not of this list.
            StorageUnavailable: PostgreSQL does not answer.
        """
        size = paging.page_size(size)
        last = paging.decode(token, (int, str), "uncertain", tenant)
        after = (stored_number(last[0]), str(last[1])) if last else None
        found = await self._store.clusters(tenant, after, size + 1)
        if len(found) <= size:
            return found, ""
        return found[:size], paging.encode(list(found[size - 1].rank), "uncertain", tenant)

    async def resolve(self, resolution: Resolution, request_id: str) -> Settled | None:
        """Add an utterance to the draft, or dismiss it; its cluster is not shown again.

        Returns:
            The utterance that the draft has got; None where it was dismissed.

        Raises:
            UncertainUtteranceNotFound: There is none of this name, or it was resolved before.
            IntentNotFound: The draft has no such intent.
            InvalidRequest: The text that was given cannot be an utterance.
            RequestIdReused: The id belongs to another resolution.
            StorageUnavailable: PostgreSQL does not answer.
        """
        if resolution.text and resolution.intent:
            try:
                checked(ImportedUtterance(resolution.text, resolution.intent, ""))
            except UtteranceRejected as rejected:
                raise InvalidRequest(violations=[("text", str(rejected))]) from None
        return await self._store.resolve(resolution, request_id)
