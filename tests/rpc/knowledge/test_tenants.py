"""Tenants are apart in the database itself, whatever a statement of ours forgets."""

import json
from collections.abc import AsyncIterator

import psycopg
import pytest
from kefu.knowledge.v1 import knowledge_pb2 as pb
from psycopg import errors as postgres

from services.knowledge.sql import TENANT_ROLE, reading, transaction
from services.mesh.database import Pool, open_pool
from tests.rpc.knowledge.samples import SECONDS, KnowledgeStub, published, request_id

TABLES = (
    "knowledge_bases", "documents", "faqs", "entries", "vectors", "terms", "revisions",
    "dictionary", "test_questions", "requests",
)  # fmt: skip


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """Connections as requests have them."""
    async with open_pool(database_url, 2, TENANT_ROLE) as opened:
        yield opened


@pytest.fixture
async def two_tenants(stub: KnowledgeStub) -> None:
    """The same knowledge base, with the same content, of two tenants."""
    for tenant in ("shop", "rival"):
        name = f"kb-{request_id()[:8]}"
        create = pb.CreateKnowledgeBaseRequest(
            parent=f"tenants/{tenant}", knowledge_base_id=name, request_id=request_id()
        )
        created = await stub.CreateKnowledgeBase(create, timeout=SECONDS)
        faq = {"id": "1", "question": "怎么退货", "answer": f"{tenant}的答案"}
        files = {"a.md": f"# {tenant}\n\nsecret of {tenant}", "faqs.jsonl": json.dumps(faq)}
        await published(stub, created.knowledge_base.name, files)


@pytest.mark.usefixtures("two_tenants")
async def test_every_table_shows_the_tenants_own_rows_alone(pool: Pool, database_url: str) -> None:
    """A statement without any condition sees one tenant; the owner sees both."""
    for table in TABLES:
        async with reading(pool, "rival") as connection:
            rows = await connection.execute(f"SELECT DISTINCT tenant FROM {table}".encode())
            assert set(await rows.fetchall()) <= {("rival",)}
        with psycopg.connect(database_url) as owner:
            secured = owner.execute(
                "SELECT relrowsecurity FROM pg_class WHERE relname = %s", (table,)
            ).fetchone()
        assert secured == (True,)
    with psycopg.connect(database_url) as owner:
        both = owner.execute("SELECT DISTINCT tenant FROM entries").fetchall()
    assert {("shop",), ("rival",)} <= set(both)


@pytest.mark.usefixtures("two_tenants")
async def test_nothing_of_another_tenant_can_be_written(pool: Pool) -> None:
    """Neither changed nor removed nor put under its name."""
    async with reading(pool, "rival") as connection:
        changed = await connection.execute("UPDATE entries SET content = '' WHERE tenant = 'shop'")
        assert changed.rowcount == 0
        gone = await connection.execute("DELETE FROM documents WHERE tenant = 'shop'")
        assert gone.rowcount == 0
        with pytest.raises(postgres.InsufficientPrivilege):
            await connection.execute(
                "INSERT INTO knowledge_bases (tenant, id, display_name) VALUES ('shop', 'x', '')"
            )


@pytest.mark.usefixtures("two_tenants")
async def test_without_a_tenant_nothing_is_seen(pool: Pool) -> None:
    """A connection on which nobody said whose rows are wanted."""
    async with pool.connection() as connection:
        await connection.execute("RESET kefu.tenant")
        rows = await connection.execute("SELECT count(*) FROM entries")
        assert await rows.fetchone() == (0,)


@pytest.mark.usefixtures("two_tenants")
async def test_a_connection_changes_hands(pool: Pool) -> None:
    """Requests of tenants in turn over the same connections never see each other's rows."""
    for tenant in ("shop", "rival", "shop", "nobody"):
        async with transaction(pool, tenant) as connection:
            rows = await connection.execute("SELECT DISTINCT tenant FROM documents")
            assert set(await rows.fetchall()) <= {(tenant,)}


@pytest.mark.usefixtures("two_tenants")
async def test_the_role_of_requests_owns_nothing(pool: Pool) -> None:
    """It cannot lift the policies that bind it, nor make tables that none binds."""
    for statement in (
        "ALTER TABLE entries DISABLE ROW LEVEL SECURITY",
        "DROP POLICY one_tenant ON entries",
        "CREATE TABLE loot (x int)",
        "DROP TABLE entries",
    ):
        async with reading(pool, "shop") as connection:
            with pytest.raises(postgres.InsufficientPrivilege):
                await connection.execute(statement.encode())


@pytest.mark.usefixtures("two_tenants")
async def test_the_function_that_looks_as_the_owner_stays_with_the_tenant(
    pool: Pool, database_url: str
) -> None:
    """Asked for another tenant's knowledge base, it returns nothing."""
    with psycopg.connect(database_url) as owner:
        bases = owner.execute(
            "SELECT tenant, number FROM knowledge_bases WHERE live IS NOT NULL"
        ).fetchall()
    found = {}
    for tenant, number in bases:
        async with reading(pool, "rival") as connection:
            rows = await connection.execute(
                "SELECT matching_entries(%s, 1, ARRAY[%s::tsquery], ARRAY[1.0], 100, 10, now(),"
                " NULL)",
                (number, f"'{number}:secret'"),
            )
            found.setdefault(tenant, 0)
            found[tenant] += len(await rows.fetchall())
    assert found["rival"] > 0
    assert found["shop"] == 0


@pytest.mark.usefixtures("two_tenants")
async def test_searches_stay_in_their_tenant(stub: KnowledgeStub) -> None:
    """Through the front door: same question, own answer."""
    for tenant in ("shop", "rival"):
        request = pb.ListKnowledgeBasesRequest(parent=f"tenants/{tenant}", page_size=100)
        bases = (await stub.ListKnowledgeBases(request, timeout=SECONDS)).knowledge_bases
        base = [each for each in bases if each.HasField("live_revision")][-1]
        search = pb.SearchRequest(parent=base.name, query="怎么退货")
        found = await stub.Search(search, timeout=SECONDS)
        assert found.faq.answer == f"{tenant}的答案"
