"""Imports as operations: take an upload, begin the work, say what became of the files."""

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from kefu.errors import ImportInProgress, ImportOutOfOrder
from prometheus_client import Counter

from services.knowledge.catalog import BaseName
from services.knowledge.imports.import_run import REMEDY, ImportRun, ImportWork
from services.knowledge.imports.outcome import FileOutcome
from services.knowledge.imports.spool import Spool
from services.knowledge.imports.upload import UploadPart, Uploads, UploadStart
from services.mesh import names, paging
from services.mesh.operations.operation import Occupied, Operation, Request, State
from services.mesh.operations.runner import Job, Kind, Runner
from services.mesh.streams import without_pauses

if TYPE_CHECKING:
    from services.knowledge.imports.import_operation_store import ImportOperationStore
    from services.knowledge.imports.import_result_store import ImportResultStore

UPLOAD_DOCUMENTS = "UploadDocuments"
"""The method that begins an import."""

_IDLE_SECONDS = 30.0
"""Longest wait for the next part of an upload, as in the contract."""

_RETRY_SECONDS = 5.0


def import_kind(at_once: int) -> Kind:
    """Return what the runner of imports is told of them; `at_once` are worked at."""
    return Kind("import", REMEDY, _IMPORTS, at_once)


_IMPORTS = Counter(names.KNOWLEDGE_IMPORTS, "Imports that ended, by how.", ["state"])


class Imports:
    """The imports of all tenants."""

    def __init__(
        self,
        operations: "ImportOperationStore",
        results: "ImportResultStore",
        runner: Runner,
        uploads: Uploads,
        work: ImportWork,
    ) -> None:
        """Work on behalf of one process.

        Args:
            operations: Where operations live.
            results: Where it is noted what became of files.
            runner: Sees operations to their end.
            uploads: Takes files.
            work: Imports them.
        """
        self._operations = operations
        self._results = results
        self._runner = runner
        self._uploads = uploads
        self._work = work

    async def upload(self, parts: AsyncIterator[UploadPart], trace_id: str) -> Operation:
        """Take files and begin to import them, unless the same request has begun it already.

        Args:
            parts: The start, then files.
            trace_id: Of the call.

        Raises:
            KnowledgeBaseNotFound: there is none of this name.
            ImportInProgress: another import into the knowledge base has not ended.
            RequestIdReused: the request_id began another operation.
            KefuError: as `Uploads.receive` says.
        """
        parts = without_pauses(parts, _IDLE_SECONDS, "upload")
        start = await anext(parts, None)
        if not isinstance(start, UploadStart):
            raise ImportOutOfOrder(problem="no header at the beginning")
        base = start.base
        await self._results.require(base)
        # Sooner than after all the bytes, where it is known by then.
        if await self._operations.occupied(base.tenant, str(base), start.request_id):
            raise _in_progress(base)
        return await self._begin(start, await self._uploads.receive(parts), trace_id)

    async def _begin(self, start: UploadStart, spool: Spool, trace_id: str) -> Operation:
        base = start.base
        asked = [file.asked() for file in spool.files]
        request = Request(
            base.tenant, start.request_id, UPLOAD_DOCUMENTS, asked, trace_id, str(base)
        )

        async def finish(operation: Operation, _: None) -> State:
            return await self._runner.settled(
                operation, lambda: self._operations.succeed(operation, str(base))
            )

        def make(operation: Operation) -> Job[None]:
            run = ImportRun(self._work, operation, base, spool)
            facts = {"knowledge_base": str(base), "files": len(spool.files)}
            return Job(run, finish, facts)

        try:
            return await self._runner.begin(request, make, lambda: self._uploads.release(spool))
        except Occupied:
            raise _in_progress(base) from None

    async def operation(self, tenant: str, operation: str) -> Operation:
        """Return an operation.

        Raises:
            OperationNotFound: there is none of this name.
            StorageUnavailable: PostgreSQL does not answer.
        """
        return await self._operations.get(tenant, operation)

    async def results(
        self, tenant: str, operation: str, size: int, token: str
    ) -> tuple[BaseName, Sequence[FileOutcome], str]:
        """Return a page of the files of an import, in the order of the upload.

        Returns:
            Where they were imported into, the page, and the token of the next one.

        Raises:
            OperationNotFound: there is none of this name.
            PageTokenInvalid: the token is not of this list.
            StorageUnavailable: PostgreSQL does not answer.
        """
        size, question = paging.page_size(size), ("results", tenant, operation)
        [start] = paging.decode(token, (int,), *question) or [0]
        base = BaseName.parse((await self._operations.get(tenant, operation)).subject)
        place = min(max(int(start), 0), _LAST_PLACE)
        found = await self._results.list(tenant, operation, place, size + 1)
        more = paging.encode([place + size], *question) if len(found) > size else ""
        return base, found[:size], more


_LAST_PLACE = 2**31 - 1
"""The largest place that the database can hold; a token may be made up."""


def _in_progress(base: BaseName) -> ImportInProgress:
    return ImportInProgress(knowledge_base=str(base), retry_after_seconds=_RETRY_SECONDS)
