"""Test questions and the company's own words in PostgreSQL."""

from collections.abc import Sequence

from services.knowledge import copy_store
from services.knowledge.base_store import remember
from services.knowledge.catalog import BaseName, Which
from services.knowledge.document_store import edited
from services.knowledge.release import GoldenQuestion
from services.knowledge.sql import (
    FOREVER,
    base_row,
    fetch_all,
    reading,
    revision_of,
    transaction,
)
from services.mesh.database import Pool

_WORDS = """
SELECT word FROM dictionary WHERE tenant = %(tenant)s AND base = %(base)s AND word > %(after)s
AND since <= %(revision)s AND %(revision)s < until ORDER BY word LIMIT %(limit)s"""


class QuestionStore:
    """What publishing asks of each knowledge base."""

    def __init__(self, pool: Pool) -> None:
        """Use a pool of connections to a migrated database."""
        self._pool = pool

    async def replace(
        self,
        base: BaseName,
        questions: Sequence[GoldenQuestion],
        required_share: float,
        request_id: str,
    ) -> None:
        """Replace the test questions, and the share that has to pass; a repeat succeeds again.

        Raises:
            KnowledgeBaseNotFound, RequestIdReused: as the contract says.
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with transaction(self._pool, base.tenant) as connection:
            row = await base_row(connection, base, lock=True)
            key = (base.tenant, row["number"])
            if await remember(connection, base.tenant, request_id, f"questions {base}"):
                return
            await connection.execute(
                "DELETE FROM test_questions WHERE tenant = %s AND base = %s", key
            )
            async with connection.cursor() as cursor:
                await cursor.executemany(
                    "INSERT INTO test_questions VALUES (%s, %s, %s, %s, %s, %s)",
                    [
                        (*key, place, each.text, list(each.documents), each.within)
                        for place, each in enumerate(questions)
                    ],
                )
            await connection.execute(
                "UPDATE knowledge_bases SET required_share = %s WHERE tenant = %s AND number = %s",
                (required_share, *key),
            )

    async def get(
        self, base: BaseName, after: int = -1, limit: int = 500
    ) -> tuple[list[GoldenQuestion], float]:
        """Return test questions from the one after a place, and the share that has to pass.

        Raises:
            KnowledgeBaseNotFound: there is none of this name.
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with reading(self._pool, base.tenant) as connection:
            row = await base_row(connection, base)
            rows = await fetch_all(
                connection,
                "SELECT * FROM test_questions WHERE tenant = %s AND base = %s AND place > %s"
                " ORDER BY place LIMIT %s",
                (base.tenant, row["number"], after, limit),
            )
        questions = [
            GoldenQuestion(each["question"], tuple(each["documents"]), each["within"])
            for each in rows
        ]
        return questions, row["required_share"]


class DictionaryStore:
    """The company's own words in each knowledge base."""

    def __init__(self, pool: Pool) -> None:
        """Use a pool of connections to a migrated database."""
        self._pool = pool

    async def replace(self, base: BaseName, words: Sequence[str], request_id: str) -> None:
        """Replace the draft's words; a repeat succeeds again.

        Raises:
            KnowledgeBaseNotFound, RequestIdReused: as the contract says.
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with transaction(self._pool, base.tenant) as connection:
            row = await base_row(connection, base, lock=True)
            if await remember(connection, base.tenant, request_id, f"dictionary {base}"):
                return
            key = copy_store.key_of(row) | {"words": list(words), "forever": FOREVER}
            for statement in (
                "DELETE FROM dictionary WHERE tenant = %(tenant)s AND base = %(base)s"
                " AND since = %(draft)s AND word <> ALL(%(words)s::text[])",
                "UPDATE dictionary SET until = %(draft)s WHERE tenant = %(tenant)s"
                " AND base = %(base)s AND until = %(forever)s AND word <> ALL(%(words)s::text[])",
                "INSERT INTO dictionary (tenant, base, word, since)"
                " SELECT %(tenant)s, %(base)s, word, %(draft)s"
                " FROM unnest(%(words)s::text[]) AS word"
                " WHERE NOT EXISTS (SELECT FROM dictionary d WHERE d.tenant = %(tenant)s"
                " AND d.base = %(base)s AND d.word = word.word AND d.until = %(forever)s)",
            ):
                await connection.execute(statement.encode(), key)
            await edited(connection, row)

    async def list(self, base: BaseName, which: Which, after: str, limit: int) -> list[str]:
        """Return a revision's words by code points, from the one after `after`.

        Raises:
            KnowledgeBaseNotFound, RevisionNotFound: there is none of this name or number.
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with reading(self._pool, base.tenant) as connection:
            row = await base_row(connection, base)
            revision = await revision_of(connection, row, which)
            if revision is None:
                return []
            key = copy_store.key_of(row) | {"revision": revision, "after": after, "limit": limit}
            return [each["word"] for each in await fetch_all(connection, _WORDS, key)]
