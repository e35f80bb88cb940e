"""The process of the knowledge service: `python -m services.knowledge`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from kefu.knowledge.v1.import_pb2_grpc import add_KnowledgeImportServiceServicer_to_server
from kefu.knowledge.v1.knowledge_pb2_grpc import add_KnowledgeServiceServicer_to_server
from kefu.knowledge.v1.release_pb2_grpc import add_KnowledgeReleaseServiceServicer_to_server

from services.knowledge.answer_store import AnswerStore, open_client
from services.knowledge.base_store import BaseStore
from services.knowledge.conversion.limits import Limits
from services.knowledge.conversion.reader import FileReader
from services.knowledge.document_store import DocumentStore
from services.knowledge.embedding import Embedding
from services.knowledge.import_servicer import KnowledgeImportServicer
from services.knowledge.imports.import_operation_store import ImportOperationStore
from services.knowledge.imports.import_result_store import ImportResultStore
from services.knowledge.imports.import_run import ImportWork
from services.knowledge.imports.imports import Imports, import_kind
from services.knowledge.imports.spool import FOLDER_PREFIX, SpoolLimits
from services.knowledge.imports.upload import Uploads
from services.knowledge.knowledge import Knowledge
from services.knowledge.peers import GenerationPeer
from services.knowledge.question_store import DictionaryStore, QuestionStore
from services.knowledge.release_servicer import KnowledgeReleaseServicer
from services.knowledge.release_store import ReleaseStore
from services.knowledge.releasing import Releases
from services.knowledge.revision_store import RevisionStore
from services.knowledge.search_store import SearchStore
from services.knowledge.searching import Searching
from services.knowledge.servicer import KnowledgeServicer
from services.knowledge.settings import Settings
from services.knowledge.sorting import Sorting
from services.knowledge.sql import TENANT_ROLE
from services.knowledge.upkeep import Upkeep
from services.knowledge.upkeep_store import UpkeepStore
from services.knowledge.vector_store import VectorStore
from services.mesh.database import migrate, open_pool
from services.mesh.operations.runner import Runner
from services.mesh.operations.scratch import remove_leftovers
from services.mesh.server import Registration
from services.mesh.service import Mesh, run

_OWNERS = 4
"""Connections of the tables' owner at the most: building an index keeps one for minutes, sorting
one for as long as something is imported."""


@asynccontextmanager
async def build(settings: Settings, mesh: Mesh) -> AsyncIterator[list[Registration]]:
    """Wire the service: PostgreSQL, the answer cache, and vectors from the generation service."""
    generation = GenerationPeer(mesh)
    async with AsyncExitStack() as stack:
        owner = await stack.enter_async_context(open_pool(settings.database_url, _OWNERS))
        await migrate(owner, Path(__file__).parent / "migrations")
        pool = await stack.enter_async_context(open_pool(settings.database_url, role=TENANT_ROLE))
        reader = pool
        if settings.read_database_url:
            reader = await stack.enter_async_context(
                open_pool(settings.read_database_url, role=TENANT_ROLE)
            )
        redis = await stack.enter_async_context(open_client(settings.redis_url))
        embedding = Embedding(VectorStore(pool), generation.embed, settings.embedding_retry_seconds)
        files = FileReader(
            Limits(
                settings.import_max_bytes,
                settings.conversion_seconds,
                settings.conversion_memory_bytes,
            )
        )
        stack.push_async_callback(files.close)
        answers = AnswerStore(redis)
        knowledge = Knowledge(BaseStore(pool), DocumentStore(pool), answers, embedding, files)
        searching = Searching(
            RevisionStore(reader), SearchStore(reader), ReleaseStore(pool), answers
        )
        releases = Releases(
            ReleaseStore(pool),
            QuestionStore(pool),
            DictionaryStore(pool),
            searching,
            answers,
            generation.embed,
        )
        stack.push_async_callback(_ended, asyncio.create_task(embedding.run()))
        tables = UpkeepStore(owner)
        sorting = Sorting(tables.sort_in_words)
        stack.push_async_callback(_ended, asyncio.create_task(sorting.run()))
        upkeep = Upkeep(tables, embedding, generation.embed, settings.index_memory_mebibytes)
        stack.push_async_callback(_ended, asyncio.create_task(upkeep.run()))
        results = ImportResultStore(pool)
        work = ImportWork(
            knowledge.read_file,
            partial(knowledge.store, awaited=False),
            sorting.wake,
            ReleaseStore(pool).count,
            embedding.wake,
            results,
            settings.vectors_patience_seconds,
        )
        imports = await _imports(settings, ImportOperationStore(pool, owner), results, work, stack)
        yield [
            (add_KnowledgeServiceServicer_to_server, KnowledgeServicer(knowledge, searching)),
            (add_KnowledgeImportServiceServicer_to_server, imports),
            (
                add_KnowledgeReleaseServiceServicer_to_server,
                KnowledgeReleaseServicer(releases, knowledge),
            ),
        ]


async def _imports(
    settings: Settings,
    operations: ImportOperationStore,
    results: ImportResultStore,
    work: ImportWork,
    stack: AsyncExitStack,
) -> KnowledgeImportServicer:
    """Wire imports, whose work ends with `stack`."""
    limits = SpoolLimits(
        settings.upload_max_bytes,
        settings.upload_max_files,
        settings.import_max_bytes,
        settings.upload_seconds,
        settings.uploads_at_once,
    )
    await asyncio.to_thread(remove_leftovers, FOLDER_PREFIX)
    runner = Runner(import_kind(limits.at_once), operations, settings.stale_seconds)
    stack.push_async_callback(runner.aclose)
    stack.push_async_callback(_ended, asyncio.create_task(runner.run()))
    imports = Imports(operations, results, runner, Uploads(limits), work)
    return KnowledgeImportServicer(imports, runner)


async def _ended(task: "asyncio.Task[None]") -> None:
    """End a background task, and let it finish what it does at its end."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


if __name__ == "__main__":
    run("knowledge", Settings, build)
