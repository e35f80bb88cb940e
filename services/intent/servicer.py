"""The intent service's face: protobuf in, one domain call, protobuf out."""

from typing import Any

from kefu.intent.v1 import intent_pb2 as pb
from kefu.intent.v1.intent_pb2_grpc import IntentServiceServicer

from services.intent import messages
from services.intent.answering import Answering
from services.intent.data_messages import tenant_from
from services.intent.data_servicer import DataServicer
from services.intent.drafts.draft import Draft
from services.intent.model_servicer import ModelServicer
from services.intent.review.uncertain import Review
from services.intent.versions.live import LiveModels
from services.intent.versions.models import Models


class IntentServicer(IntentServiceServicer):
    """Serves `kefu.intent.v1.IntentService`."""

    def __init__(self, live: LiveModels, answering: Answering) -> None:
        """Answer with the live models."""
        self._live = live
        self._answering = answering

    async def Classify(self, request: pb.ClassifyRequest, context: Any) -> pb.ClassifyResponse:
        """Classify one utterance and find its entities."""
        answer = await self._answering.answer(
            tenant_from(request.tenant), messages.query_from(request)
        )
        return pb.ClassifyResponse(classification=messages.classification_to(answer))

    async def BatchClassify(
        self, request: pb.BatchClassifyRequest, context: Any
    ) -> pb.BatchClassifyResponse:
        """Classify several utterances, in their order."""
        answers = await self._answering.answers(
            tenant_from(request.tenant), messages.queries_from(request)
        )
        return pb.BatchClassifyResponse(classifications=map(messages.classification_to, answers))

    async def GetConfig(self, request: pb.GetConfigRequest, context: Any) -> pb.GetConfigResponse:
        """Say what the tenant's model knows."""
        return messages.config_to(self._live.of(tenant_from(request.tenant)))


class IntentTrainingServicer(DataServicer, ModelServicer):
    """Serves `kefu.intent.v1.IntentTrainingService`, the parts of which stand on their own."""

    def __init__(self, draft: Draft, review: Review, models: Models) -> None:
        """Serve drafts, what is to be reviewed, and models."""
        DataServicer.__init__(self, draft, review)
        ModelServicer.__init__(self, models)
