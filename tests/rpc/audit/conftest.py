"""A real database with the audit schema for each test module."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import services.audit
from services.audit.store import Store
from services.mesh.database import Pool, migrate, open_pool
from tests.support.audit_records import SIGNER
from tests.support.postgres import database_url, fresh_database

__all__ = ["database_url"]

MIGRATIONS = Path(services.audit.__file__).parent / "migrations"


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    """Connections, as the tables' owner, to a database of this test's own."""
    with fresh_database() as url:
        async with open_pool(url) as opened:
            await migrate(opened, MIGRATIONS)
            yield opened


@pytest.fixture
async def store(pool: Pool) -> Store:
    """A store that is ready to append today."""
    made = Store(pool, SIGNER)
    await made.make_partitions(datetime.now(UTC).date())
    return made
