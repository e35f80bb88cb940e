"""Uploads as a content owner's program makes them, and a way to hold the work at a file."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from kefu.knowledge.v1 import import_pb2 as pb
from kefu.knowledge.v1 import knowledge_pb2
from kefu.knowledge.v1.import_pb2_grpc import KnowledgeImportServiceStub
from kefu.type.v1 import operation_pb2

from services.knowledge.knowledge import Knowledge, ReadFile
from tests.rpc.knowledge.samples import SECONDS, KnowledgeStub, request_id
from tests.support.mesh import Served

Operation = operation_pb2.Operation
ENDED = {Operation.STATE_SUCCEEDED, Operation.STATE_FAILED, Operation.STATE_CANCELLED}
Outcome = pb.ImportedFile.Outcome
Part = pb.UploadDocumentsRequest
CHUNK = 1024 * 1024


def header(base: str, request: str = "") -> Part:
    """The first message of an upload."""
    return Part(header=pb.UploadHeader(parent=base, request_id=request or request_id()))


def described(path: str, content: bytes, **more: Any) -> Part:
    """The message before the bytes of a file."""
    return Part(file=pb.UploadFile(**({"path": path, "size_bytes": len(content)} | more)))


def uploading(base: str, files: Mapping[str, bytes | str], request: str = "") -> Iterator[Part]:
    """The messages of an upload."""
    yield header(base, request)
    for path, text in files.items():
        content = text.encode() if isinstance(text, str) else text
        yield described(path, content, sha256=hashlib.sha256(content).hexdigest())
        for start in range(0, len(content), CHUNK):
            yield Part(chunk=content[start : start + CHUNK])


class Owner:
    """Somebody who imports into a knowledge base."""

    def __init__(self, server: Served, base: str, role: str = "content-owner") -> None:
        self.server = server
        self.base = base
        self.tenant = "/".join(base.split("/")[:2])
        self.imports = server.stub(KnowledgeImportServiceStub, role=role)
        self.knowledge = server.stub(KnowledgeStub, role=role)

    async def uploads(self, files: Mapping[str, bytes | str], request: str = "") -> Operation:
        """Upload files; the import has begun."""
        return await self.sends(*uploading(self.base, files, request))

    async def sends(self, *parts: Part) -> Operation:
        """Upload just these messages."""
        response = await self.imports.UploadDocuments(iter(parts), timeout=SECONDS)
        return response.operation

    async def operation(self, name: str) -> Operation:
        """Read an operation."""
        request = pb.GetOperationRequest(name=name)
        return (await self.imports.GetOperation(request, timeout=SECONDS)).operation

    async def states(self, operation: Operation) -> AsyncIterator[Operation]:
        """The operation again and again, until it has ended."""
        async with asyncio.timeout(SECONDS):
            while operation.state not in ENDED:
                yield operation
                await asyncio.sleep(0.02)
                operation = await self.operation(operation.name)
        yield operation

    async def ended(self, operation: Operation) -> Operation:
        """The operation as it ended."""
        async for each in self.states(operation):
            operation = each
        return operation

    async def cancels(self, operation: Operation) -> Operation:
        """End an operation."""
        request = pb.CancelOperationRequest(name=operation.name, request_id=request_id())
        return (await self.imports.CancelOperation(request, timeout=SECONDS)).operation

    async def results(self, operation: Operation) -> dict[str, pb.ImportedFile]:
        """What became of each file, by path."""
        found: dict[str, pb.ImportedFile] = {}
        request = pb.ListImportResultsRequest(parent=operation.name, page_size=100)
        while True:
            page = await self.imports.ListImportResults(request, timeout=SECONDS)
            found |= {each.path: each for each in page.files}
            if not page.next_page_token:
                return found
            request.page_token = page.next_page_token

    async def outcomes(self, operation: Operation) -> dict[str, str]:
        """What was done with each file, in a word."""
        return {
            path: Outcome.Name(each.outcome).removeprefix("OUTCOME_").lower()
            for path, each in (await self.results(operation)).items()
        }

    async def imported(self, files: Mapping[str, bytes | str]) -> dict[str, str]:
        """Upload files, wait for the end, and return what was done with each."""
        ended = await self.ended(await self.uploads(files))
        assert ended.state == Operation.STATE_SUCCEEDED, ended.problem
        return await self.outcomes(ended)

    async def documents(self) -> dict[str, knowledge_pb2.Document]:
        """The draft's documents, by path."""
        request = knowledge_pb2.ListDocumentsRequest(parent=self.base, page_size=100)
        response = await self.knowledge.ListDocuments(request, timeout=SECONDS)
        return {each.path: each for each in response.documents}


class Gate:
    """Holds files that were read until the test opens it.

    Attributes:
        open: files pass while it is set.
        reading: paths of files that are read or were.
        reached: paths of files that came to the gate.
        broken: paths that meet a defect instead of being stored.
    """

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.reading: list[str] = []
        self.reached: list[str] = []
        self.broken: set[str] = set()
        self._arrived = asyncio.Event()

    async def reaches(self, path: str) -> None:
        """Return once a file is at the gate."""
        await self._until(lambda: path in self.reached)

    async def begins(self, path: str) -> None:
        """Return once a file is being read."""
        await self._until(lambda: path in self.reading)

    async def _until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(SECONDS):
            while not condition():
                self._arrived.clear()
                await self._arrived.wait()

    def hold(self, monkeypatch: Any) -> None:
        """Stand in the way of every service that is served from now on."""
        store, read = Knowledge.store, Knowledge.read_file

        async def watched(knowledge: Knowledge, base: Any, file: Any) -> Any:
            self.reading.append(file.path)
            self._arrived.set()
            return await read(knowledge, base, file)

        async def held(knowledge: Knowledge, base: Any, file: ReadFile, **more: bool) -> Any:
            path = file.parsed.path
            self.reached.append(path)
            self._arrived.set()
            await self.open.wait()
            if path in self.broken:
                raise ValueError(f"the secret words of {path}")
            return await store(knowledge, base, file, **more)

        monkeypatch.setattr(Knowledge, "read_file", watched)
        monkeypatch.setattr(Knowledge, "store", held)


async def until(condition: Callable[[], Awaitable[object]]) -> None:
    """Return once something holds that other tasks and processes bring about."""
    async with asyncio.timeout(2 * SECONDS):
        while not await condition():  # noqa: ASYNC110 (somebody else's work)
            await asyncio.sleep(0.02)


def spools(folder: Path) -> list[Path]:
    """The folders of uploads that lie below a folder for temporary files."""
    return list(folder.glob("kefu-import-*"))
