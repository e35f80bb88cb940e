"""Revisions in PostgreSQL: publishing, rolling back, undoing edits, and counting words.

A revision is a number. Publishing makes the draft's number the live one and begins the next draft;
nothing is copied, so it takes as long for a million passages as for ten.
"""

from kefu.errors import RevisionNotFound
from psycopg import AsyncConnection
from psycopg.rows import DictRow

from services.knowledge import copy_store
from services.knowledge.base_store import first_result, note_result, remember
from services.knowledge.catalog import BaseName, Which
from services.knowledge.release import Revision
from services.knowledge.sql import (
    FOREVER,
    base_row,
    fetch_all,
    fetch_one,
    reading,
    revision_of,
    transaction,
)
from services.mesh.database import Pool

# The draft is counted as a whole: what begins with it, less what ends with it.
_COUNT_DRAFT = """
INSERT INTO terms (tenant, base, term, revision, change)
SELECT %(tenant)s, %(base)s, term, %(draft)s, sum(change) FROM (
    SELECT substr(word.lexeme, length(%(base)s::text) + 2) AS term,
        CASE WHEN e.since = %(draft)s THEN 1 ELSE -1 END AS change
    FROM entries e, unnest(e.lexemes) AS word
    WHERE e.tenant = %(tenant)s AND e.base = %(base)s
    AND (e.since = %(draft)s OR e.until = %(draft)s)
    UNION ALL
    SELECT '', CASE WHEN since = %(draft)s THEN 1 ELSE -1 END FROM entries
    WHERE tenant = %(tenant)s AND base = %(base)s AND (since = %(draft)s OR until = %(draft)s)
) said GROUP BY term HAVING sum(change) <> 0"""

_PUBLISH = """
INSERT INTO revisions (tenant, base, number, description, publisher, passed_share,
    document_count, entry_count)
SELECT %(tenant)s, %(base)s, %(draft)s, %(description)s, %(publisher)s, %(passed_share)s,
    (SELECT count(*) FROM documents WHERE tenant = %(tenant)s AND base = %(base)s
        AND since <= %(draft)s AND %(draft)s < until),
    (SELECT coalesce(sum(change), 0) FROM terms WHERE tenant = %(tenant)s AND base = %(base)s
        AND term = '' AND revision <= %(draft)s)"""

_REVISION = """
SELECT r.*, r.number IS NOT DISTINCT FROM b.live AS live
FROM revisions r JOIN knowledge_bases b ON (b.tenant, b.number) = (r.tenant, r.base)
WHERE r.tenant = %(tenant)s AND r.base = %(base)s"""


class ReleaseStore:
    """The revisions of all knowledge bases."""

    def __init__(self, pool: Pool) -> None:
        """Use a pool of connections to a migrated database."""
        self._pool = pool

    async def resolve(self, base: BaseName, which: Which) -> int | None:
        """Return the number of a revision; None for what is live where nothing is.

        Raises:
            KnowledgeBaseNotFound, RevisionNotFound: there is none.
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with reading(self._pool, base.tenant) as connection:
            return await revision_of(connection, await base_row(connection, base), which)

    async def edits(self, base: BaseName) -> int:
        """Return a number that grows with every edit of the draft.

        Raises:
            KnowledgeBaseNotFound: there is none of this name.
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with reading(self._pool, base.tenant) as connection:
            return int((await base_row(connection, base))["edits"])

    async def count(self, base: BaseName) -> None:
        """Count the words of the draft, unless they are counted.

        Raises:
            KnowledgeBaseNotFound: there is none of this name.
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with reading(self._pool, base.tenant) as connection:
            row = await base_row(connection, base)
        if row["edits"] != row["counted_edits"]:
            async with transaction(self._pool, base.tenant) as connection:
                await _count(connection, await base_row(connection, base, lock=True))

    async def publish(
        self,
        base: BaseName,
        request_id: str,
        edits: int,
        description: str,
        publisher: str,
        passed_share: float | None,
    ) -> tuple[Revision, int] | None:
        """Make the draft a revision and put it live; a repeat returns the first result.

        A draft that was not edited makes no new revision: the newest one is put live.

        Args:
            base: Which knowledge base.
            request_id: UUID of the request.
            edits: What `edits` returned before the draft was tested.
            description: Why.
            publisher: Who.
            passed_share: Share of the test questions that passed; None: there are none.

        Returns:
            The revision and the knowledge base's version; None where the draft was edited since.

        Raises:
            KnowledgeBaseNotFound, RequestIdReused: as the contract says.
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with transaction(self._pool, base.tenant) as connection:
            row = await base_row(connection, base, lock=True)
            if row["edits"] != edits:
                return None
            if await remember(connection, base.tenant, request_id, f"publish {base}"):
                return await _first_revision(connection, row, request_id)
            number = row["draft"] - 1
            if row["edits"] != row["published_edits"] or not number:
                await _count(connection, row)
                values = copy_store.key_of(row) | {
                    "description": description,
                    "publisher": publisher,
                    "passed_share": passed_share,
                }
                await connection.execute(_PUBLISH, values)
                number = row["draft"]
            await note_result(connection, base.tenant, request_id, number)
            done = await _put_live(connection, row, number)
        async with reading(self._pool, base.tenant) as connection:
            await connection.execute("SELECT sort_in_lexemes()")
        return done

    async def published(self, base: BaseName, request_id: str) -> tuple[Revision, int] | None:
        """Return what a request published before; None where it is new.

        Raises:
            KnowledgeBaseNotFound: there is none of this name.
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with reading(self._pool, base.tenant) as connection:
            row = await base_row(connection, base)
            if await first_result(connection, base.tenant, request_id) is None:
                return None
            return await _first_revision(connection, row, request_id)

    async def roll_back(
        self, base: BaseName, number: int | None, request_id: str
    ) -> tuple[Revision, int]:
        """Put a revision live, the one before what is live where none is named.

        Returns:
            The revision, and the knowledge base's version.

        Raises:
            KnowledgeBaseNotFound, RevisionNotFound, RequestIdReused: as the contract says.
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with transaction(self._pool, base.tenant) as connection:
            row = await base_row(connection, base, lock=True)
            subject = f"roll back {base} {number or ''}"
            if await remember(connection, base.tenant, request_id, subject):
                return await _first_revision(connection, row, request_id)
            if number is None:
                number = await _before(connection, row, row["live"] or 0)
            number = await revision_of(connection, row, number)
            assert number is not None
            await note_result(connection, base.tenant, request_id, number)
            return await _put_live(connection, row, number)

    async def reset_draft(self, base: BaseName, request_id: str) -> None:
        """Undo all edits of the draft; a repeat succeeds again.

        Raises:
            KnowledgeBaseNotFound, RequestIdReused: as the contract says.
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with transaction(self._pool, base.tenant) as connection:
            row = await base_row(connection, base, lock=True)
            if await remember(connection, base.tenant, request_id, f"reset {base}"):
                return
            key = copy_store.key_of(row)
            await copy_store.drop_draft(connection, key)
            for table in ("documents", "entries", "dictionary"):
                await connection.execute(
                    f"UPDATE {table} SET until = {FOREVER} WHERE tenant = %(tenant)s"
                    " AND base = %(base)s AND until = %(draft)s".encode(),
                    key,
                )
            await connection.execute(
                "UPDATE knowledge_bases SET edits = edits + 1, published_edits = edits + 1"
                " WHERE tenant = %(tenant)s AND number = %(base)s",
                key,
            )

    async def list(self, base: BaseName, before: int, limit: int) -> list[Revision]:
        """Return revisions, the newest first, from the one before `before`.

        Raises:
            KnowledgeBaseNotFound: there is none of this name.
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with reading(self._pool, base.tenant) as connection:
            row = await base_row(connection, base)
            rows = await fetch_all(
                connection,
                _REVISION + " AND r.number < %(before)s ORDER BY r.number DESC LIMIT %(limit)s",
                copy_store.key_of(row) | {"before": before, "limit": limit},
            )
        return [_revision(row) for row in rows]

    async def before(self, base: BaseName, number: int) -> int | None:
        """Return the newest revision below a number; None where there is none.

        Raises:
            KnowledgeBaseNotFound: there is none of this name.
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with reading(self._pool, base.tenant) as connection:
            try:
                return await _before(connection, await base_row(connection, base), number)
            except RevisionNotFound:
                return None


async def _before(connection: AsyncConnection, row: DictRow, number: int) -> int:
    found = await fetch_one(
        connection,
        "SELECT max(number) AS number FROM revisions"
        " WHERE tenant = %s AND base = %s AND number < %s",
        (row["tenant"], row["number"], number),
    )
    if found is None or found["number"] is None:
        raise RevisionNotFound(
            f"no revision is older than {number}" if number else "nothing was published yet",
            revision=f"before {number}",
        )
    return int(found["number"])


async def _count(connection: AsyncConnection, row: DictRow) -> None:
    """Count the words of the draft anew, unless nothing was edited since they were counted."""
    if row["edits"] == row["counted_edits"]:
        return
    key = copy_store.key_of(row)
    await connection.execute(
        "DELETE FROM terms WHERE tenant = %(tenant)s AND base = %(base)s AND revision = %(draft)s",
        key,
    )
    await connection.execute(_COUNT_DRAFT, key)
    await connection.execute(
        "UPDATE knowledge_bases SET counted_edits = edits"
        " WHERE tenant = %(tenant)s AND number = %(base)s",
        key,
    )


async def _put_live(connection: AsyncConnection, row: DictRow, number: int) -> tuple[Revision, int]:
    await connection.execute(
        "UPDATE knowledge_bases SET live = %(live)s, version = version + 1,"
        " draft = greatest(draft, %(live)s + 1),"
        " published_edits = CASE WHEN draft = %(live)s THEN edits ELSE published_edits END"
        " WHERE tenant = %(tenant)s AND number = %(base)s",
        copy_store.key_of(row) | {"live": number},
    )
    return await _revision_row(connection, row, number), row["version"] + 1


async def _first_revision(
    connection: AsyncConnection, row: DictRow, request_id: str
) -> tuple[Revision, int]:
    number = await first_result(connection, row["tenant"], request_id)
    assert number is not None
    return await _revision_row(connection, row, number), row["version"]


async def _revision_row(connection: AsyncConnection, row: DictRow, number: int) -> Revision:
    found = await fetch_one(
        connection,
        _REVISION + " AND r.number = %(number)s",
        copy_store.key_of(row) | {"number": number},
    )
    if found is None:  # removed meanwhile, since it is too old
        raise RevisionNotFound(revision=str(number))
    return _revision(found)


def _revision(row: DictRow) -> Revision:
    return Revision(
        row["number"],
        row["live"],
        row["document_count"],
        row["entry_count"],
        row["description"],
        row["publisher"],
        row["passed_share"],
        row["create_time"],
    )
