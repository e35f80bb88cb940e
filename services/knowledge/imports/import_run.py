"""The work of an import: file after file, then a while for their vectors."""

import asyncio
import uuid
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import structlog
from kefu.errors import KefuError, StorageUnavailable

from services.knowledge.catalog import BaseName, ImportResult
from services.knowledge.imports.outcome import FileOutcome, Outcome, failed, outcome_of
from services.knowledge.imports.spool import Spool, Spooled
from services.knowledge.knowledge import ImportFile, ReadFile
from services.mesh.operations.operation import Failure, Operation
from services.mesh.operations.patience import patiently
from services.mesh.operations.runner import Report

if TYPE_CHECKING:
    from services.knowledge.imports.import_result_store import ImportResultStore

REMEDY = "run the import again; what is in the draft already is skipped"
"""What to do where an import was ended before its time."""

IMPORTING, EMBEDDING = "importing", "embedding"
"""The stages, as in the contract."""

IMPORTING_SHARE = 0.5
"""Of the progress, as in the contract."""

_LAST_FILE_SECONDS = 10.0
"""How long the file that is worked at may take when the import was ended: most take less, and
nobody waits longer for a service that shuts down."""

_LOOK_SECONDS = 0.5
"""Between two looks at how many vectors are there."""

_T = TypeVar("_T")

_AHEAD = 2
"""Files in memory: the one that is stored, and the one that is read meanwhile."""

Reading = asyncio.Task[ReadFile | ImportResult]
"""A file that is being read."""

Wake = Callable[[], None]
"""Begins something and does not wait for it."""


@dataclass(frozen=True, slots=True)
class ImportWork:
    """What imports need.

    Attributes:
        read: Reads a file, as `Knowledge.read_file` does.
        store: Puts it into the draft of a knowledge base, as `Knowledge.store` does, without
            waiting for the disk: the end of the operation waits for all.
        sort: Lets what was stored be sorted into the index of lexemes.
        count: Counts the words of the draft.
        embed: Lets vectors be made of what was imported.
        results: Where it is noted what became of each.
        patience_seconds: How long to wait for the next vector before the import ends without.
    """

    read: Callable[[BaseName, ImportFile], Awaitable[ReadFile | ImportResult]]
    store: Callable[[BaseName, ReadFile], Awaitable[ImportResult]]
    sort: Wake
    count: Callable[[BaseName], Awaitable[None]]
    embed: Wake
    results: "ImportResultStore"
    patience_seconds: float


class ImportRun:
    """The work of one import."""

    def __init__(
        self, work: ImportWork, operation: Operation, base: BaseName, spool: Spool
    ) -> None:
        """Import the files of `spool` into `base` on behalf of `operation`."""
        self._work = work
        self._operation = operation
        self._base = base
        self._spool = spool
        self._log = structlog.get_logger("import").bind(operation=operation.name)

    async def __call__(self, report: Report) -> None:
        """Do it; cancelled, it ends between two files.

        Raises:
            Failure: it cannot go on, and why.
        """
        files = self._spool.files
        report(IMPORTING, 0.0)
        paths = [each.described.path for each in files]
        await patiently(lambda: self._work.results.prepare(self._operation, paths), REMEDY)
        imported = False
        async with aclosing(self._read_ahead(files)) as read:
            async for place, file, reading in read:
                outcome = await _to_its_end(self._one(place, file, reading))
                if outcome is Outcome.IMPORTED:
                    self._work.sort()
                    if not imported:
                        # The first vectors are there before the last file is.
                        self._work.embed()
                    imported = True
                report(IMPORTING, IMPORTING_SHARE * (place + 1) / len(files))
        if imported:
            self._work.embed()
            # A minute for a million passages; publishing then finds them counted. Where this does
            # not get through, publishing counts.
            with suppress(KefuError):
                await self._work.count(self._base)
            await self._wait_for_vectors(report)

    async def _read_ahead(
        self, files: Sequence[Spooled]
    ) -> AsyncGenerator[tuple[int, Spooled, Reading], None]:
        """Hand out files in their order, each of them being read; the next one is begun as well.

        Reading is another process's work, so it goes on while a file is stored.
        """
        ahead: deque[Reading] = deque()
        try:
            for place, file in enumerate(files):
                for number in range(place + len(ahead), min(place + _AHEAD, len(files))):
                    ahead.append(asyncio.create_task(self._read(number, files[number])))
                yield place, file, ahead[0]
                ahead.popleft()
        finally:
            for each in ahead:
                each.cancel()
            await asyncio.gather(*ahead, return_exceptions=True)

    async def _one(self, place: int, file: Spooled, reading: Reading) -> Outcome:
        outcome = await self._imported(place, file, reading)
        await patiently(lambda: self._work.results.put(self._operation, place, outcome), REMEDY)
        return outcome.outcome

    async def _read(self, place: int, file: Spooled) -> ReadFile | ImportResult:
        said = file.described
        if file.problem:
            return ImportResult(said.path, None, changed=False, problem=file.problem)
        content = await asyncio.to_thread(self._spool.content, place)
        given = ImportFile(said.path, content, said.scope)
        return await patiently(partial(self._work.read, self._base, given), REMEDY)

    async def _imported(self, place: int, file: Spooled, reading: Reading) -> FileOutcome:
        said = file.described
        try:
            read = await reading
            if isinstance(read, ReadFile):
                read = await patiently(partial(self._work.store, self._base, read), REMEDY)
            return outcome_of(read)
        except Failure:
            raise
        except KefuError as error:
            # Such as a knowledge base that was removed meanwhile: the next file meets it too.
            raise Failure(error.reason, f"{error.message}; {REMEDY}") from None
        except Exception as error:
            # A defect that this file brings to light must not keep the others out. The type alone:
            # the text of an error may quote the company's documents.
            error_id = uuid.uuid4().hex
            self._log.error(
                "file_failed", error_id=error_id, place=place, error=type(error).__name__
            )
            return failed(said.path, f"not read: a defect of Kefu; the log says more at {error_id}")

    async def _wait_for_vectors(self, report: Report) -> None:
        """Wait as long as vectors come; what is missing then follows in the background."""
        loop = asyncio.get_running_loop()
        seen, given_up = -1, 0.0
        while True:
            count = None
            try:
                count = await self._work.results.vectors(self._operation, self._base)
            except StorageUnavailable:
                pass  # It may be back before the patience is over.
            except KefuError as error:
                raise Failure(error.reason, f"{error.message}; {REMEDY}") from None
            if count is not None:
                if count.there > seen:
                    seen, given_up = count.there, loop.time() + self._work.patience_seconds
                share = count.there / count.texts if count.texts else 1.0
                report(EMBEDDING, IMPORTING_SHARE + (1 - IMPORTING_SHARE) * share)
                if count.there >= count.texts:
                    return
            if loop.time() >= given_up:
                return
            await asyncio.sleep(_LOOK_SECONDS)


async def _to_its_end(work: Coroutine[None, None, _T]) -> _T:
    """Do a piece of work; who cancels waits for its end, but not for long."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        loop = asyncio.get_running_loop()
        loop.call_later(_LAST_FILE_SECONDS, task.cancel)
        while not task.done():
            # Whoever cancels once more, such as the heart of the operation, waits as well.
            with suppress(asyncio.CancelledError):
                await asyncio.wait({task})
        raise
