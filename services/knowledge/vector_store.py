"""Vectors in PostgreSQL: which texts wait for one, and putting them in place.

A vector belongs to a text of a knowledge base, not to the passages that say it: a new version of a
document, and each further revision, finds those of what it did not change.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from services.knowledge.indexing import embedded_text
from services.knowledge.sql import fetch_all, fetch_one, reading, transaction, vector_text
from services.mesh.database import Pool

_NOBODY = ""

_UNEMBEDDED = """
SELECT v.text_hash, e.heading, e.content, e.question_hash IS NOT NULL AS is_question
FROM vectors v CROSS JOIN LATERAL (
    SELECT heading, content, question_hash FROM entries
    WHERE (tenant, base, text_hash) = (v.tenant, v.base, v.text_hash) LIMIT 1
) e
WHERE v.tenant = %(tenant)s AND v.base = %(base)s AND v.embedding IS NULL
ORDER BY v.place LIMIT %(limit)s"""


@dataclass(frozen=True, slots=True)
class Unembedded:
    """A text that waits for its vector."""

    key: bytes
    """Of its vector."""
    text: str
    """What the vector is made of."""
    is_question: bool
    """Whether it is a question, and so embedded as one: it is compared with questions."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """The oldest texts without a vector, all of one knowledge base."""

    tenant: str
    base: int
    """Number of the knowledge base."""
    texts: list[Unembedded]


class VectorStore:
    """The vectors of all texts."""

    def __init__(self, pool: Pool) -> None:
        """Use a pool of connections to a migrated database."""
        self._pool = pool

    async def unembedded(self, limit: int, resting: Sequence[str] = ()) -> Backlog | None:
        """Return the oldest texts without a vector; None: none waits.

        Args:
            limit: Most texts.
            resting: Tenants whose texts are left for later.

        Raises:
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with reading(self._pool, _NOBODY) as connection:
            oldest = await fetch_one(
                connection, "SELECT * FROM longest_waiting(%s::text[])", (list(resting),)
            )
        if oldest is None:
            return None
        async with reading(self._pool, oldest["tenant"]) as connection:
            rows = await fetch_all(connection, _UNEMBEDDED, oldest | {"limit": limit})
        return Backlog(
            oldest["tenant"],
            oldest["base"],
            [
                Unembedded(
                    row["text_hash"],
                    embedded_text(row["heading"], row["content"]),
                    row["is_question"],
                )
                for row in rows
            ],
        )

    async def embed(
        self, tenant: str, base: int, model: str, vectors: dict[bytes, Sequence[float]]
    ) -> None:
        """Store vectors by key; those of texts that are gone meanwhile are left out.

        Vectors of another model than this one are dropped, so that all are made anew: they cannot
        be compared.

        Args:
            tenant: Whose.
            base: Number of the knowledge base.
            model: What made the vectors.
            vectors: float, 384 values each, L2-normalised.

        Raises:
            StorageUnavailable: PostgreSQL does not answer.
        """
        key = {"tenant": tenant, "base": base, "model": model}
        async with transaction(self._pool, tenant) as connection:
            adopted = await connection.execute(
                "UPDATE knowledge_bases SET embedding_model = %(model)s WHERE tenant = %(tenant)s"
                " AND number = %(base)s AND embedding_model IS DISTINCT FROM %(model)s",
                key,
            )
            if adopted.rowcount:
                await connection.execute(
                    "UPDATE vectors SET embedding = NULL WHERE tenant = %(tenant)s"
                    " AND base = %(base)s AND embedding IS NOT NULL",
                    key,
                )
            await connection.execute(
                "UPDATE vectors v SET embedding = n.embedding::halfvec"
                " FROM unnest(%(keys)s::bytea[], %(vectors)s::text[]) AS n (text_hash, embedding)"
                " WHERE v.tenant = %(tenant)s AND v.base = %(base)s AND v.text_hash = n.text_hash",
                key
                | {"keys": list(vectors), "vectors": [vector_text(v) for v in vectors.values()]},
            )
