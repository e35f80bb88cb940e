"""The service keeps house by itself, and says what keeps it from starting."""

import asyncio
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from services.audit.__main__ import build
from services.audit.checkpoint import KeyFileUnusable
from services.audit.settings import Settings
from services.audit.store import PARTITION_DAYS_AHEAD, Store
from services.audit.upkeep import keep_house, keep_house_forever
from services.mesh.database import Pool
from tests.support.audit_records import SHOP, SIGNER, an_event
from tests.support.mesh import serve


async def days_of(pool: Pool) -> list[date]:
    """Return the days that have a partition."""
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT audit_partition_days()")
        return [day for (day,) in await cursor.fetchall()]


async def test_keeping_house_makes_the_next_days_and_drops_the_expired(pool: Pool) -> None:
    """With one day of retention, yesterday stays and the day before goes."""
    today = datetime.now(UTC).date()
    for ago in (3, 2, 1):
        moment = datetime.now(UTC) - timedelta(days=ago)
        past = Store(pool, SIGNER, lambda moment=moment: moment)  # type: ignore[misc]
        await past.make_partitions(moment.date())
        await past.append([an_event(ago)])
    store = Store(pool, SIGNER)
    await keep_house(store, retention_days=1)
    first, *_, last = await days_of(pool)
    assert first == today - timedelta(days=1)
    assert last == today + timedelta(days=PARTITION_DAYS_AHEAD)
    verdict = await store.verify(SHOP, None)
    assert verdict.ok
    assert verdict.records == 1


class FailingOnce(Store):
    """A store whose first upkeep meets a lost connection."""

    failed = False
    done: asyncio.Event

    async def make_partitions(self, today: date) -> None:
        """Fail the first time; tell that it worked the second time."""
        if not self.failed:
            self.failed = True
            raise psycopg.OperationalError("connection lost")
        await super().make_partitions(today)
        self.done.set()


async def test_a_failed_run_is_tried_again(pool: Pool) -> None:
    """A database that restarts must not end the upkeep for good."""
    store = FailingOnce(pool, SIGNER)
    store.done = asyncio.Event()
    upkeep = asyncio.create_task(keep_house_forever(store, 180, every_seconds=0.001))
    try:
        await asyncio.wait_for(store.done.wait(), timeout=10)
    finally:
        upkeep.cancel()
        with suppress(asyncio.CancelledError):
            await upkeep
    assert datetime.now(UTC).date() in await days_of(pool)


async def test_a_service_without_a_usable_key_does_not_start(
    database_url: str, tmp_path: Path
) -> None:
    """It never signs with a key that everybody can read, and says which file it is."""
    key = tmp_path / "audit.pem"
    key.write_text("not a key")
    key.chmod(0o644)
    settings: dict[str, Any] = {"database_url": database_url, "signing_key_file": key}
    with pytest.raises(KeyFileUnusable, match=r"audit\.pem is open to every user"):
        async with serve("audit", build, Settings, **settings):
            pass


async def test_a_restart_goes_on_with_the_same_key_and_chain(
    database_url: str, tmp_path: Path
) -> None:
    """Two starts on one database: migrations are applied once, the first key is kept."""
    key = tmp_path / "keys" / "audit.pem"
    settings: dict[str, Any] = {"database_url": database_url, "signing_key_file": key}
    contents = set()
    for _ in range(2):
        async with serve("audit", build, Settings, **settings):
            contents.add(key.read_bytes())
    assert len(contents) == 1
