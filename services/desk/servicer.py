"""The desk service's methods: message in, one call, message out."""

from typing import TypeAlias

import grpc
from kefu.desk.v1 import desk_pb2 as pb
from kefu.desk.v1.desk_pb2_grpc import DeskServiceServicer

from services.desk.messages import (
    STATUS_FROM,
    change_from,
    opening_from,
    tenant_of,
    ticket_id_of,
    ticket_to,
)
from services.desk.store import Store
from services.desk.ticket import check_change, check_opening
from services.mesh import paging
from services.mesh.calls import annotate

Context: TypeAlias = grpc.aio.ServicerContext


class DeskServicer(DeskServiceServicer):
    """Opens, reads and moves tickets."""

    def __init__(self, store: Store) -> None:
        """Serve the tickets in `store`."""
        self._store = store

    async def CreateTicket(
        self, request: pb.CreateTicketRequest, context: Context
    ) -> pb.CreateTicketResponse:
        """Open a ticket, once per request and per unfinished matter."""
        opening = opening_from(request)
        check_opening(opening)
        outcome = await self._store.create(opening, request.request_id)
        annotate(
            resource=outcome.ticket.name,
            created=str(outcome.created).lower(),
            ticket_reason=opening.matter.reason,
        )
        return pb.CreateTicketResponse(ticket=ticket_to(outcome.ticket), created=outcome.created)

    async def GetTicket(
        self, request: pb.GetTicketRequest, context: Context
    ) -> pb.GetTicketResponse:
        """Read one ticket."""
        ticket = await self._store.get(tenant_of(request.name), ticket_id_of(request.name))
        return pb.GetTicketResponse(ticket=ticket_to(ticket))

    async def ListTickets(
        self, request: pb.ListTicketsRequest, context: Context
    ) -> pb.ListTicketsResponse:
        """List a page of tickets, newest first."""
        statuses = sorted(STATUS_FROM[status] for status in set(request.statuses))
        question = (request.parent, statuses, request.session)
        key = paging.decode(request.page_token, (str,), *question)
        size = paging.page_size(request.page_size)
        before = str(key[0]) if key else ""
        tickets = await self._store.list_tickets(
            tenant_of(request.parent), statuses, request.session, before, size + 1
        )
        more = len(tickets) > size
        return pb.ListTicketsResponse(
            tickets=[ticket_to(ticket) for ticket in tickets[:size]],
            next_page_token=paging.encode([tickets[size - 1].ticket_id], *question) if more else "",
        )

    async def UpdateTicket(
        self, request: pb.UpdateTicketRequest, context: Context
    ) -> pb.UpdateTicketResponse:
        """Change a ticket's status, priority or assignee."""
        tenant, ticket_id = tenant_of(request.name), ticket_id_of(request.name)
        change = change_from(request)
        check_change(change)
        ticket = await self._store.update(tenant, ticket_id, change, request.request_id)
        annotate(ticket_status=ticket.status)
        return pb.UpdateTicketResponse(ticket=ticket_to(ticket))
