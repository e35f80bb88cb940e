"""A running desk service over a real database, for each test module."""

from collections.abc import AsyncIterator

import pytest
from kefu.desk.v1.desk_pb2_grpc import DeskServiceStub

from services.desk.__main__ import build
from services.desk.settings import Settings
from tests.support.mesh import Served, serve
from tests.support.postgres import database_url

__all__ = ["database_url"]


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Served]:
    """The service on loopback, with the production chain."""
    async with serve("desk", build, Settings, database_url=database_url) as served:
        yield served


@pytest.fixture
async def agent(desk: Served) -> DeskServiceStub:
    """A stub for somebody who may do everything here."""
    return desk.stub(DeskServiceStub, role="agent")
