"""What content owners do: make knowledge bases, import files into the draft, look, remove."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kefu.errors import DocumentNotFound, ImportOutOfOrder, InvalidRequest

from services.knowledge import source_file
from services.knowledge.catalog import (
    BaseName,
    BasePage,
    Document,
    DocumentName,
    DocumentPage,
    ImportResult,
    KnowledgeBase,
    PassagePage,
    Which,
)
from services.knowledge.conversion.reader import FileReader
from services.knowledge.document import ANYTIME, ParsedDocument, Scope, joined, revision_of
from services.knowledge.embedding import Embedding
from services.knowledge.indexing import Entry, entries
from services.mesh import paging

if TYPE_CHECKING:
    from services.knowledge.answer_store import AnswerStore
    from services.knowledge.base_store import BaseStore
    from services.knowledge.document_store import DocumentStore

MOST_FILES = 1000
"""Most files in one import; the contract's limit."""


@dataclass(frozen=True, slots=True)
class ImportStart:
    """The first part of an import: where the files go."""

    base: BaseName


@dataclass(frozen=True, slots=True)
class ImportFile:
    """A further part of an import: a file, and what its owner says of it."""

    path: str
    content: bytes
    scope: Scope = ANYTIME


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file that was read and is not stored yet."""

    parsed: ParsedDocument
    scope: Scope
    entries: Sequence[Entry]


class Knowledge:
    """The knowledge of all tenants, as its owners see it."""

    def __init__(
        self,
        bases: "BaseStore",
        documents: "DocumentStore",
        answers: "AnswerStore",
        embedding: Embedding,
        files: FileReader,
    ) -> None:
        """Work on the given stores; `files` reads what is imported."""
        self._bases = bases
        self._documents = documents
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
        return await self._bases.create(name, display_name, request_id)

    async def base(self, name: BaseName) -> KnowledgeBase:
        """Return a knowledge base.

        Raises:
            KnowledgeBaseNotFound: there is none of this name.
        """
        return await self._bases.get(name)

    async def bases(self, tenant: str, size: int, token: str) -> BasePage:
        """Return a page of a tenant's knowledge bases by id, without what waits.

        Raises:
            PageTokenInvalid: the token is not of this list.
        """
        size = paging.page_size(size)
        key = paging.decode(token, (str,), "bases", tenant) or [""]
        found = await self._bases.list(tenant, str(key[0]), size + 1)
        page = tuple(found[:size])
        more = len(found) > size
        return BasePage(page, paging.encode([page[-1].name.base], "bases", tenant) if more else "")

    async def import_files(
        self, parts: AsyncIterator[ImportStart | ImportFile], budget_seconds: float
    ) -> list[ImportResult]:
        """Import files into the draft one after the other; a broken file fails alone.

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
        await self._bases.get(start.base)
        results: list[ImportResult] = []
        async for part in parts:
            if isinstance(part, ImportStart):
                raise ImportOutOfOrder(problem="a second header")
            if len(results) == MOST_FILES:
                raise ImportOutOfOrder(problem=f"more than {MOST_FILES} files")
            read = await self.read_file(start.base, part)
            result = await self.store(start.base, read) if isinstance(read, ReadFile) else read
            results.append(result)
        if all(result.document is None or result.document.embedded for result in results):
            return results
        await self._embedding.finish(budget_seconds)
        return [await self._refreshed(result) for result in results]

    async def read_file(self, base: BaseName, file: ImportFile) -> ReadFile | ImportResult:
        """Read a file that is to be stored; what is unchanged or cannot be read is a result.

        Raises:
            KnowledgeBaseNotFound: there is none of this name.
            StorageUnavailable: PostgreSQL does not answer.
        """
        try:
            source_file.check_path(file.path)
            known = await self._documents.unchanged(
                base, file.path, revision_of(file.content), file.scope
            )
            if known is not None:
                return ImportResult(file.path, known, changed=False)
            parsed = await self._files.read(file.path, file.content)
        except source_file.UnreadableFile as error:
            return ImportResult(file.path, None, changed=False, problem=str(error))
        found = await asyncio.to_thread(entries, parsed, joined(parsed.scope, file.scope))
        return ReadFile(parsed, file.scope, found)

    async def store(self, base: BaseName, file: ReadFile, *, awaited: bool = True) -> ImportResult:
        """Put a file that was read into the draft.

        Args:
            base: Where it belongs.
            file: What was read.
            awaited: Whether to wait until it is on the disk, see `DocumentStore.put`.

        Raises:
            KnowledgeBaseNotFound: there is none of this name.
            StorageUnavailable: PostgreSQL does not answer.
        """
        document = await self._documents.put(
            base, file.parsed, file.scope, file.entries, awaited=awaited
        )
        return ImportResult(file.parsed.path, document, changed=True, notes=file.parsed.notes)

    async def document(self, name: DocumentName, which: Which) -> tuple[Document, str]:
        """Return a document and its text, as a revision has it.

        Raises:
            DocumentNotFound, RevisionNotFound: there is none of this name or number.
        """
        return await self._documents.get(name, which)

    async def documents(self, base: BaseName, which: Which, size: int, token: str) -> DocumentPage:
        """Return a page of a revision's documents by path.

        Raises:
            KnowledgeBaseNotFound, RevisionNotFound: there is none of this name or number.
            PageTokenInvalid: the token is not of this list.
        """
        size = paging.page_size(size)
        key = paging.decode(token, (str,), str(base), which) or [""]
        found = await self._documents.page(base, which, str(key[0]), size + 1)
        page = tuple(found[:size])
        more = paging.encode([page[-1].path], str(base), which) if len(found) > size else ""
        return DocumentPage(page, more)

    async def passages(
        self, name: DocumentName, which: Which, size: int, token: str
    ) -> PassagePage:
        """Return a page of what a document was cut into, in its order.

        Raises:
            DocumentNotFound, RevisionNotFound: there is none of this name or number.
            PageTokenInvalid: the token is not of this list.
        """
        size = paging.page_size(size)
        key = paging.decode(token, (int,), str(name), which) or [0]
        found = await self._documents.passages(name, which, int(key[0]), size + 1)
        page = found[:size]
        more = paging.encode([page[-1][0]], str(name), which) if len(found) > size else ""
        return PassagePage(tuple(passage for _, passage in page), more)

    async def delete(self, name: DocumentName, request_id: str, draft_only: bool) -> list[int]:
        """Remove a document: from the draft alone, or from every revision for good.

        Returns:
            The revisions that it was removed from, ascending.

        Raises:
            DocumentNotFound, RequestIdReused: as the contract says.
        """
        if draft_only:
            await self._documents.take_out(name, request_id)
            return []
        version, revisions = await self._documents.erase(name, request_id)
        await asyncio.shield(self._answers.kill(name.base, version))
        return revisions

    async def _refreshed(self, result: ImportResult) -> ImportResult:
        """Say of a document whether its vectors are there by now."""
        if result.document is None:
            return result
        try:
            document, _ = await self._documents.get(result.document.name)
        except DocumentNotFound:  # Somebody removed it meanwhile; it was imported all the same.
            return result
        return replace(result, document=document)
