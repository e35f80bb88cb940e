"""Whole folders through the front door: uploaded first, imported while nobody waits."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from kefu.errors import (
    ImportInProgress,
    KnowledgeBaseNotFound,
    MethodNotAllowed,
    OperationNotFound,
    PageTokenInvalid,
    RequestIdReused,
    TenantNotAllowed,
)
from kefu.knowledge.v1 import import_pb2 as pb
from kefu.knowledge.v1 import knowledge_pb2
from kefu.knowledge.v1.import_pb2_grpc import KnowledgeImportServiceStub

from services.knowledge.knowledge import Knowledge, ReadFile
from services.knowledge.upkeep_store import UpkeepStore
from tests.rpc.knowledge.samples import (
    FAQS,
    FILES,
    RETURNS,
    SECONDS,
    CharacterVectors,
    KnowledgeStub,
    request_id,
)
from tests.rpc.knowledge.uploads import (
    Gate,
    Operation,
    Owner,
    Part,
    described,
    header,
    until,
    uploading,
)
from tests.support.mesh import Served, error_of
from tests.unit.knowledge.made_files import chinese, drawn_pdf, excel, heading, pdf, repacked, word

READY, LEXICAL_ONLY = knowledge_pb2.Document.STATE_READY, knowledge_pb2.Document.STATE_LEXICAL_ONLY
MANUAL = pdf(heading("Returns"), chinese("签收后十五天内可以无理由退货。"))
BAD = {
    "empty.txt": (b"", "empty: "),
    "blank.md": (b"# Only a heading\n", "no text: "),
    "broken.docx": (word(id)[:-100], "damaged: "),
    "faqs/broken.jsonl": (b'{"id":"a","question":"q"}\n', "malformed: line 1: no answer"),
    "locked.pdf": (
        drawn_pdf(lambda canvas: canvas.drawString(60, 700, "words"), password="secret"),
        "encrypted: ",
    ),
    "scanned.pdf": (drawn_pdf(lambda canvas: canvas.rect(9, 9, 99, 99, fill=1)), "no text: "),
    "large.pdf": (b"%PDF-" + b"x" * 400_000, "too large: 400005 bytes, at most 400000 are taken"),
    "archive.zip": (b"PK\x03\x04", "unknown kind of file: "),
    "old.xls": (b"\xd0\xcf\x11\xe0", "unknown kind of file: .xls is not read; save it as .xlsx"),
    "picture.pdf": (b"\x89PNG", "wrongly named: "),
    "bomb.xlsx": (
        repacked(
            excel(("S", [["a"]])), {"xl/workbook.xml": lambda part: b" " * (201 * 1024 * 1024)}
        ),
        "too large unpacked: 201 MiB",
    ),
}
"""Files that cannot be imported, with the beginning of what their owner hears."""

GOOD = {
    **{path: text.encode() for path, text in FILES.items()},
    "manual.pdf": MANUAL,
    "faqs/questions.xlsx": excel(("FAQ", [["问题", "答案"], ["怎么开发票？", "在订单页点开票。"]])),
    "prices.csv": "型号,价格,说明\nA,12,大家都喜欢的那个电热水壶\n".encode("gb18030"),
}


@pytest.fixture
async def strict(replica: Any) -> AsyncIterator[Owner]:
    """By way of a replica for files of at most 400,000 bytes, which does not wait for vectors."""
    async with replica(import_max_bytes=400_000, vectors_patience_seconds=0.0) as owner:
        yield owner


async def test_a_folder_is_imported_and_what_is_bad_fails_alone(strict: Owner) -> None:
    """Each file has its outcome, each bad one the reason and what to do."""
    begun = await strict.uploads(GOOD | {path: content for path, (content, _) in BAD.items()})
    assert (begun.method, begun.subject) == ("UploadDocuments", strict.base)
    ended = await strict.ended(begun)
    assert ended.state == Operation.STATE_SUCCEEDED, ended.problem
    assert (ended.result, ended.progress) == (strict.base, 1.0)
    results = await strict.results(begun)
    assert list(results) == [*GOOD, *BAD]
    for path, (_, reason) in BAD.items():
        assert results[path].outcome == pb.ImportedFile.OUTCOME_FAILED
        assert results[path].problem.startswith(reason), path
        assert results[path].document == ""
    documents = await strict.documents()
    assert set(documents) == set(GOOD)
    for path in GOOD:
        assert results[path].outcome == pb.ImportedFile.OUTCOME_IMPORTED
        assert results[path].document == documents[path].name
        assert results[path].passage_count == documents[path].passage_count
        assert results[path].faq_count == documents[path].faq_count
    assert results["faqs/questions.xlsx"].faq_count == 1
    assert results["prices.csv"].notes == ["the file is not UTF-8; it was read as GB18030 (GBK)"]


async def test_a_file_may_be_larger_than_a_message(owner: Owner) -> None:
    """Its bytes come in chunks; twenty mebibytes may be a page of text with pictures."""
    page = f"<!-- {'x' * 6_000_000} --><h1>Delivery</h1><p>Three days.</p>"
    assert await owner.imported({"page.html": page}) == {"page.html": "imported"}


async def test_the_same_again_is_unchanged(owner: Owner) -> None:
    """Importing is idempotent by content; what is new is imported beside it."""
    assert set((await owner.imported(GOOD)).values()) == {"imported"}
    again = await owner.imported(GOOD | {"zh/returns.md": RETURNS + "\n\n新的一段。"})
    assert again.pop("zh/returns.md") == "imported"
    assert set(again.values()) == {"unchanged"}


async def test_progress_is_by_files_and_then_by_vectors(
    gate: Gate, owner: Owner, vectors: CharacterVectors
) -> None:
    """It never falls; the stages are those of the contract, half of the way each."""
    begun = await owner.uploads(GOOD)
    assert begun.state == Operation.STATE_PENDING
    await gate.reaches("zh/returns.md")
    async for held in owner.states(begun):
        if held.stage:
            break
    assert (held.stage, held.progress, held.state) == ("importing", 0.0, Operation.STATE_RUNNING)
    assert set((await owner.outcomes(begun)).values()) == {"pending"}
    vectors.down = True
    gate.open.set()
    async for held in owner.states(begun):
        if held.stage == "embedding":
            break
    assert held.progress == 0.5
    vectors.down = False
    seen = [each async for each in owner.states(held)]
    shares = [each.progress for each in seen]
    assert shares == sorted(shares)
    assert (seen[-1].state, seen[-1].progress) == (Operation.STATE_SUCCEEDED, 1.0)
    assert {each.state for each in (await owner.documents()).values()} == {READY}


async def test_publishing_finds_the_words_counted(owner: Owner, database_url: str) -> None:
    """A minute's work for a million passages belongs to the operation, not to the call."""
    await owner.imported(GOOD)
    with psycopg.connect(database_url) as connection:
        counted = connection.execute(
            "SELECT edits = counted_edits FROM knowledge_bases WHERE tenant || id = %s",
            ("".join(owner.base.split("/")[1::2]),),
        ).fetchone()
    assert counted == (True,)


async def test_a_file_is_read_while_the_one_before_is_stored(gate: Gate, owner: Owner) -> None:
    """Reading is another process's work; two files are in memory, never all."""
    begun = await owner.uploads({f"{place}.md": f"# {place}\n\ntext" for place in range(4)})
    await gate.reaches("0.md")
    await gate.begins("1.md")
    assert (gate.reached, sorted(gate.reading)) == (["0.md"], ["0.md", "1.md"])
    gate.open.set()
    assert (await owner.ended(begun)).state == Operation.STATE_SUCCEEDED


async def test_vectors_that_do_not_come_hold_nothing_up(
    strict: Owner, vectors: CharacterVectors
) -> None:
    """The import succeeds; they follow when the generation service is back."""
    vectors.down = True
    assert set((await strict.imported(GOOD)).values()) == {"imported"}
    assert {each.state for each in (await strict.documents()).values()} == {LEXICAL_ONLY}
    vectors.down = False

    async def ready() -> bool:
        return {each.state for each in (await strict.documents()).values()} == {READY}

    await until(ready)


async def test_a_repeat_returns_the_same_operation(gate: Gate, owner: Owner) -> None:
    """While it runs, and when it has ended; another upload with its id is refused."""
    same = request_id()
    begun = await owner.uploads(FILES, same)
    await gate.reaches("zh/returns.md")
    assert (await owner.uploads(FILES, same)).name == begun.name
    gate.open.set()
    ended = await owner.ended(begun)
    assert await owner.uploads(FILES, same) == ended
    changed = FILES | {"faqs.jsonl": FAQS + "\n"}
    for files in (changed, dict(list(FILES.items())[:2]), {"x.md": RETURNS}):
        assert isinstance(await error_of(owner.uploads(files, same)), RequestIdReused)
    assert len(gate.reached) == len(FILES)


async def test_two_uploads_into_one_base_take_turns(
    gate: Gate, owner: Owner, server: Served, stub: KnowledgeStub
) -> None:
    """The second one is told to wait before it has sent its bytes; another base is not held up."""
    both = await asyncio.gather(
        owner.uploads(FILES), owner.uploads({"other.md": RETURNS}), return_exceptions=True
    )
    [begun] = [each for each in both if isinstance(each, Operation)]
    error = await error_of(owner.sends(header(owner.base), described("a.md", b"never sent")))
    assert isinstance(error, ImportInProgress)
    assert (error.retry_after_seconds, error.metadata["knowledge_base"]) == (5.0, owner.base)
    request = knowledge_pb2.CreateKnowledgeBaseRequest(
        parent=owner.tenant, knowledge_base_id=f"two-{owner.base[-12:]}", request_id=request_id()
    )
    created = await stub.CreateKnowledgeBase(request, timeout=SECONDS)
    other = Owner(server, created.knowledge_base.name)
    gate.open.set()
    assert set((await other.imported(FILES)).values()) == {"imported"}
    await owner.ended(begun)
    assert set((await owner.imported({"third.md": RETURNS})).values()) == {"imported"}


async def test_a_refusal_reaches_a_caller_who_is_still_sending(
    gate: Gate, owner: Owner, server: Served
) -> None:
    """With its reason, whatever is on its way at that moment."""
    begun = await owner.uploads({"a.md": RETURNS})
    await gate.reaches("a.md")
    page = b"x" * 5_000_000
    for _ in range(5):
        error = await error_of(owner.uploads({f"{number}.html": page for number in range(4)}))
        assert isinstance(error, ImportInProgress)
    gate.open.set()
    await owner.ended(begun)


async def test_what_its_owner_says_of_a_file_arrives(owner: Owner) -> None:
    """Metadata and validity, beside what the file says itself."""
    content = b"---\nmetadata: {region: cn, product: a}\nvalid_from: 2026-01-31\n---\n# T\n\ntext"
    file = pb.UploadFile(path="a.md", size_bytes=len(content), metadata={"region": "eu"})
    until = datetime(2030, 1, 1, tzinfo=UTC)
    file.valid_until.FromDatetime(until)
    parts = (header(owner.base), Part(file=file), Part(chunk=content))
    await owner.ended(await owner.sends(*parts))
    document = (await owner.documents())["a.md"]
    assert document.metadata["region"] == "eu"
    assert document.valid_until.ToDatetime(UTC) == until
    # What differs in nothing but this is another document.
    file.metadata["region"] = "us"
    parts = (header(owner.base), Part(file=file), Part(chunk=content))
    assert await owner.outcomes(await owner.ended(await owner.sends(*parts))) == {
        "a.md": "imported"
    }


async def test_a_defect_that_a_file_brings_to_light_fails_it_alone(
    gate: Gate, owner: Owner, capfd: pytest.CaptureFixture[str], server: Served
) -> None:
    """The log knows more under the id; neither log nor record nor result quotes the file."""
    gate.open.set()
    gate.broken = {"en/delivery.md"}
    begun = await owner.uploads(FILES)
    ended = await owner.ended(begun)
    assert ended.state == Operation.STATE_SUCCEEDED, ended.problem
    outcomes = await owner.outcomes(begun)
    assert outcomes.pop("en/delivery.md") == "failed"
    assert set(outcomes.values()) == {"imported"}
    problem = (await owner.results(begun))["en/delivery.md"].problem
    error_id = problem.rpartition(" ")[2]
    written = "".join(capfd.readouterr()) + "".join(map(str, server.spooled()))
    assert error_id in written
    assert "ValueError" in written
    assert "secret words" not in written + problem
    assert "无理由" not in written


async def test_results_and_operations_are_listed_in_pages(owner: Owner) -> None:
    """Results in the order of the upload, operations the newest first; tokens fit one list."""
    files = {f"{number:03}.md": f"# {number}\n\ntext {number}" for number in range(5)}
    first = await owner.ended(await owner.uploads(files))
    second = await owner.ended(await owner.uploads(files))
    request = pb.ListImportResultsRequest(parent=first.name, page_size=3)
    page = await owner.imports.ListImportResults(request, timeout=SECONDS)
    assert [each.path for each in page.files] == list(files)[:3]
    request.page_token = page.next_page_token
    rest = await owner.imports.ListImportResults(request, timeout=SECONDS)
    assert [each.path for each in rest.files] == list(files)[3:]
    assert not rest.next_page_token
    request.parent = second.name
    call = owner.imports.ListImportResults(request, timeout=SECONDS)
    assert isinstance(await error_of(call), PageTokenInvalid)
    listed = await owner.imports.ListOperations(
        pb.ListOperationsRequest(parent=owner.tenant, page_size=2), timeout=SECONDS
    )
    assert list(listed.operations) == [second, first]
    older = await owner.imports.ListOperations(
        pb.ListOperationsRequest(parent=owner.tenant, page_token=listed.next_page_token),
        timeout=SECONDS,
    )
    assert first.name not in [each.name for each in older.operations]


async def test_what_is_not_there_is_said_to_be_missing(owner: Owner) -> None:
    """Also where another tenant has it."""
    ended = await owner.ended(await owner.uploads(FILES))
    other = ended.name.replace("tenants/shop/", "tenants/other/")
    for name in (f"{owner.tenant}/operations/none", other):
        for call in (
            owner.operation(name),
            owner.cancels(Operation(name=name)),
            owner.results(Operation(name=name)),
        ):
            assert isinstance(await error_of(call), OperationNotFound)
    nowhere = Owner.__new__(Owner)
    nowhere.imports, nowhere.base = owner.imports, f"{owner.tenant}/knowledgeBases/none"
    assert isinstance(await error_of(nowhere.uploads(FILES)), KnowledgeBaseNotFound)


async def test_who_may_not_import_is_refused(server: Served, base: str) -> None:
    """The session searches and does nothing else here; the refusals are in the record."""
    stub = server.stub(KnowledgeImportServiceStub, role="session")
    name = "tenants/shop/operations/x"
    for call in (
        stub.UploadDocuments(),
        stub.GetOperation(pb.GetOperationRequest(name=name)),
        stub.ListOperations(pb.ListOperationsRequest(parent="tenants/shop")),
        stub.CancelOperation(pb.CancelOperationRequest(name=name, request_id=request_id())),
        stub.ListImportResults(pb.ListImportResultsRequest(parent=name)),
    ):
        assert isinstance(await error_of(call), MethodNotAllowed)
    assert len([e for e in server.spooled() if e.reason == "METHOD_NOT_ALLOWED"]) == 5


async def test_a_tenant_imports_into_its_own_bases(server: Served, owner: Owner) -> None:
    """Who may import for the shop may not for another tenant."""
    shop = server.stub(KnowledgeImportServiceStub, identity="test-content-owner-shop")
    other = owner.base.replace("tenants/shop/", "tenants/other/")
    call = shop.UploadDocuments(uploading(other, FILES), timeout=SECONDS)
    assert isinstance(await error_of(call), TenantNotAllowed)
    begun = await shop.UploadDocuments(uploading(owner.base, FILES), timeout=SECONDS)
    assert (await owner.ended(begun.operation)).state == Operation.STATE_SUCCEEDED
    [recorded] = [
        e for e in server.spooled() if e.method.endswith("UploadDocuments") and not e.reason
    ]
    assert recorded.resource == owner.base


def test_the_sample_files_stand_for_every_kind_of_trouble(tmp_path: Path) -> None:
    """No name is good and bad at once, and a folder on a disk can hold them."""
    assert not set(GOOD) & set(BAD)
    for path, content in (GOOD | {name: content for name, (content, _) in BAD.items()}).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)


async def test_what_is_stored_is_sorted_in_before_the_import_ends(
    monkeypatch: pytest.MonkeyPatch, replica: Any
) -> None:
    """The second file is not stored until the first one is in the index of lexemes."""
    stored, sorted_in = asyncio.Event(), asyncio.Event()
    store, sort = Knowledge.store, UpkeepStore.sort_in_words

    async def storing(knowledge: Knowledge, base: Any, file: ReadFile, **more: bool) -> Any:
        if stored.is_set():
            async with asyncio.timeout(SECONDS):
                await sorted_in.wait()
        result = await store(knowledge, base, file, **more)
        stored.set()
        return result

    async def sorting(tables: UpkeepStore) -> None:
        await sort(tables)
        if stored.is_set():
            sorted_in.set()

    monkeypatch.setattr(Knowledge, "store", storing)
    monkeypatch.setattr(UpkeepStore, "sort_in_words", sorting)
    async with replica() as owner:
        files = {"a.md": RETURNS, "b.md": "# Ofen\n\nEin Ofen."}
        assert set((await owner.imported(files)).values()) == {"imported"}
    assert sorted_in.is_set()
