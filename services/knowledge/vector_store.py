"""Vectors in PostgreSQL: which texts wait for one, and putting them in place."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.knowledge.catalog import BaseName
from services.knowledge.indexing import embedded_text
from services.knowledge.sql import fetch_all, lock, reading, transaction, vector_text
from services.mesh.database import Pool

_UNEMBEDDED = """
SELECT e.id, e.tenant, e.knowledge_base, e.heading, e.content FROM entries e
JOIN (
    SELECT tenant, knowledge_base FROM entries WHERE embedding IS NULL ORDER BY id LIMIT 1
) oldest USING (tenant, knowledge_base)
WHERE e.embedding IS NULL ORDER BY e.id LIMIT %(limit)s"""


@dataclass(frozen=True, slots=True)
class Unembedded:
    """A text that waits for its vector."""

    entry: int
    """Id of its entry."""
    text: str
    """What the vector is made of."""


class VectorStore:
    """The vectors of all entries."""

    def __init__(self, pool: Pool) -> None:
        """Use a pool of connections to a migrated database."""
        self._pool = pool

    async def unembedded(self, limit: int) -> tuple[BaseName, list[Unembedded]] | None:
        """Return the oldest texts without a vector, all of one knowledge base; None: none waits.

        Raises:
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with reading(self._pool) as connection:
            rows = await fetch_all(connection, _UNEMBEDDED, {"limit": limit})
        if not rows:
            return None
        base = BaseName(rows[0]["tenant"], rows[0]["knowledge_base"])
        return base, [
            Unembedded(row["id"], embedded_text(row["heading"], row["content"])) for row in rows
        ]

    async def embed(self, base: BaseName, model: str, vectors: dict[int, Sequence[float]]) -> None:
        """Store vectors by entry; entries that are gone meanwhile are left out.

        Vectors of another model than this one are dropped, so that all are made anew: they cannot
        be compared.

        Args:
            base: Whose entries.
            model: What made the vectors.
            vectors: float, 384 values each, L2-normalised.

        Raises:
            KnowledgeBaseNotFound: it is gone meanwhile.
            StorageUnavailable: PostgreSQL does not answer.
        """
        key = {"tenant": base.tenant, "base": base.base, "model": model}
        async with transaction(self._pool) as connection:
            await lock(connection, base)
            adopted = await connection.execute(
                "UPDATE knowledge_bases SET embedding_model = %(model)s WHERE tenant = %(tenant)s"
                " AND id = %(base)s AND embedding_model IS DISTINCT FROM %(model)s",
                key,
            )
            if adopted.rowcount:
                await connection.execute(
                    "UPDATE entries SET embedding = NULL WHERE tenant = %(tenant)s"
                    " AND knowledge_base = %(base)s AND embedding IS NOT NULL",
                    key,
                )
            await connection.execute(
                "UPDATE entries SET embedding = v.embedding::vector"
                " FROM unnest(%(ids)s::bigint[], %(vectors)s::text[]) AS v (id, embedding)"
                " WHERE entries.id = v.id AND tenant = %(tenant)s AND knowledge_base = %(base)s",
                key | {"ids": list(vectors), "vectors": [vector_text(v) for v in vectors.values()]},
            )
