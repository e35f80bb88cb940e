"""What the stores share: connections bound to a tenant, revisions, pgvector's text forms."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from kefu.errors import KnowledgeBaseNotFound, RevisionNotFound
from numpy.typing import NDArray
from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row

from services.knowledge.catalog import BaseName, Which
from services.mesh.database import Pool, storage_errors

TENANT_ROLE = "kefu_knowledge_tenant"
"""Role that requests are served under. It owns no table, so row-level security binds it."""

FOREVER = 2**63 - 1
"""`until` of what has not ended."""

_HALFVEC_HEADER = 4

_bound: "WeakKeyDictionary[AsyncConnection, str]" = WeakKeyDictionary()
"""The tenant whose rows each connection sees. It is set again whenever another tenant's request
takes the connection; through a pooler that shares sessions, a wrong one would see too little, never
too much, since every statement names its tenant as well."""


@asynccontextmanager
async def transaction(pool: Pool, tenant: str) -> AsyncIterator[AsyncConnection]:
    """Open a transaction that sees the rows of one tenant.

    Raises:
        StorageUnavailable: PostgreSQL does not answer.
    """
    async with reading(pool, tenant) as connection, connection.transaction():
        yield connection


@asynccontextmanager
async def reading(pool: Pool, tenant: str) -> AsyncIterator[AsyncConnection]:
    """Take a connection that sees the rows of one tenant, for statements without a transaction.

    Raises:
        StorageUnavailable: PostgreSQL does not answer.
    """
    async with storage_errors(), pool.connection() as connection:
        if _bound.get(connection) != tenant:
            # Who is cancelled in between leaves it open whose rows the connection sees.
            _bound.pop(connection, None)
            await connection.execute("SELECT set_config('kefu.tenant', %s, false)", (tenant,))
            _bound[connection] = tenant
        yield connection


def vector_text(vector: Sequence[float]) -> str:
    """Return a vector as pgvector reads it; 6 digits are more than half precision keeps."""
    # One format for all values: half of the time of one by one.
    return f"[{','.join(['%.6g'] * len(vector)) % tuple(vector)}]"


def halfvec_values(sent: bytes) -> NDArray[np.float32]:
    """Read a vector in the form of `halfvec_send`: two bytes of length, two of zero, big-endian."""
    return np.frombuffer(sent[_HALFVEC_HEADER:], ">f2").astype(np.float32)


def lexeme_text(base: int, term: str) -> str:
    """Return a term of a knowledge base as the input form of a tsvector or tsquery."""
    escaped = term.replace("\\", "\\\\").replace("'", "''")
    return f"'{base}:{escaped}'"


def lexemes_text(base: int, terms: str) -> str:
    """Return blank-separated terms of a knowledge base as the input form of a tsvector."""
    return lexeme_text(base, terms).replace(" ", f"' '{base}:") if terms else ""


async def fetch_all(connection: AsyncConnection, statement: Any, values: Any) -> list[DictRow]:
    """Return all rows of a statement, each by column name."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(statement, values)
        return await cursor.fetchall()


async def fetch_one(connection: AsyncConnection, statement: Any, values: Any) -> DictRow | None:
    """Return the first row of a statement, if any."""
    rows = await fetch_all(connection, statement, values)
    return rows[0] if rows else None


async def base_row(connection: AsyncConnection, base: BaseName, lock: bool = False) -> DictRow:
    """Return the row of a knowledge base.

    Args:
        connection: Of its tenant.
        base: Its name.
        lock: Whether to let no other writer in until the transaction ends.

    Raises:
        KnowledgeBaseNotFound: there is none of this name.
    """
    statement = "SELECT * FROM knowledge_bases WHERE tenant = %s AND id = %s"
    row = await fetch_one(
        connection, statement + (" FOR UPDATE" if lock else ""), (base.tenant, base.base)
    )
    if row is None:
        raise KnowledgeBaseNotFound(knowledge_base=str(base))
    return row


async def revision_of(connection: AsyncConnection, row: DictRow, which: Which) -> int | None:
    """Return the number of a revision.

    Args:
        connection: Of the knowledge base's tenant.
        row: Row of the knowledge base.
        which: The revision's number, or a word for it.

    Returns:
        The number; None for what is live where nothing is.

    Raises:
        RevisionNotFound: there is none of this number, or it is too old to be kept.
    """
    if which == "draft":
        return int(row["draft"])
    if which == "live":
        return None if row["live"] is None else int(row["live"])
    found = await fetch_one(
        connection,
        "SELECT number FROM revisions WHERE tenant = %s AND base = %s AND number = %s",
        (row["tenant"], row["number"], which),
    )
    if found is None:
        raise RevisionNotFound(revision=str(which))
    return int(found["number"])
