"""What holds under load and failure: counts that agree, a lost database that is said, a start."""

import asyncio
import json
import os
import sys
from typing import Any

import grpc
import psycopg
import pytest
from kefu import errors
from kefu.client.status import from_rpc_error
from kefu.knowledge.v1 import knowledge_pb2 as pb
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from services.knowledge.settings import Settings
from services.mesh.database import migrate, open_pool
from tests.rpc.knowledge.samples import (
    FILES,
    SECONDS,
    KnowledgeStub,
    importing,
    published,
    request_id,
)
from tests.support.mesh import ROOT, error_of


def consistent(database_url: str, base: str) -> bool:
    """Compare what is counted, in every revision, with what is there."""
    name = base.rpartition("/")[2]
    with psycopg.connect(database_url) as connection:
        number, draft = connection.execute(
            "SELECT number, draft FROM knowledge_bases WHERE id = %s", (name,)
        ).fetchall()[0]
        for revision in range(1, draft + 1):
            values = {"base": number, "revision": revision}
            counted = connection.execute(
                "SELECT term, sum(change) FROM terms WHERE base = %(base)s"
                " AND revision <= %(revision)s GROUP BY 1 HAVING sum(change) <> 0 ORDER BY 1",
                values,
            )
            true = connection.execute(
                "WITH said AS (SELECT * FROM entries WHERE base = %(base)s"
                " AND since <= %(revision)s AND %(revision)s < until)"
                ' SELECT substr(word.lexeme, length(%(base)s::text) + 2) COLLATE "C", count(*)'
                " FROM said, unnest(lexemes) AS word GROUP BY 1"
                " UNION ALL SELECT '', count(*) FROM said HAVING count(*) > 0 ORDER BY 1",
                values,
            )
            if counted.fetchall() != true.fetchall():
                return False
    return True


async def counted(stub: KnowledgeStub, base: str) -> None:
    """Let the words of the draft be counted, as whoever looks at a draft does."""
    request = pb.SearchRequest(parent=base, query="x", revision="draft")
    await stub.Search(request, timeout=SECONDS)


async def test_imports_at_once_do_not_disturb_each_other(
    stub: KnowledgeStub, base: str, database_url: str
) -> None:
    """Six imports over the same and other paths all succeed, without deadlock or lost counts."""
    calls = [
        stub.ImportDocuments(
            importing(
                base,
                {
                    "same.md": f"退货 version {number}",
                    f"own-{number}.md": f"换货 {number}",
                    **FILES,
                },
            ),
            timeout=SECONDS,
        )
        for number in range(6)
    ]
    responses = await asyncio.gather(*calls)
    outcomes = {result.outcome for response in responses for result in response.results}
    assert pb.ImportResult.OUTCOME_FAILED not in outcomes
    listed = await stub.ListDocuments(pb.ListDocumentsRequest(parent=base), timeout=SECONDS)
    assert len(listed.documents) == len(FILES) + 7
    await counted(stub, base)
    assert consistent(database_url, base)


async def test_importing_and_deleting_at_once_keeps_the_counts(
    stub: KnowledgeStub, base: str, database_url: str
) -> None:
    """Whoever comes first, what is counted is what is there."""
    first = await published(stub, base, FILES)
    deletions = [
        stub.DeleteDocument(
            pb.DeleteDocumentRequest(name=result.document.name, request_id=request_id()),
            timeout=SECONDS,
        )
        for result in first
    ]
    changed = {path: content + "\n更多" for path, content in FILES.items() if path.endswith("md")}
    await asyncio.gather(
        stub.ImportDocuments(importing(base, changed), timeout=SECONDS), *deletions
    )
    await counted(stub, base)
    assert consistent(database_url, base)


async def test_words_are_counted_in_every_revision(
    stub: KnowledgeStub, base: str, database_url: str
) -> None:
    """After a replacement, a removal from the draft and one for good, and for each revision."""
    results = await published(
        stub, base, {"a.md": "退货 one", "b.md": "退货 two", "c.md": "退货 c", **FILES}
    )
    await published(stub, base, {"a.md": "换货 one"})
    for result, draft_only in ((results[1], True), (results[2], False), (results[3], False)):
        request = pb.DeleteDocumentRequest(
            name=result.document.name, request_id=request_id(), draft_only=draft_only
        )
        await stub.DeleteDocument(request, timeout=SECONDS)
    await counted(stub, base)
    assert consistent(database_url, base)


async def test_what_belongs_to_a_removed_row_goes_with_it(
    stub: KnowledgeStub, base: str, database_url: str
) -> None:
    """Whoever removes a knowledge base in the database leaves nothing of it, and all of others."""
    other = f"{base}-other"
    await stub.CreateKnowledgeBase(
        pb.CreateKnowledgeBaseRequest(
            parent=base.partition("/knowledgeBases/")[0],
            knowledge_base_id=other.rpartition("/")[2],
            request_id=request_id(),
        ),
        timeout=SECONDS,
    )
    for name in (base, other):
        await published(stub, name, FILES)
    with psycopg.connect(database_url) as connection:
        before = rows_of(connection, other)
        assert all(before)
        assert rows_of(connection, base) == before
        connection.execute(
            "DELETE FROM knowledge_bases WHERE id = %s", (base.rpartition("/")[2],)
        )
        assert rows_of(connection, other) == before
        left = connection.execute(
            "SELECT (SELECT count(*) FROM entries e WHERE NOT EXISTS ("
            "SELECT FROM documents d WHERE (d.tenant, d.copy) = (e.tenant, e.copy))),"
            " (SELECT count(*) FROM vectors v WHERE NOT EXISTS (SELECT FROM knowledge_bases b"
            " WHERE (b.tenant, b.number) = (v.tenant, v.base)))"
        ).fetchall()
        assert left == [(0, 0)]


def rows_of(connection: psycopg.Connection, base: str) -> tuple[int, ...]:
    """Count what the database has of a knowledge base: documents, entries, vectors."""
    rows = connection.execute(
        "SELECT (SELECT count(*) FROM documents d WHERE d.base = b.number),"
        " (SELECT count(*) FROM entries e WHERE e.base = b.number),"
        " (SELECT count(*) FROM vectors v WHERE v.base = b.number)"
        " FROM knowledge_bases b WHERE b.id = %s",
        (base.rpartition("/")[2],),
    ).fetchall()
    return tuple(rows[0])


async def test_what_is_served_has_a_version(stub: KnowledgeStub, base: str) -> None:
    """Publishing and removing for good count it up; edits of the draft change nothing served."""
    versions = []

    async def note() -> None:
        response = await stub.Search(pb.SearchRequest(parent=base, query="x"), timeout=SECONDS)
        versions.append(response.version)

    await note()
    [result] = await published(stub, base, {"a.md": "one"})
    await note()
    await stub.ImportDocuments(importing(base, {"a.md": "two"}), timeout=SECONDS)
    await note()
    await stub.DeleteDocument(
        pb.DeleteDocumentRequest(name=result.document.name, request_id=request_id()),
        timeout=SECONDS,
    )
    await note()
    assert versions == [1, 2, 2, 3]


async def test_a_lost_database_is_said_and_survived(
    stub: KnowledgeStub, base: str, database_url: str
) -> None:
    """While PostgreSQL refuses, callers are told to retry; when it is back, all goes on."""
    await published(stub, base, FILES)
    database = str(conninfo_to_dict(database_url)["dbname"])
    admin_url = make_conninfo(database_url, dbname="postgres")
    name = sql.Identifier(database)
    request = pb.SearchRequest(parent=base, query="退货")
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name))
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (database,)
        )
        try:
            error = await error_of(stub.Search(request, timeout=SECONDS))
        finally:
            admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(name))
    assert type(error) is errors.StorageUnavailable
    assert error.retryable
    assert database not in str(error)
    # The pool reconnects by itself, after a pause that it chooses.
    async with asyncio.timeout(SECONDS):
        while not (response := await answer(stub, request)):
            pass
    assert response.passages


async def answer(stub: KnowledgeStub, request: pb.SearchRequest) -> pb.SearchResponse | None:
    """Search; None while the service says that its storage is unavailable."""
    try:
        return await stub.Search(request, timeout=SECONDS)
    except grpc.RpcError as error:
        if type(from_rpc_error(error, "knowledge")) is errors.StorageUnavailable:
            return None
        raise


async def test_an_expired_deadline_is_told(stub: KnowledgeStub, base: str) -> None:
    """Nobody waits longer than the caller does."""
    call = stub.Search(pb.SearchRequest(parent=base, query="退货"), timeout=0.0001)
    assert type(await error_of(call)) is errors.DeadlineExceeded


async def test_migrating_twice_changes_nothing(database_url: str, base: str) -> None:
    """Every replica migrates at its start; the second finds nothing to do."""
    async with open_pool(database_url) as pool:
        for _ in range(2):
            await migrate(pool, ROOT / "services" / "knowledge" / "migrations")
    with psycopg.connect(database_url) as connection:
        found = connection.execute("SELECT id FROM knowledge_bases").fetchall()
    assert (base.rpartition("/")[2],) in found


@pytest.fixture
def environment(settings: dict[str, Any]) -> dict[str, str]:
    """The environment of a process of the service."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("KEFU_")}
    folder = settings["ca_file"].parent
    chosen = settings | {
        "policy_file": folder / "policy.yaml",
        "spool_dir": folder / "spool-2",
        "peers": json.dumps(settings["peers"]),
    }
    return (
        clean
        | {"PYTHONPATH": f"{ROOT}:{ROOT}/gen:{ROOT}/services/sdk"}
        | {f"KEFU_{name.upper()}": str(value) for name, value in chosen.items()}
    )


async def start(environment: dict[str, str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.knowledge",
        cwd=ROOT,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def test_the_process_serves_and_drains(environment: dict[str, str]) -> None:
    """It says where it serves, and ends with 0 when it is asked to."""
    process = await start(environment)
    assert process.stdout is not None
    async for raw in process.stdout:
        if json.loads(raw)["event"] == "serving":
            break
    process.terminate()
    await process.communicate()
    assert process.returncode == 0


async def test_missing_settings_stop_the_start_with_all_reasons(
    environment: dict[str, str],
) -> None:
    """Each missing setting is named, once."""
    del environment["KEFU_DATABASE_URL"], environment["KEFU_REDIS_URL"]
    process = await start(environment)
    _, said = await process.communicate()
    assert process.returncode == 2
    assert b"KEFU_DATABASE_URL" in said
    assert b"KEFU_REDIS_URL" in said


async def test_without_the_peers_address_it_does_not_start(environment: dict[str, str]) -> None:
    """A service that could never embed is a mistake of the set-up, not of an import."""
    environment["KEFU_PEERS"] = "{}"
    process = await start(environment)
    _, said = await process.communicate()
    assert process.returncode == 2
    assert b"generation" in said


def test_every_setting_is_described() -> None:
    """Unit and reason of the default stand at each field."""
    assert all(field.description for field in Settings.model_fields.values())
