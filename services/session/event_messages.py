"""What a turn tells while it runs and when it ends, as protobuf: events and the audit event."""

import time
import uuid
from collections.abc import Mapping

from kefu.audit.v1 import audit_pb2
from kefu.session.v1 import turn_pb2

from services.session import messages
from services.session.actions import ActionResult
from services.session.draft import TurnResult
from services.session.understanding import Citation

Turn = turn_pb2.Turn
TurnEvent = turn_pb2.TurnEvent
AuditEvent = audit_pb2.AuditEvent


def started(turn: str, trace_id: str) -> TurnEvent:
    """A turn began."""
    return TurnEvent(started=turn_pb2.TurnStarted(turn=turn, trace_id=trace_id))


def delta(text: str) -> TurnEvent:
    """Words were added to the reply."""
    return TurnEvent(delta=turn_pb2.TextDelta(text=text))


def citation(found: Citation) -> TurnEvent:
    """A passage supports the reply."""
    return TurnEvent(citation=turn_pb2.CitationAdded(citation=messages.citation_to_proto(found)))


def action(result: ActionResult) -> TurnEvent:
    """An action ended."""
    return TurnEvent(action=messages.action_to_proto(result))


def completed(turn: Turn) -> TurnEvent:
    """A turn is durable."""
    return TurnEvent(completed=turn_pb2.TurnCompleted(turn=turn))


def audit_event(
    result: TurnResult, tenant: str, identity: str, labels: Mapping[str, str]
) -> AuditEvent:
    """A durable turn, for the audit record: ids and labels, no words."""
    event = AuditEvent(
        event_id=str(uuid.uuid4()),
        service="session",
        method="turn.completed",
        identity=identity,
        end_user=result.request.end_user,
        tenant=tenant,
        resource=result.request.turn,
        outcome="OK",
        trace_id=result.request.trace_id,
        labels=labels,
    )
    event.time.FromNanoseconds(time.time_ns())
    event.latency.FromTimedelta(result.completed - result.request.created)
    return event
