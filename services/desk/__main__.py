"""Runs the desk service: `python -m services.desk`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from kefu.desk.v1.desk_pb2_grpc import add_DeskServiceServicer_to_server

from services.desk.servicer import DeskServicer
from services.desk.settings import Settings
from services.desk.store import Store
from services.mesh.database import migrate, open_pool
from services.mesh.server import Registration
from services.mesh.service import Mesh, run


@asynccontextmanager
async def build(settings: Settings, mesh: Mesh) -> AsyncIterator[list[Registration]]:
    """Wire the service."""
    async with open_pool(settings.database_url) as pool:
        await migrate(pool, Path(__file__).parent / "migrations")
        yield [(add_DeskServiceServicer_to_server, DeskServicer(Store(pool)))]


if __name__ == "__main__":
    run("desk", Settings, build)
