"""Between the contract's messages and the domain's values, in pairs."""

from collections.abc import AsyncIterator

from kefu.knowledge.v1 import knowledge_pb2 as pb
from kefu.type.v1.text_pb2 import TextSpan

from services.knowledge.catalog import (
    BaseName,
    Document,
    DocumentName,
    FaqHit,
    HitReason,
    ImportResult,
    KnowledgeBase,
    SearchResult,
)
from services.knowledge.knowledge import ImportFile, ImportStart, QueryVector, SearchOptions
from services.knowledge.peers import values_of
from services.knowledge.ranking import Mode, Scored, Verdict

LONGEST_TEXT = 1_000_000
"""Code points of a document's text in a response; the contract's limit."""

_REASONS = {
    HitReason.EXACT: pb.FaqHit.REASON_EXACT,
    HitReason.EQUIVALENT: pb.FaqHit.REASON_EQUIVALENT,
}
_MODES = {
    pb.SearchRequest.MODE_UNSPECIFIED: Mode.HYBRID,
    pb.SearchRequest.MODE_HYBRID: Mode.HYBRID,
    pb.SearchRequest.MODE_LEXICAL: Mode.LEXICAL,
    pb.SearchRequest.MODE_DENSE: Mode.DENSE,
}
_VERDICTS = {
    Verdict.ANSWERABLE: pb.SearchResponse.VERDICT_ANSWERABLE,
    Verdict.WEAK: pb.SearchResponse.VERDICT_WEAK,
    Verdict.NONE: pb.SearchResponse.VERDICT_NONE,
}


async def parts_from(
    requests: AsyncIterator[pb.ImportDocumentsRequest],
) -> AsyncIterator[ImportStart | ImportFile]:
    """Read the messages of an import as they arrive."""
    async for request in requests:
        if request.WhichOneof("part") == "header":
            yield ImportStart(BaseName.parse(request.header.parent))
        else:
            yield ImportFile(request.file.path, request.file.content)


def search_options_from(request: pb.SearchRequest) -> SearchOptions:
    """Read how to search."""
    embedding = request.embedding
    vector = QueryVector(embedding.model, values_of(embedding.vector))
    return SearchOptions(
        faq_only=request.scope == pb.SEARCH_SCOPE_FAQ,
        language_code=request.language_code,
        vector=vector if request.HasField("embedding") else None,
        mode=_MODES[request.mode],
        size=request.page_size,
    )


def knowledge_base_to(base: KnowledgeBase) -> pb.KnowledgeBase:
    """Write a knowledge base."""
    message = pb.KnowledgeBase(
        name=str(base.name), display_name=base.display_name, version=base.version
    )
    message.create_time.FromDatetime(base.create_time)
    return message


def document_to(document: Document) -> pb.Document:
    """Write a document, without its text."""
    message = pb.Document(
        name=str(document.name),
        path=document.path,
        title=document.title,
        revision=document.revision,
        language_code=document.language,
        passage_count=document.passage_count,
        faq_count=document.faq_count,
        state=pb.Document.STATE_READY if document.embedded else pb.Document.STATE_LEXICAL_ONLY,
    )
    message.import_time.FromDatetime(document.import_time)
    return message


def import_result_to(result: ImportResult) -> pb.ImportResult:
    """Write what became of a file."""
    if result.document is None:
        return pb.ImportResult(
            path=result.path, outcome=pb.ImportResult.OUTCOME_FAILED, problem=result.problem
        )
    outcome = (
        pb.ImportResult.OUTCOME_IMPORTED if result.changed else pb.ImportResult.OUTCOME_UNCHANGED
    )
    return pb.ImportResult(path=result.path, outcome=outcome, document=document_to(result.document))


def search_to(base: BaseName, result: SearchResult) -> pb.SearchResponse:
    """Write what was found."""
    return pb.SearchResponse(
        faq=faq_to(base, result.faq) if result.faq else None,
        passages=[passage_to(base, scored) for scored in result.passages],
        verdict=_VERDICTS[result.verdict],
        version=result.version,
        lexical_only=result.lexical_only,
    )


def faq_to(base: BaseName, hit: FaqHit) -> pb.FaqHit:
    """Write an FAQ that answers."""
    return pb.FaqHit(
        document=str(DocumentName(base, hit.document)),
        revision=hit.revision,
        faq_id=hit.faq_id,
        question=hit.question,
        answer=hit.answer,
        reason=_REASONS[hit.reason],
        cached=hit.cached,
    )


def passage_to(base: BaseName, scored: Scored) -> pb.ScoredPassage:
    """Write a passage with its evidence."""
    passage = scored.candidate
    return pb.ScoredPassage(
        document=str(DocumentName(base, passage.document)),
        revision=passage.revision,
        title=passage.title,
        text=passage.text,
        span=TextSpan(start=passage.span.start, end=passage.span.end),
        score=scored.score,
        lexical_rank=scored.lexical_rank,
        dense_rank=scored.dense_rank,
        cosine=scored.cosine,
    )
