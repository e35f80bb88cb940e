"""The knowledge service's RPCs: protobuf in, one call of the domain, protobuf out."""

from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

from kefu.knowledge.v1 import knowledge_pb2 as pb
from kefu.knowledge.v1.knowledge_pb2_grpc import KnowledgeServiceServicer

from services.knowledge import messages
from services.knowledge.catalog import BaseName, DocumentName
from services.knowledge.knowledge import Knowledge
from services.knowledge.searching import Searching
from services.mesh.calls import annotate, current

_EMBEDDING_SHARE = 0.5
"""Of an import's remaining time that vectors may take: the answer has to arrive in the rest."""


class KnowledgeServicer(KnowledgeServiceServicer):
    """Serves `kefu.knowledge.v1.KnowledgeService`; its methods are described in the contract."""

    def __init__(self, knowledge: Knowledge, searching: Searching) -> None:
        """Serve this knowledge."""
        self._knowledge = knowledge
        self._searching = searching

    async def CreateKnowledgeBase(
        self, request: pb.CreateKnowledgeBaseRequest, context: Any
    ) -> pb.CreateKnowledgeBaseResponse:
        """Create an empty knowledge base."""
        name = BaseName.parse(f"{request.parent}/knowledgeBases/{request.knowledge_base_id}")
        annotate(resource=str(name))
        base = await self._knowledge.create(name, request.display_name, request.request_id)
        return pb.CreateKnowledgeBaseResponse(knowledge_base=messages.knowledge_base_to(base))

    async def ImportDocuments(
        self, request_iterator: AsyncIterator[pb.ImportDocumentsRequest], context: Any
    ) -> pb.ImportDocumentsResponse:
        """Import files."""
        results = await self._knowledge.import_files(
            messages.parts_from(request_iterator), current().remaining_seconds * _EMBEDDING_SHARE
        )
        written = [messages.import_result_to(result) for result in results]
        outcomes = Counter(pb.ImportResult.Outcome.Name(each.outcome).lower() for each in written)
        annotate(**{outcome: str(count) for outcome, count in outcomes.items()})
        return pb.ImportDocumentsResponse(results=written)

    async def GetKnowledgeBase(
        self, request: pb.GetKnowledgeBaseRequest, context: Any
    ) -> pb.GetKnowledgeBaseResponse:
        """Read a knowledge base."""
        base = await self._knowledge.base(BaseName.parse(request.name))
        return pb.GetKnowledgeBaseResponse(knowledge_base=messages.knowledge_base_to(base))

    async def ListKnowledgeBases(
        self, request: pb.ListKnowledgeBasesRequest, context: Any
    ) -> pb.ListKnowledgeBasesResponse:
        """List a tenant's knowledge bases by id."""
        tenant = request.parent.rpartition("/")[2]
        page = await self._knowledge.bases(tenant, request.page_size, request.page_token)
        return pb.ListKnowledgeBasesResponse(
            knowledge_bases=map(messages.knowledge_base_to, page.bases),
            next_page_token=page.next_page_token,
        )

    async def ListDocuments(
        self, request: pb.ListDocumentsRequest, context: Any
    ) -> pb.ListDocumentsResponse:
        """List documents by path."""
        which = messages.which_from(request.revision, "draft")
        page = await self._knowledge.documents(
            BaseName.parse(request.parent), which, request.page_size, request.page_token
        )
        return pb.ListDocumentsResponse(
            documents=map(messages.document_to, page.documents),
            next_page_token=page.next_page_token,
        )

    async def GetDocument(
        self, request: pb.GetDocumentRequest, context: Any
    ) -> pb.GetDocumentResponse:
        """Read one document."""
        which = messages.which_from(request.revision, "draft")
        document, text = await self._knowledge.document(DocumentName.parse(request.name), which)
        return pb.GetDocumentResponse(
            document=messages.document_to(document), text=text[: messages.LONGEST_TEXT]
        )

    async def ListPassages(
        self, request: pb.ListPassagesRequest, context: Any
    ) -> pb.ListPassagesResponse:
        """List what a document was cut into."""
        which = messages.which_from(request.revision, "draft")
        page = await self._knowledge.passages(
            DocumentName.parse(request.parent), which, request.page_size, request.page_token
        )
        return pb.ListPassagesResponse(
            passages=map(messages.indexed_passage_to, page.passages),
            next_page_token=page.next_page_token,
        )

    async def DeleteDocument(
        self, request: pb.DeleteDocumentRequest, context: Any
    ) -> pb.DeleteDocumentResponse:
        """Remove one document."""
        revisions = await self._knowledge.delete(
            DocumentName.parse(request.name), request.request_id, request.draft_only
        )
        annotate(revisions=str(len(revisions)), draft_only=str(request.draft_only).lower())
        return pb.DeleteDocumentResponse(revisions=revisions[-messages.MOST_REVISIONS :])

    async def Search(self, request: pb.SearchRequest, context: Any) -> pb.SearchResponse:
        """Find the FAQ that answers, or ranked passages."""
        base = BaseName.parse(request.parent)
        result = await self._searching.search(
            base, request.query, messages.search_options_from(request)
        )
        annotate(
            verdict=result.verdict,
            version=str(result.version),
            revision=str(result.revision),
            faq=result.faq.reason if result.faq else "",
        )
        return messages.search_to(base, result, request.explain)
