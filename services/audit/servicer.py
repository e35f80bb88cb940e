"""The audit service's methods: message in, one call, message out."""

from typing import TypeAlias

import grpc
from kefu.audit.v1 import audit_pb2 as pb
from kefu.audit.v1.audit_pb2_grpc import AuditServiceServicer

from services.audit import messages
from services.audit.store import Store
from services.mesh import paging

Context: TypeAlias = grpc.aio.ServicerContext


class AuditServicer(AuditServiceServicer):
    """Takes records from the services and proves that none was altered."""

    def __init__(self, store: Store) -> None:
        """Serve the chains in `store`."""
        self._store = store

    async def Record(self, request: pb.RecordRequest, context: Context) -> pb.RecordResponse:
        """Append a batch; what is known already is acknowledged."""
        events = [messages.event_from(message) for message in request.events]
        result = await self._store.append(events)
        return pb.RecordResponse(appended=result.appended, duplicates=result.duplicates)

    async def ListEvents(
        self, request: pb.ListEventsRequest, context: Context
    ) -> pb.ListEventsResponse:
        """List a page of a chain, newest first."""
        wanted = messages.filter_from(request.filter)
        key = paging.decode(request.page_token, (int,), request.parent, wanted)
        size = paging.page_size(request.page_size)
        before = int(key[0]) if key else None
        records = await self._store.list_records(request.parent, wanted, before, size + 1)
        page = records[:size]
        token = ""
        if len(records) > size:
            token = paging.encode([page[-1].sequence], request.parent, wanted)
        return pb.ListEventsResponse(
            events=[messages.record_to(record) for record in page], next_page_token=token
        )

    async def GetCheckpoint(
        self, request: pb.GetCheckpointRequest, context: Context
    ) -> pb.GetCheckpointResponse:
        """Return the signed head, and the anchor where retention removed records."""
        head, anchor = await self._store.statements(request.parent)
        return pb.GetCheckpointResponse(
            checkpoint=messages.checkpoint_to(head),
            anchor=messages.checkpoint_to(anchor) if anchor else None,
        )

    async def VerifyEvents(
        self, request: pb.VerifyEventsRequest, context: Context
    ) -> pb.VerifyEventsResponse:
        """Walk the chain and name the first problem."""
        known = messages.known_checkpoint_from(request, self._store.public_key)
        verdict = await self._store.verify(request.parent, known)
        head, _ = await self._store.statements(request.parent)
        return pb.VerifyEventsResponse(
            ok=verdict.ok,
            verified=verdict.records,
            problem=messages.problem_to(verdict.problem) if verdict.problem else None,
            checkpoint=messages.checkpoint_to(head),
        )
