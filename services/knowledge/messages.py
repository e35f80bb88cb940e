"""Between the contract's messages and the domain's values, in pairs."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from kefu.errors import InvalidRequest
from kefu.knowledge.v1 import knowledge_pb2 as pb
from kefu.type.v1.text_pb2 import TextSpan

from services.knowledge.catalog import (
    BaseName,
    Document,
    DocumentName,
    FaqHit,
    HitReason,
    ImportResult,
    IndexedPassage,
    KnowledgeBase,
    SearchResult,
    Which,
)
from services.knowledge.chunking import tokens
from services.knowledge.document import Scope
from services.knowledge.indexing import label
from services.knowledge.knowledge import ImportFile, ImportStart
from services.knowledge.peers import values_of
from services.knowledge.ranking import Mode, Scored, Verdict
from services.knowledge.searching import QueryVector, SearchOptions

LONGEST_TEXT = 1_000_000
"""Code points of a document's text in a response; the contract's limit."""

MOST_REVISIONS = 1000
"""Revisions that a response names; the contract's limit."""

_LONGEST_NOTE, _MOST_NOTES = 500, 20

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
VERDICTS = {
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
            scope = scope_from(request.file)
            yield ImportFile(request.file.path, request.file.content, scope)


def scope_from(message: Any) -> Scope:
    """Read what an owner says of a file: the fields `metadata`, `valid_from`, `valid_until`.

    Raises:
        InvalidRequest: it ends before it begins.
    """
    begin, end = moment_from(message, "valid_from"), moment_from(message, "valid_until")
    if begin and end and end <= begin:
        raise InvalidRequest(violations=[("valid_until", "must be after valid_from")])
    return Scope(dict(message.metadata), begin, end)


def moment_from(message: Any, field: str) -> datetime | None:
    """Read a timestamp; None where it is absent."""
    if not message.HasField(field):
        return None
    moment: datetime = getattr(message, field).ToDatetime(UTC)
    return moment


def moment_to(moment: datetime | None) -> Timestamp | None:
    """Write a timestamp; None leaves the field absent."""
    if moment is None:
        return None
    timestamp = Timestamp()
    timestamp.FromDatetime(moment)
    return timestamp


def which_from(revision: str, default: Which) -> Which:
    """Read which revision is meant."""
    if not revision:
        return default
    words: dict[str, Which] = {"live": "live", "draft": "draft"}
    return words[revision] if revision in words else int(revision)


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
        which=which_from(request.revision, "live"),
        labels=tuple(
            tuple(label(each.key, value) for value in each.values) for each in request.filters
        ),
        time=moment_from(request, "valid_time"),
    )


def knowledge_base_to(base: KnowledgeBase) -> pb.KnowledgeBase:
    """Write a knowledge base."""
    message = pb.KnowledgeBase(
        name=str(base.name),
        display_name=base.display_name,
        version=base.version,
        live_revision=base.live,
        draft_revision=base.draft,
        draft_changed=base.draft_changed,
        waiting_texts=base.waiting,
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
        metadata=document.scope.metadata,
        valid_from=moment_to(document.scope.valid_from),
        valid_until=moment_to(document.scope.valid_until),
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
    return pb.ImportResult(
        path=result.path,
        outcome=outcome,
        document=document_to(result.document),
        notes=[note[:_LONGEST_NOTE] for note in result.notes[:_MOST_NOTES]],
    )


def indexed_passage_to(passage: IndexedPassage) -> pb.Passage:
    """Write a passage as it is searched."""
    return pb.Passage(
        heading=passage.heading,
        text=passage.text,
        span=TextSpan(start=passage.span.start, end=passage.span.end),
        tokens=round(tokens(passage.text)),
        language_code=passage.language,
        faq_id=passage.faq_id,
        embedded=passage.embedded,
    )


def search_to(base: BaseName, result: SearchResult, explain: bool) -> pb.SearchResponse:
    """Write what was found, with what each score is made of if so wanted."""
    return pb.SearchResponse(
        faq=faq_to(base, result.faq) if result.faq else None,
        passages=[passage_to(base, scored, explain) for scored in result.passages],
        verdict=VERDICTS[result.verdict],
        version=result.version,
        lexical_only=result.lexical_only,
        revision=result.revision,
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


def passage_to(base: BaseName, scored: Scored, explain: bool) -> pb.ScoredPassage:
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
        evidence=[pb.Evidence(name=name, contribution=part) for name, part in scored.parts.items()]
        if explain
        else [],
    )
