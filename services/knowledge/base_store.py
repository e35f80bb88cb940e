"""Knowledge bases in PostgreSQL: making, reading, listing, and what a request_id was used for."""

from kefu.errors import KnowledgeBaseAlreadyExists, RequestIdReused
from psycopg import AsyncConnection
from psycopg.rows import DictRow

from services.knowledge.catalog import FIRST_VERSION, BaseName, KnowledgeBase
from services.knowledge.sql import base_row, fetch_all, fetch_one, reading, transaction
from services.mesh.database import Pool

_KEPT_REQUESTS = "1 day"
"""How long a request_id is remembered: longer than any client retries."""

_LIST = """
SELECT * FROM knowledge_bases WHERE tenant = %s AND id > %s ORDER BY id LIMIT %s"""


class BaseStore:
    """Knowledge bases without their content."""

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
        async with transaction(self._pool, name.tenant) as connection:
            repeated = await remember(
                connection, name.tenant, request_id, f"create {name} {display_name!r}"
            )
            cursor = await connection.execute(
                "INSERT INTO knowledge_bases (tenant, id, display_name) VALUES (%s, %s, %s)"
                " ON CONFLICT DO NOTHING",
                (name.tenant, name.base, display_name),
            )
            if cursor.rowcount == 0 and not repeated:
                raise KnowledgeBaseAlreadyExists(knowledge_base=str(name))
            row = await base_row(connection, name)
        return KnowledgeBase(name, row["display_name"], FIRST_VERSION, row["create_time"])

    async def get(self, name: BaseName) -> KnowledgeBase:
        """Return a knowledge base.

        Raises:
            KnowledgeBaseNotFound: there is none of this name.
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with reading(self._pool, name.tenant) as connection:
            row = await base_row(connection, name)
            waiting = await fetch_one(
                connection,
                "SELECT count(*) AS count FROM vectors"
                " WHERE tenant = %s AND base = %s AND embedding IS NULL",
                (name.tenant, row["number"]),
            )
        assert waiting is not None
        return base_of(row, waiting["count"])

    async def list(self, tenant: str, after: str, limit: int) -> list[KnowledgeBase]:
        """Return knowledge bases by id, from the one after `after`, without what waits.

        Raises:
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with reading(self._pool, tenant) as connection:
            rows = await fetch_all(connection, _LIST, (tenant, after, limit))
        return [base_of(row) for row in rows]


def base_of(row: DictRow, waiting: int = 0) -> KnowledgeBase:
    """Read a row of `knowledge_bases`."""
    return KnowledgeBase(
        BaseName(row["tenant"], row["id"]),
        row["display_name"],
        row["version"],
        row["create_time"],
        row["draft"],
        row["live"],
        row["edits"] != row["published_edits"],
        waiting,
    )


async def remember(connection: AsyncConnection, tenant: str, request_id: str, subject: str) -> bool:
    """Note what a request_id is used for; return True where it was used for the same before.

    Raises:
        RequestIdReused: it was used for something else.
    """
    await connection.execute(
        "DELETE FROM requests WHERE tenant = %s AND create_time < now() - %s::interval",
        (tenant, _KEPT_REQUESTS),
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


async def note_result(
    connection: AsyncConnection, tenant: str, request_id: str, result: int
) -> None:
    """Keep the number that a repeat of a request returns."""
    await connection.execute(
        "UPDATE requests SET result = %s WHERE tenant = %s AND request_id = %s",
        (result, tenant, request_id),
    )


async def first_result(connection: AsyncConnection, tenant: str, request_id: str) -> int | None:
    """Return the number that the first of several equal requests returned."""
    row = await fetch_one(
        connection,
        "SELECT result FROM requests WHERE tenant = %s AND request_id = %s",
        (tenant, request_id),
    )
    return row["result"] if row else None
