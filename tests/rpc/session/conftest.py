"""The session service with real stores, and the company behind it, for each test module."""

from collections.abc import AsyncIterator, Iterator, MutableMapping
from typing import Any

import psycopg
import pytest
import pytest_asyncio
import redis
from kefu.session.v1.session_pb2_grpc import SessionServiceStub
from structlog.testing import capture_logs

from tests.rpc.session.company import Company
from tests.rpc.session.front import Front, open_front
from tests.support.postgres import database_url
from tests.support.valkey import redis_url

__all__ = ["database_url", "redis_url"]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def module_front(database_url: str, redis_url: str) -> AsyncIterator[Front]:
    """One service and one company for the tests of a module."""
    async with open_front(database_url, redis_url) as front:
        yield front


@pytest.fixture
def front(module_front: Front) -> Iterator[Front]:
    """The service, behind which nothing is scripted yet."""
    module_front.company.reset()
    module_front.spans.clear()
    yield module_front
    module_front.company.reset()


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[MutableMapping[str, Any]]]:
    """What was logged while the test ran."""
    with capture_logs() as entries:
        yield entries


@pytest.fixture
def company(front: Front) -> Company:
    """What stands behind the service."""
    return front.company


@pytest.fixture
def channel(front: Front) -> SessionServiceStub:
    """A stub for a system that holds conversations."""
    return front.channel


@pytest.fixture
def database(database_url: str) -> Iterator[psycopg.Connection]:
    """The service's own database, looked at from outside."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def live(redis_url: str) -> Iterator[redis.Redis]:
    """The service's own Redis, looked at from outside."""
    with redis.Redis.from_url(redis_url) as client:
        yield client
