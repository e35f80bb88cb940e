"""Retrieval in PostgreSQL: everything that a search needs, in one statement and one round trip."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from weakref import WeakSet

from kefu.errors import KnowledgeBaseNotFound
from psycopg import AsyncConnection
from psycopg.rows import DictRow
from psycopg.sql import SQL, Literal

from services.knowledge.catalog import BaseName, FaqHit, HitReason
from services.knowledge.faq_files import rendered
from services.knowledge.indexing import QuestionHashes
from services.knowledge.ranking import TERM_FACTORS, Candidate, Frequencies, Question
from services.knowledge.sql import fetch_all, reading, tsvector_text, vector_text
from services.language import Language, Span
from services.mesh.database import Pool

CANDIDATES = 60
"""Entries taken by words, and as many by meaning, before they are ranked: an FAQ brings about five
wordings, so this is a dozen FAQs or sixty passages from each side."""

SEARCHED_TERMS = 16
"""Of a question's terms only the rarest lead to candidates; what is in half of all entries finds
nothing and costs the most. All terms count in the ranking."""

# With the default an index scan ends after 40 neighbours of all tenants together, and a small
# tenant's may not be among them; so it goes on until enough of this tenant's were found.
_SESSION = SQL(
    "SET hnsw.iterative_scan = 'relaxed_order'; SET hnsw.ef_search = {candidates}"
).format(candidates=Literal(CANDIDATES))

_FAQ_HITS = SQL("""
    SELECT e.document, d.revision, f.faq_id, f.question, f.answer, f.language,
        e.question_hash IS NOT DISTINCT FROM %(question_hash)s AS exact
    FROM (
        SELECT * FROM entries WHERE tenant = %(tenant)s AND knowledge_base = %(base)s
        AND question_hash = %(question_hash)s
        UNION ALL
        SELECT * FROM entries WHERE tenant = %(tenant)s AND knowledge_base = %(base)s
        AND signature_hash = %(signature_hash)s
    ) e
    JOIN documents d ON (d.tenant, d.knowledge_base, d.id)
        = (e.tenant, e.knowledge_base, e.document)
    JOIN faqs f ON (f.tenant, f.knowledge_base, f.document, f.place)
        = (e.tenant, e.knowledge_base, e.document, e.faq)
    ORDER BY exact DESC, f.language = %(language)s DESC, e.id LIMIT 1""")

_FIND_FAQ = SQL("""
WITH hit AS ({hit})
SELECT b.version, hit.* FROM knowledge_bases b LEFT JOIN hit ON true
WHERE b.tenant = %(tenant)s AND b.id = %(base)s""").format(hit=_FAQ_HITS)

_SEARCH = SQL("""
WITH base AS (
    SELECT version, entry_count, embedding_model FROM knowledge_bases
    WHERE tenant = %(tenant)s AND id = %(base)s
), wanted AS (
    SELECT w.place, w.query::tsquery AS query, coalesce(t.entry_count, 0) AS entry_count,
        w.factor * ln(1 + (b.entry_count - least(t.entry_count, b.entry_count) + 0.5)
            / (least(t.entry_count, b.entry_count) + 0.5)) AS weight
    FROM base b
    CROSS JOIN unnest(%(terms)s::text[], %(queries)s::text[], %(factors)s::float8[])
        WITH ORDINALITY AS w (term, query, factor, place)
    LEFT JOIN LATERAL (
        SELECT entry_count FROM terms WHERE tenant = %(tenant)s AND knowledge_base = %(base)s
        AND term = w.term LIMIT 1
    ) t ON true
), any_of AS (
    SELECT string_agg(rare.query::text, ' | ')::tsquery AS query FROM (
        SELECT query FROM wanted WHERE entry_count > 0 ORDER BY weight DESC
        LIMIT {searched_terms}
    ) rare
), lexical AS (
    SELECT e.id FROM entries e
    CROSS JOIN LATERAL (
        SELECT sum(w.weight) AS weight FROM wanted w WHERE e.lexemes @@ w.query
    ) found
    WHERE e.tenant = %(tenant)s AND e.knowledge_base = %(base)s
    AND e.lexemes @@ (SELECT query FROM any_of)
    ORDER BY found.weight DESC, e.id LIMIT {candidates}
), dense AS (
    SELECT e.id FROM entries e
    WHERE %(vector)s::vector IS NOT NULL AND e.embedding IS NOT NULL
    AND e.tenant = %(tenant)s AND e.knowledge_base = %(base)s
    ORDER BY e.embedding <=> %(vector)s::vector LIMIT {candidates}
), hit AS ({hit})
SELECT b.version, b.entry_count, b.embedding_model,
    ARRAY(SELECT entry_count FROM wanted ORDER BY place) AS counts,
    (SELECT to_jsonb(hit) FROM hit) AS hit,
    e.document, d.revision, d.title, e.heading, e.faq, f.question, f.answer,
    e.content, e.question_hash IS NOT NULL AS is_question, e.span_start, e.span_end, e.language,
    ARRAY(SELECT place - 1 FROM wanted w WHERE e.lexemes @@ w.query ORDER BY place) AS matched,
    1 - (e.embedding <=> %(vector)s::vector) AS cosine
FROM base b
LEFT JOIN (SELECT id FROM lexical UNION SELECT id FROM dense) found ON true
LEFT JOIN entries e ON e.id = found.id
LEFT JOIN documents d ON (d.tenant, d.knowledge_base, d.id)
    = (e.tenant, e.knowledge_base, e.document)
LEFT JOIN faqs f ON (f.tenant, f.knowledge_base, f.document, f.place)
    = (e.tenant, e.knowledge_base, e.document, e.faq)""").format(
    hit=_FAQ_HITS, candidates=Literal(CANDIDATES), searched_terms=Literal(SEARCHED_TERMS)
)


@dataclass(frozen=True, slots=True)
class Found:
    """What the database holds for a question.

    Attributes:
        version: The knowledge base's version that was read.
        embedding_model: Model of its vectors; None while it has none.
        hit: The FAQ with the same question, if any.
        frequencies: How rare the question's terms are.
        candidates: Entries that may answer, in no order.
    """

    version: int
    embedding_model: str | None
    hit: FaqHit | None
    frequencies: Frequencies
    candidates: list[Candidate]


class SearchStore:
    """Reads what a search needs."""

    def __init__(self, pool: Pool) -> None:
        """Use a pool of connections to a migrated database."""
        self._pool = pool
        self._prepared: WeakSet[AsyncConnection] = WeakSet()

    async def find_faq(
        self, base: BaseName, hashes: QuestionHashes, language: Language
    ) -> tuple[int, FaqHit | None]:
        """Return the knowledge base's version, and the FAQ with the same question, if any.

        Raises:
            KnowledgeBaseNotFound: there is none of this name.
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with reading(self._pool) as connection:
            rows = await fetch_all(connection, _FIND_FAQ, _key(base, hashes, language))
        if not rows:
            raise KnowledgeBaseNotFound(knowledge_base=str(base))
        return rows[0]["version"], _hit(rows[0]) if rows[0]["faq_id"] is not None else None

    async def search(
        self,
        base: BaseName,
        question: Question,
        hashes: QuestionHashes,
        vector: Sequence[float] | None,
    ) -> Found:
        """Return what may answer a question, by words and by meaning.

        Args:
            base: Where to search.
            question: What is asked.
            hashes: Its hashes, for the FAQs.
            vector: Its vector, 384 values; None searches by words alone.

        Raises:
            KnowledgeBaseNotFound: there is none of this name.
            StorageUnavailable: PostgreSQL does not answer.
        """
        values = _key(base, hashes, question.language) | {
            "terms": [term.text for term in question.terms],
            "queries": [tsvector_text((term.text,)) for term in question.terms],
            "factors": [TERM_FACTORS[term.kind] for term in question.terms],
            "vector": None if vector is None else vector_text(vector),
        }
        async with self._connection() as connection:
            rows = await fetch_all(connection, _SEARCH, values)
        if not rows:
            raise KnowledgeBaseNotFound(knowledge_base=str(base))
        first = rows[0]
        return Found(
            first["version"],
            first["embedding_model"],
            _hit(first["hit"]) if first["hit"] else None,
            Frequencies(first["counts"], first["entry_count"]),
            [_candidate(row) for row in rows if row["document"] is not None],
        )

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection]:
        async with reading(self._pool) as connection:
            if connection not in self._prepared:
                await connection.execute(_SESSION)
                self._prepared.add(connection)
            yield connection


def _key(base: BaseName, hashes: QuestionHashes, language: Language) -> dict[str, Any]:
    return {
        "tenant": base.tenant,
        "base": base.base,
        "question_hash": hashes.exact,
        "signature_hash": hashes.equivalent,
        "language": language.value,
    }


def _hit(row: DictRow) -> FaqHit:
    return FaqHit(
        row["document"],
        row["revision"],
        row["faq_id"],
        row["question"],
        row["answer"],
        HitReason.EXACT if row["exact"] else HitReason.EQUIVALENT,
    )


def _candidate(row: DictRow) -> Candidate:
    faq = row["faq"] is not None
    return Candidate(
        row["document"],
        row["revision"],
        row["title"] if faq else row["heading"],
        rendered(row["question"], row["answer"]) if faq else row["content"],
        Span(row["span_start"], row["span_end"]),
        Language(row["language"]),
        row["faq"],
        row["content"] if row["is_question"] else None,
        tuple(row["matched"]),
        row["cosine"],
    )
