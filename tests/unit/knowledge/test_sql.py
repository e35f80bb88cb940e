"""A connection sees the rows of the tenant that asks, whoever had it before."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from psycopg import AsyncConnection

from services.knowledge.sql import reading
from services.mesh.database import Pool, open_pool
from tests.support.postgres import database_url

__all__ = ["database_url"]


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """A pool of one connection: all share it."""
    async with open_pool(database_url, 1) as pool:
        yield pool


async def seen_by(pool: Pool, tenant: str) -> str:
    """Whose rows the connection sees when this tenant has it."""
    async with reading(pool, tenant) as connection:
        cursor = await connection.execute("SELECT current_setting('kefu.tenant', true)")
        row = await cursor.fetchone()
    assert row is not None
    return str(row[0])


async def test_each_has_its_own(pool: Pool) -> None:
    """Again and again, in whatever order."""
    for tenant in ("shop", "bank", "bank", "", "shop"):
        assert await seen_by(pool, tenant) == tenant


async def test_who_is_cancelled_in_between_leaves_no_wrong_tenant(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database has heard of the other tenant, and nobody here knows: the next one must ask."""
    assert await seen_by(pool, "shop") == "shop"
    execute = AsyncConnection.execute

    async def cancelled(*arguments: Any, **options: Any) -> Any:
        await execute(*arguments, **options)
        raise asyncio.CancelledError

    with monkeypatch.context() as patched:
        patched.setattr(AsyncConnection, "execute", cancelled)
        with pytest.raises(asyncio.CancelledError):
            await seen_by(pool, "bank")
    assert await seen_by(pool, "shop") == "shop"
