"""What the service does beside its requests: indexes for large knowledge bases, old revisions."""

import asyncio
from typing import TYPE_CHECKING

import structlog
from kefu.errors import KefuError

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

    def __init__(self, store: "UpkeepStore", index_memory_mebibytes: int) -> None:
        """Work on a store; building an index may take so much memory of the database server."""
        self._store = store
        self._memory = index_memory_mebibytes

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
        for base in await self._store.index_vectors(COMPARED_VECTORS, self._memory):
            log.info("vectors_indexed", base=base)
        if bases := await self._store.forget_revisions(KEPT_REVISIONS):
            log.info("old_revisions_removed", bases=bases)
