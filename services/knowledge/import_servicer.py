"""The RPCs of imports: protobuf in, one call of the domain, protobuf out."""

from collections.abc import AsyncIterator
from typing import Any

from kefu.knowledge.v1 import import_pb2 as pb
from kefu.knowledge.v1.import_pb2_grpc import KnowledgeImportServiceServicer

from services.knowledge.imports import import_messages as messages
from services.knowledge.imports.imports import Imports
from services.mesh.calls import annotate, current
from services.mesh.operations.messages import operation_to
from services.mesh.operations.runner import Runner


class KnowledgeImportServicer(KnowledgeImportServiceServicer):
    """Serves `kefu.knowledge.v1.KnowledgeImportService`."""

    def __init__(self, imports: Imports, runner: Runner) -> None:
        """Serve these imports, whose operations `runner` sees to their end."""
        self._imports = imports
        self._runner = runner

    async def UploadDocuments(
        self, request_iterator: AsyncIterator[pb.UploadDocumentsRequest], context: Any
    ) -> pb.UploadDocumentsResponse:
        """Take files and begin to import them."""
        operation = await self._imports.upload(
            messages.parts_from(request_iterator), current().trace_id
        )
        annotate(operation=operation.name)
        return pb.UploadDocumentsResponse(operation=operation_to(operation))

    async def GetOperation(
        self, request: pb.GetOperationRequest, context: Any
    ) -> pb.GetOperationResponse:
        """Read an operation."""
        operation = await self._imports.operation(*messages.operation_from(request.name))
        return pb.GetOperationResponse(operation=operation_to(operation))

    async def ListOperations(
        self, request: pb.ListOperationsRequest, context: Any
    ) -> pb.ListOperationsResponse:
        """List operations, the newest first."""
        found, token = await self._runner.page(
            messages.tenant_from(request.parent), request.page_size, request.page_token
        )
        return pb.ListOperationsResponse(operations=map(operation_to, found), next_page_token=token)

    async def CancelOperation(
        self, request: pb.CancelOperationRequest, context: Any
    ) -> pb.CancelOperationResponse:
        """End an operation, unless it has ended."""
        operation = await self._runner.cancel(*messages.operation_from(request.name))
        annotate(state=operation.state)
        return pb.CancelOperationResponse(operation=operation_to(operation))

    async def ListImportResults(
        self, request: pb.ListImportResultsRequest, context: Any
    ) -> pb.ListImportResultsResponse:
        """Say what became of the files of an import."""
        base, found, token = await self._imports.results(
            *messages.operation_from(request.parent), request.page_size, request.page_token
        )
        return pb.ListImportResultsResponse(
            files=[messages.imported_file_to(base, each) for each in found], next_page_token=token
        )
