"""Drafts, revisions, what is live, going back, and test questions that guard it."""

import pytest
from kefu import errors
from kefu.knowledge.v1 import knowledge_pb2 as pb
from kefu.knowledge.v1 import release_pb2 as release

from tests.rpc.knowledge.releases import (
    NEW,
    OLD,
    first,
    publish_after,
    revisions,
    roll_back,
    search,
    state,
)
from tests.rpc.knowledge.samples import (
    FILES,
    SECONDS,
    TENANT,
    KnowledgeStub,
    importing,
    publish,
    published,
    request_id,
    titles,
)
from tests.support.mesh import Served, error_of


async def test_nothing_is_found_before_it_is_published(stub: KnowledgeStub, base: str) -> None:
    """What is imported collects in the draft; who names the draft may search it."""
    await stub.ImportDocuments(importing(base, OLD), timeout=SECONDS)
    live = await search(stub, base, "returns cost")
    assert (len(live.passages), live.revision) == (0, 0)
    draft = await search(stub, base, "returns cost", "draft")
    assert (draft.passages[0].text, draft.revision) == ("Returns cost two euros.", 1)
    assert not (await state(stub, base)).HasField("live_revision")
    revision = await publish(stub, base)
    assert (revision.number, revision.live, revision.document_count) == (1, True, 2)
    assert await first(stub, base, "returns cost") == "Returns cost two euros."


async def test_edits_change_nothing_that_is_live(stub: KnowledgeStub, base: str) -> None:
    """Until they are published; then they do at once."""
    await published(stub, base, OLD)
    await stub.ImportDocuments(importing(base, NEW), timeout=SECONDS)
    assert await first(stub, base, "returns") == "Returns cost two euros."
    assert await first(stub, base, "returns", "draft") == "Returns are free of charge."
    now = await state(stub, base)
    assert (now.live_revision, now.draft_revision, now.draft_changed) == (1, 2, True)
    await publish(stub, base)
    assert await first(stub, base, "returns") == "Returns are free of charge."
    assert await revisions(stub, base) == [(2, True), (1, False)]


async def test_going_back_is_one_call_and_leaves_the_draft(stub: KnowledgeStub, base: str) -> None:
    """What was live before is live again; the draft and both revisions stay as they are."""
    await published(stub, base, OLD)
    await published(stub, base, NEW)
    assert (await roll_back(stub, base)).number == 1
    assert await first(stub, base, "returns") == "Returns cost two euros."
    assert await first(stub, base, "returns", "2") == "Returns are free of charge."
    assert await first(stub, base, "returns", "draft") == "Returns are free of charge."
    assert await revisions(stub, base) == [(2, False), (1, True)]
    # Forward again, by its number; and an unedited draft makes no third revision.
    assert (await roll_back(stub, base, 2)).number == 2
    assert (await publish(stub, base)).number == 2
    assert await revisions(stub, base) == [(2, True), (1, False)]


async def test_every_revision_stays_as_it_was(stub: KnowledgeStub, base: str) -> None:
    """Replaced, removed and added documents, read and searched as of each revision."""
    [fees, _] = await published(stub, base, OLD)
    await published(stub, base, NEW)
    name = fees.document.name
    take_out = pb.DeleteDocumentRequest(name=name, request_id=request_id(), draft_only=True)
    assert not (await stub.DeleteDocument(take_out, timeout=SECONDS)).revisions
    await published(stub, base, {"added.md": "# Added\n\nVouchers are new."})
    for revision, text, paths in (
        ("1", "two euros", ["fees.md", "hours.md"]),
        ("2", "free of charge", ["fees.md", "hours.md"]),
        ("3", "", ["added.md", "hours.md"]),
    ):
        request = pb.ListDocumentsRequest(parent=base, revision=revision)
        listed = await stub.ListDocuments(request, timeout=SECONDS)
        assert [each.path for each in listed.documents] == paths
        assert text in await first(stub, base, "fees returns", revision)
        get = stub.GetDocument(pb.GetDocumentRequest(name=name, revision=revision), timeout=SECONDS)
        if text:
            assert text in (await get).text
        else:
            assert type(await error_of(get)) is errors.DocumentNotFound


async def test_scores_of_a_revision_do_not_change_later(stub: KnowledgeStub, base: str) -> None:
    """How rare a word is counts in the revision, not in what was written since."""
    await published(stub, base, OLD)
    before = await search(stub, base, "returns on monday", "1")
    await published(
        stub, base, {f"{n}.md": f"# {n}\n\nReturns on Monday, number {n}." for n in range(20)}
    )
    after = await search(stub, base, "returns on monday", "1")
    assert list(after.passages) == list(before.passages)


async def test_removing_for_good_removes_from_every_revision(
    stub: KnowledgeStub, base: str
) -> None:
    """At once, also from what is live, and the answer names the revisions."""
    [fees, _] = await published(stub, base, OLD)
    await published(stub, base, NEW)
    await published(stub, base, {"more.md": "more"})
    request = pb.DeleteDocumentRequest(name=fees.document.name, request_id=request_id())
    response = await stub.DeleteDocument(request, timeout=SECONDS)
    assert list(response.revisions) == [1, 2, 3]
    for revision in ("1", "2", "live", "draft"):
        found = await search(stub, base, "returns cost euros free charge", revision)
        assert "Fees" not in titles(found.passages)
    listing = await stub.ListRevisions(release.ListRevisionsRequest(parent=base), timeout=SECONDS)
    assert [each.document_count for each in listing.revisions] == [2, 1, 1]
    assert [each.passage_count for each in listing.revisions] == [2, 1, 1]
    # A repeat has nothing left to remove, and succeeds.
    assert not (await stub.DeleteDocument(request, timeout=SECONDS)).revisions


async def test_the_draft_can_be_thrown_away(stub: KnowledgeStub, base: str) -> None:
    """All edits are undone: replaced, added and removed documents, and words."""
    [_, hours] = await published(stub, base, OLD)
    await stub.ImportDocuments(importing(base, {**NEW, "x.md": "x"}), timeout=SECONDS)
    await stub.DeleteDocument(
        pb.DeleteDocumentRequest(
            name=hours.document.name, request_id=request_id(), draft_only=True
        ),
        timeout=SECONDS,
    )
    request = release.ResetDraftRequest(name=base, request_id=request_id())
    now = (await stub.ResetDraft(request, timeout=SECONDS)).knowledge_base
    assert not now.draft_changed
    listed = await stub.ListDocuments(pb.ListDocumentsRequest(parent=base), timeout=SECONDS)
    assert [each.path for each in listed.documents] == ["fees.md", "hours.md"]
    assert await first(stub, base, "returns", "draft") == "Returns cost two euros."


@pytest.mark.parametrize("method", ["PublishKnowledgeBase", "RollbackKnowledgeBase"])
async def test_a_repeat_returns_the_first_result(
    stub: KnowledgeStub, base: str, method: str
) -> None:
    """A client that lost the answer asks again, and nothing happens twice."""
    await published(stub, base, OLD)
    await published(stub, base, NEW)
    await stub.ImportDocuments(importing(base, {"x.md": "x"}), timeout=SECONDS)
    request = getattr(release, f"{method}Request")(name=base, request_id=request_id())
    one = await getattr(stub, method)(request, timeout=SECONDS)
    two = await getattr(stub, method)(request, timeout=SECONDS)
    assert one.revision.number == two.revision.number
    assert len(await revisions(stub, base)) == (3 if method.startswith("Publish") else 2)


async def test_one_request_id_is_not_for_two_things(stub: KnowledgeStub, base: str) -> None:
    """Publishing with the id of a rollback is a mistake of the caller."""
    await published(stub, base, OLD)
    await published(stub, base, NEW)
    used = request_id()
    back = release.RollbackKnowledgeBaseRequest(name=base, request_id=used)
    await stub.RollbackKnowledgeBase(back, timeout=SECONDS)
    reset = release.ResetDraftRequest(name=base, request_id=used)
    error = await error_of(stub.ResetDraft(reset, timeout=SECONDS))
    assert type(error) is errors.RequestIdReused


async def test_what_is_not_there_cannot_be_gone_back_to(stub: KnowledgeStub, base: str) -> None:
    """No number before the first, none that was never made; searches say the same."""
    await published(stub, base, OLD)
    for call in (
        roll_back(stub, base),
        roll_back(stub, base, 7),
        search(stub, base, "x", "7"),
        stub.ListDocuments(pb.ListDocumentsRequest(parent=base, revision="7"), timeout=SECONDS),
    ):
        error = await error_of(call)
        assert type(error) is errors.RevisionNotFound


async def test_knowledge_bases_are_listed_by_their_tenant(stub: KnowledgeStub, base: str) -> None:
    """Page by page, with what is live."""
    await published(stub, base, OLD)
    found, token = [], ""
    while True:
        request = pb.ListKnowledgeBasesRequest(parent=TENANT, page_size=1, page_token=token)
        page = await stub.ListKnowledgeBases(request, timeout=SECONDS)
        found += page.knowledge_bases
        if not (token := page.next_page_token):
            break
    own = [each for each in found if each.name == base]
    assert [each.live_revision for each in own] == [1]
    assert [each.name for each in found] == sorted(each.name for each in found)


async def test_publishing_is_audited(server: Served, stub: KnowledgeStub, base: str) -> None:
    """Who, what and which revision; the revision itself says who as well."""
    revision = await publish_after(stub, base, OLD)
    assert revision.publisher.endswith("/sa/test-content-owner")
    [event] = [e for e in server.spooled() if e.method.endswith("/PublishKnowledgeBase")]
    assert event.labels["revision"] == "1"


@pytest.mark.parametrize("role", ["channel", "auditor", "session"])
async def test_a_stranger_cannot_release(server: Served, base: str, role: str) -> None:
    """Only content owners publish; customers' systems do not."""
    stub = server.stub(KnowledgeStub, role=role)
    assert type(await error_of(publish(stub, base))) is errors.MethodNotAllowed


async def test_cached_answers_die_with_what_is_live(stub: KnowledgeStub, base: str) -> None:
    """On publishing and on going back, also in a search that names nothing."""
    question = {"faqs.jsonl": '{"id":"1","question":"怎么退货","answer":"%s"}'}
    answers = []
    for answer in ("old", "new"):
        await published(stub, base, {"faqs.jsonl": question["faqs.jsonl"] % answer})
        for _ in range(2):
            found = await search(stub, base, "怎么退货", scope=pb.SEARCH_SCOPE_FAQ)
            answers.append((found.faq.answer, found.faq.cached, found.revision))
    await roll_back(stub, base)
    found = await search(stub, base, "怎么退货", scope=pb.SEARCH_SCOPE_FAQ)
    answers.append((found.faq.answer, found.faq.cached, found.revision))
    assert answers == [
        ("old", False, 1), ("old", True, 1), ("new", False, 2), ("new", True, 2), ("old", False, 1),
    ]  # fmt: skip


async def test_the_sample_is_what_it_was(stub: KnowledgeStub, base: str) -> None:
    """All of it in one revision, passages and wordings counted."""
    results = await published(stub, base, FILES)
    [revision] = (
        await stub.ListRevisions(release.ListRevisionsRequest(parent=base), timeout=SECONDS)
    ).revisions
    assert revision.document_count == len(results)
    listed = 0
    for result in results:
        request = pb.ListPassagesRequest(parent=result.document.name, page_size=100)
        listed += len((await stub.ListPassages(request, timeout=SECONDS)).passages)
    # Each FAQ is found as a whole too, which is no passage of its own.
    assert revision.passage_count == listed + 3
