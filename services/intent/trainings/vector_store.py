"""Vectors of training utterances in PostgreSQL, so that none is computed twice."""

import hashlib
from collections.abc import Mapping, Sequence

from services.mesh.database import Pool, storage_errors

_KEPT_DAYS = 30
"""How long a vector stays that no training looks at: an utterance may come back."""


class VectorStore:
    """The table `vectors`."""

    def __init__(self, pool: Pool) -> None:
        """Use a pool of connections to a migrated database."""
        self._pool = pool

    async def get(self, tenant: str, model: str, texts: Sequence[str]) -> dict[str, bytes]:
        """Return the vectors that are there, by text.

        Args:
            tenant: Its id.
            model: The embedding model.
            texts: As they were embedded.

        Returns:
            Little-endian float32 each, L2-normalised.
        """
        by_hash = {_hash(text): text for text in texts}
        async with storage_errors(), self._pool.connection() as connection:
            cursor = await connection.execute(
                "SELECT text_hash, vector FROM vectors WHERE tenant = %s"
                " AND embedding_model = %s AND text_hash = ANY(%s)",
                (tenant, model, list(by_hash)),
            )
            return {by_hash[bytes(key)]: bytes(vector) async for key, vector in cursor}

    async def put(self, tenant: str, model: str, vectors: Mapping[str, bytes]) -> None:
        """Keep vectors, by text."""
        async with storage_errors(), self._pool.connection() as connection:
            await connection.execute(
                "INSERT INTO vectors (tenant, embedding_model, text_hash, vector)"
                " SELECT %s, %s, * FROM unnest(%s::bytea[], %s::bytea[]) ON CONFLICT DO NOTHING",
                (tenant, model, list(map(_hash, vectors)), list(vectors.values())),
            )

    async def forget(self, tenant: str, texts: Sequence[str]) -> None:
        """Remove a tenant's old vectors of other texts than these."""
        async with storage_errors(), self._pool.connection() as connection:
            await connection.execute(
                "DELETE FROM vectors WHERE tenant = %s AND NOT text_hash = ANY(%s)"
                " AND create_time < now() - make_interval(days => %s)",
                (tenant, list(map(_hash, texts)), _KEPT_DAYS),
            )


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
