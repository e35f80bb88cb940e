"""Contents that a document had, one copy for each: the rows under it, written, ended and erased.

Every function here works inside a transaction that has locked the knowledge base's row.
"""

from collections.abc import Sequence
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import DictRow

from services.knowledge.document import Faq
from services.knowledge.indexing import Entry
from services.knowledge.sql import FOREVER, fetch_all, lexemes_text

_SEPARATOR = "\x1f"
"""Between the labels of an entry on their way; the contract's labels hold no control characters."""

# COPY would be faster, and is not to be had under row-level security. Texts go as binary arrays
# (b), which nobody looks through for what would have to be escaped.
_WRITE_ENTRIES = """
WITH added AS (
    INSERT INTO entries (tenant, base, copy, since, faq, heading, content, span_start, span_end,
        language, labels, valid_from, valid_until, lexemes, question_hash, signature_hash,
        text_hash)
    SELECT %(tenant)s, %(base)s, %(copy)s, %(draft)s, n.faq, n.heading, n.content, n.span_start,
        n.span_end, n.language, string_to_array(n.labels, chr(31)), n.valid_from, n.valid_until,
        n.lexemes::tsvector, n.question_hash, n.signature_hash, n.text_hash
    FROM unnest(%(faq)s::int[], %(heading)b::text[], %(content)b::text[], %(span_start)s::int[],
        %(span_end)s::int[], %(language)b::text[], %(labels)b::text[],
        %(valid_from)s::timestamptz[], %(valid_until)s::timestamptz[], %(lexemes)b::text[],
        %(question_hash)s::bytea[], %(signature_hash)s::bytea[], %(text_hash)b::bytea[])
        AS n (faq, heading, content, span_start, span_end, language, labels, valid_from,
            valid_until, lexemes, question_hash, signature_hash, text_hash)
)
INSERT INTO vectors (tenant, base, text_hash)
SELECT %(tenant)s, %(base)s, hash
FROM unnest(%(text_hash)b::bytea[]) WITH ORDINALITY AS n (hash, place)
GROUP BY hash ORDER BY min(place) ON CONFLICT DO NOTHING"""

# The list of new entries is sorted into the index of lexemes whenever it is full: by default after
# 4 MB and in 4 MB of memory, which takes several passes over the index. Here it is full only where
# the connection that sorts beside the imports does not get on.
_SORTING_MEMORY = "SET LOCAL work_mem = '64MB'; SET LOCAL gin_pending_list_limit = '64MB'"

NOT_AWAITED = "SET LOCAL synchronous_commit = off"
"""Lets a transaction end before it is on the disk. What a later one writes is never there without
it, so whoever waits for a later one has waited for it as well."""

_DELETE = """
WITH gone AS (
    DELETE FROM entries WHERE tenant = %(tenant)s AND copy = ANY(%(copies)s) RETURNING text_hash
), removed AS (
    DELETE FROM documents WHERE tenant = %(tenant)s AND copy = ANY(%(copies)s)
)
SELECT DISTINCT text_hash FROM gone"""

# What the draft says is counted when it is asked for, so it is not here.
_UNCOUNT = """
INSERT INTO terms (tenant, base, term, revision, change)
SELECT %(tenant)s, %(base)s, said.term, counted.revision, sum(counted.change) FROM (
    SELECT substr(word.lexeme, length(%(base)s::text) + 2) AS term, e.since, e.until
    FROM entries e, unnest(e.lexemes) AS word
    WHERE e.tenant = %(tenant)s AND e.copy = ANY(%(copies)s)
    UNION ALL
    SELECT '', since, until FROM entries WHERE tenant = %(tenant)s AND copy = ANY(%(copies)s)
) said CROSS JOIN LATERAL (VALUES (said.since, -1), (said.until, 1)) AS counted (revision, change)
WHERE counted.revision < %(draft)s GROUP BY 3, 4
ON CONFLICT (tenant, base, term, revision) DO UPDATE SET change = terms.change + EXCLUDED.change"""

_LESSEN_REVISIONS = """
UPDATE revisions r SET document_count = r.document_count - 1,
    entry_count = r.entry_count - (
        SELECT count(*) FROM entries e WHERE e.tenant = %(tenant)s AND e.copy = d.copy)
FROM documents d WHERE d.tenant = %(tenant)s AND d.copy = ANY(%(copies)s)
AND r.tenant = %(tenant)s AND r.base = %(base)s AND d.since <= r.number AND r.number < d.until
RETURNING r.number"""


def key_of(row: DictRow, document: str = "") -> dict[str, Any]:
    """Return the values that the statements about a document of the draft want.

    Args:
        row: Row of its knowledge base.
        document: Its id.
    """
    draft = row["draft"]
    return {
        "tenant": row["tenant"], "base": row["number"], "document": document,
        "draft": draft, "revision": draft,
    }  # fmt: skip


async def end(connection: AsyncConnection, key: dict[str, Any]) -> list[bytes] | None:
    """End what a document says before the draft; what only the draft said is removed.

    Returns:
        Keys of vectors that may serve no text any more; None where the draft has no such document.
    """
    rows = await fetch_all(
        connection,
        "SELECT copy, since FROM documents WHERE tenant = %(tenant)s AND base = %(base)s"
        " AND id = %(document)s AND until = %(forever)s",
        key | {"forever": FOREVER},
    )
    if not rows:
        return None
    values = key | {"copies": [rows[0]["copy"]]}
    if rows[0]["since"] == key["draft"]:
        return [row["text_hash"] for row in await fetch_all(connection, _DELETE, values)]
    for table in ("documents", "entries"):
        await connection.execute(
            f"UPDATE {table} SET until = %(draft)s WHERE tenant = %(tenant)s"
            " AND copy = ANY(%(copies)s)".encode(),
            values,
        )
    return []


async def write_faqs(connection: AsyncConnection, key: dict[str, Any], faqs: Sequence[Faq]) -> None:
    """Write the FAQs of a copy."""
    async with connection.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO faqs (tenant, copy, place, faq_id, language, question, answer, tags)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (key["tenant"], key["copy"], place, faq.faq_id, faq.language.value, faq.question,
                 faq.answer, list(faq.tags))
                for place, faq in enumerate(faqs)
            ],
        )  # fmt: skip


async def write_entries(
    connection: AsyncConnection, key: dict[str, Any], entries: Sequence[Entry]
) -> int:
    """Write what a copy is found under, and let texts that are new wait for their vectors.

    Returns:
        How many of them wait now that did not before.
    """
    await connection.execute(_SORTING_MEMORY)
    cursor = await connection.execute(
        _WRITE_ENTRIES.encode(), key | _columns(key["base"], entries)
    )
    return cursor.rowcount


async def erase(connection: AsyncConnection, key: dict[str, Any]) -> list[int] | None:
    """Remove all copies of a document with everything made of them.

    Returns:
        Numbers of the revisions that had it, ascending; None where there was no copy.
    """
    rows = await fetch_all(
        connection,
        "SELECT copy FROM documents"
        " WHERE tenant = %(tenant)s AND base = %(base)s AND id = %(document)s",
        key,
    )
    if not rows:
        return None
    values = key | {"copies": [row["copy"] for row in rows]}
    revisions = await fetch_all(connection, _LESSEN_REVISIONS, values)
    await connection.execute(_UNCOUNT, values)
    gone = await fetch_all(connection, _DELETE, values)
    await forget_vectors(connection, key, [row["text_hash"] for row in gone])
    return sorted(row["number"] for row in revisions)


async def drop_draft(connection: AsyncConnection, key: dict[str, Any]) -> None:
    """Remove what only the draft says."""
    copies = await fetch_all(
        connection,
        "SELECT copy FROM documents WHERE tenant = %(tenant)s AND base = %(base)s"
        " AND since = %(draft)s",
        key,
    )
    values = key | {"copies": [row["copy"] for row in copies]}
    gone = await fetch_all(connection, _DELETE, values)
    await forget_vectors(connection, key, [row["text_hash"] for row in gone])
    await connection.execute(
        "DELETE FROM dictionary WHERE tenant = %(tenant)s AND base = %(base)s"
        " AND since = %(draft)s",
        key,
    )


async def forget_vectors(
    connection: AsyncConnection, key: dict[str, Any], hashes: Sequence[bytes] | None
) -> None:
    """Remove those of the vectors that serve no text of any revision any more."""
    if hashes:
        await connection.execute(
            "DELETE FROM vectors v WHERE v.tenant = %(tenant)s AND v.base = %(base)s"
            " AND v.text_hash = ANY(%(hashes)s) AND NOT EXISTS (SELECT FROM entries e"
            " WHERE (e.tenant, e.base, e.text_hash) = (v.tenant, v.base, v.text_hash))",
            key | {"hashes": list(hashes)},
        )


def _columns(base: int, entries: Sequence[Entry]) -> dict[str, list[Any]]:
    return {
        "faq": [entry.faq for entry in entries],
        "heading": [entry.heading for entry in entries],
        "content": [entry.text for entry in entries],
        "span_start": [entry.span.start for entry in entries],
        "span_end": [entry.span.end for entry in entries],
        "language": [entry.language.value for entry in entries],
        "labels": [_SEPARATOR.join(entry.labels) for entry in entries],
        "valid_from": [entry.valid_from for entry in entries],
        "valid_until": [entry.valid_until for entry in entries],
        "lexemes": [lexemes_text(base, entry.under.terms) for entry in entries],
        "question_hash": [entry.under.question_hash for entry in entries],
        "signature_hash": [entry.under.signature_hash for entry in entries],
        "text_hash": [entry.text_hash for entry in entries],
    }
