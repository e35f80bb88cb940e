"""The knowledge service over loopback mTLS, real databases below it, character vectors beside."""

import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from kefu.generation.v1.generation_pb2_grpc import add_GenerationServiceServicer_to_server
from kefu.knowledge.v1 import knowledge_pb2 as pb

from services.knowledge.__main__ import build
from services.knowledge.settings import Settings
from services.mesh.server import Registration
from services.mesh.service import Mesh
from services.mesh.settings import ServiceSettings
from tests.rpc.knowledge.commands import kb
from tests.rpc.knowledge.samples import (
    SECONDS,
    TENANT,
    CharacterVectors,
    KnowledgeStub,
    request_id,
)
from tests.rpc.knowledge.uploads import Gate, Owner
from tests.support.mesh import Served, serve
from tests.support.postgres import database_url
from tests.support.valkey import redis_url

__all__ = ["database_url", "kb", "redis_url"]


@pytest.fixture
def vectors() -> CharacterVectors:
    """What answers in the place of the generation service."""
    return CharacterVectors()


@pytest.fixture
async def generation(vectors: CharacterVectors) -> AsyncIterator[Served]:
    """A service of the mesh that serves `vectors`."""

    @asynccontextmanager
    async def only_vectors(
        settings: ServiceSettings, mesh: Mesh
    ) -> AsyncIterator[list[Registration]]:
        yield [(add_GenerationServiceServicer_to_server, vectors)]

    async with serve("generation", only_vectors) as served:
        yield served


@pytest.fixture
def settings(generation: Served, database_url: str, redis_url: str) -> dict[str, Any]:
    """Settings of a knowledge service in the same mesh as `generation`."""
    keys = generation.keys("knowledge")
    return {
        "database_url": database_url,
        "redis_url": redis_url,
        "embedding_retry_seconds": 0.05,
        "peers": {"generation": generation.address},
        "cert_file": keys.cert_file,
        "key_file": keys.key_file,
        "ca_file": keys.ca_file,
    }


@pytest.fixture
async def server(generation: Served, settings: dict[str, Any]) -> AsyncIterator[Served]:
    """The service under test; its clients show certificates of the mesh's CA."""
    async with serve("knowledge", build, Settings, **settings) as served:
        served.authority = generation.authority
        served.folder = generation.folder
        yield served


@pytest.fixture
def stub(server: Served) -> KnowledgeStub:
    """A client that may do everything here."""
    return server.stub(KnowledgeStub, role="content-owner")


@pytest.fixture
async def base(stub: KnowledgeStub) -> str:
    """The name of an empty knowledge base of this test alone."""
    request = pb.CreateKnowledgeBaseRequest(
        parent=TENANT, knowledge_base_id=f"kb-{uuid.uuid4().hex[:12]}", request_id=request_id()
    )
    response = await stub.CreateKnowledgeBase(request, timeout=SECONDS)
    return response.knowledge_base.name


@pytest.fixture
async def owner(server: Served, base: str) -> Owner:
    """Who imports into the knowledge base of this test."""
    return Owner(server, base)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    """Holds imports; comes before the service in a test's arguments."""
    gate = Gate()
    gate.hold(monkeypatch)
    return gate


@pytest.fixture
def replica(
    generation: Served, settings: dict[str, Any], base: str
) -> Callable[..., AbstractAsyncContextManager[Owner]]:
    """Serves another replica; what is given differs from the usual settings."""

    @asynccontextmanager
    async def serving(**overrides: Any) -> AsyncIterator[Owner]:
        values = settings | overrides
        async with serve("knowledge", build, Settings, beside=generation, **values) as served:
            yield Owner(served, base)

    return serving
