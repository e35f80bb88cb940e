"""Between the contract's messages and the domain's values, in pairs."""

from datetime import UTC, datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from kefu.audit.v1 import audit_pb2 as pb
from kefu.errors import CheckpointInvalid, InvalidRequest

from services.audit.checkpoint import Checkpoint, Purpose, Statement
from services.audit.event import Event, EventFilter, Record
from services.audit.verify import Kind, Problem

_LONGEST_MICROSECONDS = 2**53
"""Longest latency kept, 285 years: beyond it JSON readers lose digits and the hash would break."""

_KINDS = {
    Kind.ALTERED: pb.Problem.KIND_ALTERED,
    Kind.MISSING: pb.Problem.KIND_MISSING,
    Kind.INSERTED: pb.Problem.KIND_INSERTED,
    Kind.REORDERED: pb.Problem.KIND_REORDERED,
    Kind.TRUNCATED: pb.Problem.KIND_TRUNCATED,
    Kind.HEAD_REPLACED: pb.Problem.KIND_HEAD_REPLACED,
    Kind.CHECKPOINT_MISMATCH: pb.Problem.KIND_CHECKPOINT_MISMATCH,
}


def event_from(message: pb.AuditEvent) -> Event:
    """Return the event in a message, as it will be hashed.

    Raises:
        InvalidRequest: its time is outside the years 1 to 9999.
    """
    return Event(
        event_id=message.event_id.lower(),
        time=_moment("events.time", message.time),
        tenant=message.tenant,
        service=_storable(message.service),
        method=_storable(message.method),
        identity=_storable(message.identity),
        end_user=_storable(message.end_user),
        resource=_storable(message.resource),
        outcome=_storable(message.outcome),
        reason=_storable(message.reason),
        latency_us=_microseconds(message.latency),
        trace_id=message.trace_id,
        labels={_storable(key): _storable(value) for key, value in message.labels.items()},
    )


def event_to(event: Event) -> pb.AuditEvent:
    """Return the message of an event."""
    message = pb.AuditEvent(
        event_id=event.event_id,
        tenant=event.tenant,
        service=event.service,
        method=event.method,
        identity=event.identity,
        end_user=event.end_user,
        resource=event.resource,
        outcome=event.outcome,
        reason=event.reason,
        trace_id=event.trace_id,
        labels=event.labels,
    )
    message.time.FromDatetime(event.time)
    message.latency.FromTimedelta(timedelta(microseconds=event.latency_us))
    return message


def record_from(message: pb.ChainedEvent) -> Record:
    """Return the record in a message, such as for an export of what `ListEvents` returned."""
    return Record(
        sequence=message.sequence,
        recorded_at=_moment("record_time", message.record_time),
        event=event_from(message.event),
        previous_hash=message.previous_hash,
        hash=message.hash,
    )


def record_to(record: Record) -> pb.ChainedEvent:
    """Return the message of a record."""
    message = pb.ChainedEvent(
        sequence=record.sequence,
        event=event_to(record.event),
        hash=record.hash,
        previous_hash=record.previous_hash,
    )
    message.record_time.FromDatetime(record.recorded_at)
    return message


def filter_from(message: pb.EventFilter) -> EventFilter:
    """Return the filter in a message.

    Raises:
        InvalidRequest: a time is outside the years 1 to 9999.
    """
    return EventFilter(
        start_time=_moment("filter.start_time", message.start_time)
        if message.HasField("start_time")
        else None,
        end_time=_moment("filter.end_time", message.end_time)
        if message.HasField("end_time")
        else None,
        method=_storable(message.method),
        identity=_storable(message.identity),
        outcome=_storable(message.outcome),
        trace_id=message.trace_id,
        resource_prefix=_storable(message.resource_prefix),
    )


def checkpoint_from(message: pb.Checkpoint, purpose: Purpose = Purpose.CHECKPOINT) -> Checkpoint:
    """Return the checkpoint in a message.

    Raises:
        InvalidRequest: its time is outside the years 1 to 9999.
    """
    return Checkpoint(
        Statement(
            purpose=purpose,
            chain=message.chain,
            sequence=message.sequence,
            hash=message.hash,
            time=_moment("known_checkpoint.time", message.time),
        ),
        message.signature,
        message.public_key,
    )


def known_checkpoint_from(request: pb.VerifyEventsRequest, public_key: bytes) -> Checkpoint | None:
    """Return the checkpoint that the caller kept, if any was sent.

    Raises:
        CheckpointInvalid: it is of another chain, or `public_key` did not sign it.
    """
    if not request.HasField("known_checkpoint"):
        return None
    known = checkpoint_from(request.known_checkpoint)
    if known.statement.chain != request.parent or not known.is_signed_by(public_key):
        raise CheckpointInvalid(chain=request.parent)
    return known


def checkpoint_to(checkpoint: Checkpoint) -> pb.Checkpoint:
    """Return the message of a checkpoint or anchor."""
    statement = checkpoint.statement
    message = pb.Checkpoint(
        chain=statement.chain,
        sequence=statement.sequence,
        hash=statement.hash,
        signature=checkpoint.signature,
        public_key=checkpoint.public_key,
    )
    message.time.FromDatetime(statement.time)
    return message


def problem_to(problem: Problem) -> pb.Problem:
    """Return the message of a problem."""
    return pb.Problem(
        kind=_KINDS[problem.kind],
        sequence=problem.sequence,
        event_id=problem.event_id,
        description=problem.detail,
    )


def _moment(field: str, stamp: Timestamp) -> datetime:
    try:
        return stamp.ToDatetime(UTC)
    except (OverflowError, ValueError) as error:
        problem = (field, "must be between the years 1 and 9999")
        raise InvalidRequest(violations=[problem]) from error


def _microseconds(latency: Duration) -> int:
    return max(0, min(latency.ToMicroseconds(), _LONGEST_MICROSECONDS))


def _storable(text: str) -> str:
    """Replace NUL, which PostgreSQL cannot hold: one such event must not block a whole spool."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")
