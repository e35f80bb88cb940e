"""`kefu knowledge import` against the real service."""

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from kefu.errors import ImportInProgress, MethodNotAllowed, ServiceUnavailable
from kefu.knowledge.v1 import import_pb2 as pb

from services.cli.knowledge.import_ import _Import
from services.local import knowledge_upload
from services.local.folder import Found, look_through
from services.local.home import Home
from services.local.knowledge_upload import Listener
from services.local.problem import Problem
from tests.rpc.knowledge.commands import kefu
from tests.rpc.knowledge.samples import FILES, RETURNS, SECONDS, request_id
from tests.rpc.knowledge.test_upload import BAD, GOOD
from tests.rpc.knowledge.uploads import Gate, Operation, Owner, until
from tests.support.mesh import error_of

Replica = Callable[..., AbstractAsyncContextManager[Owner]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the sample files."""
    root = tmp_path / "company"
    for path, content in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content)
    return root


@pytest.fixture
def address() -> str:
    """An address that replicas can take one after the other."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"127.0.0.1:{taken.getsockname()[1]}"


async def test_a_folder_is_imported_and_then_only_what_is_new(
    kb: str, folder: Path, owner: Owner
) -> None:
    """What is unchanged is not even sent; the result says how it goes live."""
    first = await kefu("import", folder, "--kb", kb)
    assert first.exit_code == 0, first.stdout
    assert "3 imported" in first.stdout
    assert f"in the draft; put it live: kefu knowledge publish --kb {kb}" in first.stdout
    (folder / "zh" / "returns.md").write_text(RETURNS + "\n\n新的一段。\n")
    second = await kefu("import", folder, "--kb", kb)
    assert "1 imported, 2 unchanged" in second.stdout
    third = await kefu("import", folder, "--kb", kb)
    assert third.stdout == "3 unchanged\n"
    listed = await owner.imports.ListOperations(
        pb.ListOperationsRequest(parent=owner.tenant, page_size=2)
    )
    results = [len(await owner.results(each)) for each in listed.operations]
    assert results == [1, 3]
    again = await kefu("import", folder, "--kb", kb, "--all")
    assert again.stdout == "3 unchanged\n"


async def test_every_bad_file_is_named_and_the_others_are_imported(kb: str, tmp_path: Path) -> None:
    """Exit status 1; as JSON every file with its outcome, reason and notes."""
    for path, content in (GOOD | {path: content for path, (content, _) in BAD.items()}).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    (tmp_path / ".DS_Store").write_bytes(b"x")
    answer = await kefu("import", tmp_path, "--kb", kb, "--json", "--max-bytes", "400000")
    assert answer.exit_code == 1
    said = json.loads(answer.stdout)
    assert said["state"] == "succeeded"
    files = {each["path"]: each for each in said["files"]}
    assert set(files) == {*GOOD, *BAD, ".DS_Store"}
    assert {files[path]["outcome"] for path in GOOD} == {"imported"}
    assert files["prices.csv"]["notes"]
    skipped = {path for path, each in files.items() if each["outcome"] == "skipped"}
    assert skipped == {".DS_Store", "archive.zip"}
    for path in set(BAD) - skipped:
        assert files[path]["outcome"] == "failed"
        assert files[path]["reason"], path
    assert files["large.pdf"]["reason"].startswith("too large")
    assert said["counts"]["failed"] == len(BAD) - 1


async def test_it_publishes_where_nothing_failed(kb: str, folder: Path, owner: Owner) -> None:
    """And not where something did."""
    answer = await kefu("import", folder, "--kb", kb, "--publish")
    assert "live: revision 1" in answer.stderr
    assert "put it live" not in answer.stdout
    (folder / "bad.pdf").write_bytes(b"no PDF")
    (folder / "new.md").write_text("# New\n\ntext")
    answer = await kefu("import", folder, "--kb", kb, "--publish")
    assert answer.exit_code == 1
    assert "live" not in answer.stderr
    assert "put it live" in answer.stdout


async def test_a_knowledge_base_is_made_where_there_is_none(kb: str, folder: Path) -> None:
    """As by the first import of a new company."""
    answer = await kefu("import", folder, "--kb", f"{kb}-new")
    assert "3 imported" in answer.stdout


async def test_a_folder_without_anything_to_import_is_said(kb: str, tmp_path: Path) -> None:
    """With the kinds of files that there are."""
    (tmp_path / "movie.mp4").write_bytes(b"x")
    with pytest.raises(Problem, match="holds nothing to import") as caught:
        await kefu("import", tmp_path, "--kb", kb)
    assert ".docx" in caught.value.remedy


async def test_imports_are_listed_and_cancelled(
    gate: Gate, kb: str, folder: Path, owner: Owner
) -> None:
    """By those who come after the one who began them; a second import is told to wait."""
    begun = await owner.uploads(FILES)
    await gate.reaches("zh/returns.md")
    with pytest.raises(ImportInProgress):
        await kefu("import", folder, "--kb", kb)
    listed = (await kefu("imports", "--tenant", "shop")).stdout
    [line] = [each for each in listed.splitlines() if each.startswith(begun.name)]
    assert kb in line
    cancelled = await kefu("cancel", begun.name)
    assert cancelled.stdout == f"{begun.name}: cancelled\n"
    gate.open.set()
    assert "cancelled" in (await kefu("imports", "--tenant", "shop")).stdout


async def test_ctrl_c_cancels_and_says_how_to_go_on(
    gate: Gate, kb: str, folder: Path, owner: Owner, capfd: pytest.CaptureFixture[str]
) -> None:
    """What is done stays in the draft; the same command does the rest."""
    command = _Import(Home.at(folder), "shop", kb, again=False)
    running = asyncio.create_task(command.run(look_through(folder)))
    await gate.reaches("en/delivery.md")

    async def told() -> bool:
        return command.operation is not None

    await until(told)
    # As asyncio.run does when somebody presses Ctrl-C.
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    said = " ".join(capfd.readouterr().err.split())
    assert "the import is cancelled; what is done stays in the draft" in said
    gate.open.set()
    assert command.operation is not None
    ended = await owner.operation(command.operation.name)
    assert ended.state == Operation.STATE_CANCELLED

    async def finished() -> bool:
        return "imported" in (await owner.outcomes(ended)).values()

    await until(finished)
    rest = await kefu("import", folder, "--kb", kb)
    assert "1 unchanged" in rest.stdout


async def test_ctrl_c_during_the_upload_leaves_nothing(
    kb: str, folder: Path, owner: Owner, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Nothing is imported before the last byte is there."""
    reached = asyncio.Event()

    async def halfway(*arguments: Any) -> AsyncIterator[Any]:
        yield pb.UploadDocumentsRequest(
            header=pb.UploadHeader(parent=owner.base, request_id=request_id())
        )
        reached.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(knowledge_upload, "_parts", halfway)
    command = _Import(Home.at(folder), "shop", kb, again=False)
    running = asyncio.create_task(command.run(look_through(folder)))
    await reached.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (
        "ended while the files were sent; the same command begins again" in capfd.readouterr().err
    )
    assert not await owner.documents()


async def test_a_connection_that_breaks_is_taken_up_again(
    gate: Gate, owner: Owner, replica: Replica, address: str
) -> None:
    """Following goes on with the replica that answers next; the import never stopped."""
    begun = await owner.uploads(FILES)
    looked, waits = asyncio.Event(), asyncio.Event()
    listener = Listener(looked=lambda operation: looked.set(), waits=waits.set)
    channel = owner.server.channel(owner.server.keys("test-content-owner"), address)
    async with replica(listen=address):
        following = asyncio.create_task(knowledge_upload.follow(channel, begun, listener))
        await looked.wait()
    await waits.wait()
    async with replica(listen=address):
        gate.open.set()
        ended = await following
    assert ended.state == Operation.STATE_SUCCEEDED, ended.problem
    assert set((await owner.outcomes(begun)).values()) == {"imported"}


async def test_an_upload_that_breaks_begins_again(
    owner: Owner, replica: Replica, address: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the same request_id; the bar goes back and then counts every byte once."""
    content, reached, go_on = knowledge_upload._content, asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def slowly(found: Found) -> bytes:
        loop.call_soon_threadsafe(reached.set)
        go_on.wait(SECONDS)
        return content(found)

    monkeypatch.setattr(knowledge_upload, "_content", slowly)
    sent: list[int] = []
    waits = asyncio.Event()
    found = look_through(folder)
    channel = owner.server.channel(owner.server.keys("test-content-owner"), address)
    listener = Listener(sent=sent.append, waits=waits.set)
    async with replica(listen=address, drain_seconds=0.1):
        uploading = asyncio.create_task(
            knowledge_upload.upload(channel, owner.base, found, listener)
        )
        await reached.wait()
    go_on.set()
    await waits.wait()
    async with replica(listen=address) as second:
        ended = await second.ended(await uploading)
    assert ended.state == Operation.STATE_SUCCEEDED, ended.problem
    assert sum(sent) == sum(each.size for each in found)
    assert set((await owner.outcomes(ended)).values()) == {"imported"}


async def test_a_service_that_stays_away_is_given_up(
    owner: Owner, address: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a bounded time; other refusals are not repeated."""
    monkeypatch.setattr(knowledge_upload, "PATIENCE_SECONDS", 0.5)
    waits: list[None] = []
    listener = Listener(waits=lambda: waits.append(None))
    channel = owner.server.channel(owner.server.keys("test-content-owner"), address)
    found = look_through(folder)
    error = await error_of(knowledge_upload.upload(channel, owner.base, found, listener))
    assert isinstance(error, ServiceUnavailable)
    assert waits
    waits.clear()
    nobody = owner.server.channel(owner.server.keys("test-session"))
    error = await error_of(knowledge_upload.upload(nobody, owner.base, found, listener))
    assert isinstance(error, MethodNotAllowed)
    assert not waits


async def test_a_file_that_goes_away_meanwhile_fails_alone(owner: Owner, folder: Path) -> None:
    """Between the look at the folder and the upload."""
    found = look_through(folder)
    (folder / "faqs.jsonl").unlink()
    channel = owner.server.channel(owner.server.keys("test-content-owner"))
    begun = await knowledge_upload.upload(channel, owner.base, found, Listener())
    outcomes = await owner.outcomes(await owner.ended(begun))
    assert outcomes.pop("faqs.jsonl") == "failed"
    assert set(outcomes.values()) == {"imported"}
