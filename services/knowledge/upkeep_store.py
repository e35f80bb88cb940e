"""What is done for all tenants, as the owner of the tables: indexes of vectors, old revisions."""

from psycopg import AsyncConnection
from psycopg.rows import DictRow
from psycopg.sql import SQL, Identifier, Literal

from services.knowledge.sql import fetch_all, fetch_one
from services.mesh.database import Pool, storage_errors

_LOCK = 0x6B64
"""Any fixed number: of the replicas one does the upkeep at a time."""

# All vectors have to be there: a finished index takes new ones one by one, which is slower.
_LARGE = """
SELECT b.number FROM knowledge_bases b WHERE NOT b.dense_index
AND (SELECT count(*) FROM (
    SELECT FROM vectors v WHERE v.tenant = b.tenant AND v.base = b.number LIMIT %(least)s
) v) = %(least)s
AND NOT EXISTS (
    SELECT FROM vectors v
    WHERE v.tenant = b.tenant AND v.base = b.number AND v.embedding IS NULL
) ORDER BY b.number"""

_OLD = """
SELECT b.tenant, b.number AS base, least(b.live, kept.number) AS oldest
FROM knowledge_bases b CROSS JOIN LATERAL (
    SELECT r.number FROM revisions r WHERE r.tenant = b.tenant AND r.base = b.number
    ORDER BY r.number DESC OFFSET %(kept)s - 1 LIMIT 1
) kept
WHERE EXISTS (
    SELECT FROM revisions r WHERE r.tenant = b.tenant AND r.base = b.number
    AND r.number < least(b.live, kept.number)
)"""

_FORGET = (
    "DELETE FROM documents WHERE tenant = %(tenant)s AND base = %(base)s AND until <= %(oldest)s",
    "DELETE FROM dictionary WHERE tenant = %(tenant)s AND base = %(base)s AND until <= %(oldest)s",
    "DELETE FROM revisions WHERE tenant = %(tenant)s AND base = %(base)s AND number < %(oldest)s",
    "DELETE FROM vectors v WHERE v.tenant = %(tenant)s AND v.base = %(base)s AND NOT EXISTS ("
    " SELECT FROM entries e WHERE (e.tenant, e.base, e.text_hash)"
    " = (v.tenant, v.base, v.text_hash))",
    # Changes of revisions that are gone become part of the oldest that is left.
    "WITH gone AS (DELETE FROM terms WHERE tenant = %(tenant)s AND base = %(base)s"
    " AND revision <= %(oldest)s RETURNING term, change)"
    " INSERT INTO terms SELECT %(tenant)s, %(base)s, term, %(oldest)s, sum(change) FROM gone"
    " GROUP BY term HAVING sum(change) <> 0",
)


class UpkeepStore:
    """The tables of all tenants, for what no request waits for."""

    def __init__(self, pool: Pool) -> None:
        """Use a pool of connections of the tables' owner."""
        self._pool = pool

    async def index_vectors(self, least: int, memory_mebibytes: int) -> list[int]:
        """Give each knowledge base with so many vectors an index of its own, unless it has one.

        Searches and writes go on meanwhile.

        Args:
            least: Vectors below which comparing them one by one is quick enough.
            memory_mebibytes: That building may take; an index that does not fit builds slowly.

        Returns:
            Numbers of the knowledge bases that got one.

        Raises:
            StorageUnavailable: PostgreSQL does not answer.
        """
        made = []
        async with storage_errors(), self._pool.connection() as connection:
            if not await _alone(connection):
                return []
            try:
                memory = SQL("SET maintenance_work_mem = {}")
                await connection.execute(memory.format(Literal(f"{memory_mebibytes}MB")))
                for row in await fetch_all(connection, _LARGE, {"least": least}):
                    await _index(connection, row["number"])
                    made.append(row["number"])
            finally:
                await connection.execute("RESET maintenance_work_mem")
                await connection.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))
        return made

    async def some_tenant(self) -> str | None:
        """Return a tenant with vectors; None where nothing has any.

        Raises:
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with storage_errors(), self._pool.connection() as connection:
            row = await fetch_one(
                connection,
                "SELECT tenant FROM knowledge_bases WHERE embedding_model IS NOT NULL LIMIT 1",
                None,
            )
        return row["tenant"] if row else None

    async def drop_vectors_of_others(self, model: str) -> int:
        """Let all texts wait again whose vectors another model made.

        Returns:
            Of how many knowledge bases.

        Raises:
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with (
            storage_errors(),
            self._pool.connection() as connection,
            connection.transaction(),
        ):
            rows = await fetch_all(
                connection,
                "UPDATE knowledge_bases SET embedding_model = NULL"
                " WHERE embedding_model <> %s RETURNING tenant, number",
                (model,),
            )
            for row in rows:
                await connection.execute(
                    "UPDATE vectors SET embedding = NULL"
                    " WHERE tenant = %(tenant)s AND base = %(number)s",
                    row,
                )
        return len(rows)

    async def sort_in_words(self) -> None:
        """Let searches by words find an index without a list of what waits to be sorted in.

        Raises:
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with storage_errors(), self._pool.connection() as connection:
            await connection.execute("SELECT sort_in_lexemes()")

    async def forget_revisions(self, kept: int) -> int:
        """Remove what only revisions say that are older than what is live and the newest `kept`.

        Returns:
            Of how many knowledge bases something was removed.

        Raises:
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with storage_errors(), self._pool.connection() as connection:
            if not await _alone(connection):
                return 0
            try:
                old = await fetch_all(connection, _OLD, {"kept": kept})
                for row in old:
                    await _forget(connection, row)
            finally:
                await connection.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))
        return len(old)


async def _alone(connection: AsyncConnection) -> bool:
    row = await fetch_one(connection, "SELECT pg_try_advisory_lock(%s) AS alone", (_LOCK,))
    return row is not None and bool(row["alone"])


async def _index(connection: AsyncConnection, base: int) -> None:
    name = f"vectors_of_{base}"
    broken = await fetch_one(
        connection,
        "SELECT FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid"
        " WHERE c.relname = %s AND NOT i.indisvalid",
        (name,),
    )
    if broken is not None:  # left by a process that ended while it built
        await connection.execute(SQL("DROP INDEX CONCURRENTLY {}").format(Identifier(name)))
    statement = SQL(
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS {} ON vectors"
        " USING hnsw (embedding halfvec_cosine_ops) WHERE base = {}"
    )
    await connection.execute(statement.format(Identifier(name), Literal(base)))
    await connection.execute(
        "UPDATE knowledge_bases SET dense_index = true WHERE number = %s", (base,)
    )


async def _forget(connection: AsyncConnection, row: DictRow) -> None:
    async with connection.transaction():
        await connection.execute(
            "SELECT FROM knowledge_bases WHERE tenant = %(tenant)s AND number = %(base)s"
            " FOR UPDATE",
            row,
        )
        for statement in _FORGET:
            await connection.execute(statement.encode(), row)
