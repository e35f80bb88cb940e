"""Between the contract's messages and the domain's values, in pairs."""

from kefu.desk.v1 import desk_pb2 as pb

from services.desk.ticket import Change, Matter, Opening, Priority, Reason, Status, Ticket

_STATUSES = {status: pb.Ticket.Status.Value(f"STATUS_{status.name}") for status in Status}
_PRIORITIES = {each: pb.Ticket.Priority.Value(f"PRIORITY_{each.name}") for each in Priority}
_REASONS = {reason: pb.Ticket.Reason.Value(f"REASON_{reason.name}") for reason in Reason}

STATUS_FROM = {value: status for status, value in _STATUSES.items()}
"""The domain's status of each status in a message."""
_PRIORITY_FROM = {
    pb.Ticket.PRIORITY_UNSPECIFIED: Priority.NORMAL,
    **{value: priority for priority, value in _PRIORITIES.items()},
}
_REASON_FROM = {value: reason for reason, value in _REASONS.items()}


def tenant_of(name: str) -> str:
    """Return the tenant's id in a resource name `tenants/{tenant}[/...]`."""
    return name.split("/")[1]


def ticket_id_of(name: str) -> str:
    """Return the ticket's id in a name `tenants/{tenant}/tickets/{ticket}`."""
    return name.split("/")[3]


def opening_from(request: pb.CreateTicketRequest) -> Opening:
    """Return what a request wants opened; what the server sets is not read."""
    ticket = request.ticket
    matter = Matter(
        tenant=tenant_of(request.parent),
        session=ticket.session,
        reason=_REASON_FROM[ticket.reason],
        summary=ticket.summary,
        language_code=ticket.language_code,
        slots=dict(ticket.slots),
        sentiment_trend=tuple(ticket.sentiment_trend),
    )
    return Opening(
        matter=matter,
        priority=_PRIORITY_FROM[ticket.priority],
        assignee=ticket.assignee,
        allow_duplicate=request.allow_duplicate,
    )


def change_from(request: pb.UpdateTicketRequest) -> Change:
    """Return what a request wants changed."""
    return Change(
        status=STATUS_FROM[request.status] if request.HasField("status") else None,
        priority=_PRIORITY_FROM[request.priority] if request.HasField("priority") else None,
        assignee=request.assignee if request.HasField("assignee") else None,
        etag=request.etag,
    )


def ticket_to(ticket: Ticket) -> pb.Ticket:
    """Return the message of a ticket."""
    matter = ticket.matter
    message = pb.Ticket(
        name=ticket.name,
        session=matter.session,
        reason=_REASONS[matter.reason],
        priority=_PRIORITIES[ticket.priority],
        status=_STATUSES[ticket.status],
        summary=matter.summary,
        language_code=matter.language_code,
        slots=matter.slots,
        sentiment_trend=matter.sentiment_trend,
        assignee=ticket.assignee,
        etag=ticket.etag,
    )
    message.create_time.FromDatetime(ticket.create_time)
    message.update_time.FromDatetime(ticket.update_time)
    return message
