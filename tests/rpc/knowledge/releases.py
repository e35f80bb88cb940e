"""What tests of releases ask for: searches, revisions, going back, test questions."""

from typing import Any

from kefu.knowledge.v1 import knowledge_pb2 as pb
from kefu.knowledge.v1 import release_pb2 as release

from tests.rpc.knowledge.samples import (
    SECONDS,
    KnowledgeStub,
    importing,
    publish,
    request_id,
)

OLD = {"fees.md": "# Fees\n\nReturns cost two euros.", "hours.md": "# Hours\n\nOpen on Monday."}
NEW = {"fees.md": "# Fees\n\nReturns are free of charge."}


async def search(
    stub: KnowledgeStub, base: str, query: str, revision: str = "", **more: Any
) -> pb.SearchResponse:
    request = pb.SearchRequest(parent=base, query=query, revision=revision, **more)
    return await stub.Search(request, timeout=SECONDS)


async def first(stub: KnowledgeStub, base: str, query: str, revision: str = "") -> str:
    """The text that is found first."""
    found = await search(stub, base, query, revision)
    return found.passages[0].text if found.passages else ""


async def state(stub: KnowledgeStub, base: str) -> pb.KnowledgeBase:
    request = pb.GetKnowledgeBaseRequest(name=base)
    return (await stub.GetKnowledgeBase(request, timeout=SECONDS)).knowledge_base


async def roll_back(stub: KnowledgeStub, base: str, revision: int | None = None) -> Any:
    request = release.RollbackKnowledgeBaseRequest(
        name=base, request_id=request_id(), revision=revision
    )
    return (await stub.RollbackKnowledgeBase(request, timeout=SECONDS)).revision


async def revisions(stub: KnowledgeStub, base: str) -> list[tuple[int, bool]]:
    request = release.ListRevisionsRequest(parent=base)
    found = (await stub.ListRevisions(request, timeout=SECONDS)).revisions
    return [(each.number, each.live) for each in found]


async def publish_after(stub: KnowledgeStub, base: str, files: dict[str, str]) -> Any:
    await stub.ImportDocuments(importing(base, files), timeout=SECONDS)
    return await publish(stub, base)


async def ask_questions(
    stub: KnowledgeStub, base: str, *pairs: tuple[str, str], share: float | None = None
) -> None:
    """Set the test questions: each with the path of what answers it, or nothing."""
    request = release.ReplaceTestQuestionsRequest(
        parent=base,
        request_id=request_id(),
        questions=[
            release.TestQuestion(text=text, documents=[path] if path else [])
            for text, path in pairs
        ],
        required_share=share,
    )
    await stub.ReplaceTestQuestions(request, timeout=SECONDS)
