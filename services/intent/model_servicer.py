"""The RPCs about models and their training: protobuf in, one call of the domain, protobuf out."""

from typing import Any

from kefu.intent.v1 import training_pb2 as pb
from kefu.intent.v1.training_pb2_grpc import IntentTrainingServiceServicer

from services.intent import model_messages as messages
from services.intent.data_messages import tenant_from
from services.intent.versions.models import Models
from services.mesh.calls import annotate, current
from services.mesh.operations.messages import operation_to


class ModelServicer(IntentTrainingServiceServicer):
    """The part of `kefu.intent.v1.IntentTrainingService` that is about models."""

    def __init__(self, models: Models) -> None:
        """Serve these models."""
        self._models = models

    async def TrainModel(
        self, request: pb.TrainModelRequest, context: Any
    ) -> pb.TrainModelResponse:
        """Begin a training."""
        operation = await self._models.train(
            tenant_from(request.parent), request.request_id,
            messages.wish_from(request), current().trace_id,
        )  # fmt: skip
        annotate(resource=operation.name)
        return pb.TrainModelResponse(operation=operation_to(operation))

    async def GetOperation(
        self, request: pb.GetOperationRequest, context: Any
    ) -> pb.GetOperationResponse:
        """Read an operation."""
        operation = await self._models.operation(
            tenant_from(request.name), messages.id_from(request.name)
        )
        return pb.GetOperationResponse(operation=operation_to(operation))

    async def ListOperations(
        self, request: pb.ListOperationsRequest, context: Any
    ) -> pb.ListOperationsResponse:
        """List operations, the newest first."""
        found, token = await self._models.operations(
            tenant_from(request.parent), request.page_size, request.page_token
        )
        return pb.ListOperationsResponse(
            operations=map(operation_to, found), next_page_token=token
        )

    async def CancelOperation(
        self, request: pb.CancelOperationRequest, context: Any
    ) -> pb.CancelOperationResponse:
        """End an operation, unless it has ended."""
        operation = await self._models.cancel(
            tenant_from(request.name), messages.id_from(request.name)
        )
        annotate(state=operation.state)
        return pb.CancelOperationResponse(operation=operation_to(operation))

    async def GetModel(self, request: pb.GetModelRequest, context: Any) -> pb.GetModelResponse:
        """Read a version."""
        version = await self._models.get(tenant_from(request.name), messages.id_from(request.name))
        return pb.GetModelResponse(model=messages.model_to(version))

    async def ListModels(
        self, request: pb.ListModelsRequest, context: Any
    ) -> pb.ListModelsResponse:
        """List versions, the newest first."""
        found, token = await self._models.versions(
            tenant_from(request.parent), request.page_size, request.page_token
        )
        return pb.ListModelsResponse(models=map(messages.model_to, found), next_page_token=token)

    async def ActivateModel(
        self, request: pb.ActivateModelRequest, context: Any
    ) -> pb.ActivateModelResponse:
        """Put a version into service."""
        version = await self._models.activate(
            tenant_from(request.name), messages.id_from(request.name), request.request_id
        )
        annotate(resource=version.name, data_hash=version.data_hash)
        return pb.ActivateModelResponse(model=messages.model_to(version))

    async def RollbackModel(
        self, request: pb.RollbackModelRequest, context: Any
    ) -> pb.RollbackModelResponse:
        """Go back to the version before the live one."""
        version = await self._models.rollback(tenant_from(request.parent), request.request_id)
        annotate(resource=version.name, data_hash=version.data_hash)
        return pb.RollbackModelResponse(model=messages.model_to(version))

    async def CompareModels(
        self, request: pb.CompareModelsRequest, context: Any
    ) -> pb.CompareModelsResponse:
        """Say where two versions differ."""
        result, page, token = await self._models.compare(
            messages.compared_from(request), request.page_size, request.page_token
        )
        return messages.comparison_to(result, page, token)
