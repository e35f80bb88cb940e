"""What may become of a ticket."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from kefu.errors import EtagMismatch, InvalidRequest, TicketTransitionInvalid

from services.desk.ticket import (
    TRANSITIONS,
    UNFINISHED,
    Change,
    Matter,
    Opening,
    Priority,
    Reason,
    Status,
    Ticket,
    check_change,
    check_opening,
    opened,
)

NOW = datetime(2026, 3, 14, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
MATTER = Matter(
    tenant="shop",
    session="tenants/shop/sessions/s1",
    reason=Reason.ANGER,
    summary="订单 SO20260314 还没到",
)


def a_ticket(status: Status = Status.NEW) -> Ticket:
    """Return a ticket that stands at `status`."""
    return replace(opened(Opening(matter=MATTER), NOW), status=status)


def test_a_ticket_begins_as_new() -> None:
    """Nobody has looked at it, whoever it was given to."""
    ticket = opened(Opening(matter=MATTER, priority=Priority.HIGH, assignee="li"), NOW)
    assert ticket.status is Status.NEW
    assert ticket.priority is Priority.HIGH
    assert ticket.assignee == "li"
    assert ticket.revision == 1
    assert ticket.create_time == ticket.update_time == NOW
    assert ticket.name == f"tenants/shop/tickets/{ticket.ticket_id}"


def test_ids_sort_as_tickets_were_opened() -> None:
    """A list is ordered and paged by the id alone, so later must be greater; equal must differ."""
    moments = [NOW + timedelta(microseconds=n * n) for n in range(50)]
    ids = [opened(Opening(matter=MATTER), moment).ticket_id for moment in moments]
    assert ids == sorted(ids)
    assert len({opened(Opening(matter=MATTER), NOW).ticket_id for _ in range(50)}) == 50


ALLOWED = {
    ("new", "open"), ("new", "pending"), ("new", "hold"), ("new", "solved"),
    ("open", "pending"), ("open", "hold"), ("open", "solved"),
    ("pending", "open"), ("pending", "hold"), ("pending", "solved"),
    ("hold", "open"), ("hold", "pending"), ("hold", "solved"),
    ("solved", "open"), ("solved", "closed"),
}  # fmt: skip


@pytest.mark.parametrize("before", Status)
@pytest.mark.parametrize("wanted", Status)
def test_every_pair_of_statuses_is_decided(before: Status, wanted: Status) -> None:
    """The table, written out a second time: 15 changes are allowed, every other is refused."""
    ticket = a_ticket(before)
    if before is wanted or (before, wanted) in ALLOWED:
        assert ticket.changed(Change(status=wanted), LATER).status is wanted
        return
    with pytest.raises(TicketTransitionInvalid) as refusal:
        ticket.changed(Change(status=wanted), LATER)
    assert refusal.value.metadata == {"from": before.name, "to": wanted.name}


def test_every_status_can_end() -> None:
    """From everywhere there is a way to closed, and none leads out of it."""
    for status in Status:
        reached = {status}
        for _ in Status:
            reached |= {after for before in reached for after in TRANSITIONS[before]}
        assert Status.CLOSED in reached
    assert not TRANSITIONS[Status.CLOSED]
    assert set(Status) - {Status.SOLVED, Status.CLOSED} == UNFINISHED


def test_a_change_is_counted_and_dated() -> None:
    """Only what was asked for differs, besides the revision, its time and the etag."""
    before = a_ticket()
    after = before.changed(Change(priority=Priority.URGENT, assignee="wang"), LATER)
    assert after == replace(
        before, priority=Priority.URGENT, assignee="wang", revision=2, update_time=LATER
    )
    assert after.etag != before.etag


def test_an_assignee_can_be_taken_away() -> None:
    """Empty text means nobody; absence means no change."""
    given = a_ticket().changed(Change(assignee="wang"), LATER)
    assert given.changed(Change(assignee=""), LATER).assignee == ""
    assert given.changed(Change(priority=Priority.LOW), LATER).assignee == "wang"


def test_what_changes_nothing_is_no_change() -> None:
    """Asking for what is there already costs no revision and makes nobody's etag stale."""
    ticket = a_ticket()
    assert ticket.changed(Change(), LATER) is ticket
    assert ticket.changed(Change(status=Status.NEW, priority=Priority.NORMAL), LATER) is ticket


def test_a_stale_etag_is_refused() -> None:
    """Who read the ticket before somebody else changed it must read again; others need not."""
    read = a_ticket()
    current = read.changed(Change(status=Status.OPEN), LATER)
    with pytest.raises(EtagMismatch) as refusal:
        current.changed(Change(status=Status.SOLVED, etag=read.etag), LATER)
    assert refusal.value.metadata == {"ticket": read.name}
    assert current.changed(Change(status=Status.SOLVED, etag=current.etag), LATER).revision == 3
    assert current.changed(Change(status=Status.SOLVED), LATER).revision == 3


def test_etags_of_different_tickets_differ() -> None:
    """An etag of one ticket does not pass for another that was changed as often."""
    assert a_ticket().etag != a_ticket().etag


@pytest.mark.parametrize("session", ["tenants/bank/sessions/s1", "tenants/shop2/sessions/s1"])
def test_a_session_of_another_tenant_is_refused(session: str) -> None:
    """A ticket must not point into another tenant's conversations."""
    with pytest.raises(InvalidRequest) as refusal:
        check_opening(Opening(matter=replace(MATTER, session=session)))
    assert refusal.value.violations[0][0] == "ticket.session"


@pytest.mark.parametrize("session", ["", "tenants/shop/sessions/s1"])
def test_a_session_of_the_tenant_or_none_is_taken(session: str) -> None:
    """Tickets may also be opened by hand, without a conversation."""
    check_opening(Opening(matter=replace(MATTER, session=session)))


def test_every_text_that_cannot_be_stored_is_named_at_once() -> None:
    """NUL has no place in PostgreSQL; the caller learns of all fields in one answer."""
    matter = replace(MATTER, summary="a\0", language_code="\0", slots={"key": "\0"})
    with pytest.raises(InvalidRequest) as refusal:
        check_opening(Opening(matter=matter, assignee="\0"))
    assert [field for field, _ in refusal.value.violations] == [
        "ticket.summary",
        "ticket.language_code",
        "ticket.slots",
        "ticket.assignee",
    ]
    with pytest.raises(InvalidRequest):
        check_change(Change(assignee="li\0"))
    check_change(Change(assignee=None))
