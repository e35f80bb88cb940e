"""Sends files of this machine to the knowledge service."""

import uuid
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path

import grpc
from kefu.client.status import from_rpc_error
from kefu.errors import KnowledgeBaseAlreadyExists
from kefu.knowledge.v1 import knowledge_pb2 as pb
from kefu.knowledge.v1.knowledge_pb2_grpc import KnowledgeServiceStub

from services.local.problem import Problem

ENDINGS = frozenset(
    {".md", ".markdown", ".txt", ".html", ".htm", ".pdf", ".docx", ".xlsx", ".csv", ".jsonl"}
)
"""Files that the knowledge service can read."""

MOST_FILES = 1000
"""In one call, see `ImportDocumentsRequest`."""

CREATE_SECONDS = 10.0
"""Deadline of making a knowledge base."""

IMPORT_SECONDS = 300.0
"""Deadline of an import: a passage is embedded in some 50 ms."""


def collect(path: Path) -> list[pb.SourceFile]:
    """Read a file, or all readable files under a directory, by path.

    Raises:
        Problem: there is nothing to import.
    """
    if path.is_file():
        return [pb.SourceFile(path=path.name, content=path.read_bytes())]
    found = sorted(
        each for each in path.rglob("*") if each.suffix.lower() in ENDINGS and each.is_file()
    )
    if not found:
        raise Problem(
            f"{path} holds nothing to import",
            f"give a file or a directory with {', '.join(sorted(ENDINGS))} files",
        )
    return [
        pb.SourceFile(path=each.relative_to(path).as_posix(), content=each.read_bytes())
        for each in found
    ]


async def import_files(
    channel: grpc.aio.Channel, tenant: str, knowledge_base: str, files: Sequence[pb.SourceFile]
) -> list[pb.ImportResult]:
    """Import files, making the knowledge base if need be. Unchanged files are skipped.

    Args:
        channel: to the knowledge service.
        tenant: id of the tenant.
        knowledge_base: id of the knowledge base.
        files: what `collect` returned.

    Raises:
        grpc.RpcError: a call failed; `operator.channel` turns it into its KefuError.
    """
    stub = KnowledgeServiceStub(channel)
    name = await ensure_base(channel, tenant, knowledge_base)
    results: list[pb.ImportResult] = []
    for start in range(0, len(files), MOST_FILES):
        messages = _messages(name, files[start : start + MOST_FILES])
        response = await stub.ImportDocuments(messages, timeout=IMPORT_SECONDS)
        results.extend(response.results)
    return results


async def ensure_base(channel: grpc.aio.Channel, tenant: str, knowledge_base: str) -> str:
    """Make a knowledge base unless it is there, and return its name.

    Args:
        channel: to the knowledge service.
        tenant: id of the tenant.
        knowledge_base: id of the knowledge base.

    Raises:
        grpc.RpcError: the call failed; `operator.channel` turns it into its KefuError.
    """
    parent = f"tenants/{tenant}"
    create = pb.CreateKnowledgeBaseRequest(
        parent=parent, knowledge_base_id=knowledge_base, request_id=str(uuid.uuid4())
    )
    stub = KnowledgeServiceStub(channel)
    try:
        await stub.CreateKnowledgeBase(create, timeout=CREATE_SECONDS, wait_for_ready=True)
    except grpc.RpcError as error:
        if not isinstance(from_rpc_error(error, "knowledge"), KnowledgeBaseAlreadyExists):
            raise
    return f"{parent}/knowledgeBases/{knowledge_base}"


async def _messages(
    name: str, files: Iterable[pb.SourceFile]
) -> AsyncIterator[pb.ImportDocumentsRequest]:
    header = pb.ImportHeader(parent=name, request_id=str(uuid.uuid4()))
    yield pb.ImportDocumentsRequest(header=header)
    for file in files:
        yield pb.ImportDocumentsRequest(file=file)
