"""The generation service over loopback mTLS, with the stub of a provider behind it."""

from collections.abc import AsyncIterator

import pytest

from services.generation.__main__ import build
from services.generation.settings import Settings
from tests.rpc.generation.samples import with_model
from tests.stubs.model_server import ModelServer, model_server
from tests.support.mesh import Served, serve


@pytest.fixture
async def model() -> AsyncIterator[ModelServer]:
    """A provider that answers well and fast until a test says otherwise."""
    async with model_server() as server:
        yield server


@pytest.fixture
async def server(model: ModelServer) -> AsyncIterator[Served]:
    """The service with the stub as its provider."""
    async with serve("generation", build, Settings, **with_model(model)) as served:
        yield served


@pytest.fixture
async def lonely_server() -> AsyncIterator[Served]:
    """The service without any provider: nothing outside the machine."""
    async with serve("generation", build, Settings) as served:
        yield served


@pytest.fixture
async def first() -> AsyncIterator[ModelServer]:
    """The preferred provider."""
    async with model_server() as server:
        yield server


@pytest.fixture
async def second() -> AsyncIterator[ModelServer]:
    """The one behind it."""
    async with model_server() as server:
        yield server
