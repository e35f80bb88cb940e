"""Vectors for what was imported: at once where the embedding service answers, later where not."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from kefu.errors import EmbeddingMismatch, KefuError, ModelRefused, QuotaExceeded

if TYPE_CHECKING:
    from services.knowledge.vector_store import Backlog, Unembedded, VectorStore

DIMENSIONS = 384
"""Values of a vector; the width of the database's column."""

BATCH = 16
"""Texts in a call: about two seconds of a loaded core, so that questions are not kept waiting."""

PATIENCE_SECONDS = 0.5
"""Longest that an import waits for its vectors. A page is done in that time; a whole shop's
knowledge takes half a minute, and can be searched by words meanwhile."""

_LOOK_SECONDS = 60.0

# Cause of a refusal that is not for the settings: a text is longer than the model takes.
_FOR_THE_TEXT = "refused"

# A text that is refused is cut in half until it is as short as this: its topic stands at its
# beginning, and a vector of that finds it.
_LEAST_TEXT = 100


@dataclass(frozen=True, slots=True)
class Vectors:
    """Vectors of some texts, in their order."""

    model: str
    """What made them; vectors of different models are never compared."""
    values: Sequence[Sequence[float]]
    """float, shape (texts, `DIMENSIONS`), rows L2-normalised."""


Embed = Callable[[str, Sequence[str], bool], Awaitable[Vectors]]
"""Turns texts of a tenant into vectors; the last argument is whether they are questions. Raises
KefuError where it cannot."""


class Embedding:
    """The work of giving every entry its vector."""

    def __init__(self, store: "VectorStore", embed: Embed, retry_seconds: float) -> None:
        """Start with whatever was left undone.

        Args:
            store: Where entries wait for their vectors.
            embed: Makes vectors.
            retry_seconds: How long to wait after a failure.
        """
        self._store = store
        self._embed = embed
        self._retry_seconds = retry_seconds
        self._one_at_a_time = asyncio.Lock()
        self._wanted = asyncio.Event()
        self._wanted.set()
        self._resting: dict[str, float] = {}
        """Tenants that have used up a limit, and until when, in the loop's time."""

    async def finish(self, budget_seconds: float) -> None:
        """Embed what waits, as far as the time goes; the rest follows in the background.

        Args:
            budget_seconds: Most time to take; never more than `PATIENCE_SECONDS`.
        """
        try:
            async with asyncio.timeout(min(budget_seconds, PATIENCE_SECONDS)):
                await self._work()
        except (TimeoutError, KefuError):
            self._wanted.set()

    def wake(self) -> None:
        """Let `run` embed what waits."""
        self._wanted.set()

    async def run(self) -> None:
        """Embed what waits, again after each failure and whenever it is woken, for ever.

        A tenant that has used up a limit waits as long as it is told to; the others go on.
        """
        log = structlog.get_logger("knowledge")
        while True:
            # Another replica may have ended before its work; nobody tells this one.
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), self._idle_seconds())
            self._wanted.clear()
            try:
                await self._work()
            except Exception as error:
                # The type alone: the text of a defect may quote the company's documents.
                reason = error.reason if isinstance(error, KefuError) else type(error).__name__
                log.warning("embedding_waits", reason=reason)
                self._wanted.set()
                await asyncio.sleep(self._retry_seconds)

    async def _work(self) -> None:
        async with self._one_at_a_time:
            while (backlog := await self._store.unembedded(BATCH, self._at_rest())) is not None:
                try:
                    for is_question in (True, False):
                        texts = [each for each in backlog.texts if each.is_question is is_question]
                        if texts:
                            await self._embed_all(backlog, texts, is_question)
                except QuotaExceeded as refused:
                    self._rest(backlog.tenant, refused.retry_after_seconds or self._retry_seconds)
                except ModelRefused:
                    # It may be for this tenant's texts; the others go on.
                    self._rest(backlog.tenant, _LOOK_SECONDS, ModelRefused.reason)

    def _rest(self, tenant: str, seconds: float, reason: str = QuotaExceeded.reason) -> None:
        """Leave a tenant's texts for later: until midnight where its money is used up."""
        # Somebody may raise the limit before.
        seconds = min(seconds, _LOOK_SECONDS)
        self._resting[tenant] = asyncio.get_running_loop().time() + seconds
        self._wanted.set()
        if seconds >= self._retry_seconds:
            # Less is the pace of its limit, and no news.
            structlog.get_logger("knowledge").warning(
                "embedding_waits", reason=reason, tenant=tenant
            )

    def _at_rest(self) -> list[str]:
        now = asyncio.get_running_loop().time()
        self._resting = {each: until for each, until in self._resting.items() if until > now}
        return list(self._resting)

    def _idle_seconds(self) -> float:
        """How long there is nothing to do unless somebody says so."""
        now = asyncio.get_running_loop().time()
        return max(0.0, min([_LOOK_SECONDS, *(until - now for until in self._resting.values())]))

    async def _embed_all(
        self, backlog: "Backlog", texts: "Sequence[Unembedded]", is_question: bool
    ) -> None:
        try:
            vectors = await self._embed(backlog.tenant, [each.text for each in texts], is_question)
        except ModelRefused as refused:
            if refused.metadata.get("cause") != _FOR_THE_TEXT:
                raise
            vectors = await self._embed_alone(backlog, texts, is_question)
        if any(len(vector) != DIMENSIONS for vector in vectors.values):
            raise EmbeddingMismatch(expected=f"{DIMENSIONS} values", got=vectors.model)
        made = zip(texts, vectors.values, strict=True)
        await self._store.embed(
            backlog.tenant, backlog.base, vectors.model, {each.key: value for each, value in made}
        )

    async def _embed_alone(
        self, backlog: "Backlog", texts: "Sequence[Unembedded]", is_question: bool
    ) -> Vectors:
        """Make the vectors one by one, of as much of each text as is not refused."""
        made: list[Vectors] = []
        for each in texts:
            text = each.text
            while True:
                try:
                    made.append(await self._embed(backlog.tenant, [text], is_question))
                    break
                except ModelRefused:
                    if len(text) <= _LEAST_TEXT:
                        raise
                    text = text[: len(text) // 2]
            if text != each.text:
                structlog.get_logger("knowledge").warning(
                    "embedding_shortened", tenant=backlog.tenant, length=len(text)
                )
        return Vectors(made[0].model, [value for each in made for value in each.values])
