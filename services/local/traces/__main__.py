"""`python -m services.local.traces`: wiring."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import structlog
from kefu.errors import StorageUnavailable
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    add_TraceServiceServicer_to_server,
)

from services.local.traces.servicer import TraceServicer
from services.local.traces.settings import Settings
from services.local.traces.store import Store
from services.mesh.database import migrate, open_pool
from services.mesh.server import Registration
from services.mesh.service import Mesh, run

FORGET_SECONDS = 3600.0
"""Between two clearances: the days of retention are no exact promise."""


@asynccontextmanager
async def build(settings: Settings, mesh: Mesh) -> AsyncIterator[list[Registration]]:
    """Serve the sink and clear old spans every hour."""
    async with open_pool(settings.database_url) as pool:
        await migrate(pool, Path(__file__).parent / "migrations")
        store = Store(pool)
        clearing = asyncio.create_task(_clear(store, timedelta(days=settings.trace_days)))
        try:
            yield [(add_TraceServiceServicer_to_server, TraceServicer(store))]
        finally:
            clearing.cancel()


async def _clear(store: Store, age: timedelta) -> None:
    log = structlog.get_logger("traces")
    while True:
        try:
            log.info("old spans deleted", spans=await store.forget(age))
        except StorageUnavailable:
            log.warning("old spans not deleted, storage is unavailable")
        await asyncio.sleep(FORGET_SECONDS)


if __name__ == "__main__":
    run("traces", Settings, build)
