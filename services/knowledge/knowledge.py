"""What the service does: import files, look an FAQ up, search."""

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kefu.errors import (
    DocumentNotFound,
    EmbeddingMismatch,
    ImportOutOfOrder,
    InvalidRequest,
    PageTokenInvalid,
)

from services.knowledge import source_file
from services.knowledge.catalog import (
    BaseName,
    Document,
    DocumentName,
    DocumentPage,
    FaqHit,
    ImportResult,
    KnowledgeBase,
    SearchResult,
)
from services.knowledge.conversion.reader import FileReader
from services.knowledge.document import revision_of
from services.knowledge.embedding import DIMENSIONS, Embedding
from services.knowledge.indexing import entries, question_hashes
from services.knowledge.lexical import query_terms
from services.knowledge.ranking import Mode, Question, Verdict, rank, verdict
from services.language import Language, detect
from services.mesh import paging

if TYPE_CHECKING:
    from services.knowledge.answer_store import AnswerStore
    from services.knowledge.search_store import SearchStore
    from services.knowledge.store import DocumentStore

MOST_FILES = 1000
"""Most files in one import; the contract's limit."""

DEFAULT_PASSAGES, MOST_PASSAGES = 5, 20
"""Passages that a search returns where the caller says nothing, and at the most."""


@dataclass(frozen=True, slots=True)
class ImportStart:
    """The first part of an import: where the files go."""

    base: BaseName


@dataclass(frozen=True, slots=True)
class ImportFile:
    """A further part of an import: a file."""

    path: str
    content: bytes


@dataclass(frozen=True, slots=True)
class QueryVector:
    """The vector of a question."""

    model: str
    """What made it."""
    values: Sequence[float]
    """float, L2-normalised."""


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """How to search."""

    faq_only: bool = False
    """True looks only for an FAQ with the same question: the cheapest look."""
    language_code: str = ""
    """Preferred language, `zh` or `en`; empty: the question's."""
    vector: QueryVector | None = None
    """Of the question; None searches by words alone."""
    mode: Mode = Mode.HYBRID
    """On what evidence passages are ranked."""
    size: int = 0
    """Most passages; 0 means `DEFAULT_PASSAGES`, more than `MOST_PASSAGES` means that."""


class Knowledge:
    """The knowledge of all tenants."""

    def __init__(
        self,
        documents: "DocumentStore",
        searches: "SearchStore",
        answers: "AnswerStore",
        embedding: Embedding,
        files: FileReader,
    ) -> None:
        """Work on the given stores; `files` reads what is imported."""
        self._documents = documents
        self._searches = searches
        self._answers = answers
        self._embedding = embedding
        self._files = files

    async def create(self, name: BaseName, display_name: str, request_id: str) -> KnowledgeBase:
        """Create an empty knowledge base; a repeat returns the first result.

        Raises:
            InvalidRequest: the display name holds control characters.
            KnowledgeBaseAlreadyExists, RequestIdReused: as the contract says.
        """
        if not display_name.isprintable():
            raise InvalidRequest(violations=[("display_name", "must not hold control characters")])
        return await self._documents.create(name, display_name, request_id)

    async def import_files(
        self, parts: AsyncIterator[ImportStart | ImportFile], budget_seconds: float
    ) -> list[ImportResult]:
        """Import files one after the other; a broken file fails alone.

        Args:
            parts: The start, then files.
            budget_seconds: Most time to spend on vectors; what is left follows in the background.

        Returns:
            What became of each file, in order.

        Raises:
            ImportOutOfOrder: the start is not first, or not alone, or there are too many files.
            KnowledgeBaseNotFound: there is none of this name.
        """
        start = await anext(parts, None)
        if not isinstance(start, ImportStart):
            raise ImportOutOfOrder(problem="no header at the beginning")
        await self._documents.require(start.base)
        results: list[ImportResult] = []
        async for part in parts:
            if isinstance(part, ImportStart):
                raise ImportOutOfOrder(problem="a second header")
            if len(results) == MOST_FILES:
                raise ImportOutOfOrder(problem=f"more than {MOST_FILES} files")
            results.append(await self._import_file(start.base, part))
        if all(result.document is None or result.document.embedded for result in results):
            return results
        await self._embedding.finish(budget_seconds)
        return [await self._refreshed(result) for result in results]

    async def document(self, name: DocumentName) -> tuple[Document, str]:
        """Return a document and its text.

        Raises:
            DocumentNotFound: there is none of this name.
        """
        return await self._documents.get(name)

    async def list(self, base: BaseName, size: int, token: str) -> DocumentPage:
        """Return a page of documents by path.

        Raises:
            KnowledgeBaseNotFound: there is none of this name.
            PageTokenInvalid: the token is not of this list.
        """
        size = paging.page_size(size)
        key = paging.decode(token, (str,), str(base)) or [""]
        # A token is no secret; what no path can be must not reach the database.
        if not (after := str(key[0])).isprintable():
            raise PageTokenInvalid()
        found = await self._documents.list(base, after, size + 1)
        page = tuple(found[:size])
        more = paging.encode([page[-1].path], str(base)) if len(found) > size else ""
        return DocumentPage(page, more)

    async def delete(self, name: DocumentName, request_id: str) -> None:
        """Remove a document with its entries, vectors, FAQs and cached answers.

        Raises:
            DocumentNotFound, RequestIdReused: as the contract says.
        """
        version = await self._documents.delete(name, request_id)
        await asyncio.shield(self._answers.kill(name.base, version))

    async def search(self, base: BaseName, text: str, options: SearchOptions) -> SearchResult:
        """Find the FAQ with the same question, and the passages that may answer it.

        Args:
            base: Where to search.
            text: The question.
            options: How to search.

        Raises:
            KnowledgeBaseNotFound: there is none of this name.
            EmbeddingMismatch: the vector is of another model than those of the knowledge base.
            InvalidRequest: the vector has no direction: zero, infinite or not a number.
        """
        language = _preferred(options.language_code, text)
        if options.faq_only:
            return await self._find_faq(base, text, language)
        vector = None if options.mode is Mode.LEXICAL else options.vector
        if vector is None and options.mode is Mode.DENSE:
            raise InvalidRequest(violations=[("embedding", "is needed for MODE_DENSE")])
        question = Question(text, query_terms(text), language)
        found = await self._searches.search(
            base, question, question_hashes(text), _checked(vector) if vector else None
        )
        if vector and found.embedding_model not in (None, vector.model):
            raise EmbeddingMismatch(expected=str(found.embedding_model), got=vector.model)
        ranked = rank(question, found.frequencies, found.candidates, options.mode)
        worth = verdict(question, found.frequencies, ranked)
        return SearchResult(
            found.hit,
            tuple(ranked[: min(options.size or DEFAULT_PASSAGES, MOST_PASSAGES)]),
            Verdict.ANSWERABLE if found.hit else worth,
            found.version,
            lexical_only=vector is None or found.embedding_model is None,
        )

    async def _find_faq(self, base: BaseName, text: str, language: Language) -> SearchResult:
        """Look up the FAQ with the same question: in the cache, else in the database."""
        hashes = question_hashes(text)
        cached = await self._answers.get(base, hashes, language)
        if cached is not None:
            return _only_faq(*cached)
        version, hit = await self._searches.find_faq(base, hashes, language)
        if hit is not None:
            await self._answers.put(base, hashes, language, version, hit)
        return _only_faq(version, hit)

    async def _import_file(self, base: BaseName, file: ImportFile) -> ImportResult:
        try:
            source_file.check_path(file.path)
            known = await self._documents.unchanged(base, file.path, revision_of(file.content))
            if known is not None:
                return ImportResult(file.path, known, changed=False)
            parsed = await self._files.read(file.path, file.content)
        except source_file.UnreadableFile as error:
            return ImportResult(file.path, None, changed=False, problem=str(error))
        # Indexing a large file takes a second; other calls go on meanwhile.
        found = await asyncio.to_thread(entries, parsed)
        document, version = await self._documents.put(base, parsed, found)
        await asyncio.shield(self._answers.kill(base, version))
        return ImportResult(file.path, document, changed=True)

    async def _refreshed(self, result: ImportResult) -> ImportResult:
        """Say of a document whether its vectors are there by now."""
        if result.document is None:
            return result
        try:
            document, _ = await self._documents.get(result.document.name)
        except DocumentNotFound:  # Somebody removed it meanwhile; it was imported all the same.
            return result
        return replace(result, document=document)


def _preferred(language_code: str, text: str) -> Language:
    return Language(language_code) if language_code in set(Language) else detect(text)


def _only_faq(version: int, hit: FaqHit | None) -> SearchResult:
    found = Verdict.ANSWERABLE if hit else Verdict.NONE
    return SearchResult(hit, (), found, version, lexical_only=False)


def _checked(vector: QueryVector) -> Sequence[float]:
    if len(vector.values) != DIMENSIONS:
        raise EmbeddingMismatch(expected=f"{DIMENSIONS} values", got=f"{len(vector.values)} values")
    if not all(map(math.isfinite, vector.values)) or not any(vector.values):
        raise InvalidRequest(violations=[("embedding.vector", "must be finite and not zero")])
    return vector.values
