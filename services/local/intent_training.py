"""What this machine's tools do to a tenant's intent model: import data, train, wait."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import grpc
from kefu.intent.v1 import training_pb2 as pb
from kefu.intent.v1.training_pb2_grpc import IntentTrainingServiceStub
from kefu.type.v1.operation_pb2 import Operation

from services.local.problem import Problem
from services.local.training_file import parts

CALL_SECONDS = 10.0
"""Deadline of a call that reads or changes a little."""

LONG_CALL_SECONDS = 60.0
"""Deadline of a call that works on a whole draft or model, such as an import; 100,000 utterances
take some 20 s. The services cut every call at this, see `max_call_seconds`."""

POLL_SECONDS = 0.25
"""Between two looks at an operation."""

Mode = pb.TrainingDataHeader.Mode


async def import_file(
    channel: grpc.aio.Channel, tenant: str, path: Path, mode: Mode.ValueType, validate_only: bool
) -> pb.ImportTrainingDataResponse:
    """Put a YAML, CSV or TSV file into the tenant's draft.

    Raises:
        Problem: the file cannot be read.
        grpc.RpcError: the call failed; `operator.channel` turns it into its KefuError.
    """
    header = pb.TrainingDataHeader(
        parent=f"tenants/{tenant}",
        request_id=str(uuid.uuid4()),
        mode=mode,
        validate_only=validate_only,
    )
    return await import_parts(channel, header, await asyncio.to_thread(parts, path))


async def import_parts(
    channel: grpc.aio.Channel, header: pb.TrainingDataHeader, data: Sequence[pb.TrainingDataPart]
) -> pb.ImportTrainingDataResponse:
    """Send a header and the data behind it.

    Raises:
        grpc.RpcError: the call failed.
    """

    async def messages() -> AsyncIterator[pb.ImportTrainingDataRequest]:
        yield pb.ImportTrainingDataRequest(header=header)
        for part in data:
            yield pb.ImportTrainingDataRequest(data=part)

    stub = IntentTrainingServiceStub(channel)
    done: pb.ImportTrainingDataResponse = await stub.ImportTrainingData(
        messages(), timeout=LONG_CALL_SECONDS, wait_for_ready=True
    )
    return done


async def begin_training(
    channel: grpc.aio.Channel, tenant: str, *, activate: bool, lexical_only: bool
) -> Operation:
    """Begin to train on the draft as it is now; the work goes on when this process ends.

    Raises:
        grpc.RpcError: the call failed.
    """
    request = pb.TrainModelRequest(
        parent=f"tenants/{tenant}",
        request_id=str(uuid.uuid4()),
        activate=activate,
        lexical_only=lexical_only,
    )
    stub = IntentTrainingServiceStub(channel)
    begun: pb.TrainModelResponse = await stub.TrainModel(request, timeout=CALL_SECONDS)
    return begun.operation


async def wait_for(
    channel: grpc.aio.Channel, operation: Operation, on_change: Callable[[Operation], None]
) -> Operation:
    """Wait until an operation has ended well.

    Args:
        channel: to the intent service.
        operation: as it was begun.
        on_change: told about every look at it.

    Raises:
        Problem: it failed or was cancelled.
        grpc.RpcError: a call failed; the operation goes on.
    """
    operation = await until_ended(channel, operation, on_change)
    if operation.state == Operation.STATE_CANCELLED:
        raise Problem("the training was cancelled", "the live model is what it was")
    if operation.state != Operation.STATE_SUCCEEDED:
        raise Problem(
            f"the training failed ({operation.reason}): {operation.problem}",
            f"the live model is what it was; kefu trace {operation.trace_id}",
        )
    return operation


async def until_ended(
    channel: grpc.aio.Channel, operation: Operation, on_change: Callable[[Operation], None]
) -> Operation:
    """Wait until an operation has ended, well or not; see `wait_for`.

    Raises:
        grpc.RpcError: a call failed; the operation goes on.
    """
    stub = IntentTrainingServiceStub(channel)
    request = pb.GetOperationRequest(name=operation.name)
    while operation.state in (Operation.STATE_PENDING, Operation.STATE_RUNNING):
        await asyncio.sleep(POLL_SECONDS)
        found = await stub.GetOperation(request, timeout=CALL_SECONDS)
        operation = found.operation
        on_change(operation)
    return operation
