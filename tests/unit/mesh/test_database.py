"""What services share about PostgreSQL and Redis, against real servers and dead ones."""

import asyncio
from pathlib import Path

import psycopg
import pytest
import redis.asyncio
from kefu.errors import StorageUnavailable

from services.mesh.database import migrate, open_pool, storage_errors

NOWHERE = "postgresql://kefu@127.0.0.1:1/kefu?connect_timeout=1"


def write(folder: Path, name: str, sql: str) -> None:
    """A migration; several statements are one migration."""
    (folder / name).write_text(sql)


async def names(pool: object, table: str) -> list[str]:
    """The column of names of a table, in the order of insertion."""
    async with pool.connection() as connection:  # type: ignore[attr-defined]
        rows = await connection.execute(f"SELECT name FROM {table} ORDER BY ctid")
        return [row[0] for row in await rows.fetchall()]


async def test_migrations_run_once_and_in_order(database_url: str, tmp_path: Path) -> None:
    """By two replicas that start together, and again by the next release with one more file."""
    create = "CREATE TABLE things (name text); INSERT INTO things VALUES ('made')"
    write(tmp_path, "0001_initial.sql", create)
    write(tmp_path, "0002_more.sql", "INSERT INTO things VALUES ('more')")
    async with open_pool(database_url) as one, open_pool(database_url) as two:
        await asyncio.gather(migrate(one, tmp_path), migrate(two, tmp_path))
        write(tmp_path, "0003_last.sql", "INSERT INTO things VALUES ('last')")
        await migrate(one, tmp_path)
        await migrate(two, tmp_path)
        assert await names(one, "things") == ["made", "more", "last"]
        applied = await names(one, "migrations")
    assert applied == ["0001_initial.sql", "0002_more.sql", "0003_last.sql"]


async def test_a_migration_that_fails_leaves_nothing(database_url: str, tmp_path: Path) -> None:
    """All of a start's migrations are one transaction: the old release goes on as it was."""
    write(tmp_path, "0011_good.sql", "CREATE TABLE half (name text)")
    write(tmp_path, "0012_bad.sql", "CREATE TABEL oops ()")
    async with open_pool(database_url) as pool:
        with pytest.raises(psycopg.errors.SyntaxError):
            await migrate(pool, tmp_path)
        with pytest.raises(psycopg.errors.UndefinedTable):
            await names(pool, "half")


async def test_a_lost_database_is_one_clear_error() -> None:
    """Retryable, with an id to find the cause by; hosts and SQLSTATEs stay in the log."""
    with pytest.raises(StorageUnavailable) as caught:
        async with storage_errors():
            await psycopg.AsyncConnection.connect(NOWHERE)
    assert caught.value.retryable
    assert len(caught.value.metadata["error_id"]) == 32
    assert "127.0.0.1" not in str(caught.value) + str(caught.value.metadata)


async def test_a_lost_cache_is_the_same_error() -> None:
    """Callers need not know which of the two it was."""
    async with redis.asyncio.Redis(host="127.0.0.1", port=1, retry=None) as client:
        with pytest.raises(StorageUnavailable):
            async with storage_errors():
                await client.ping()


async def test_a_connection_cut_in_the_middle(database_url: str) -> None:
    """As a failover does; the pool's next connection works."""
    async with open_pool(database_url, max_connections=2) as pool:
        with pytest.raises(StorageUnavailable):
            async with storage_errors(), pool.connection() as connection:
                await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        async with storage_errors(), pool.connection() as connection:
            assert await (await connection.execute("SELECT 1")).fetchone() == (1,)


async def test_a_mistake_of_ours_is_not_called_an_outage(database_url: str) -> None:
    """Wrong SQL must not be retried for ever: it is a defect, and looks like one."""
    async with open_pool(database_url) as pool:
        with pytest.raises(psycopg.errors.UndefinedColumn):
            async with storage_errors(), pool.connection() as connection:
                await connection.execute("SELECT nonsense")
