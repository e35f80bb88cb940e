"""However an import ends, it is said, what is done stays, and going on skips it."""

import asyncio
import signal
import tempfile
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import grpc
import psycopg
import pytest
from kefu.client.status import from_rpc_error
from kefu.errors import OperationNotFound
from kefu.knowledge.v1 import import_pb2 as pb
from kefu.knowledge.v1 import knowledge_pb2
from prometheus_client import REGISTRY

from services.knowledge.imports import import_run
from services.knowledge.imports.import_operation_store import ImportOperationStore
from services.knowledge.sql import TENANT_ROLE
from services.local import child, postgres
from tests.rpc.knowledge.samples import RETURNS, SECONDS, CharacterVectors, request_id
from tests.rpc.knowledge.uploads import Gate, Operation, Owner, spools, until, uploading
from tests.support.mesh import Served
from tests.support.postgres import database_away
from tests.support.process import ServiceProcess

Replica = Callable[..., AbstractAsyncContextManager[Owner]]

FILES = {f"{number}.md": f"# {number}\n\nThe text of file {number}." for number in range(3)}


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder for temporary files of this test."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def imports(state: str) -> float:
    """How many imports have ended so."""
    return REGISTRY.get_sample_value("kefu_knowledge_imports_total", {"state": state}) or 0.0


async def test_cancelling_ends_an_import_between_two_files(
    gate: Gate, owner: Owner, temporary: Path
) -> None:
    """The file that is worked at is finished; the others are not begun, and nothing is undone."""
    begun = await owner.uploads(FILES)
    await gate.reaches("0.md")
    cancelled = await owner.cancels(begun)
    assert cancelled.state == Operation.STATE_CANCELLED
    assert await owner.cancels(begun) == cancelled
    # Longer than until the next heartbeat, which finds the operation ended once more.
    await asyncio.sleep(1.5)
    gate.open.set()

    async def ended() -> bool:
        return not spools(temporary)

    await until(ended)
    assert gate.reached == ["0.md"]
    assert await owner.outcomes(begun) == {
        "0.md": "imported", "1.md": "pending", "2.md": "pending",
    }  # fmt: skip
    assert set(await owner.documents()) == {"0.md"}
    assert await owner.operation(begun.name) == cancelled
    again = await owner.imported(FILES)
    assert again == {"0.md": "unchanged", "1.md": "imported", "2.md": "imported"}


async def test_cancelling_by_way_of_another_replica(
    gate: Gate, owner: Owner, replica: Replica
) -> None:
    """Whoever takes the call; the worker hears of it with its next heartbeat."""
    counted = imports("cancelled")
    begun = await owner.uploads(FILES)
    await gate.reaches("0.md")
    async with replica() as elsewhere:
        assert (await elsewhere.operation(begun.name)).state == Operation.STATE_RUNNING
        assert (await elsewhere.cancels(begun)).state == Operation.STATE_CANCELLED

        async def heard() -> bool:
            return imports("cancelled") > counted

        gate.open.set()
        await until(heard)
        outcomes = await elsewhere.outcomes(begun)
    assert outcomes["0.md"] == "imported"


async def test_a_file_without_end_does_not_hold_the_end_up(
    gate: Gate, replica: Replica, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waits for a replica to shut down does not wait for half a minute."""
    monkeypatch.setattr(import_run, "_LAST_FILE_SECONDS", 0.1)
    loop = asyncio.get_running_loop()
    async with replica() as draining:
        begun = await draining.uploads(FILES)
        await gate.reaches("0.md")
        started = loop.time()
    assert loop.time() - started < 5
    ended = await owner.operation(begun.name)
    assert (ended.state, ended.reason) == (Operation.STATE_FAILED, "SHUTTING_DOWN")
    assert "run the import again; what is in the draft already is skipped" in ended.problem
    assert set((await owner.outcomes(begun)).values()) == {"pending"}


async def test_what_has_succeeded_cannot_be_cancelled(owner: Owner) -> None:
    """It is returned as it ended."""
    ended = await owner.ended(await owner.uploads(FILES))
    assert await owner.cancels(ended) == ended


async def test_a_killed_replica_s_import_is_ended_by_another(
    generation: Served, settings: dict[str, Any], base: str, replica: Replica, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, vectors: CharacterVectors, server: Served,
) -> None:  # fmt: skip
    """Kill -9: the operation FAILS and says what to do; the next start removes the files."""
    shared = {key: settings[key] for key in ("database_url", "redis_url", "peers")}
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    killed = ServiceProcess("knowledge", generation, tmp_path, **shared)
    address = await killed.start()
    dying = Owner(
        Served(address, server.folder, server.authority, server.settings, server.stack), base
    )
    many = {f"{number:03}.md": f"# {number}\n\ntext {number}" for number in range(150)}
    begun = await dying.uploads(many)

    async def some() -> bool:
        return "imported" in (await dying.outcomes(begun)).values()

    await until(some)
    await killed.kill()
    assert len(spools(tmp_path / "tmp")) == 1
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    async with replica(stale_seconds=1.5) as other:
        assert not spools(tmp_path / "tmp")
        ended = await other.ended(begun)
        assert (ended.state, ended.reason) == (Operation.STATE_FAILED, "INTERNAL")
        assert "run the import again; what is in the draft already is skipped" in ended.problem
        before = list((await other.outcomes(begun)).values())
        assert {"imported", "pending"} <= set(before)
        again = list((await other.imported(many)).values())
        # The last file may have been imported without a word about it.
        assert again.count("unchanged") - before.count("imported") in (0, 1)
        assert again.count("imported") == len(many) - again.count("unchanged")


async def test_a_database_that_fails_over_costs_no_import(
    gate: Gate, replica: Replica, database_url: str
) -> None:
    """It goes while files are imported and comes back: what met the gap is tried again."""
    async with replica(stale_seconds=60) as owner:
        begun = await owner.uploads(FILES)
        await gate.reaches("0.md")

        async def missed() -> bool:
            return gate.reached.count("0.md") > 1

        with database_away(database_url):
            gate.open.set()
            await until(missed)

        async def ended() -> bool:
            try:
                return (await owner.operation(begun.name)).HasField("end_time")
            except grpc.RpcError:  # the pool reconnects after a pause that it chooses
                return False

        await until(ended)
        operation = await owner.operation(begun.name)
        assert operation.state == Operation.STATE_SUCCEEDED, operation.problem
        assert set((await owner.outcomes(begun)).values()) <= {"imported", "unchanged"}


async def test_a_caller_who_leaves_at_the_last_moment_has_begun_an_import(
    owner: Owner, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The call ends when the operation is stored and before its work has begun."""
    begin = ImportOperationStore.begin
    stored, go_on = asyncio.Event(), asyncio.Event()

    async def slow(*arguments: Any) -> Any:
        begun = await begin(*arguments)
        stored.set()
        await go_on.wait()
        return begun

    monkeypatch.setattr(ImportOperationStore, "begin", slow)
    same = request_id()
    call = owner.imports.UploadDocuments(uploading(owner.base, FILES, same))
    await stored.wait()
    call.cancel()
    go_on.set()
    ended = await owner.ended(await owner.uploads(FILES, same))
    assert ended.state == Operation.STATE_SUCCEEDED, ended.problem
    assert set((await owner.outcomes(ended)).values()) == {"imported"}

    async def removed() -> bool:
        return not spools(temporary)

    await until(removed)


async def test_operations_and_their_results_are_forgotten_after_thirty_days(
    owner: Owner, replica: Replica, database_url: str
) -> None:
    """A replica removes them when it starts, and every hour; younger ones stay."""
    old = await owner.ended(await owner.uploads(FILES))
    young = await owner.ended(await owner.uploads(FILES))
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        for operation, days in ((old, 31), (young, 29)):
            await connection.execute(
                "UPDATE operations SET end_time = now() - make_interval(days => %s) WHERE id = %s",
                (days, operation.name.rpartition("/")[2]),
            )
        async with replica() as elsewhere:

            async def forgotten() -> bool:
                try:
                    await elsewhere.operation(old.name)
                except grpc.RpcError as error:
                    return isinstance(from_rpc_error(error, "test"), OperationNotFound)
                return False

            await until(forgotten)
            assert len(await elsewhere.results(young)) == len(FILES)
        left = await connection.execute(
            "SELECT count(*) FROM import_results WHERE operation = %s",
            (old.name.rpartition("/")[2],),
        )
        assert await left.fetchone() == (0,)


async def test_a_base_that_is_gone_ends_its_import(
    gate: Gate, owner: Owner, database_url: str
) -> None:
    """The files behind would meet the same; the reason says what happened."""
    begun = await owner.uploads({"0.md": RETURNS})
    await gate.reaches("0.md")
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute(
            "DELETE FROM knowledge_bases WHERE id = %s", (owner.base.rpartition("/")[2],)
        )
    gate.open.set()
    ended = await owner.ended(begun)
    assert (ended.state, ended.reason) == (Operation.STATE_FAILED, "KNOWLEDGE_BASE_NOT_FOUND")


def test_every_outcome_of_the_contract_is_told() -> None:
    """The words of the tests are those of the contract."""
    assert set(pb.ImportedFile.Outcome.keys()) == {
        "OUTCOME_UNSPECIFIED", "OUTCOME_PENDING", "OUTCOME_IMPORTED", "OUTCOME_UNCHANGED",
        "OUTCOME_FAILED",
    }  # fmt: skip


async def test_what_an_ended_import_stored_survives_a_crash_of_the_database(
    replica: Replica, base: str
) -> None:
    """Nothing waits for the disk with each file; the end of the operation has waited for all."""
    with tempfile.TemporaryDirectory(prefix="kefu-crash-", dir="/tmp") as folder:
        server = postgres.start(Path(folder) / "cluster", Path(folder) / "log")
        try:
            url = server.ensure_database(
                "kefu_knowledge", extensions=["vector"], tenant_role=TENANT_ROLE
            )
            async with replica(database_url=url) as owner:
                create = knowledge_pb2.CreateKnowledgeBaseRequest(
                    parent=owner.tenant, knowledge_base_id=base.rpartition("/")[2],
                    request_id=request_id(),
                )  # fmt: skip
                await owner.knowledge.CreateKnowledgeBase(create, timeout=SECONDS)
                assert set((await owner.imported(FILES)).values()) == {"imported"}
                # SIGQUIT: it ends at once and writes nothing more, as in a crash.
                child.stop(server.process, signal.SIGQUIT, SECONDS)
            server = postgres.start(Path(folder) / "cluster", Path(folder) / "log")
            with psycopg.connect(url) as connection:
                paths = connection.execute("SELECT path FROM documents ORDER BY path").fetchall()
            assert [path for (path,) in paths] == sorted(FILES)
        finally:
            server.stop()
