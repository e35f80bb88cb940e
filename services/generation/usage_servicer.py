"""The RPC of what models cost: protobuf in, one call of the domain, protobuf out."""

from typing import Any

from kefu.generation.v1 import usage_pb2 as pb
from kefu.generation.v1.usage_pb2_grpc import GenerationUsageServiceServicer

from services.generation import usage_messages as messages
from services.generation.chat import Caller
from services.generation.ledger import Ledger
from services.generation.quota import Quotas
from services.mesh.calls import current


class GenerationUsageServicer(GenerationUsageServiceServicer):
    """Serves `kefu.generation.v1.GenerationUsageService`; described in the contract."""

    def __init__(self, ledger: Ledger, quotas: Quotas) -> None:
        self._ledger = ledger
        self._quotas = quotas

    async def GetUsage(self, request: pb.GetUsageRequest, context: Any) -> pb.GetUsageResponse:
        """Sum up a tenant's usage."""
        caller = Caller(request.parent.removeprefix("tenants/"), current().identity)
        page = await self._ledger.page(
            caller.tenant,
            self._ledger.period(request.start_day, request.end_day),
            messages.dimensions_from(request.dimensions),
            request.page_size,
            request.page_token,
        )
        return pb.GetUsageResponse(
            rows=[messages.row_to(*row) for row in page.rows],
            next_page_token=page.token,
            quotas=[messages.quota_to(*each) for each in await self._quotas.left(caller)],
        )
