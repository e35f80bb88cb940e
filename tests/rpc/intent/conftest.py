"""The intent service over loopback mTLS, a real database below it, word vectors beside it."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import psycopg
import pytest
from kefu.generation.v1.generation_pb2_grpc import add_GenerationServiceServicer_to_server

from services.intent.__main__ import build
from services.intent.settings import Settings
from tests.rpc.intent.samples import Company, WordVectors
from tests.support.mesh import Served, serve, wired
from tests.support.postgres import database_url

__all__ = ["database_url"]

Replica = Callable[..., AbstractAsyncContextManager[Served]]


@pytest.fixture
async def vectors() -> WordVectors:
    """What answers in the place of the generation service."""
    return WordVectors()


@pytest.fixture
async def generation(vectors: WordVectors) -> AsyncIterator[Served]:
    """A service of the mesh that serves `vectors`."""
    registration = (add_GenerationServiceServicer_to_server, vectors)
    async with serve("generation", wired(registration)) as served:
        yield served


@pytest.fixture
def settings(generation: Served, database_url: str) -> Iterator[dict[str, Any]]:
    """Settings of an intent service in the same mesh as `generation`."""
    yield {
        "database_url": database_url, "embedding_patience_seconds": 0.1, "stale_seconds": 3.0,
        "peers": {"generation": generation.address},
    }  # fmt: skip
    # The next test's service would load the models of all tenants of this one first.
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DELETE FROM live_models")


@pytest.fixture
def replica(generation: Served, settings: dict[str, Any]) -> Replica:
    """Serves one replica; what is given differs from the usual settings."""

    @asynccontextmanager
    async def serving(**overrides: Any) -> AsyncIterator[Served]:
        values = settings | overrides
        async with serve("intent", build, Settings, beside=generation, **values) as served:
            yield served

    return serving


@pytest.fixture
async def server(replica: Replica) -> AsyncIterator[Served]:
    """The service under test."""
    async with replica() as served:
        yield served


@pytest.fixture
def company(server: Served) -> Company:
    """A tenant of this test alone."""
    return Company(server)
