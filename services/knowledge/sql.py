"""What the stores share: rows as mappings, the lock of a knowledge base, pgvector's text forms."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from kefu.errors import KnowledgeBaseNotFound
from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row

from services.knowledge.catalog import BaseName
from services.mesh.database import Pool, storage_errors


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[AsyncConnection]:
    """Open a transaction.

    Raises:
        StorageUnavailable: PostgreSQL does not answer.
    """
    async with storage_errors(), pool.connection() as connection, connection.transaction():
        yield connection


@asynccontextmanager
async def reading(pool: Pool) -> AsyncIterator[AsyncConnection]:
    """Take a connection for statements that need no transaction.

    Raises:
        StorageUnavailable: PostgreSQL does not answer.
    """
    async with storage_errors(), pool.connection() as connection:
        yield connection


def vector_text(vector: Sequence[float]) -> str:
    """Return a vector as pgvector reads it; 9 digits keep a float32 exactly."""
    return f"[{','.join(f'{value:.9g}' for value in vector)}]"


def tsvector_text(terms: Sequence[str]) -> str:
    """Return terms as the input form of a tsvector, or of a tsquery for one term."""
    return " ".join("'" + term.replace("\\", "\\\\").replace("'", "''") + "'" for term in terms)


async def fetch_all(connection: AsyncConnection, statement: Any, values: Any) -> list[DictRow]:
    """Return all rows of a statement, each by column name."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(statement, values)
        return await cursor.fetchall()


async def fetch_one(connection: AsyncConnection, statement: Any, values: Any) -> DictRow | None:
    """Return the first row of a statement, if any."""
    rows = await fetch_all(connection, statement, values)
    return rows[0] if rows else None


async def version_of(connection: AsyncConnection, base: BaseName) -> int:
    """Return the version of a knowledge base.

    Raises:
        KnowledgeBaseNotFound: there is none of this name.
    """
    return await _version(
        connection, base, "SELECT version FROM knowledge_bases WHERE tenant = %s AND id = %s"
    )


async def lock(connection: AsyncConnection, base: BaseName) -> int:
    """Return the version, and let no other writer in until the transaction ends.

    Raises:
        KnowledgeBaseNotFound: there is none of this name.
    """
    return await _version(
        connection,
        base,
        "SELECT version FROM knowledge_bases WHERE tenant = %s AND id = %s FOR UPDATE",
    )


async def _version(connection: AsyncConnection, base: BaseName, statement: str) -> int:
    row = await fetch_one(connection, statement, (base.tenant, base.base))
    if row is None:
        raise KnowledgeBaseNotFound(knowledge_base=str(base))
    return int(row["version"])
