"""Runs the audit service: `python -m services.audit`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from kefu.audit.v1.audit_pb2_grpc import add_AuditServiceServicer_to_server

from services.audit.checkpoint import load_signer
from services.audit.servicer import AuditServicer
from services.audit.settings import Settings
from services.audit.store import Store
from services.audit.upkeep import keep_house, keep_house_forever
from services.mesh.database import migrate, open_pool
from services.mesh.server import Registration
from services.mesh.service import Mesh, run


@asynccontextmanager
async def build(settings: Settings, mesh: Mesh) -> AsyncIterator[list[Registration]]:
    """Wire the service; its partitions exist before the first event comes."""
    signer = load_signer(settings.signing_key_file)
    async with open_pool(settings.database_url) as pool:
        await migrate(pool, Path(__file__).parent / "migrations")
        store = Store(pool, signer)
        await keep_house(store, settings.retention_days)
        upkeep = asyncio.create_task(
            keep_house_forever(store, settings.retention_days, settings.upkeep_seconds)
        )
        try:
            yield [(add_AuditServiceServicer_to_server, AuditServicer(store))]
        finally:
            upkeep.cancel()


if __name__ == "__main__":
    run("audit", Settings, build)
