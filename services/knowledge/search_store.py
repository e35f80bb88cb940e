"""Retrieval in PostgreSQL: everything that a search needs, in one statement and one round trip."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from weakref import WeakSet

from kefu.errors import KnowledgeBaseNotFound
from psycopg import AsyncConnection, AsyncRawCursor
from psycopg.rows import DictRow

from services.knowledge.catalog import FaqHit, HitReason, Wanted
from services.knowledge.faq_files import rendered
from services.knowledge.indexing import QuestionHashes
from services.knowledge.lexical import Term
from services.knowledge.ranking import TERM_FACTORS, Candidate, Frequencies, Question
from services.knowledge.search_sql import (
    COUNTS,
    FIND_FAQ,
    OF_THE_SEARCH,
    SESSION,
    search_statement,
)
from services.knowledge.sql import fetch_all, lexeme_text, reading, vector_text
from services.language import Language, Span
from services.mesh.database import Pool

_SEARCHES_AT_ONCE = 3
"""Searches of this process that the database works at. It takes two to three times as long for one
as this process does, so more would not be done sooner, but the slowest later; the others wait in
their order. Imports and releases have the pool's other connections."""


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
        self._places = asyncio.Semaphore(_SEARCHES_AT_ONCE)

    async def find_faq(
        self, wanted: Wanted, hashes: QuestionHashes, language: Language
    ) -> tuple[int, FaqHit | None]:
        """Return the knowledge base's version, and the FAQ with the same question, if any.

        Raises:
            KnowledgeBaseNotFound: it is gone meanwhile.
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with reading(self._pool, wanted.base.tenant) as connection:
            rows = await fetch_all(connection, FIND_FAQ.encode(), _key(wanted, hashes, language))
        if not rows:
            raise KnowledgeBaseNotFound(knowledge_base=str(wanted.base))
        return rows[0]["version"], _hit(rows[0]) if rows[0]["faq_id"] is not None else None

    async def search(
        self,
        wanted: Wanted,
        question: Question,
        hashes: QuestionHashes,
        vector: Sequence[float] | None,
    ) -> Found:
        """Return what may answer a question, by words and by meaning.

        Args:
            wanted: Where to search.
            question: What is asked.
            hashes: Its hashes, for the FAQs.
            vector: Its vector, 384 values; None searches by words alone.

        Raises:
            KnowledgeBaseNotFound: it is gone meanwhile.
            StorageUnavailable: PostgreSQL does not answer.
        """
        values = _key(wanted, hashes, question.language) | _terms(wanted.number, question.terms)
        values["vector"] = None if vector is None else vector_text(vector)
        statement, names = search_statement(wanted.number if wanted.dense_index else None)
        async with (
            self._places,
            self._connection(wanted.base.tenant) as connection,
            # The statement is too long for psycopg to remember how it is to be read.
            AsyncRawCursor(connection) as cursor,
        ):
            await cursor.execute(statement, [values[name] for name in names])
            rows = await cursor.fetchall()
        if not rows:
            raise KnowledgeBaseNotFound(knowledge_base=str(wanted.base))
        whole = next(row for row in rows if row[COUNTS] is not None)
        version, entry_count, embedding_model, counts, hit = whole[:OF_THE_SEARCH]
        return Found(
            version,
            embedding_model,
            _hit(hit) if hit else None,
            Frequencies([int(count) for count in counts], int(entry_count)),
            [_candidate(row) for row in rows if row[OF_THE_SEARCH] is not None],
        )

    @asynccontextmanager
    async def _connection(self, tenant: str) -> AsyncIterator[AsyncConnection]:
        async with reading(self._pool, tenant) as connection:
            if connection not in self._prepared:
                await connection.execute(SESSION)
                self._prepared.add(connection)
            yield connection


def _key(wanted: Wanted, hashes: QuestionHashes, language: Language) -> dict[str, Any]:
    return {
        "tenant": wanted.base.tenant,
        "base": wanted.number,
        "revision": wanted.revision,
        "time": wanted.time,
        "filters": json.dumps(wanted.labels) if wanted.labels else None,
        "question_hash": hashes.exact,
        "signature_hash": hashes.equivalent,
        "language": language.value,
    }


def _terms(base: int, terms: Sequence[Term]) -> dict[str, Any]:
    parts = [(part, place) for place, term in enumerate(terms, 1) for part in term.indexed]
    return {
        "queries": [" & ".join(lexeme_text(base, part) for part in term.indexed) for term in terms],
        "factors": [TERM_FACTORS[term.kind] for term in terms],
        "parts": [part for part, _ in parts],
        "places": [place for _, place in parts],
    }


def _hit(row: DictRow) -> FaqHit:
    until = row["valid_until"]
    return FaqHit(
        row["document"],
        row["revision"],
        row["faq_id"],
        row["question"],
        row["answer"],
        HitReason.EXACT if row["exact"] else HitReason.EQUIVALENT,
        valid_until=datetime.fromisoformat(until) if isinstance(until, str) else until,
    )


def _candidate(row: tuple[Any, ...]) -> Candidate:
    (
        document, revision, title, heading, faq, question, answer,
        content, is_question, start, end, language, matched, cosine,
    ) = row[OF_THE_SEARCH:]  # fmt: skip
    return Candidate(
        document,
        revision,
        heading if faq is None else title,
        content if faq is None else rendered(question, answer),
        Span(start, end),
        Language(language),
        faq,
        content if is_question else None,
        # In order, so that the same shares are added up the same way.
        tuple(sorted(matched)),
        cosine,
    )
