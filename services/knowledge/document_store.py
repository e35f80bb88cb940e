"""Documents in PostgreSQL: importing into the draft, listing, reading, removing.

The draft is edited in transactions that first lock the knowledge base's row, so that writers of one
knowledge base take turns. What a revision says is never overwritten: a document's earlier content
ends where the draft begins.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from kefu.errors import DocumentNotFound, KnowledgeBaseNotFound
from psycopg import AsyncConnection
from psycopg.rows import DictRow
from psycopg.sql import SQL
from psycopg.types.json import Jsonb

from services.knowledge import copy_store as copies
from services.knowledge.base_store import remember
from services.knowledge.catalog import (
    BaseName,
    Document,
    DocumentName,
    IndexedPassage,
    Which,
)
from services.knowledge.document import ParsedDocument, Scope, document_id, reading_of
from services.knowledge.indexing import Entry
from services.knowledge.sql import (
    base_row,
    fetch_all,
    fetch_one,
    reading,
    revision_of,
    transaction,
)
from services.language import Language, Span
from services.mesh.database import Pool

_EMBEDDED = SQL("""
    NOT EXISTS (
        SELECT FROM entries e JOIN vectors v
            ON (v.tenant, v.base, v.text_hash) = (e.tenant, e.base, e.text_hash)
        WHERE e.tenant = d.tenant AND e.copy = d.copy AND v.embedding IS NULL
    ) AS embedded""")

_DOCUMENT_COLUMNS = SQL("""
    d.copy, d.id, d.path, d.title, d.revision, d.language, d.passage_count, d.faq_count,
    d.metadata, d.valid_from, d.valid_until, d.import_time, {}""").format(_EMBEDDED)

_READ_EMBEDDED = SQL("""
SELECT {} FROM documents d WHERE d.tenant = %(tenant)s AND d.copy = %(copy)s""").format(_EMBEDDED)

_READ_DOCUMENT = SQL("""
SELECT {columns}, d.reading, d.content FROM documents d
WHERE d.tenant = %(tenant)s AND d.base = %(base)s AND d.id = %(document)s
AND d.since <= %(revision)s AND %(revision)s < d.until""").format(columns=_DOCUMENT_COLUMNS)

_LIST_DOCUMENTS = SQL("""
SELECT {columns} FROM documents d WHERE d.tenant = %(tenant)s AND d.base = %(base)s
AND d.path > %(after)s AND d.since <= %(revision)s AND %(revision)s < d.until
ORDER BY d.path LIMIT %(limit)s""").format(columns=_DOCUMENT_COLUMNS)

_LIST_PASSAGES = """
SELECT e.id, e.heading, e.content, e.span_start, e.span_end, e.language,
    coalesce(f.faq_id, '') AS faq_id, v.embedding IS NOT NULL AS embedded
FROM entries e
LEFT JOIN faqs f ON (f.tenant, f.copy, f.place) = (e.tenant, e.copy, e.faq)
LEFT JOIN vectors v ON (v.tenant, v.base, v.text_hash) = (e.tenant, e.base, e.text_hash)
WHERE e.tenant = %(tenant)s AND e.copy = %(copy)s AND e.id > %(after)s
AND (e.faq IS NULL OR e.question_hash IS NOT NULL)
ORDER BY e.id LIMIT %(limit)s"""


class DocumentStore:
    """The documents of all knowledge bases."""

    def __init__(self, pool: Pool) -> None:
        """Use a pool of connections to a migrated database."""
        self._pool = pool

    async def put(
        self,
        base: BaseName,
        parsed: ParsedDocument,
        scope: Scope,
        entries: Sequence[Entry],
        *,
        awaited: bool = True,
    ) -> Document:
        """Store a document in the draft, in place of the one with its path, if any.

        Args:
            base: Where it belongs.
            parsed: The document.
            scope: What its owner says of it.
            entries: What it is found under; at least one.
            awaited: Whether to wait until it is on the disk. Otherwise a crash of the database may
                lose the last second of such writes, the newest first, and nothing before them.

        Raises:
            KnowledgeBaseNotFound: there is none of this name.
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with transaction(self._pool, base.tenant) as connection:
            if not awaited:
                await connection.execute(copies.NOT_AWAITED)
            row = await base_row(connection, base, lock=True)
            key = copies.key_of(row, document_id(parsed.path))
            before = await copies.end(connection, key)
            key["copy"], import_time = await _write_document(connection, key, parsed, scope)
            await copies.write_faqs(connection, key, parsed.faqs)
            waiting = await copies.write_entries(connection, key, entries)
            await copies.forget_vectors(connection, key, before)
            await edited(connection, row)
            embedded = not waiting and await _is_embedded(connection, key)
        return Document(
            DocumentName(base, key["document"]),
            parsed.path,
            parsed.title,
            parsed.revision,
            parsed.language,
            len(parsed.passages),
            len(parsed.faqs),
            embedded,
            import_time,
            scope,
        )

    async def unchanged(
        self, base: BaseName, path: str, revision: str, scope: Scope
    ) -> Document | None:
        """Return the draft's document of this path if it has just this content and scope.

        Raises:
            KnowledgeBaseNotFound: there is none of this name.
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with reading(self._pool, base.tenant) as connection:
            key = copies.key_of(await base_row(connection, base), document_id(path))
            row = await fetch_one(connection, _READ_DOCUMENT, key)
        if row is None or row["reading"] != reading_of(revision, scope):
            return None
        return _document(base, row)

    async def get(self, name: DocumentName, which: Which = "draft") -> tuple[Document, str]:
        """Return a document and its text, as a revision has it.

        Raises:
            DocumentNotFound: there is none of this name in it.
            RevisionNotFound: there is no such revision.
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with reading(self._pool, name.base.tenant) as connection:
            row = await _read(connection, name, which)
        return _document(name.base, row), row["content"]

    async def page(
        self, base: BaseName, which: Which, after_path: str, limit: int
    ) -> list[Document]:
        """Return a revision's documents by path, from the one after `after_path`.

        Raises:
            KnowledgeBaseNotFound, RevisionNotFound: there is none of this name or number.
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with reading(self._pool, base.tenant) as connection:
            row = await base_row(connection, base)
            revision = await revision_of(connection, row, which)
            if revision is None:
                return []
            key = copies.key_of(row) | {"revision": revision, "after": after_path, "limit": limit}
            rows = await fetch_all(connection, _LIST_DOCUMENTS, key)
        return [_document(base, row) for row in rows]

    async def passages(
        self, name: DocumentName, which: Which, after: int, limit: int
    ) -> list[tuple[int, IndexedPassage]]:
        """Return what a document was cut into, each with its place for `after`.

        Raises:
            DocumentNotFound, RevisionNotFound: there is none of this name or number.
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with reading(self._pool, name.base.tenant) as connection:
            document = await _read(connection, name, which)
            key = {"tenant": name.base.tenant, "copy": document["copy"]}
            rows = await fetch_all(
                connection, _LIST_PASSAGES, key | {"after": after, "limit": limit}
            )
        return [(row["id"], _passage(row)) for row in rows]

    async def take_out(self, name: DocumentName, request_id: str) -> None:
        """Remove a document from the draft; revisions keep it. A repeat succeeds again.

        Raises:
            DocumentNotFound: the draft has none of this name, and this request removed none.
            RequestIdReused: the request_id was used for something else.
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with transaction(self._pool, name.base.tenant) as connection:
            row = await _locked(connection, name)
            if await remember(connection, row["tenant"], request_id, f"take out {name}"):
                return
            key = copies.key_of(row, name.document)
            before = await copies.end(connection, key)
            if before is None:
                raise DocumentNotFound(document=str(name))
            await copies.forget_vectors(connection, key, before)
            await edited(connection, row)

    async def erase(self, name: DocumentName, request_id: str) -> tuple[int, list[int]]:
        """Remove a document from every revision, with everything made of it, for good.

        Returns:
            The knowledge base's version afterwards, and the revisions that had the document; of a
            repeat none, since they have it no more.

        Raises:
            DocumentNotFound: no revision has one of this name, and this request removed none.
            RequestIdReused: the request_id was used for something else.
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with transaction(self._pool, name.base.tenant) as connection:
            row = await _locked(connection, name)
            if await remember(connection, row["tenant"], request_id, f"delete {name}"):
                return int(row["version"]), []
            revisions = await copies.erase(connection, copies.key_of(row, name.document))
            if revisions is None:
                raise DocumentNotFound(document=str(name))
            # The newest revision is without it too: the draft differs from it as much as before.
            await connection.execute(
                "UPDATE knowledge_bases SET version = version + 1, edits = edits + 1,"
                " published_edits = published_edits + 1 WHERE tenant = %s AND number = %s",
                (row["tenant"], row["number"]),
            )
        return int(row["version"]) + 1, revisions


async def edited(connection: AsyncConnection, row: DictRow) -> None:
    """Note that the draft of a knowledge base was edited."""
    await connection.execute(
        "UPDATE knowledge_bases SET edits = edits + 1 WHERE tenant = %s AND number = %s",
        (row["tenant"], row["number"]),
    )


async def _locked(connection: AsyncConnection, name: DocumentName) -> DictRow:
    try:
        return await base_row(connection, name.base, lock=True)
    except KnowledgeBaseNotFound:
        raise DocumentNotFound(document=str(name)) from None


async def _read(connection: AsyncConnection, name: DocumentName, which: Which) -> DictRow:
    try:
        base = await base_row(connection, name.base)
    except KnowledgeBaseNotFound:
        raise DocumentNotFound(document=str(name)) from None
    revision = await revision_of(connection, base, which)
    key = copies.key_of(base, name.document) | {"revision": revision}
    row = await fetch_one(connection, _READ_DOCUMENT, key) if revision is not None else None
    if row is None:
        raise DocumentNotFound(document=str(name))
    return row


async def _write_document(
    connection: AsyncConnection, key: dict[str, Any], parsed: ParsedDocument, scope: Scope
) -> tuple[int, datetime]:
    """Write a document's row; returns the number of the copy, and since when it is there."""
    row = await fetch_one(
        connection,
        "INSERT INTO documents (tenant, base, id, since, path, title, content, language, revision,"
        " reading, passage_count, faq_count, metadata, valid_from, valid_until)"
        " VALUES (%(tenant)s, %(base)s, %(document)s, %(draft)s, %(path)s, %(title)s, %(content)s,"
        " %(language)s, %(sha256)s, %(reading)s, %(passages)s, %(faqs)s, %(metadata)s,"
        " %(valid_from)s, %(valid_until)s) RETURNING copy, import_time",
        key
        | {
            "path": parsed.path,
            "title": parsed.title,
            "content": parsed.text,
            "language": parsed.language.value,
            "sha256": parsed.revision,
            "reading": reading_of(parsed.revision, scope),
            "passages": len(parsed.passages),
            "faqs": len(parsed.faqs),
            "metadata": Jsonb(dict(scope.metadata)),
            "valid_from": scope.valid_from,
            "valid_until": scope.valid_until,
        },
    )
    assert row is not None
    return int(row["copy"]), row["import_time"]


async def _is_embedded(connection: AsyncConnection, key: dict[str, Any]) -> bool:
    """Whether every text of a copy has its vector."""
    row = await fetch_one(connection, _READ_EMBEDDED, key)
    return row is not None and bool(row["embedded"])


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
        Scope(row["metadata"], row["valid_from"], row["valid_until"]),
    )


def _passage(row: DictRow) -> IndexedPassage:
    return IndexedPassage(
        row["heading"],
        row["content"],
        Span(row["span_start"], row["span_end"]),
        Language(row["language"]),
        row["faq_id"],
        row["embedded"],
    )
