"""PostgreSQL and Redis as every service uses them: pool, migrations, sanitised failures."""

import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import structlog
from kefu.errors import StorageUnavailable
from psycopg_pool import AsyncConnectionPool, PoolTimeout

Pool = AsyncConnectionPool[psycopg.AsyncConnection]

_MAX_CONNECTIONS = 8
# Longer than a failover of PostgreSQL hides, shorter than a turn's deadline.
_WAIT_SECONDS = 3.0
# Whoever starts the process tries again; an hour of silence would tell nobody.
_START_SECONDS = 10.0
# Any fixed number: replicas that start together migrate one after the other.
_MIGRATION_LOCK = 0x6B656675


@asynccontextmanager
async def open_pool(
    url: str, max_connections: int = _MAX_CONNECTIONS, role: str = ""
) -> AsyncIterator[Pool]:
    """A pool of connections in autocommit mode; transactions are opened where they are needed.

    Args:
        url: libpq connection string. Outside one machine with `sslmode=verify-full` and
            `ssl_min_protocol_version=TLSv1.3`.
        max_connections: of this process.
        role: PostgreSQL role that every connection works under, such as one that owns nothing; the
            login has to be a member of it. Empty: the login itself.
    """
    options = f"-c jit=off{f' -c role={role}' if role else ''}"
    pool: Pool = AsyncConnectionPool(
        url,
        min_size=1,
        max_size=max_connections,
        timeout=_WAIT_SECONDS,
        open=False,
        kwargs={"autocommit": True, "connect_timeout": 3, "options": options},
        check=None,
    )
    try:
        await pool.open(wait=True, timeout=_START_SECONDS)
    except PoolTimeout:
        await pool.close()
        raise StorageUnavailable(
            f"the database of KEFU_DATABASE_URL does not answer within {_START_SECONDS:g} s"
        ) from None
    try:
        yield pool
    finally:
        await pool.close()


async def migrate(pool: Pool, directory: Path) -> None:
    """Apply the numbered .sql files that this database has not seen, in order, once each."""
    async with pool.connection() as connection, connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_MIGRATION_LOCK,))
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS migrations"
            " (name text PRIMARY KEY, applied timestamptz NOT NULL DEFAULT now())"
        )
        rows = await (await connection.execute("SELECT name FROM migrations")).fetchall()
        applied = {row[0] for row in rows}
        for path in sorted(directory.glob("*.sql")):  # noqa: ASYNC240 (before anything is served)
            if path.name in applied:
                continue
            await connection.execute(path.read_bytes())
            await connection.execute("INSERT INTO migrations (name) VALUES (%s)", (path.name,))


@asynccontextmanager
async def storage_errors() -> AsyncIterator[None]:
    """Turn a database or cache that does not answer into StorageUnavailable.

    The cause stays in the log under the error id: hosts, SQLSTATE and texts do not cross the wire.
    Mistakes in our SQL are not caught: they are defects, and become INTERNAL.
    """
    try:
        yield
    except Exception as error:
        if not _is_outage(error):
            raise
        error_id = uuid.uuid4().hex
        structlog.get_logger("storage").error("unavailable", error_id=error_id, exc_info=error)
        raise StorageUnavailable(error_id=error_id) from None


def _is_outage(error: Exception) -> bool:
    """Whether a store did not answer, as opposed to having been asked for something wrong."""
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError | PoolTimeout):
        return True
    # Half of the services have no cache; loading its client would be a tenth of their start.
    cache = sys.modules.get("redis.exceptions")
    return cache is not None and isinstance(error, (cache.ConnectionError, cache.TimeoutError))
