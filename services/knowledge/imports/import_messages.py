"""Between the contract's messages about imports and the domain's values."""

from collections.abc import AsyncIterator

from kefu.knowledge.v1 import import_pb2 as pb

from services.knowledge.catalog import BaseName, DocumentName
from services.knowledge.imports.outcome import FileOutcome, Outcome
from services.knowledge.imports.spool import Described
from services.knowledge.imports.upload import UploadPart, UploadStart
from services.knowledge.messages import scope_from

_OUTCOMES = {each: pb.ImportedFile.Outcome.Value(f"OUTCOME_{each.name}") for each in Outcome}


def operation_from(name: str) -> tuple[str, str]:
    """Return tenant and id in a name `tenants/{tenant}/operations/{operation}`."""
    _, tenant, _, operation = name.split("/")
    return tenant, operation


def tenant_from(name: str) -> str:
    """Return the id in a name `tenants/{tenant}`."""
    return name.partition("/")[2]


async def parts_from(
    requests: AsyncIterator[pb.UploadDocumentsRequest],
) -> AsyncIterator[UploadPart]:
    """Read the messages of an upload as they arrive."""
    async for request in requests:
        match request.WhichOneof("part"):
            case "header":
                header = request.header
                yield UploadStart(BaseName.parse(header.parent), header.request_id)
            case "file":
                yield _described_from(request.file)
            case _:
                yield request.chunk


def _described_from(file: pb.UploadFile) -> Described:
    return Described(
        file.path,
        file.size_bytes,
        file.sha256,
        scope_from(file),
    )


def imported_file_to(base: BaseName, outcome: FileOutcome) -> pb.ImportedFile:
    """Write what became of a file of an import into `base`."""
    document = str(DocumentName(base, outcome.document)) if outcome.document else ""
    return pb.ImportedFile(
        path=outcome.path, outcome=_OUTCOMES[outcome.outcome], document=document,
        passage_count=outcome.passage_count, faq_count=outcome.faq_count,
        problem=outcome.problem, notes=outcome.notes,
    )  # fmt: skip
