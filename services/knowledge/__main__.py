"""The process of the knowledge service: `python -m services.knowledge`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from kefu.knowledge.v1.knowledge_pb2_grpc import add_KnowledgeServiceServicer_to_server

from services.knowledge.answer_store import AnswerStore, open_client
from services.knowledge.conversion.limits import Limits
from services.knowledge.conversion.reader import FileReader
from services.knowledge.embedding import Embedding
from services.knowledge.knowledge import Knowledge
from services.knowledge.peers import GenerationPeer
from services.knowledge.search_store import SearchStore
from services.knowledge.servicer import KnowledgeServicer
from services.knowledge.settings import Settings
from services.knowledge.store import DocumentStore
from services.knowledge.vector_store import VectorStore
from services.mesh.database import migrate, open_pool
from services.mesh.server import Registration
from services.mesh.service import Mesh, run


@asynccontextmanager
async def build(settings: Settings, mesh: Mesh) -> AsyncIterator[list[Registration]]:
    """Wire the service: PostgreSQL, the answer cache, and vectors from the generation service."""
    generation = GenerationPeer(mesh)
    async with open_pool(settings.database_url) as pool, open_client(settings.redis_url) as redis:
        await migrate(pool, Path(__file__).parent / "migrations")
        embedding = Embedding(VectorStore(pool), generation.embed, settings.embedding_retry_seconds)
        files = FileReader(
            Limits(
                settings.import_max_bytes,
                settings.conversion_seconds,
                settings.conversion_memory_bytes,
            )
        )
        knowledge = Knowledge(
            DocumentStore(pool), SearchStore(pool), AnswerStore(redis), embedding, files
        )
        following = asyncio.create_task(embedding.run())
        try:
            yield [(add_KnowledgeServiceServicer_to_server, KnowledgeServicer(knowledge))]
        finally:
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following
            await files.close()


if __name__ == "__main__":
    run("knowledge", Settings, build)
