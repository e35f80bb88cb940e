"""What an import keeps of uploads and outcomes, without a service around it."""

import errno
import hashlib
import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from kefu.errors import ImportOutOfOrder, ServerBusy
from kefu.knowledge.v1 import import_pb2 as pb

from services.knowledge.catalog import BaseName, Document, DocumentName, ImportResult
from services.knowledge.document import Scope
from services.knowledge.imports import import_messages
from services.knowledge.imports.outcome import FileOutcome, Outcome, failed, outcome_of
from services.knowledge.imports.spool import Arriving, Described, Spool, Spooled, SpoolLimits
from services.knowledge.imports.upload import UploadPart, Uploads, UploadStart
from services.language import Language

BASE = BaseName("shop", "kb")
TEXT = b"fifteen days"


def entries(folder: Path) -> list[Path]:
    """What lies in a folder, by name."""
    return sorted(folder.iterdir())


@pytest.fixture(autouse=True)
def temporary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder for temporary files of this test."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


async def arriving(*parts: UploadPart) -> AsyncIterator[UploadPart]:
    """Parts as they come from the wire."""
    for part in parts:
        yield part


def document(**changes: Any) -> Document:
    """A stored document."""
    values: dict[str, Any] = {
        "name": DocumentName(BASE, "a.md"), "path": "a.md", "title": "A", "revision": "0" * 64,
        "language": Language.EN, "passage_count": 3, "faq_count": 2, "embedded": False,
        "import_time": datetime.now(UTC),
    }  # fmt: skip
    return Document(**(values | changes))


async def test_files_lie_where_nobody_else_can_read_them(temporary: Path) -> None:
    """By their place, not by their name; they are gone when they are released."""
    uploads = Uploads(SpoolLimits())
    named = Described("../../etc/passwd.md", len(TEXT))
    spool = await uploads.receive(arriving(named, TEXT[:5], TEXT[5:], Described("b.md", 0)))
    [folder] = entries(temporary)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [each.name for each in entries(folder)] == ["000000", "000001"]
    assert (spool.content(0), spool.content(1)) == (TEXT, b"")
    assert spool.files[0].sha256 == hashlib.sha256(TEXT).hexdigest()
    await uploads.release(spool)
    assert not entries(temporary)


async def test_what_failed_gives_its_place_back(temporary: Path) -> None:
    """Else a few bad uploads would keep everybody else out."""
    uploads = Uploads(SpoolLimits(at_once=1))
    for _ in range(3):
        with pytest.raises(ImportOutOfOrder):
            await uploads.receive(arriving(b"a chunk before its file"))
    spool = await uploads.receive(arriving(Described("a.md", 0)))
    with pytest.raises(ServerBusy) as caught:
        await uploads.receive(arriving(Described("a.md", 0)))
    assert caught.value.metadata["limit"] == "1 uploads"
    await uploads.release(spool)
    await uploads.release(await uploads.receive(arriving(Described("a.md", 0))))
    assert not entries(temporary)


async def test_a_full_disk_is_said(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no defect of the caller's; what was written is removed."""

    def full(arrives: Arriving, chunk: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Arriving, "write", full)
    uploads = Uploads(SpoolLimits())
    with pytest.raises(ServerBusy, match="no room for the upload") as caught:
        await uploads.receive(arriving(Described("a.md", len(TEXT)), TEXT))
    assert caught.value.metadata["limit"] == "disk space"
    assert not entries(temporary)


async def test_a_file_that_is_too_large_is_only_counted() -> None:
    """It never touches the disk; the hash of its bytes still tells two uploads apart."""
    spool = Spool(SpoolLimits(file_bytes=3))
    large = spool.open(Described("a.pdf", 4))
    large.write(b"1234")
    spool.keep(large)
    small = spool.open(Described("b.md", 3))
    small.write(b"123")
    spool.keep(small)
    assert spool.files[0].problem == "too large: 4 bytes, at most 3 are taken; split the file"
    assert spool.files[0].sha256 == hashlib.sha256(b"1234").hexdigest()
    assert not spool.files[1].problem
    with pytest.raises(FileNotFoundError):
        spool.content(0)
    await spool.close()


@pytest.mark.parametrize(
    "other",
    [
        Spooled(Described("b.md", 1), "0" * 64),
        Spooled(Described("a.md", 1), "1" * 64),
        Spooled(Described("a.md", 1, scope=Scope({"region": "cn"})), "0" * 64),
        Spooled(
            Described("a.md", 1, scope=Scope(valid_from=datetime(2026, 1, 1, tzinfo=UTC))), "0" * 64
        ),
        Spooled(
            Described("a.md", 1, scope=Scope(valid_until=datetime(2026, 1, 1, tzinfo=UTC))),
            "0" * 64,
        ),
    ],
)
def test_another_file_is_another_wish(other: Spooled) -> None:
    """A repeat has to bring the same paths, bytes and scopes; the hash said does not matter."""
    first = Spooled(Described("a.md", 1), "0" * 64)
    assert first.asked() == Spooled(Described("a.md", 1, "0" * 64), "0" * 64).asked()
    assert first.asked() != other.asked()


def test_an_outcome_keeps_the_contract_s_bounds() -> None:
    """However much a reader has to say."""
    result = ImportResult("a.md", document(), True, notes=tuple("n" * 600 for _ in range(30)))
    outcome = outcome_of(result)
    assert (len(outcome.notes), {len(note) for note in outcome.notes}) == (20, {500})
    assert (outcome.document, outcome.passage_count, outcome.faq_count) == ("a.md", 3, 2)
    assert len(failed("a.md", "x" * 2000).problem) == 1000


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        (ImportResult("a.md", document(), changed=True), Outcome.IMPORTED),
        (ImportResult("a.md", document(), changed=False), Outcome.UNCHANGED),
        (ImportResult("a.md", None, changed=False, problem="empty: ..."), Outcome.FAILED),
    ],
)
def test_a_result_has_an_outcome(result: ImportResult, outcome: Outcome) -> None:
    """New or changed, already there, or not read."""
    found = outcome_of(result)
    assert (found.path, found.outcome, found.problem) == ("a.md", outcome, result.problem)


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_is_written(outcome: Outcome) -> None:
    """Under the word that the contract has for it; a document by its whole name."""
    message = import_messages.imported_file_to(BASE, FileOutcome("a.md", outcome, "a.md", 1, 2))
    word = pb.ImportedFile.Outcome.Name(message.outcome)
    assert word == f"OUTCOME_{outcome.name}"
    assert message.document == "tenants/shop/knowledgeBases/kb/documents/a.md"
    assert import_messages.imported_file_to(BASE, failed("a.md", "why")).document == ""


async def test_messages_become_parts() -> None:
    """Header, description, bytes; what is not said is not there."""

    async def messages() -> AsyncIterator[pb.UploadDocumentsRequest]:
        header = pb.UploadHeader(parent=str(BASE), request_id="id")
        yield pb.UploadDocumentsRequest(header=header)
        file = pb.UploadFile(path="a.md", size_bytes=3, sha256="0" * 64, metadata={"region": "cn"})
        file.valid_from.FromDatetime(datetime(2026, 1, 1, tzinfo=UTC))
        yield pb.UploadDocumentsRequest(file=file)
        yield pb.UploadDocumentsRequest(chunk=b"abc")

    assert [part async for part in import_messages.parts_from(messages())] == [
        UploadStart(BASE, "id"),
        Described(
            "a.md", 3, "0" * 64, Scope({"region": "cn"}, datetime(2026, 1, 1, tzinfo=UTC), None)
        ),
        b"abc",
    ]
