"""Test questions guard what goes live: refused drafts, reports, and edits while one publishes."""

import asyncio

import grpc
from kefu import errors
from kefu.knowledge.v1 import knowledge_pb2 as pb
from kefu.knowledge.v1 import release_pb2 as release

from tests.rpc.knowledge.releases import OLD, ask_questions, first, publish_after, revisions
from tests.rpc.knowledge.samples import (
    SECONDS,
    CharacterVectors,
    KnowledgeStub,
    importing,
    publish,
    published,
    request_id,
)
from tests.support.mesh import error_of


async def test_a_broken_draft_is_refused(stub: KnowledgeStub, base: str) -> None:
    """The questions decide; what is live stays, and the refusal counts what passed."""
    await ask_questions(stub, base, ("returns cost", "fees.md"), ("open on monday", "hours.md"))
    assert (await publish_after(stub, base, OLD)).number == 1
    await stub.ImportDocuments(importing(base, {"fees.md": "# Other\n\nNothing."}), timeout=SECONDS)
    error = await error_of(publish(stub, base))
    assert type(error) is errors.PublishRefused
    assert {"passed": "1", "total": "2", "required_share": "0.9"}.items() <= error.metadata.items()
    assert await first(stub, base, "returns cost") == "Returns cost two euros."
    # A lower bar lets it through.
    pairs = (("returns cost", "fees.md"), ("open on monday", "hours.md"))
    await ask_questions(stub, base, *pairs, share=0.5)
    revision = await publish(stub, base)
    assert (revision.number, revision.passed_share) == (2, 0.5)


async def test_validating_changes_nothing(stub: KnowledgeStub, base: str) -> None:
    """It shows what the questions find in the draft, and whether it would be refused."""
    await ask_questions(stub, base, ("returns cost", "fees.md"), ("quantum physics", ""))
    await published(stub, base, OLD)
    await stub.ImportDocuments(importing(base, {"fees.md": "# Other\n\nNothing."}), timeout=SECONDS)
    request = release.PublishKnowledgeBaseRequest(
        name=base, request_id=request_id(), validate_only=True
    )
    response = await stub.PublishKnowledgeBase(request, timeout=SECONDS)
    report = response.report
    assert (response.refused, report.total, report.passed, report.worse) == (True, 2, 1, 1)
    assert [each.change for each in report.results] == [
        release.TestResult.CHANGE_WORSE,
        release.TestResult.CHANGE_NONE,
    ]
    assert not response.HasField("revision")
    assert await revisions(stub, base) == [(1, True)]


async def test_questions_of_a_file_are_asked_of_any_revision(
    stub: KnowledgeStub, base: str
) -> None:
    """What got better and worse between any two, without storing the questions."""
    await published(stub, base, OLD)
    await published(stub, base, {"fees.md": "# Other\n\nNothing.", "v.md": "# V\n\nVouchers."})
    request = release.TestKnowledgeBaseRequest(
        name=base,
        revision="live",
        questions=[
            release.TestQuestion(text="returns cost", documents=["fees.md"]),
            release.TestQuestion(text="vouchers", documents=["v.md"], within=1),
            release.TestQuestion(text="open on monday", documents=["hours.md"]),
        ],
    )
    report = (await stub.TestKnowledgeBase(request, timeout=SECONDS)).report
    assert (report.revision, report.baseline_revision) == (2, 1)
    changes = {each.question.text: each.change for each in report.results}
    assert changes == {
        "returns cost": release.TestResult.CHANGE_WORSE,
        "vouchers": release.TestResult.CHANGE_BETTER,
        "open on monday": release.TestResult.CHANGE_NONE,
    }
    assert [each.passed for each in report.results] == [False, True, True]
    request.baseline, request.revision = "2", "1"
    back = (await stub.TestKnowledgeBase(request, timeout=SECONDS)).report
    assert (back.better, back.worse, back.passed) == (1, 1, 2)


async def test_questions_are_asked_by_words_where_nothing_embeds(
    stub: KnowledgeStub, base: str, vectors: CharacterVectors
) -> None:
    """A company can publish while the embedding service is down, and is told."""
    vectors.down = True
    await ask_questions(stub, base, ("returns cost", "fees.md"))
    await stub.ImportDocuments(importing(base, OLD), timeout=SECONDS)
    request = release.PublishKnowledgeBaseRequest(name=base, request_id=request_id())
    response = await stub.PublishKnowledgeBase(request, timeout=SECONDS)
    assert (response.report.lexical_only, response.report.passed) == (True, 1)


async def test_test_questions_are_listed_in_their_order(stub: KnowledgeStub, base: str) -> None:
    """In pages, with the share that has to pass; replacing replaces all."""
    await ask_questions(stub, base, *((f"question {n}", "") for n in range(5)), share=0.25)
    request = release.ListTestQuestionsRequest(parent=base, page_size=3)
    page = await stub.ListTestQuestions(request, timeout=SECONDS)
    request.page_token = page.next_page_token
    rest = await stub.ListTestQuestions(request, timeout=SECONDS)
    found = [each.text for each in (*page.questions, *rest.questions)]
    assert found == [f"question {n}" for n in range(5)]
    assert (page.required_share, rest.next_page_token) == (0.25, "")
    await ask_questions(stub, base, ("only", ""))
    request.page_token = ""
    page = await stub.ListTestQuestions(request, timeout=SECONDS)
    assert ([each.text for each in page.questions], page.required_share) == (["only"], 0.9)


async def test_editing_and_publishing_at_once_loses_nothing(stub: KnowledgeStub, base: str) -> None:
    """What is published is what was tested, and the last publication has all edits."""
    await ask_questions(stub, base, ("x", ""), share=0.0)

    async def edit(number: int) -> None:
        file = {f"{number}.md": f"# {number}\n\nText number {number}."}
        await stub.ImportDocuments(importing(base, file), timeout=SECONDS)

    async def publish_or_refuse() -> None:
        request = release.PublishKnowledgeBaseRequest(name=base, request_id=request_id())
        try:
            await stub.PublishKnowledgeBase(request, timeout=SECONDS)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.FAILED_PRECONDITION:
                raise

    await asyncio.gather(*(edit(n) for n in range(6)), *(publish_or_refuse() for _ in range(4)))
    await publish(stub, base)
    request = pb.ListDocumentsRequest(parent=base, revision="live")
    listed = await stub.ListDocuments(request, timeout=SECONDS)
    assert len(listed.documents) == 6
