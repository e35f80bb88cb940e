"""The desk service through its front door: mTLS, roles, errors, and what survives repeats."""

import asyncio
import uuid
from contextlib import AsyncExitStack
from typing import Any

import pytest
from kefu.desk.v1 import desk_pb2 as pb
from kefu.desk.v1.desk_pb2_grpc import DeskServiceStub
from kefu.errors import (
    EtagMismatch,
    InvalidRequest,
    KefuError,
    MethodNotAllowed,
    PageTokenInvalid,
    RequestIdReused,
    StorageUnavailable,
    TenantNotAllowed,
    TicketNotFound,
    TicketTransitionInvalid,
)

from services.desk.__main__ import build
from services.desk.settings import Settings
from tests.support.mesh import Served, error_of, serve
from tests.support.postgres import fresh_database

PARENT = "tenants/shop"


def fresh(kind: str = "s") -> str:
    """Return an id that no other test uses: tests of this module share a database."""
    return f"{kind}-{uuid.uuid4().hex}"


def opening(**changes: Any) -> pb.CreateTicketRequest:
    """Return a request for a ticket of an angry customer."""
    ticket = {
        "session": f"{PARENT}/sessions/{fresh()}",
        "reason": pb.Ticket.REASON_ANGER,
        "priority": pb.Ticket.PRIORITY_HIGH,
        "summary": "客户非常生气：订单 SO20260314 十天没到。Wants a refund.",
        "language_code": "mixed",
        "slots": {"order_number": "SO20260314", "备注": "第二次投诉"},
        "sentiment_trend": [0.1, -0.4, -0.9],
    } | changes.pop("ticket", {})
    values = {"parent": PARENT, "request_id": str(uuid.uuid4()), "ticket": ticket} | changes
    return pb.CreateTicketRequest(**values)


def change(ticket: pb.Ticket, **changes: Any) -> pb.UpdateTicketRequest:
    """Return a request that changes a ticket."""
    return pb.UpdateTicketRequest(name=ticket.name, **({"request_id": str(uuid.uuid4())} | changes))


async def test_a_ticket_is_opened_and_read_back(agent: DeskServiceStub) -> None:
    """Every field comes back as it was sent; the server sets name, status, times and etag."""
    request = opening()
    made = await agent.CreateTicket(request, timeout=5)
    assert made.created
    ticket = made.ticket
    assert ticket.name.startswith(f"{PARENT}/tickets/")
    assert ticket.status == pb.Ticket.STATUS_NEW
    assert ticket.create_time == ticket.update_time
    assert ticket.etag
    for name in ("session", "reason", "priority", "summary", "language_code", "slots"):
        assert getattr(ticket, name) == getattr(request.ticket, name)
    assert list(ticket.sentiment_trend) == [0.1, -0.4, -0.9]
    read = await agent.GetTicket(pb.GetTicketRequest(name=ticket.name), timeout=5)
    assert read.ticket == ticket


async def test_what_the_server_sets_is_not_taken_from_the_caller(agent: DeskServiceStub) -> None:
    """A caller cannot open a ticket under another's name, or as solved."""
    sent = {"name": f"{PARENT}/tickets/mine", "status": pb.Ticket.STATUS_SOLVED, "etag": "x"}
    made = await agent.CreateTicket(opening(ticket=sent | {"priority": 0}), timeout=5)
    assert made.ticket.name != sent["name"]
    assert made.ticket.status == pb.Ticket.STATUS_NEW
    assert made.ticket.priority == pb.Ticket.PRIORITY_NORMAL


async def test_a_repeat_gets_the_first_result(agent: DeskServiceStub) -> None:
    """Also when the ticket has changed since, and for changes as for openings."""
    request = opening()
    first = await agent.CreateTicket(request, timeout=5)
    updating = change(first.ticket, status=pb.Ticket.STATUS_SOLVED)
    solved = await agent.UpdateTicket(updating, timeout=5)
    reopened = await agent.UpdateTicket(
        change(first.ticket, status=pb.Ticket.STATUS_OPEN), timeout=5
    )
    assert await agent.CreateTicket(request, timeout=5) == first
    assert await agent.UpdateTicket(updating, timeout=5) == solved
    now = await agent.GetTicket(pb.GetTicketRequest(name=first.ticket.name), timeout=5)
    assert now.ticket == reopened.ticket


async def test_the_same_request_at_the_same_moment_opens_one_ticket(
    agent: DeskServiceStub,
) -> None:
    """A hedged or impatient caller gets the same ticket on every arrival."""
    request = opening(ticket={"session": ""})
    answers = await asyncio.gather(*(agent.CreateTicket(request, timeout=5) for _ in range(8)))
    assert len({answer.ticket.name for answer in answers}) == 1
    assert all(answer.created for answer in answers)


async def test_one_unfinished_ticket_a_session_and_reason(agent: DeskServiceStub) -> None:
    """However often the customer shouts, and at whatever the same moment, one ticket stands."""
    session = f"{PARENT}/sessions/{fresh()}"
    answers = await asyncio.gather(
        *(agent.CreateTicket(opening(ticket={"session": session}), timeout=5) for _ in range(8))
    )
    assert len({answer.ticket.name for answer in answers}) == 1
    assert sorted(answer.created for answer in answers) == [False] * 7 + [True]
    other_reason = {"session": session, "reason": pb.Ticket.REASON_HUMAN_REQUESTED}
    assert (await agent.CreateTicket(opening(ticket=other_reason), timeout=5)).created


async def test_a_second_ticket_is_opened_when_told_to_or_after_the_first(
    agent: DeskServiceStub,
) -> None:
    """`allow_duplicate` opens one beside; a solved ticket no longer stands in the way."""
    wish = {"ticket": {"session": f"{PARENT}/sessions/{fresh()}"}}
    first = await agent.CreateTicket(opening(**wish), timeout=5)
    second = await agent.CreateTicket(opening(**wish, allow_duplicate=True), timeout=5)
    assert second.created
    for made in (first, second):
        await agent.UpdateTicket(change(made.ticket, status=pb.Ticket.STATUS_SOLVED), timeout=5)
    assert (await agent.CreateTicket(opening(**wish), timeout=5)).created


async def test_a_request_id_belongs_to_one_request(agent: DeskServiceStub) -> None:
    """Another wish under a used id is a mistake that must not pass for a repeat."""
    request = opening()
    made = await agent.CreateTicket(request, timeout=5)
    other = opening(request_id=request.request_id)
    assert isinstance(await error_of(agent.CreateTicket(other, timeout=5)), RequestIdReused)
    update = change(made.ticket, request_id=request.request_id, assignee="li")
    error = await error_of(agent.UpdateTicket(update, timeout=5))
    assert isinstance(error, RequestIdReused)
    assert error.metadata["request_id"] == request.request_id


async def test_a_ticket_moves_through_its_life(agent: DeskServiceStub) -> None:
    """Each change gives a new etag, and the fields that were not named stay."""
    ticket = (await agent.CreateTicket(opening(), timeout=5)).ticket
    steps: list[dict[str, Any]] = [
        {"status": pb.Ticket.STATUS_OPEN, "assignee": "li"},
        {"status": pb.Ticket.STATUS_PENDING},
        {"priority": pb.Ticket.PRIORITY_URGENT},
        {"status": pb.Ticket.STATUS_SOLVED},
        {"status": pb.Ticket.STATUS_CLOSED, "assignee": ""},
    ]
    for step in steps:
        request = change(ticket, etag=ticket.etag, **step)
        after = (await agent.UpdateTicket(request, timeout=5)).ticket
        assert after.etag != ticket.etag
        for name, value in step.items():
            assert getattr(after, name) == value
        ticket = after
    assert ticket.priority == pb.Ticket.PRIORITY_URGENT
    assert ticket.assignee == ""


async def test_a_forbidden_transition_is_named(agent: DeskServiceStub) -> None:
    """The error says from where to where, and nothing has changed."""
    ticket = (await agent.CreateTicket(opening(), timeout=5)).ticket
    request = change(ticket, status=pb.Ticket.STATUS_CLOSED, assignee="li")
    error = await error_of(agent.UpdateTicket(request, timeout=5))
    assert isinstance(error, TicketTransitionInvalid)
    assert (error.metadata["from"], error.metadata["to"]) == ("NEW", "CLOSED")
    read = await agent.GetTicket(pb.GetTicketRequest(name=ticket.name), timeout=5)
    assert read.ticket == ticket


async def test_of_two_who_read_the_same_one_may_write(agent: DeskServiceStub) -> None:
    """With etags no change is lost; the loser is told to read again."""
    ticket = (await agent.CreateTicket(opening(), timeout=5)).ticket
    outcomes = await asyncio.gather(
        *(
            agent.UpdateTicket(change(ticket, etag=ticket.etag, assignee=name), timeout=5)
            for name in ("li", "wang", "zhao")
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, pb.UpdateTicketResponse) for outcome in outcomes) == 1
    stale = change(ticket, etag=ticket.etag, assignee="qian")
    assert isinstance(await error_of(agent.UpdateTicket(stale, timeout=5)), EtagMismatch)


async def test_an_unknown_ticket_is_not_found(agent: DeskServiceStub) -> None:
    """Reading and changing say the same."""
    name = f"{PARENT}/tickets/none"
    reading = agent.GetTicket(pb.GetTicketRequest(name=name), timeout=5)
    updating = agent.UpdateTicket(change(pb.Ticket(name=name), assignee="li"), timeout=5)
    for call in (reading, updating):
        error = await error_of(call)
        assert isinstance(error, TicketNotFound)
        assert error.metadata["ticket"] == name


async def test_tickets_are_listed_newest_first_in_pages(agent: DeskServiceStub) -> None:
    """Pages neither repeat nor leave out, also while tickets are opened."""
    session = f"{PARENT}/sessions/{fresh()}"
    wish = {"ticket": {"session": session}, "allow_duplicate": True}
    names = [(await agent.CreateTicket(opening(**wish), timeout=5)).ticket.name for _ in range(5)]
    found: list[str] = []
    token = ""
    while True:
        request = pb.ListTicketsRequest(
            parent=PARENT, session=session, page_size=2, page_token=token
        )
        page = await agent.ListTickets(request, timeout=5)
        found += [ticket.name for ticket in page.tickets]
        token = page.next_page_token
        if not token:
            break
        await agent.CreateTicket(opening(**wish), timeout=5)
    assert found == names[::-1]


async def test_lists_are_filtered_by_status(agent: DeskServiceStub) -> None:
    """Any of the given statuses; none given means all."""
    session = f"{PARENT}/sessions/{fresh()}"
    wish = {"ticket": {"session": session}, "allow_duplicate": True}
    made = [(await agent.CreateTicket(opening(**wish), timeout=5)).ticket for _ in range(3)]
    await agent.UpdateTicket(change(made[1], status=pb.Ticket.STATUS_HOLD), timeout=5)
    await agent.UpdateTicket(change(made[2], status=pb.Ticket.STATUS_SOLVED), timeout=5)

    async def names(*statuses: pb.Ticket.Status.ValueType) -> list[str]:
        request = pb.ListTicketsRequest(parent=PARENT, session=session, statuses=statuses)
        return [ticket.name for ticket in (await agent.ListTickets(request, timeout=5)).tickets]

    assert await names(pb.Ticket.STATUS_HOLD) == [made[1].name]
    assert await names(pb.Ticket.STATUS_NEW, pb.Ticket.STATUS_SOLVED) == [
        made[2].name,
        made[0].name,
    ]
    assert len(await names()) == 3


@pytest.mark.parametrize("token", ["x", "WyJhIl0=", "客服"])
async def test_a_made_up_page_token_is_refused(agent: DeskServiceStub, token: str) -> None:
    """One precise error, whatever was made up."""
    request = pb.ListTicketsRequest(parent=PARENT, page_token=token)
    assert isinstance(await error_of(agent.ListTickets(request, timeout=5)), PageTokenInvalid)


async def test_a_page_token_of_another_list_is_refused(agent: DeskServiceStub) -> None:
    """A token goes on with the list that it came from."""
    session = f"{PARENT}/sessions/{fresh()}"
    wish = {"ticket": {"session": session}, "allow_duplicate": True}
    for _ in range(2):
        await agent.CreateTicket(opening(**wish), timeout=5)
    first = pb.ListTicketsRequest(parent=PARENT, session=session, page_size=1)
    token = (await agent.ListTickets(first, timeout=5)).next_page_token
    assert token
    other = pb.ListTicketsRequest(parent=PARENT, page_token=token)
    assert isinstance(await error_of(agent.ListTickets(other, timeout=5)), PageTokenInvalid)


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (opening(parent="tenants/"), "parent"),
        (opening(request_id="1"), "request_id"),
        (opening(ticket={"summary": ""}), "ticket.summary"),
        (opening(ticket={"summary": "字" * 2001}), "ticket.summary"),
        (opening(ticket={"summary": "a\0b"}), "ticket.summary"),
        (opening(ticket={"slots": {"a\0": "b"}}), "ticket.slots"),
        (opening(ticket={"reason": 0}), "ticket.reason"),
        (opening(ticket={"reason": 99}), "ticket.reason"),
        (opening(ticket={"sentiment_trend": [1.5]}), "ticket.sentiment_trend[0]"),
        (opening(ticket={"session": "tenants/bank/sessions/s1"}), "ticket.session"),
    ],
)
async def test_a_bad_field_is_named(
    agent: DeskServiceStub, request_: pb.CreateTicketRequest, field: str
) -> None:
    """INVALID_ARGUMENT with the field's path, and never INTERNAL."""
    error = await error_of(agent.CreateTicket(request_, timeout=5))
    assert isinstance(error, InvalidRequest)
    assert field in [path for path, _ in error.violations]


async def test_a_tenant_s_tickets_are_its_own(desk: Served) -> None:
    """Who holds the role for one tenant neither reads nor opens another's tickets."""
    everywhere = desk.stub(DeskServiceStub, role="agent")
    shop_only = desk.stub(DeskServiceStub, identity="test-agent-shop")
    foreign = await everywhere.CreateTicket(
        opening(parent="tenants/bank", ticket={"session": ""}), timeout=5
    )
    calls: list[Any] = [
        shop_only.GetTicket(pb.GetTicketRequest(name=foreign.ticket.name), timeout=5),
        shop_only.ListTickets(pb.ListTicketsRequest(parent="tenants/bank"), timeout=5),
        shop_only.CreateTicket(opening(parent="tenants/bank"), timeout=5),
        shop_only.UpdateTicket(change(foreign.ticket, assignee="li"), timeout=5),
    ]
    for call in calls:
        assert isinstance(await error_of(call), TenantNotAllowed)
    own = foreign.ticket.name.replace("tenants/bank", PARENT)
    error = await error_of(shop_only.GetTicket(pb.GetTicketRequest(name=own), timeout=5))
    assert isinstance(error, TicketNotFound)


async def test_a_role_without_the_method_is_refused_on_the_record(desk: Served) -> None:
    """A channel may talk to sessions, not to the desk; the attempt leaves an audit event."""
    channel = desk.stub(DeskServiceStub, role="channel")
    assert isinstance(await error_of(channel.CreateTicket(opening(), timeout=5)), MethodNotAllowed)
    session = desk.stub(DeskServiceStub, role="session")
    assert (await session.CreateTicket(opening(), timeout=5)).created
    read = session.GetTicket(pb.GetTicketRequest(name=f"{PARENT}/tickets/t"), timeout=5)
    assert isinstance(await error_of(read), MethodNotAllowed)
    outcomes = [(event.outcome, event.reason) for event in desk.spooled()]
    assert ("PERMISSION_DENIED", "METHOD_NOT_ALLOWED") in outcomes


async def test_the_record_names_the_ticket_and_never_the_customer_s_words(desk: Served) -> None:
    """The audit event holds the ticket's name and labels; the summary and slots stay in it."""
    agent = desk.stub(DeskServiceStub, role="agent")
    made = await agent.CreateTicket(opening(), timeout=5)
    event = desk.spooled()[-1]
    assert event.resource == made.ticket.name
    assert event.labels["created"] == "true"
    assert event.labels["ticket_reason"] == "anger"
    assert "SO20260314" not in str(event)


async def test_a_lost_database_is_one_clear_retryable_error() -> None:
    """Reads and writes say the same, and nothing about the database."""
    async with AsyncExitStack() as stack:
        with fresh_database() as url:
            desk = await stack.enter_async_context(serve("desk", build, Settings, database_url=url))
        agent = desk.stub(DeskServiceStub, role="agent")
        reading = pb.GetTicketRequest(name=f"{PARENT}/tickets/t")
        for call in (
            agent.GetTicket(reading, timeout=10),
            agent.CreateTicket(opening(), timeout=10),
        ):
            error = await error_of(call)
            assert isinstance(error, StorageUnavailable)
            assert error.retryable
            assert "test_" not in str(error)


async def test_an_expired_deadline_ends_the_call(agent: DeskServiceStub) -> None:
    """The caller hears about it; a repeat with the same request_id then completes."""
    request = opening()
    error = await error_of(agent.CreateTicket(request, timeout=0.000_001))
    assert isinstance(error, KefuError)
    assert (await agent.CreateTicket(request, timeout=5)).ticket.summary == request.ticket.summary
