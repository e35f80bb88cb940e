"""What the service does beside its requests: indexes for large knowledge bases, old revisions."""

import asyncio
from typing import TYPE_CHECKING

import structlog
from kefu.errors import KefuError

from services.knowledge.embedding import Embed, Embedding

if TYPE_CHECKING:
    from services.knowledge.upkeep_store import UpkeepStore

KEPT_REVISIONS = 50
"""Revisions of a knowledge base that can be read, searched and gone back to, beside what is live: a
release each working day for ten weeks."""

COMPARED_VECTORS = 10_000
"""Up to here a search compares all vectors of a knowledge base, which takes some five milliseconds
and errs never; beyond, they get an index (HNSW, Malkov and Yashunin 2016)."""

_LOOK_SECONDS = 60.0


class Upkeep:
    """Looks after the tables of all tenants, as one of several replicas."""

    def __init__(
        self, store: "UpkeepStore", embedding: Embedding, embed: Embed, index_memory_mebibytes: int
    ) -> None:
        """Work on a store.

        Args:
            store: The tables.
            embedding: Is woken where texts have to be embedded anew.
            embed: Makes vectors; asked once which model it has.
            index_memory_mebibytes: What building an index may take of the database server.
        """
        self._store = store
        self._embedding = embedding
        self._embed = embed
        self._memory = index_memory_mebibytes
        self._model_known = False

    async def run(self) -> None:
        """Look once a minute, for ever."""
        log = structlog.get_logger("knowledge")
        while True:
            try:
                await self.look()
            except Exception as error:
                # The type alone: the text of a defect may quote the company's documents.
                reason = error.reason if isinstance(error, KefuError) else type(error).__name__
                log.warning("upkeep_waits", reason=reason)
            await asyncio.sleep(_LOOK_SECONDS)

    async def look(self) -> None:
        """Do what is to be done now.

        Raises:
            StorageUnavailable: PostgreSQL does not answer.
        """
        log = structlog.get_logger("knowledge")
        await self._store.sort_in_words()
        if not self._model_known:
            await self._look_at_the_model()
        for base in await self._store.index_vectors(COMPARED_VECTORS, self._memory):
            log.info("vectors_indexed", base=base)
        if bases := await self._store.forget_revisions(KEPT_REVISIONS):
            log.info("old_revisions_removed", bases=bases)

    async def _look_at_the_model(self) -> None:
        """Once after the start: a new release may have brought another model.

        Once only: while replicas of two releases run side by side they would undo each other.
        """
        tenant = await self._store.some_tenant()
        if tenant is not None:
            try:
                model = (await self._embed(tenant, ["?"], True)).model
            except KefuError:
                return  # not there yet; the next look asks again
            if bases := await self._store.drop_vectors_of_others(model):
                structlog.get_logger("knowledge").info("vectors_made_anew", bases=bases)
                self._embedding.wake()
        self._model_known = True
