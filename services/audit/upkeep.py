"""Keeping house: partitions made ahead, expired days let go."""

import asyncio
from datetime import timedelta

import structlog

from services.audit.store import Store, utc_now

_log = structlog.get_logger("kefu.audit")


async def keep_house(store: Store, retention_days: int) -> None:
    """Do it once.

    Args:
        store: Whose partitions.
        retention_days: Whole UTC days that records are kept.
    """
    today = utc_now().date()
    await store.make_partitions(today)
    for day in await store.drop_before(today - timedelta(days=retention_days)):
        _log.info("audit.day_dropped", day=day.isoformat())


async def keep_house_forever(store: Store, retention_days: int, every_seconds: float) -> None:
    """Do it again and again, from `every_seconds` from now on; a failed run is tried next time."""
    while True:
        await asyncio.sleep(every_seconds)
        try:
            await keep_house(store, retention_days)
        except Exception as error:
            # Whatever it was: a loop that ended would end retention, unseen.
            _log.error("audit.upkeep_failed", exc_info=error)
