"""Messages and domain values say the same."""

from datetime import UTC, datetime

import pytest
from kefu.desk.v1 import desk_pb2 as pb

from services.desk import messages
from services.desk.ticket import Change, Matter, Opening, Priority, Reason, Status, opened

NOW = datetime(2026, 3, 14, 12, 0, 0, 250_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("domain", "contract"),
    [(Status, pb.Ticket.Status), (Priority, pb.Ticket.Priority), (Reason, pb.Ticket.Reason)],
)
def test_every_value_of_the_contract_has_its_like(domain: type, contract: type) -> None:
    """A value added to the contract alone would be an internal error one day."""
    ours = {f"{domain.__name__.upper()}_{each.name}" for each in domain}  # type: ignore[attr-defined]
    theirs = set(contract.keys())  # type: ignore[attr-defined]
    assert theirs - ours == {f"{domain.__name__.upper()}_UNSPECIFIED"}
    assert ours < theirs


def test_an_opening_is_read_whole() -> None:
    """Parent, ticket and wish; what the server sets is not read."""
    request = pb.CreateTicketRequest(
        parent="tenants/shop",
        ticket=pb.Ticket(
            name="tenants/shop/tickets/mine",
            session="tenants/shop/sessions/s1",
            reason=pb.Ticket.REASON_FAILURE,
            priority=pb.Ticket.PRIORITY_URGENT,
            status=pb.Ticket.STATUS_CLOSED,
            summary="退款失败",
            language_code="zh",
            slots={"order_number": "SO20260314"},
            sentiment_trend=[0.25, -0.5],
            assignee="li",
        ),
        allow_duplicate=True,
    )
    assert messages.opening_from(request) == Opening(
        matter=Matter(
            tenant="shop",
            session="tenants/shop/sessions/s1",
            reason=Reason.FAILURE,
            summary="退款失败",
            language_code="zh",
            slots={"order_number": "SO20260314"},
            sentiment_trend=(0.25, -0.5),
        ),
        priority=Priority.URGENT,
        assignee="li",
        allow_duplicate=True,
    )


def test_no_priority_means_normal() -> None:
    """As the contract says of the unspecified value."""
    request = pb.CreateTicketRequest(
        parent="tenants/shop", ticket=pb.Ticket(reason=pb.Ticket.REASON_ANGER)
    )
    assert messages.opening_from(request).priority is Priority.NORMAL


def test_absent_and_empty_differ_in_a_change() -> None:
    """Absent leaves the assignee, empty takes it away."""
    assert messages.change_from(pb.UpdateTicketRequest()) == Change()
    empty = messages.change_from(pb.UpdateTicketRequest(assignee=""))
    assert empty == Change(assignee="")
    full = pb.UpdateTicketRequest(
        status=pb.Ticket.STATUS_HOLD, priority=pb.Ticket.PRIORITY_LOW, etag="e"
    )
    wanted = Change(status=Status.HOLD, priority=Priority.LOW, etag="e")
    assert messages.change_from(full) == wanted


def test_a_ticket_is_told_whole() -> None:
    """Name and etag are derived, times keep their fraction."""
    matter = Matter(tenant="shop", reason=Reason.ANGER, summary="太慢了", slots={"a": "b"})
    ticket = opened(Opening(matter=matter, assignee="li"), NOW)
    message = messages.ticket_to(ticket)
    assert message.name == ticket.name
    assert message.etag == ticket.etag
    assert message.create_time.ToDatetime(UTC) == message.update_time.ToDatetime(UTC) == NOW
    assert message.status == pb.Ticket.STATUS_NEW
    assert message.reason == pb.Ticket.REASON_ANGER
    assert dict(message.slots) == {"a": "b"}
    assert messages.tenant_of(message.name) == "shop"
    assert messages.ticket_id_of(message.name) == ticket.ticket_id
