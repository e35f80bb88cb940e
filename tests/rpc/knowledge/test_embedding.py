"""Vectors follow the documents, now or later, and never hold an import up."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from typing import Any

import psycopg
from kefu.knowledge.v1 import knowledge_pb2 as pb

from services.knowledge.__main__ import build
from services.knowledge.settings import Settings
from tests.rpc.knowledge.samples import (
    FILES,
    SECONDS,
    TENANT,
    CharacterVectors,
    KnowledgeStub,
    embedding,
    importing,
    published,
    request_id,
    titles,
)
from tests.support.mesh import Served, serve

LEXICAL_ONLY, READY = pb.Document.STATE_LEXICAL_ONLY, pb.Document.STATE_READY


async def bring(stub: KnowledgeStub, base: str) -> set[int]:
    """Import and publish the sample and return the states of its documents."""
    return {result.document.state for result in await published(stub, base, FILES)}


async def states(stub: KnowledgeStub, base: str) -> set[int]:
    response = await stub.ListDocuments(pb.ListDocumentsRequest(parent=base), timeout=SECONDS)
    return {document.state for document in response.documents}


async def until_ready(stub: KnowledgeStub, base: str) -> None:
    """Wait for the background work, asking as a content owner would."""
    async with asyncio.timeout(SECONDS):
        while await states(stub, base) != {READY}:  # noqa: ASYNC110 (another process works)
            await asyncio.sleep(0.02)


async def search(stub: KnowledgeStub, base: str, model: str = "") -> pb.SearchResponse:
    vector = embedding("退货运费", model) if model else embedding("退货运费")
    return await stub.Search(
        pb.SearchRequest(parent=base, query="退货运费", embedding=vector), timeout=SECONDS
    )


async def test_an_import_succeeds_without_the_generation_service(
    stub: KnowledgeStub, base: str, vectors: CharacterVectors
) -> None:
    """The documents are there, are found by words, and say that their vectors are not."""
    vectors.down = True
    assert await bring(stub, base) == {LEXICAL_ONLY}
    response = await search(stub, base)
    assert titles(response.passages)[0] == "退货 > 运费"
    assert response.lexical_only


async def test_vectors_follow_when_the_service_is_back(
    stub: KnowledgeStub, base: str, vectors: CharacterVectors
) -> None:
    """Nobody has to import again."""
    vectors.down = True
    await bring(stub, base)
    vectors.down = False
    await until_ready(stub, base)
    response = await search(stub, base)
    assert not response.lexical_only
    assert response.passages[0].dense_rank == 1


async def test_a_restart_goes_on_with_what_was_left(
    settings: dict[str, Any],
    generation: Served,
    stub: KnowledgeStub,
    base: str,
    vectors: CharacterVectors,
) -> None:
    """The backlog is in the database, not in the process."""
    vectors.down = True
    await bring(stub, base)
    vectors.down = False
    async with another_replica(settings, generation) as replica:
        await until_ready(replica, base)


async def test_a_new_model_replaces_all_vectors(
    stub: KnowledgeStub, base: str, vectors: CharacterVectors
) -> None:
    """Vectors of two models are never mixed: the first new one makes all others be made anew."""
    await bring(stub, base)
    vectors.model = "characters-2"
    await stub.ImportDocuments(importing(base, {"new.md": "text"}), timeout=SECONDS)
    await until_ready(stub, base)
    response = await search(stub, base, "characters-2")
    assert (response.lexical_only, titles(response.passages)[0]) == (False, "退货 > 运费")


async def test_a_document_deleted_meanwhile_does_no_harm(
    stub: KnowledgeStub, base: str, vectors: CharacterVectors, database_url: str
) -> None:
    """What waits for a vector may vanish; the rest gets its own."""
    vectors.down = True
    response = await stub.ImportDocuments(
        importing(base, {**FILES, "gone.txt": "soon gone"}), timeout=SECONDS
    )
    name = response.results[-1].document.name
    await stub.DeleteDocument(
        pb.DeleteDocumentRequest(name=name, request_id=request_id()), timeout=SECONDS
    )
    vectors.down = False
    await until_ready(stub, base)
    with psycopg.connect(database_url) as connection:
        left = connection.execute(
            "SELECT count(*) FROM vectors v WHERE NOT EXISTS (SELECT FROM entries e"
            " WHERE (e.base, e.text_hash) = (v.base, v.text_hash))"
        ).fetchone()
    assert left == (0,)


async def test_an_import_does_not_wait_long_for_vectors(
    stub: KnowledgeStub,
    base: str,
    vectors: CharacterVectors,
) -> None:
    """A slow model makes vectors late, not the import."""
    vectors.held.clear()
    assert await bring(stub, base) == {LEXICAL_ONLY}
    vectors.held.set()
    await until_ready(stub, base)


async def test_a_used_up_limit_is_waited_for(
    stub: KnowledgeStub, base: str, vectors: CharacterVectors
) -> None:
    """As long as its owner was told to; then nobody has to import again."""
    vectors.poor = {TENANT: 1.0}
    assert await bring(stub, base) == {LEXICAL_ONLY}
    vectors.poor.clear()
    await until_ready(stub, base)
    asked = [*vectors.refused, asyncio.get_running_loop().time()]
    assert all(later - sooner > 0.9 for sooner, later in itertools.pairwise(asked))


async def test_a_used_up_limit_keeps_no_other_tenant_waiting(
    stub: KnowledgeStub, base: str, server: Served, vectors: CharacterVectors
) -> None:
    """Its texts have waited longest; who has none of its trouble is served all the same."""
    vectors.poor = {TENANT: 3600.0}
    assert await bring(stub, base) == {LEXICAL_ONLY}
    request = pb.CreateKnowledgeBaseRequest(
        parent="tenants/bank", knowledge_base_id="help", request_id=request_id()
    )
    other = (await stub.CreateKnowledgeBase(request, timeout=SECONDS)).knowledge_base.name
    assert await bring(stub, other) == {READY}
    assert await states(stub, base) == {LEXICAL_ONLY}


async def test_a_text_that_the_model_refuses_is_found_by_its_beginning(
    stub: KnowledgeStub, base: str, vectors: CharacterVectors
) -> None:
    """It is too long for it, and keeps no other text waiting."""
    vectors.longest = 150
    long = "# 保修说明\n\n" + "电水壶的保修期是一年，从签收次日开始计算，人为损坏除外。" * 10
    await published(stub, base, {**FILES, "long.md": long})
    await until_ready(stub, base)
    assert max(map(len, vectors.embedded)) <= vectors.longest
    assert any("保修期是一年" in text for text in vectors.embedded)


async def test_a_model_that_refuses_one_tenant_keeps_no_other_waiting(
    stub: KnowledgeStub, base: str, vectors: CharacterVectors
) -> None:
    """What is refused however short it is waits for itself alone."""
    vectors.longest = 0
    assert await bring(stub, base) == {LEXICAL_ONLY}
    vectors.longest = 8000
    request = pb.CreateKnowledgeBaseRequest(
        parent="tenants/bank", knowledge_base_id="other", request_id=request_id()
    )
    other = (await stub.CreateKnowledgeBase(request, timeout=SECONDS)).knowledge_base.name
    assert await bring(stub, other) == {READY}
    assert await states(stub, base) == {LEXICAL_ONLY}


@contextlib.asynccontextmanager
async def another_replica(
    settings: dict[str, Any], generation: Served
) -> AsyncIterator[KnowledgeStub]:
    """A client of a second process of the service."""
    async with serve("knowledge", build, Settings, **settings) as served:
        served.authority, served.folder = generation.authority, generation.folder
        yield served.stub(KnowledgeStub, role="content-owner")
