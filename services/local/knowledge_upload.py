"""Sends the files of a folder to the knowledge service and follows their import."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc
from kefu.client.status import from_rpc_error
from kefu.knowledge.v1 import import_pb2 as pb
from kefu.knowledge.v1 import knowledge_pb2
from kefu.knowledge.v1.import_pb2_grpc import KnowledgeImportServiceStub
from kefu.knowledge.v1.knowledge_pb2_grpc import KnowledgeServiceStub
from kefu.type.v1.operation_pb2 import Operation

from services.local.folder import Found
from services.local.lists import CALL_SECONDS, everything

UPLOAD_SECONDS = 900.0
"""Deadline of an upload, as the service has it."""

PATIENCE_SECONDS = 60.0
"""How long a service that does not answer is asked again: it restarts in less."""

POLL_SECONDS = 0.25
"""Between two looks at an operation."""

CHUNK_BYTES = 1024 * 1024
"""Of a file in a message; the contract's most."""

_PAGE = 100
_T = TypeVar("_T")

RUNNING = (Operation.STATE_PENDING, Operation.STATE_RUNNING)
"""States of an operation that has not ended."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Who is told how far it is.

    Attributes:
        sent: Called with the number of bytes that were sent since the last call; negative where
            they have to be sent again.
        looked: Called with the operation at every look.
        waits: Called where the service does not answer and is asked again.
    """

    sent: Callable[[int], None] = lambda count: None
    looked: Callable[[Operation], None] = lambda operation: None
    waits: Callable[[], None] = lambda: None


async def known_revisions(channel: grpc.aio.Channel, base: str) -> dict[str, str]:
    """Return the SHA-256 of every file that the draft of a knowledge base holds, by path.

    Raises:
        grpc.RpcError: a call failed; `operator.channel` turns it into its KefuError.
    """
    stub = KnowledgeServiceStub(channel)
    request = knowledge_pb2.ListDocumentsRequest(parent=base, page_size=_PAGE)
    documents = await everything(stub.ListDocuments, request, "documents")
    return {each.path: each.revision for each in documents}


async def upload(
    channel: grpc.aio.Channel, base: str, files: Sequence[Found], listener: Listener
) -> Operation:
    """Send files and begin their import; a broken connection begins again.

    Args:
        channel: to the knowledge service.
        base: name of the knowledge base.
        files: what is sent; at least one.
        listener: is told how far it is.

    Raises:
        grpc.RpcError: the call failed.
    """
    stub, request_id = KnowledgeImportServiceStub(channel), str(uuid.uuid4())

    async def send() -> Any:
        sent = 0

        def count(size: int) -> None:
            nonlocal sent
            sent += size
            listener.sent(size)

        parts = _parts(base, request_id, files, count)
        try:
            return await stub.UploadDocuments(parts, timeout=UPLOAD_SECONDS)
        except grpc.RpcError:
            listener.sent(-sent)
            raise

    # The same request_id: where the answer was lost, the operation has begun.
    begun: Operation = (await _patiently(send, listener)).operation
    return begun


async def follow(channel: grpc.aio.Channel, operation: Operation, listener: Listener) -> Operation:
    """Wait until an operation has ended, well or not; a broken connection is taken up again.

    Raises:
        grpc.RpcError: the service does not answer for a while; the operation may go on.
    """
    stub = KnowledgeImportServiceStub(channel)
    request = pb.GetOperationRequest(name=operation.name)
    while operation.state in RUNNING:
        await asyncio.sleep(POLL_SECONDS)
        look = lambda: stub.GetOperation(request, timeout=CALL_SECONDS)  # noqa: E731 (one look)
        operation = (await _patiently(look, listener)).operation
        listener.looked(operation)
    return operation


async def cancel(channel: grpc.aio.Channel, name: str) -> Operation:
    """End an operation, unless it has ended, and return it.

    Raises:
        grpc.RpcError: the call failed.
    """
    request = pb.CancelOperationRequest(name=name, request_id=str(uuid.uuid4()))
    stub = KnowledgeImportServiceStub(channel)
    ended: Operation = (await stub.CancelOperation(request, timeout=CALL_SECONDS)).operation
    return ended


async def results(channel: grpc.aio.Channel, operation: str) -> list[pb.ImportedFile]:
    """Return what became of each file of an import, in the order of the upload.

    Raises:
        grpc.RpcError: a call failed.
    """
    stub = KnowledgeImportServiceStub(channel)
    request = pb.ListImportResultsRequest(parent=operation, page_size=_PAGE)
    return await everything(stub.ListImportResults, request, "files")


async def operations(channel: grpc.aio.Channel, tenant: str) -> list[Operation]:
    """Return a tenant's imports of the last 30 days, the newest first.

    Raises:
        grpc.RpcError: a call failed.
    """
    stub = KnowledgeImportServiceStub(channel)
    request = pb.ListOperationsRequest(parent=f"tenants/{tenant}", page_size=_PAGE)
    return await everything(stub.ListOperations, request, "operations")


async def _parts(
    base: str, request_id: str, files: Sequence[Found], count: Callable[[int], None]
) -> AsyncIterator[pb.UploadDocumentsRequest]:
    header = pb.UploadHeader(parent=base, request_id=request_id)
    yield pb.UploadDocumentsRequest(header=header)
    for each in files:
        # As a whole: what somebody writes to meanwhile must still have the size that was said.
        content = await asyncio.to_thread(_content, each)
        file = pb.UploadFile(path=each.path, size_bytes=len(content))
        yield pb.UploadDocumentsRequest(file=file)
        for start in range(0, len(content), CHUNK_BYTES):
            chunk = content[start : start + CHUNK_BYTES]
            yield pb.UploadDocumentsRequest(chunk=chunk)
            count(len(chunk))


def _content(found: Found) -> bytes:
    try:
        return found.file.read_bytes()
    except OSError:
        return b""  # It went away meanwhile; the service says that it is empty.


async def _patiently(ask: Callable[[], Awaitable[_T]], listener: Listener) -> _T:
    """Ask a service, again and again for a while where it does not answer."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return await ask()
        except grpc.RpcError as error:
            lost = error.code() is grpc.StatusCode.UNAVAILABLE
            busy = from_rpc_error(error, "knowledge").reason == "SERVER_BUSY"
            if not (lost or busy) or time.monotonic() > deadline:
                raise
        listener.waits()
        await asyncio.sleep(1)
