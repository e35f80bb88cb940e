"""What is read of a revision before it is searched: facts, own words, wordings of its FAQs."""

from services.knowledge.catalog import BaseName, Facts, Wanted, Which
from services.knowledge.own_wordings import Wording
from services.knowledge.sql import base_row, fetch_all, halfvec_values, reading, revision_of
from services.mesh.database import Pool

_WORDINGS = """
SELECT d.id AS document, e.faq, e.content, halfvec_send(v.embedding) AS vector
FROM entries e
JOIN documents d ON (d.tenant, d.copy) = (e.tenant, e.copy)
LEFT JOIN vectors v ON (v.tenant, v.base, v.text_hash) = (e.tenant, e.base, e.text_hash)
WHERE e.tenant = %(tenant)s AND e.base = %(base)s AND e.question_hash IS NOT NULL
AND e.since <= %(revision)s AND %(revision)s < e.until
ORDER BY d.id, e.faq, e.id LIMIT %(limit)s"""


class RevisionStore:
    """The revisions of all knowledge bases, as searches see them."""

    def __init__(self, pool: Pool) -> None:
        """Use a pool of connections to a migrated database."""
        self._pool = pool

    async def facts(self, base: BaseName, which: Which = "live") -> tuple[Facts, int | None]:
        """Return what a search has to know, and the number of a revision; None: none is live.

        The words are those of that revision.

        Raises:
            KnowledgeBaseNotFound, RevisionNotFound: there is none of this name or number.
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with reading(self._pool, base.tenant) as connection:
            row = await base_row(connection, base)
            revision = await revision_of(connection, row, which)
            words = await fetch_all(
                connection,
                "SELECT word FROM dictionary WHERE tenant = %(tenant)s AND base = %(base)s"
                " AND since <= %(revision)s AND %(revision)s < until",
                {"tenant": base.tenant, "base": row["number"], "revision": revision},
            )
        own = tuple(each["word"] for each in words)
        edits = row["edits"] if which == "draft" else 0
        facts = Facts(row["number"], row["version"], row["live"], row["dense_index"], own, edits)
        return facts, revision

    async def wordings(self, wanted: Wanted, limit: int) -> list[Wording] | None:
        """Return the wordings of a revision's FAQs with their vectors; None where one has none.

        Args:
            wanted: Which revision.
            limit: Most wordings to return.

        Raises:
            StorageUnavailable: PostgreSQL does not answer.
        """
        values = {
            "tenant": wanted.base.tenant,
            "base": wanted.number,
            "revision": wanted.revision,
            "limit": limit,
        }
        async with reading(self._pool, wanted.base.tenant) as connection:
            rows = await fetch_all(connection, _WORDINGS, values)
        if any(row["vector"] is None for row in rows):
            return None
        return [
            Wording((row["document"], row["faq"]), row["content"], halfvec_values(row["vector"]))
            for row in rows
        ]
