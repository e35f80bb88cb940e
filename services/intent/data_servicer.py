"""The RPCs about training data: protobuf in, one call of the domain, protobuf out."""

from collections.abc import AsyncIterator
from typing import Any

from kefu.intent.v1 import training_pb2 as pb
from kefu.intent.v1.training_pb2_grpc import IntentTrainingServiceServicer

from services.intent import data_messages as messages
from services.intent.drafts.draft import Draft
from services.intent.review.uncertain import Review
from services.mesh.calls import annotate


class DataServicer(IntentTrainingServiceServicer):
    """The part of `kefu.intent.v1.IntentTrainingService` that is about data."""

    def __init__(self, draft: Draft, review: Review) -> None:
        """Serve the drafts and what is to be reviewed."""
        self._draft = draft
        self._review = review

    async def ImportTrainingData(
        self, request_iterator: AsyncIterator[pb.ImportTrainingDataRequest], context: Any
    ) -> pb.ImportTrainingDataResponse:
        """Put intents, utterances and entity types into the draft."""
        result = await self._draft.import_(messages.parts_from(request_iterator))
        annotate(
            imported=str(result.imported).lower(), problems=str(result.problem_count),
            data_hash=result.state.data_hash,
        )  # fmt: skip
        return messages.import_result_to(result)

    async def ListIntents(
        self, request: pb.ListIntentsRequest, context: Any
    ) -> pb.ListIntentsResponse:
        """List the intents of the draft."""
        tenant = messages.tenant_from(request.parent)
        found, token = await self._draft.intents(tenant, request.page_size, request.page_token)
        return pb.ListIntentsResponse(intents=map(messages.intent_to, found), next_page_token=token)

    async def ListUtterances(
        self, request: pb.ListUtterancesRequest, context: Any
    ) -> pb.ListUtterancesResponse:
        """List the utterances of the draft."""
        found, token = await self._draft.utterances(
            messages.tenant_from(request.parent), request.intent, request.page_size,
            request.page_token,
        )  # fmt: skip
        return pb.ListUtterancesResponse(
            utterances=map(messages.utterance_to, found), next_page_token=token
        )

    async def ListUncertain(
        self, request: pb.ListUncertainRequest, context: Any
    ) -> pb.ListUncertainResponse:
        """List what is most worth labelling."""
        tenant = messages.tenant_from(request.parent)
        found, token = await self._review.clusters(tenant, request.page_size, request.page_token)
        return pb.ListUncertainResponse(
            utterances=[messages.cluster_to(tenant, each) for each in found],
            next_page_token=token,
        )

    async def ResolveUncertain(
        self, request: pb.ResolveUncertainRequest, context: Any
    ) -> pb.ResolveUncertainResponse:
        """Label an uncertain utterance and its cluster, or dismiss them."""
        resolution = messages.resolution_from(request)
        annotate(resolution="label" if resolution.intent else "dismiss")
        settled = await self._review.resolve(resolution, request.request_id)
        return messages.resolved_to(settled)
