"""What is no upload, and what is too much, is refused; nothing of it stays on the disk."""

import asyncio
import hashlib
import tempfile
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from kefu.errors import (
    DeadlineExceeded,
    ImportOutOfOrder,
    InvalidRequest,
    MessageTooLarge,
    ServerBusy,
    UploadTooLarge,
)
from kefu.knowledge.v1 import import_pb2 as pb

from services.knowledge.imports import imports
from tests.rpc.knowledge.samples import RETURNS, SECONDS
from tests.rpc.knowledge.uploads import (
    CHUNK,
    Gate,
    Owner,
    Part,
    described,
    header,
    spools,
    until,
    uploading,
)
from tests.support.mesh import error_of

Replica = Callable[..., AbstractAsyncContextManager[Owner]]


@pytest.fixture(autouse=True)
def temporary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder for temporary files of this test."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ([], "no header at the beginning"),
        ([described("a.md", b"")], "no header at the beginning"),
        (["header"], "no file"),
        (["header", described("a.md", b"x"), Part(chunk=b"x"), "header"], "a second header"),
        (["header", Part(chunk=b"x")], "a chunk before its file"),
        (["header", described("a.md", b"x"), Part(chunk=b"xx")], "more bytes than size_bytes says"),
        (["header", described("a.md", b"")], ""),
        (["header", described("a.md", b""), Part(chunk=b"x")], "more bytes than size_bytes says"),
        (["header", described("a.md", b"xx"), Part(chunk=b"x")], "fewer bytes than size_bytes"),
        (
            ["header", described("a.md", b"xx"), Part(chunk=b"x"), described("b.md", b"")],
            "fewer bytes than size_bytes",
        ),
    ],
)
async def test_parts_come_in_their_order(
    owner: Owner, temporary: Path, parts: list[Any], problem: str
) -> None:
    """Header, then each file with as many bytes as it says; an empty file has none."""
    sent = [header(owner.base) if part == "header" else part for part in parts]
    if not problem:
        outcomes = await owner.outcomes(await owner.ended(await owner.sends(*sent)))
        assert outcomes == {"a.md": "failed"}
        return
    error = await error_of(owner.sends(*sent))
    assert isinstance(error, ImportOutOfOrder)
    assert error.metadata["problem"].startswith(problem)
    assert not spools(temporary)


@pytest.mark.parametrize(
    ("file", "field"),
    [
        ({"path": ""}, "file.path"),
        ({"path": "x" * 501}, "file.path"),
        ({"sha256": "ABC"}, "file.sha256"),
        ({"metadata": {"Region": "cn"}}, "file.metadata"),
        ({"metadata": {"region": ""}}, "file.metadata"),
        ({"metadata": {f"k{n}": "v" for n in range(17)}}, "file.metadata"),
        ({"valid_from": {"seconds": 2}, "valid_until": {"seconds": 2}}, "valid_until"),
    ],
)
async def test_a_description_keeps_its_rules(
    owner: Owner, temporary: Path, file: dict[str, Any], field: str
) -> None:
    """Those of the contract; what ends before it begins is never found."""
    described_so = Part(file=pb.UploadFile(**{"path": "a.md"} | file))
    error = await error_of(owner.sends(header(owner.base), described_so))
    assert isinstance(error, InvalidRequest)
    assert error.violations[0][0] == field
    assert not spools(temporary)


async def test_a_path_is_there_once(owner: Owner, temporary: Path) -> None:
    """Nobody could tell which of the two is the document."""
    twice = [described("a.md", b""), described("b.md", b""), described("a.md", b"")]
    error = await error_of(owner.sends(header(owner.base), *twice))
    assert isinstance(error, InvalidRequest)
    assert error.violations == [("file.path", "must be there once")]
    assert not spools(temporary)


async def test_a_path_leads_nowhere(owner: Owner, temporary: Path) -> None:
    """It names the document; where the bytes lie meanwhile is the service's own business."""
    paths = ["../../escape.md", "/etc/escape.md", "..", "a\u0007b.md"]
    outcomes = await owner.imported(dict.fromkeys(paths, RETURNS))
    assert outcomes == dict(zip(paths, ["imported", "imported", "failed", "failed"], strict=True))
    assert not list(temporary.rglob("escape*"))  # noqa: ASYNC240 (a look at the disk)


async def test_bytes_that_were_damaged_on_their_way_are_noticed(owner: Owner) -> None:
    """Where the caller gives the hash; the other files are imported."""
    good, wrong = (hashlib.sha256(text.encode()).hexdigest() for text in (RETURNS, "else"))
    parts = [header(owner.base)]
    for path, sha256 in (("a.md", good), ("b.md", wrong), ("c.md", "")):
        parts += [described(path, RETURNS.encode(), sha256=sha256), Part(chunk=RETURNS.encode())]
    begun = await owner.ended(await owner.sends(*parts))
    assert await owner.outcomes(begun) == {"a.md": "imported", "b.md": "failed", "c.md": "imported"}
    assert "another SHA-256" in (await owner.results(begun))["b.md"].problem


async def test_too_much_is_refused_as_soon_as_it_is_said(replica: Replica, temporary: Path) -> None:
    """Bytes of all files together, and files; what came before is removed."""
    async with replica(upload_max_bytes=3 * CHUNK, upload_max_files=3) as owner:
        parts = list(uploading(owner.base, {"a.html": b"a" * CHUNK, "b.html": b"b" * CHUNK}))
        error = await error_of(owner.sends(*parts, described("c.html", b"c" * CHUNK + b"c")))
        assert isinstance(error, UploadTooLarge)
        assert error.metadata["limit"] == f"{3 * CHUNK} bytes"
        assert not error.retryable
        assert "upload the folder in parts" in error.message
        files = [described(f"{number}.md", b"") for number in range(4)]
        error = await error_of(owner.sends(header(owner.base), *files))
        assert isinstance(error, UploadTooLarge)
        assert error.metadata["limit"] == "3 files"
        assert not spools(temporary)
        assert set((await owner.imported({"a.md": RETURNS})).values()) == {"imported"}


async def test_a_chunk_is_a_mebibyte_at_the_most(owner: Owner) -> None:
    """As the contract says; a message has its own limit."""
    large = [described("a.md", b"x" * CHUNK * 5), Part(chunk=b"x" * (CHUNK + 1))]
    assert isinstance(await error_of(owner.sends(header(owner.base), *large)), InvalidRequest)
    huge = [described("a.md", b"x" * CHUNK * 5), Part(chunk=b"x" * (CHUNK * 4))]
    assert isinstance(await error_of(owner.sends(header(owner.base), *huge)), MessageTooLarge)


async def test_a_file_over_the_limit_is_not_kept(replica: Replica, temporary: Path) -> None:
    """Its bytes are looked at and dropped; the next file is taken."""
    async with replica(import_max_bytes=2 * CHUNK, uploads_at_once=1) as owner:
        files = {"a.pdf": b"x" * (2 * CHUNK + 1), "b.md": RETURNS.encode()}
        parts = list(uploading(owner.base, files))
        more, rest = asyncio.Event(), asyncio.Event()

        async def slowly() -> Any:
            for part in parts[:5]:
                yield part
            more.set()
            await rest.wait()
            for part in parts[5:]:
                yield part

        call = owner.imports.UploadDocuments(slowly(), timeout=SECONDS)
        await more.wait()
        [folder] = await _folders(temporary)
        assert not [each for each in folder.iterdir() if each.stat().st_size]
        rest.set()
        begun = (await call).operation
        assert await owner.outcomes(await owner.ended(begun)) == {
            "a.pdf": "failed", "b.md": "imported",
        }  # fmt: skip


async def test_who_leaves_in_the_middle_leaves_nothing(owner: Owner, temporary: Path) -> None:
    """Half an upload is none."""
    gone = asyncio.Event()

    async def half() -> Any:
        yield header(owner.base)
        yield described("a.pdf", b"x" * CHUNK)
        await gone.wait()

    call = owner.imports.UploadDocuments(half(), timeout=SECONDS)
    await _folders(temporary)
    call.cancel()

    async def removed() -> bool:
        return not spools(temporary)

    await until(removed)


async def test_who_falls_silent_is_not_waited_for(
    owner: Owner, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is for others."""
    monkeypatch.setattr(imports, "_IDLE_SECONDS", 0.2)
    silent = asyncio.Event()

    async def half() -> Any:
        yield header(owner.base)
        yield described("a.pdf", b"x" * CHUNK)
        await silent.wait()

    error = await error_of(owner.imports.UploadDocuments(half(), timeout=SECONDS))
    assert isinstance(error, DeadlineExceeded)
    assert "nothing of the upload came for 0.2 seconds" in error.message
    assert not spools(temporary)


async def test_an_upload_without_end_is_ended(replica: Replica, temporary: Path) -> None:
    """However often a part of it comes."""
    async with replica(upload_seconds=0.5) as owner:

        async def endless() -> Any:
            yield header(owner.base)
            for number in range(100_000):
                yield described(f"{number}.md", b"")
                # A caller who takes the time. A write that the end of the call meets is INTERNAL to
                # grpc.aio's client, whatever the server says, so it writes seldom.
                await asyncio.sleep(0.2)

        error = await error_of(owner.imports.UploadDocuments(endless(), timeout=SECONDS))
        assert isinstance(error, DeadlineExceeded)
        assert "ended after 0.5 seconds" in error.message
    assert not spools(temporary)


async def test_an_upload_may_take_longer_than_a_call(replica: Replica) -> None:
    """A line may be slow; the bound of other calls is not for it."""
    async with replica(max_call_seconds=0.5) as owner:

        async def slowly() -> Any:
            for part in uploading(owner.base, {"a.md": RETURNS}):
                yield part
                await asyncio.sleep(0.3)  # a slow line

        begun = (await owner.imports.UploadDocuments(slowly(), timeout=SECONDS)).operation
        assert await owner.outcomes(await owner.ended(begun)) == {"a.md": "imported"}


async def test_the_disk_has_room_for_some(gate: Gate, replica: Replica, temporary: Path) -> None:
    """Uploads that wait for their import count too; others are asked to come back."""
    async with replica(uploads_at_once=1) as owner:
        same = "00000000-0000-4000-8000-000000000001"
        begun = await owner.uploads({"a.md": RETURNS}, same)
        await gate.reaches("a.md")
        assert len(spools(temporary)) == 1
        error = await error_of(owner.uploads({"a.md": RETURNS}, same))
        assert isinstance(error, ServerBusy)
        assert error.retry_after_seconds
        gate.open.set()
        await owner.ended(begun)

        async def removed() -> bool:
            return not spools(temporary)

        await until(removed)
        assert (await owner.uploads({"a.md": RETURNS}, same)).name == begun.name


def test_only_the_wire_knows_parts() -> None:
    """Whatever a message may carry is handled: a new kind of part fails here first."""
    assert {each.name for each in pb.UploadDocumentsRequest.DESCRIPTOR.fields} == {
        "header", "file", "chunk",
    }  # fmt: skip


async def _folders(temporary: Path) -> list[Path]:
    """The folders of uploads, once there is one."""

    async def made() -> bool:
        return bool(spools(temporary))

    await until(made)
    return spools(temporary)
