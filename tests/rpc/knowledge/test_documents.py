"""Importing, listing, reading and removing documents, through the front door."""

from typing import Any

import grpc
import psycopg
import pytest
from kefu import errors
from kefu.knowledge.v1 import knowledge_pb2 as pb

from tests.rpc.knowledge.samples import (
    FILES,
    RETURNS,
    SECONDS,
    TENANT,
    CharacterVectors,
    KnowledgeStub,
    importing,
    request_id,
)
from tests.support.mesh import Served, error_of

Outcome = pb.ImportResult


async def bring(stub: KnowledgeStub, base: str, files: dict[str, Any]) -> list[pb.ImportResult]:
    response = await stub.ImportDocuments(importing(base, files), timeout=SECONDS)
    return list(response.results)


async def listed(stub: KnowledgeStub, base: str) -> list[str]:
    response = await stub.ListDocuments(pb.ListDocumentsRequest(parent=base), timeout=SECONDS)
    return [document.path for document in response.documents]


async def test_a_new_knowledge_base_is_empty(stub: KnowledgeStub, base: str) -> None:
    """It exists, has its first version, and holds nothing."""
    assert await listed(stub, base) == []


async def test_creating_twice_with_one_request_id_is_one(stub: KnowledgeStub) -> None:
    """A repeat returns the first result, however much was imported since."""
    request = pb.CreateKnowledgeBaseRequest(
        parent=TENANT, knowledge_base_id="twice", display_name="帮助", request_id=request_id()
    )
    first = await stub.CreateKnowledgeBase(request, timeout=SECONDS)
    await bring(stub, first.knowledge_base.name, FILES)
    assert await stub.CreateKnowledgeBase(request, timeout=SECONDS) == first


async def test_another_request_cannot_take_the_id(stub: KnowledgeStub, base: str) -> None:
    """Two owners who choose the same id are told, rather than sharing by accident."""
    request = pb.CreateKnowledgeBaseRequest(
        parent=TENANT, knowledge_base_id=base.rpartition("/")[2], request_id=request_id()
    )
    error = await error_of(stub.CreateKnowledgeBase(request, timeout=SECONDS))
    assert type(error) is errors.KnowledgeBaseAlreadyExists


async def test_a_request_id_is_for_one_request(stub: KnowledgeStub) -> None:
    """Used again for something else, it is a mistake of the caller."""
    used = request_id()
    for name, expected in (("one", None), ("two", errors.RequestIdReused)):
        call = stub.CreateKnowledgeBase(
            pb.CreateKnowledgeBaseRequest(
                parent=TENANT, knowledge_base_id=f"reuse-{name}", request_id=used
            ),
            timeout=SECONDS,
        )
        assert await call if expected is None else type(await error_of(call)) is expected


async def test_a_display_name_with_control_characters_is_refused(
    stub: KnowledgeStub,
) -> None:
    """What PostgreSQL or a terminal would choke on is the caller's mistake."""
    request = pb.CreateKnowledgeBaseRequest(
        parent=TENANT, knowledge_base_id="odd", display_name="a\x1bb", request_id=request_id()
    )
    error = await error_of(stub.CreateKnowledgeBase(request, timeout=SECONDS))
    assert type(error) is errors.InvalidRequest


async def test_documents_are_imported_with_their_vectors(stub: KnowledgeStub, base: str) -> None:
    """Each file becomes a document, ready to be found by words and by meaning."""
    results = await bring(stub, base, FILES)
    assert [result.outcome for result in results] == [Outcome.OUTCOME_IMPORTED] * 3
    returns, delivery, faqs = (result.document for result in results)
    assert (returns.title, returns.language_code, returns.passage_count) == ("退货", "zh", 2)
    assert (delivery.title, delivery.language_code) == ("Delivery", "en")
    assert (faqs.passage_count, faqs.faq_count) == (0, 3)
    assert {document.state for document in (returns, delivery, faqs)} == {pb.Document.STATE_READY}


async def test_unchanged_files_are_skipped(
    stub: KnowledgeStub, base: str, vectors: CharacterVectors
) -> None:
    """A second import changes nothing and embeds nothing."""
    first = await bring(stub, base, FILES)
    vectors.embedded.clear()
    second = await bring(stub, base, FILES)
    assert [result.outcome for result in second] == [Outcome.OUTCOME_UNCHANGED] * 3
    assert [result.document for result in second] == [result.document for result in first]
    assert vectors.embedded == []


async def test_a_changed_file_replaces_its_document(
    stub: KnowledgeStub, base: str, vectors: CharacterVectors
) -> None:
    """The name stays, the revision is new, and only what changed is embedded again."""
    [before] = await bring(stub, base, {"zh/returns.md": RETURNS})
    vectors.embedded.clear()
    [after] = await bring(stub, base, {"zh/returns.md": RETURNS.replace("十五", "三十")})
    assert after.document.name == before.document.name
    assert after.document.revision != before.document.revision
    assert vectors.embedded == ["退货 > 期限\n签收后三十天内可以无理由退货。"]
    assert await listed(stub, base) == ["zh/returns.md"]


async def test_a_broken_file_fails_alone(stub: KnowledgeStub, base: str) -> None:
    """The others are imported, and the owner reads which file, which line, and why."""
    results = await bring(
        stub,
        base,
        {
            "good.md": "text",
            "empty.md": "",
            "faq.csv": "id,question,answer\n1,2\n",
            "photo.png": b"\x89PNG",
            "gbk.md": "退货".encode("gb18030"),
            "a\x1b.md": "text",
            "also-good.txt": "text",
        },
    )
    assert [result.outcome for result in results] == [
        Outcome.OUTCOME_IMPORTED,
        *[Outcome.OUTCOME_FAILED] * 5,
        Outcome.OUTCOME_IMPORTED,
    ]
    assert results[2].problem.startswith("malformed: line 2: ")
    assert all(result.problem and not result.HasField("document") for result in results[1:6])
    assert await listed(stub, base) == ["also-good.txt", "good.md"]


async def test_a_file_that_breaks_leaves_its_document_as_it_was(
    stub: KnowledgeStub, base: str
) -> None:
    """Better yesterday's answer than none."""
    [good] = await bring(stub, base, {"a.md": "text"})
    await bring(stub, base, {"a.md": b"\xff\xfe"})
    response = await stub.GetDocument(
        pb.GetDocumentRequest(name=good.document.name), timeout=SECONDS
    )
    assert (response.document, response.text) == (good.document, "text")


@pytest.mark.parametrize("order", ["none", "file", "header header", "file header"])
async def test_an_import_is_one_header_then_files(
    stub: KnowledgeStub, base: str, order: str
) -> None:
    """Anything else gets one precise error."""
    header, file = importing(base, {"a.md": "text"})
    parts = {"header": header, "file": file}
    call = stub.ImportDocuments(
        iter([parts[word] for word in order.split() if word in parts]), timeout=SECONDS
    )
    assert type(await error_of(call)) is errors.ImportOutOfOrder


async def test_importing_into_nothing_is_refused(stub: KnowledgeStub) -> None:
    """Even an import without files says that there is no such knowledge base."""
    call = stub.ImportDocuments(importing(f"{TENANT}/knowledgeBases/none", {}), timeout=SECONDS)
    assert type(await error_of(call)) is errors.KnowledgeBaseNotFound


async def test_an_import_of_no_files_is_fine(stub: KnowledgeStub, base: str) -> None:
    """An empty folder has no results."""
    assert await bring(stub, base, {}) == []


async def test_lists_are_paged_by_path(stub: KnowledgeStub, base: str) -> None:
    """Pages follow each other without gap or repeat, and the last says that it is the last."""
    paths = [f"{number:02}.md" for number in range(7)]
    await bring(stub, base, dict.fromkeys(reversed(paths), "text"))
    found, token = [], ""
    for expected in (3, 3, 1):
        page = await stub.ListDocuments(
            pb.ListDocumentsRequest(parent=base, page_size=3, page_token=token), timeout=SECONDS
        )
        assert len(page.documents) == expected
        found += [document.path for document in page.documents]
        token = page.next_page_token
    assert (found, token) == (paths, "")


async def test_a_foreign_page_token_is_refused(stub: KnowledgeStub, base: str) -> None:
    """A token of another list, or garbage, is the caller's mistake."""
    call = stub.ListDocuments(
        pb.ListDocumentsRequest(parent=base, page_token="garbage"), timeout=SECONDS
    )
    assert type(await error_of(call)) is errors.PageTokenInvalid


async def test_listing_nothing_is_refused(stub: KnowledgeStub) -> None:
    """A misspelt knowledge base is not an empty one."""
    call = stub.ListDocuments(
        pb.ListDocumentsRequest(parent=f"{TENANT}/knowledgeBases/none"), timeout=SECONDS
    )
    assert type(await error_of(call)) is errors.KnowledgeBaseNotFound


async def test_deleting_really_removes(stub: KnowledgeStub, base: str, database_url: str) -> None:
    """No table keeps the text, its words or its vectors; other documents keep theirs."""
    secret = "机密词"
    [result, _] = await bring(stub, base, {"a.md": f"# {secret}\n\n{secret}二号", "b.md": "留下"})
    request = pb.DeleteDocumentRequest(name=result.document.name, request_id=request_id())
    await stub.DeleteDocument(request, timeout=SECONDS)
    assert await listed(stub, base) == ["b.md"]
    with psycopg.connect(database_url) as connection:
        tables = [
            row[0]
            for row in connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            )
        ]
        dump = " ".join(
            str(row) for table in tables for row in connection.execute(f"SELECT * FROM {table}")
        )
    assert secret not in dump
    assert "密词" not in dump
    assert "留下" in dump


async def test_deleting_again_with_the_same_request_id_succeeds(
    stub: KnowledgeStub, base: str
) -> None:
    """A retry after a lost answer is no error; another request finds nothing."""
    [result] = await bring(stub, base, {"a.md": "text"})
    request = pb.DeleteDocumentRequest(name=result.document.name, request_id=request_id())
    await stub.DeleteDocument(request, timeout=SECONDS)
    await stub.DeleteDocument(request, timeout=SECONDS)
    request.request_id = request_id()
    error = await error_of(stub.DeleteDocument(request, timeout=SECONDS))
    assert type(error) is errors.DocumentNotFound


async def test_a_failed_deletion_does_not_use_the_request_id(
    stub: KnowledgeStub, base: str
) -> None:
    """A deletion that found nothing can be sent again once the document is there."""
    request = pb.DeleteDocumentRequest(name=f"{base}/documents/a.md", request_id=request_id())
    assert (
        type(await error_of(stub.DeleteDocument(request, timeout=SECONDS)))
        is errors.DocumentNotFound
    )
    await bring(stub, base, {"a.md": "text"})
    await stub.DeleteDocument(request, timeout=SECONDS)
    assert await listed(stub, base) == []


@pytest.mark.parametrize("name", ["none.md", ".", ".."])
async def test_an_unknown_document_is_not_found(stub: KnowledgeStub, base: str, name: str) -> None:
    """Reading what is not there says so."""
    call = stub.GetDocument(pb.GetDocumentRequest(name=f"{base}/documents/{name}"), timeout=SECONDS)
    assert type(await error_of(call)) is errors.DocumentNotFound


async def test_tenants_do_not_see_each_other(stub: KnowledgeStub, base: str) -> None:
    """The same ids in another tenant are other things."""
    await bring(stub, base, FILES)
    elsewhere = base.replace(TENANT, "tenants/other")
    call = stub.ListDocuments(pb.ListDocumentsRequest(parent=elsewhere), timeout=SECONDS)
    assert type(await error_of(call)) is errors.KnowledgeBaseNotFound
    await stub.CreateKnowledgeBase(
        pb.CreateKnowledgeBaseRequest(
            parent="tenants/other",
            knowledge_base_id=base.rpartition("/")[2],
            request_id=request_id(),
        ),
        timeout=SECONDS,
    )
    assert await listed(stub, elsewhere) == []
    found = await stub.Search(pb.SearchRequest(parent=elsewhere, query="怎么退货"), timeout=SECONDS)
    assert (len(found.passages), found.HasField("faq")) == (0, False)


async def test_a_caller_of_one_tenant_gets_no_other(server: Served, base: str) -> None:
    """Permission is checked before existence, in the header of a stream too."""
    stub = server.stub(KnowledgeStub, identity="test-content-owner-shop")
    await bring(stub, base, {"a.md": "text"})
    elsewhere = base.replace(TENANT, "tenants/other")
    call = stub.ImportDocuments(importing(elsewhere, {}), timeout=SECONDS)
    assert type(await error_of(call)) is errors.TenantNotAllowed


async def test_the_session_service_may_only_search(server: Served, base: str) -> None:
    """Who answers customers does not change what is known."""
    stub = server.stub(KnowledgeStub, role="session")
    await stub.Search(pb.SearchRequest(parent=base, query="x"), timeout=SECONDS)
    call = stub.ListDocuments(pb.ListDocumentsRequest(parent=base), timeout=SECONDS)
    assert type(await error_of(call)) is errors.MethodNotAllowed


async def test_a_stranger_does_not_get_in(server: Served, base: str) -> None:
    """A certificate of another CA ends in the handshake."""
    async with grpc.aio.secure_channel(server.address, grpc.ssl_channel_credentials()) as channel:
        stub = KnowledgeStub(channel)
        with pytest.raises(grpc.RpcError) as caught:
            await stub.Search(pb.SearchRequest(parent=base, query="x"), timeout=SECONDS)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_an_import_is_audited_without_its_text(
    server: Served, stub: KnowledgeStub, base: str
) -> None:
    """The record says how many files were imported or failed, and nothing of what is in them."""
    await bring(stub, base, {**FILES, "empty.md": ""})
    [event] = [each for each in server.spooled() if each.method.endswith("/ImportDocuments")]
    assert (event.labels["outcome_imported"], event.labels["outcome_failed"]) == ("3", "1")
    assert "退货" not in str(event)
