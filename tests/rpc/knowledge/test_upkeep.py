"""What the service does beside requests: indexes, old revisions, vectors of an earlier model."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import psycopg
import pytest
from kefu import errors
from kefu.client.status import from_rpc_error
from kefu.knowledge.v1 import knowledge_pb2 as pb
from kefu.knowledge.v1 import release_pb2 as release

from services.knowledge.__main__ import build
from services.knowledge.settings import Settings
from services.knowledge.upkeep_store import UpkeepStore
from services.mesh.database import open_pool
from tests.rpc.knowledge.samples import (
    FILES,
    SECONDS,
    CharacterVectors,
    KnowledgeStub,
    embedding,
    published,
    titles,
)
from tests.support.mesh import Served, error_of, serve


@pytest.fixture
async def upkeep(database_url: str, stub: KnowledgeStub) -> AsyncIterator[UpkeepStore]:
    """The store of the upkeep, over a database that the service has migrated."""
    async with open_pool(database_url, 2) as owner:
        yield UpkeepStore(owner)


async def search(stub: KnowledgeStub, base: str, revision: str = "") -> pb.SearchResponse:
    request = pb.SearchRequest(
        parent=base, query="退货运费", embedding=embedding("退货运费"), revision=revision
    )
    return await stub.Search(request, timeout=SECONDS)


def number_of(database_url: str, base: str) -> int:
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "SELECT number FROM knowledge_bases WHERE id = %s", (base.rpartition("/")[2],)
        ).fetchone()
    assert row is not None
    return int(row[0])


async def test_a_large_base_gets_an_index_and_answers_as_before(
    stub: KnowledgeStub,
    base: str,
    upkeep: UpkeepStore,
    database_url: str,
    server: Served,
    settings: dict[str, Any],
) -> None:
    """The same passages with the same scores, in every revision; a second look makes none."""
    await published(stub, base, FILES)
    await published(stub, base, {"zh/returns.md": "# 退货\n\n退货运费由商家承担。"})
    before = [await search(stub, base, revision) for revision in ("1", "2")]
    number = number_of(database_url, base)
    assert number in await upkeep.index_vectors(3, 64)
    assert number not in await upkeep.index_vectors(3, 64)
    # Another replica, which has not searched here before, knows of the index at once.
    async with serve("knowledge", build, Settings, **settings) as served:
        served.authority, served.folder = server.authority, server.folder
        replica = served.stub(KnowledgeStub, role="content-owner")
        after = [await search(replica, base, revision) for revision in ("1", "2")]
        live = await search(replica, base)
    assert [list(each.passages) for each in after] == [list(each.passages) for each in before]
    assert titles(live.passages)[0] == "退货"
    with psycopg.connect(database_url) as connection:
        valid = connection.execute(
            "SELECT i.indisvalid FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid"
            " WHERE c.relname = %s",
            (f"vectors_of_{number}",),
        ).fetchone()
    assert valid == (True,)


async def test_an_index_waits_for_all_vectors(
    stub: KnowledgeStub,
    base: str,
    upkeep: UpkeepStore,
    vectors: CharacterVectors,
    database_url: str,
) -> None:
    """Filling a finished one is slower than making it of all."""
    vectors.down = True
    await published(stub, base, FILES)
    assert number_of(database_url, base) not in await upkeep.index_vectors(3, 64)


async def test_old_revisions_are_forgotten_but_not_what_is_live(
    stub: KnowledgeStub, base: str, upkeep: UpkeepStore, database_url: str
) -> None:
    """The newest few stay readable as they were; their words are counted as before."""
    for number in range(1, 7):
        await published(stub, base, {"a.md": f"# A\n\nversion {number} of the returns"})
    before = await search(stub, base, "5")
    await upkeep.forget_revisions(3)
    listing = await stub.ListRevisions(release.ListRevisionsRequest(parent=base), timeout=SECONDS)
    assert [each.number for each in listing.revisions] == [6, 5, 4]
    assert list((await search(stub, base, "5")).passages) == list(before.passages)
    assert type(await error_of(search(stub, base, "3"))) is errors.RevisionNotFound
    with psycopg.connect(database_url) as connection:
        left = connection.execute(
            "SELECT count(*) FROM documents WHERE base = %s", (number_of(database_url, base),)
        ).fetchone()
    assert left == (3,)
    # Going back to the oldest protects it from the next round.
    back = release.RollbackKnowledgeBaseRequest(
        name=base, request_id="00000000-0000-4000-8000-000000000001", revision=4
    )
    await stub.RollbackKnowledgeBase(back, timeout=SECONDS)
    await upkeep.forget_revisions(1)
    listing = await stub.ListRevisions(release.ListRevisionsRequest(parent=base), timeout=SECONDS)
    assert [(each.number, each.live) for each in listing.revisions][-1] == (4, True)


async def test_another_model_is_noticed_at_the_start(
    stub: KnowledgeStub,
    base: str,
    vectors: CharacterVectors,
    server: Served,
    settings: dict[str, Any],
) -> None:
    """A release that brings another model embeds everything anew, without an import."""
    await published(stub, base, FILES)
    vectors.model = "characters-2"
    async with serve("knowledge", build, Settings, **settings) as served:
        served.authority, served.folder = server.authority, server.folder
        replica = served.stub(KnowledgeStub, role="content-owner")
        request = pb.SearchRequest(
            parent=base, query="退货运费", embedding=embedding("退货运费", "characters-2")
        )
        async with asyncio.timeout(SECONDS):
            while not (titles_found := await by_meaning(replica, request)):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    assert titles_found[0] == "退货 > 运费"


async def by_meaning(stub: KnowledgeStub, request: pb.SearchRequest) -> list[str]:
    """Titles that are found by meaning; none while the vectors are of another model."""
    try:
        found = await stub.Search(request, timeout=SECONDS)
    except grpc.RpcError as error:
        if isinstance(from_rpc_error(error, "knowledge"), errors.EmbeddingMismatch):
            return []
        raise
    return [] if found.lexical_only else titles(found.passages)
