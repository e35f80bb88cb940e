"""From an operation to the contract's message."""

from kefu.type.v1 import operation_pb2

from services.mesh.operations.operation import Operation, State

_STATES = {each: operation_pb2.Operation.State.Value(f"STATE_{each.name}") for each in State}
_LONGEST_STAGE = 64


def operation_to(operation: Operation) -> operation_pb2.Operation:
    """Write an operation."""
    message = operation_pb2.Operation(
        name=operation.name, method=operation.method, subject=operation.subject,
        state=_STATES[operation.state], stage=operation.stage[:_LONGEST_STAGE],
        progress=operation.progress, result=operation.result, problem=operation.problem,
        reason=operation.reason, trace_id=operation.trace_id,
    )  # fmt: skip
    message.create_time.FromDatetime(operation.create_time)
    if operation.end_time is not None:
        message.end_time.FromDatetime(operation.end_time)
    return message
