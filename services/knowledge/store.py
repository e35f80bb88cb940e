"""Documents in PostgreSQL: importing, listing, removing.

Content changes in one transaction that first locks the knowledge base's row, so that writers of
one knowledge base take turns and its version and counts always agree with its entries.
"""

from collections.abc import Sequence
from typing import Any

from kefu.errors import (
    DocumentNotFound,
    KnowledgeBaseAlreadyExists,
    KnowledgeBaseNotFound,
    RequestIdReused,
)
from psycopg import AsyncConnection
from psycopg.rows import DictRow
from psycopg.sql import SQL

from services.knowledge.catalog import (
    FIRST_VERSION,
    BaseName,
    Document,
    DocumentName,
    KnowledgeBase,
)
from services.knowledge.document import ParsedDocument, document_id, reading_of
from services.knowledge.indexing import Entry
from services.knowledge.sql import (
    fetch_all,
    fetch_one,
    lock,
    reading,
    transaction,
    tsvector_text,
    version_of,
)
from services.language import Language
from services.mesh.database import Pool

_KEPT_REQUESTS = "1 day"
"""How long a request_id is remembered: longer than any client retries."""

_DOCUMENT_COLUMNS = SQL("""
    d.id, d.path, d.title, d.revision, d.language, d.passage_count, d.faq_count, d.import_time,
    NOT EXISTS (
        SELECT FROM entries e WHERE e.embedding IS NULL AND e.tenant = d.tenant
        AND e.knowledge_base = d.knowledge_base AND e.document = d.id
    ) AS embedded""")

_ADD_ENTRIES = """
WITH added AS (
    INSERT INTO entries (tenant, knowledge_base, document, faq, heading, content, span_start,
        span_end, language, lexemes, question_hash, signature_hash, embedding)
    SELECT %(tenant)s, %(base)s, %(document)s, n.faq, n.heading, n.content, n.span_start,
        n.span_end, n.language, n.lexemes::tsvector, n.question_hash, n.signature_hash, o.embedding
    FROM unnest(%(faq)s::int[], %(heading)s::text[], %(content)s::text[], %(span_start)s::int[],
        %(span_end)s::int[], %(language)s::text[], %(lexemes)s::text[],
        %(question_hash)s::bytea[], %(signature_hash)s::bytea[])
        AS n (faq, heading, content, span_start, span_end, language, lexemes, question_hash,
            signature_hash)
    -- What a new version of a document says like the old one keeps its vector.
    LEFT JOIN (
        SELECT DISTINCT ON (heading, content) heading, content, embedding FROM entries
        WHERE tenant = %(tenant)s AND knowledge_base = %(base)s AND document = %(document)s
        AND embedding IS NOT NULL
    ) o USING (heading, content)
    RETURNING id, lexemes
), counted AS (
    INSERT INTO terms (tenant, knowledge_base, term, entry_count)
    SELECT %(tenant)s, %(base)s, word.lexeme, count(*)
    FROM added, unnest(added.lexemes) AS word GROUP BY word.lexeme
    ON CONFLICT (tenant, knowledge_base, term)
    DO UPDATE SET entry_count = terms.entry_count + EXCLUDED.entry_count
)
SELECT min(id) AS first FROM added"""

_REMOVE_ENTRIES = """
WITH removed AS (
    DELETE FROM entries WHERE tenant = %(tenant)s AND knowledge_base = %(base)s
    AND document = %(document)s AND id < %(before)s RETURNING lexemes
), counted AS (
    SELECT word.lexeme, count(*) AS entry_count
    FROM removed, unnest(removed.lexemes) AS word GROUP BY word.lexeme
), forgotten AS (
    DELETE FROM terms t USING counted c WHERE t.tenant = %(tenant)s
    AND t.knowledge_base = %(base)s AND t.term = c.lexeme AND t.entry_count <= c.entry_count
), lessened AS (
    UPDATE terms t SET entry_count = t.entry_count - c.entry_count FROM counted c
    WHERE t.tenant = %(tenant)s AND t.knowledge_base = %(base)s AND t.term = c.lexeme
    AND t.entry_count > c.entry_count
)
SELECT count(*) AS removed FROM removed"""


_READ_DOCUMENT = SQL("""
SELECT {columns}, d.reading, d.content FROM documents d
WHERE d.tenant = %(tenant)s AND d.knowledge_base = %(base)s AND d.id = %(document)s""").format(
    columns=_DOCUMENT_COLUMNS
)

_LIST_DOCUMENTS = SQL("""
SELECT {columns} FROM documents d WHERE d.tenant = %s AND d.knowledge_base = %s AND d.path > %s
ORDER BY d.path LIMIT %s""").format(columns=_DOCUMENT_COLUMNS)

_WRITE_DOCUMENT = """
INSERT INTO documents (tenant, knowledge_base, id, path, title, content, language, revision,
    reading, passage_count, faq_count)
VALUES (%(tenant)s, %(base)s, %(document)s, %(path)s, %(title)s, %(content)s, %(language)s,
    %(revision)s, %(reading)s, %(passages)s, %(faqs)s)
ON CONFLICT (tenant, knowledge_base, id) DO UPDATE SET path = EXCLUDED.path,
    title = EXCLUDED.title, content = EXCLUDED.content, language = EXCLUDED.language,
    revision = EXCLUDED.revision, reading = EXCLUDED.reading,
    passage_count = EXCLUDED.passage_count, faq_count = EXCLUDED.faq_count, import_time = now()"""

_ALL_ENTRIES = 2**63 - 1


class DocumentStore:
    """Knowledge bases with their documents."""

    def __init__(self, pool: Pool) -> None:
        """Use a pool of connections to a migrated database."""
        self._pool = pool

    async def create(self, name: BaseName, display_name: str, request_id: str) -> KnowledgeBase:
        """Create an empty knowledge base; a repeat returns the first result.

        Raises:
            KnowledgeBaseAlreadyExists: another request made one with this id.
            RequestIdReused: the request_id was used for something else.
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with transaction(self._pool) as connection:
            repeated = await _remember(
                connection, name.tenant, request_id, f"create {name} {display_name!r}"
            )
            cursor = await connection.execute(
                "INSERT INTO knowledge_bases (tenant, id, display_name) VALUES (%s, %s, %s)"
                " ON CONFLICT DO NOTHING",
                (name.tenant, name.base, display_name),
            )
            if cursor.rowcount == 0 and not repeated:
                raise KnowledgeBaseAlreadyExists(knowledge_base=str(name))
            row = await fetch_one(
                connection,
                "SELECT display_name, create_time FROM knowledge_bases"
                " WHERE tenant = %s AND id = %s",
                (name.tenant, name.base),
            )
        assert row is not None
        return KnowledgeBase(name, row["display_name"], FIRST_VERSION, row["create_time"])

    async def require(self, base: BaseName) -> None:
        """Make sure that a knowledge base exists.

        Raises:
            KnowledgeBaseNotFound: there is none of this name.
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with reading(self._pool) as connection:
            await version_of(connection, base)

    async def put(
        self, base: BaseName, parsed: ParsedDocument, entries: Sequence[Entry]
    ) -> tuple[Document, int]:
        """Store a document in place of the one with its path, if any.

        Args:
            base: Where it belongs.
            parsed: The document.
            entries: What it is found under; at least one.

        Returns:
            The stored document, and the knowledge base's new version.

        Raises:
            KnowledgeBaseNotFound: there is none of this name.
            StorageUnavailable: PostgreSQL does not answer.
        """
        name = DocumentName(base, document_id(parsed.path))
        key = _key(name)
        async with transaction(self._pool) as connection:
            await lock(connection, base)
            await _write_document(connection, key, parsed)
            first = await fetch_one(connection, _ADD_ENTRIES, key | _columns(entries))
            assert first is not None
            removed = await _removed(connection, key, first["first"])
            version = await _grow(connection, base, len(entries) - removed)
            row = await fetch_one(connection, _READ_DOCUMENT, key)
        assert row is not None
        return _document(base, row), version

    async def unchanged(self, base: BaseName, path: str, revision: str) -> Document | None:
        """Return the document of this path if it has just this content and way of reading.

        Raises:
            StorageUnavailable: PostgreSQL does not answer.
        """
        key = _key(DocumentName(base, document_id(path)))
        async with reading(self._pool) as connection:
            row = await fetch_one(connection, _READ_DOCUMENT, key)
        if row is None or row["reading"] != reading_of(revision):
            return None
        return _document(base, row)

    async def get(self, name: DocumentName) -> tuple[Document, str]:
        """Return a document and its text.

        Raises:
            DocumentNotFound: there is none of this name.
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with reading(self._pool) as connection:
            row = await fetch_one(connection, _READ_DOCUMENT, _key(name))
        if row is None:
            raise DocumentNotFound(document=str(name))
        return _document(name.base, row), row["content"]

    async def list(self, base: BaseName, after_path: str, limit: int) -> list[Document]:
        """Return documents by path, from the one after `after_path`.

        Raises:
            KnowledgeBaseNotFound: there is no knowledge base of this name.
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with reading(self._pool) as connection:
            await version_of(connection, base)
            rows = await fetch_all(
                connection,
                _LIST_DOCUMENTS,
                (base.tenant, base.base, after_path, limit),
            )
        return [_document(base, row) for row in rows]

    async def delete(self, name: DocumentName, request_id: str) -> int:
        """Remove a document with everything made of it; a repeat succeeds again.

        Returns:
            The knowledge base's version afterwards.

        Raises:
            DocumentNotFound: there is none of this name, and this request removed none.
            RequestIdReused: the request_id was used for something else.
            StorageUnavailable: PostgreSQL does not answer.
        """
        key = _key(name)
        async with transaction(self._pool) as connection:
            try:
                version = await lock(connection, name.base)
            except KnowledgeBaseNotFound:
                raise DocumentNotFound(document=str(name)) from None
            if await _remember(connection, name.base.tenant, request_id, f"delete {name}"):
                return version
            removed = await _removed(connection, key, _ALL_ENTRIES)
            cursor = await connection.execute(
                "DELETE FROM documents WHERE tenant = %(tenant)s"
                " AND knowledge_base = %(base)s AND id = %(document)s",
                key,
            )
            if cursor.rowcount == 0:
                raise DocumentNotFound(document=str(name))
            return await _grow(connection, name.base, -removed)


def _key(name: DocumentName) -> dict[str, Any]:
    return {"tenant": name.base.tenant, "base": name.base.base, "document": name.document}


def _columns(entries: Sequence[Entry]) -> dict[str, list[Any]]:
    return {
        "faq": [entry.faq for entry in entries],
        "heading": [entry.heading for entry in entries],
        "content": [entry.text for entry in entries],
        "span_start": [entry.span.start for entry in entries],
        "span_end": [entry.span.end for entry in entries],
        "language": [entry.language.value for entry in entries],
        "lexemes": [tsvector_text(sorted(entry.terms)) for entry in entries],
        "question_hash": [entry.question_hash for entry in entries],
        "signature_hash": [entry.signature_hash for entry in entries],
    }


def _document(base: BaseName, row: DictRow) -> Document:
    return Document(
        DocumentName(base, row["id"]),
        row["path"],
        row["title"],
        row["revision"],
        Language(row["language"]),
        row["passage_count"],
        row["faq_count"],
        row["embedded"],
        row["import_time"],
    )


async def _grow(connection: AsyncConnection, base: BaseName, entries: int) -> int:
    """Count the version up and the entries by `entries`; return the new version."""
    row = await fetch_one(
        connection,
        "UPDATE knowledge_bases SET version = version + 1, entry_count = entry_count + %s"
        " WHERE tenant = %s AND id = %s RETURNING version",
        (entries, base.tenant, base.base),
    )
    assert row is not None
    return int(row["version"])


async def _removed(connection: AsyncConnection, key: dict[str, Any], before: int) -> int:
    """Remove a document's entries with an id below `before`; return how many there were."""
    row = await fetch_one(connection, _REMOVE_ENTRIES, key | {"before": before})
    assert row is not None
    return int(row["removed"])


async def _write_document(
    connection: AsyncConnection, key: dict[str, Any], parsed: ParsedDocument
) -> None:
    """Write the document's row and its FAQs over those of the version before."""
    await connection.execute(
        _WRITE_DOCUMENT,
        key
        | {
            "path": parsed.path,
            "title": parsed.title,
            "content": parsed.text,
            "language": parsed.language.value,
            "revision": parsed.revision,
            "reading": reading_of(parsed.revision),
            "passages": len(parsed.passages),
            "faqs": len(parsed.faqs),
        },
    )
    await connection.execute(
        "DELETE FROM faqs WHERE tenant = %(tenant)s AND knowledge_base = %(base)s"
        " AND document = %(document)s",
        key,
    )
    async with connection.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO faqs (tenant, knowledge_base, document, place, faq_id, language,"
            " question, answer, tags) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    *key.values(),
                    place,
                    faq.faq_id,
                    faq.language.value,
                    faq.question,
                    faq.answer,
                    list(faq.tags),
                )
                for place, faq in enumerate(parsed.faqs)
            ],
        )


async def _remember(
    connection: AsyncConnection, tenant: str, request_id: str, subject: str
) -> bool:
    """Note what a request_id is used for; return True where it was used for the same before."""
    await connection.execute(
        "DELETE FROM requests WHERE create_time < now() - %s::interval", (_KEPT_REQUESTS,)
    )
    cursor = await connection.execute(
        "INSERT INTO requests (tenant, request_id, subject) VALUES (%s, %s, %s)"
        " ON CONFLICT DO NOTHING",
        (tenant, request_id, subject),
    )
    if cursor.rowcount:
        return False
    row = await fetch_one(
        connection,
        "SELECT subject FROM requests WHERE tenant = %s AND request_id = %s",
        (tenant, request_id),
    )
    if row is None or row["subject"] != subject:
        raise RequestIdReused(request_id=request_id)
    return True
