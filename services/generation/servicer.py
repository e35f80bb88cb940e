"""The generation service's RPCs: protobuf in, one call of the domain, protobuf out."""

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from typing import Any

from kefu.errors import ModelUnavailable
from kefu.generation.v1 import generation_pb2 as pb
from kefu.generation.v1.generation_pb2_grpc import GenerationServiceServicer

from services.generation import messages, telemetry
from services.generation.answering import Answerer
from services.generation.catalogue import Catalogue
from services.generation.chat import Caller
from services.generation.choosing import Chooser
from services.generation.dialogue import Answer, Delta, Finish
from services.generation.embedding import Embedder
from services.generation.quota import Quotas
from services.generation.saving import SavingAnswerer
from services.generation.summary import Summarizer
from services.mesh.calls import current, trail

# What tells a gRPC client not to retry (gRFC A6, server pushback).
_NO_RETRY = {"grpc-retry-pushback-ms": "-1"}


class GenerationServicer(GenerationServiceServicer):
    """Serves `kefu.generation.v1.GenerationService`; its methods are described in the contract."""

    def __init__(
        self,
        answerer: Answerer | SavingAnswerer,
        summarizer: Summarizer,
        chooser: Chooser,
        embedder: Embedder,
        catalogue: Catalogue,
        quotas: Quotas,
    ) -> None:
        self._answerer = answerer
        self._summarizer = summarizer
        self._chooser = chooser
        self._embedder = embedder
        self._catalogue = catalogue
        self._quotas = quotas

    async def Generate(
        self, request: pb.GenerateRequest, context: Any
    ) -> AsyncIterator[pb.GenerateResponse]:
        """Stream an answer."""
        self._catalogue.require_chat(request.model)
        sequence = 0
        async with self._paying(request.tenant) as caller:
            answer = self._answerer.answer(
                messages.question_from(request),
                caller=caller,
                seconds=current().remaining_seconds,
                require_model=request.require_model,
            )
            async with aclosing(answer) as events:
                async for event in events:
                    match event:
                        case Delta():
                            sequence += 1
                            yield pb.GenerateResponse(delta=messages.delta_to(event, sequence))
                        case Answer():
                            telemetry.record_answer(event)
                            yield pb.GenerateResponse(completed=messages.completed_to(event))

    async def Summarize(self, request: pb.SummarizeRequest, context: Any) -> pb.SummarizeResponse:
        """Condense a conversation."""
        rounds = messages.rounds_from(request.rounds)
        said = [item.customer or item.reply for item in reversed(rounds)]
        language = messages.language_from(request.language_code, *said)
        async with self._paying(request.tenant) as caller:
            summary = await self._summarizer.summarize(
                rounds, language, caller=caller, seconds=current().remaining_seconds
            )
        if summary.usage is not None:
            telemetry.record_usage(summary.usage, Finish.STOP)
        return messages.summary_to(summary)

    async def Choose(self, request: pb.ChooseRequest, context: Any) -> pb.ChooseResponse:
        """Have the model choose what a text means."""
        choices = messages.choices_from(request.choices)
        async with self._paying(request.tenant) as caller:
            chosen = await self._chooser.choose(
                request.text, choices, caller=caller, seconds=current().remaining_seconds
            )
        return messages.chosen_to(chosen)

    async def Embed(self, request: pb.EmbedRequest, context: Any) -> pb.EmbedResponse:
        """Turn texts into vectors."""
        purpose = messages.purpose_from(request.purpose)
        with _asked_often_enough():
            vectors = await self._embedder.embed(
                purpose,
                request.texts,
                _payer(request.tenant),
                seconds=current().remaining_seconds,
            )
        telemetry.record_embedding(purpose, len(request.texts))
        return messages.vectors_to(self._embedder.engine.name, vectors)

    async def ListModels(
        self, request: pb.ListModelsRequest, context: Any
    ) -> pb.ListModelsResponse:
        """List the configured models."""
        models, token = self._catalogue.page(request.page_size, request.page_token)
        return pb.ListModelsResponse(
            models=[messages.model_to(model) for model in models], next_page_token=token
        )

    @asynccontextmanager
    async def _paying(self, tenant: str) -> AsyncIterator[Caller]:
        """Give who pays for the current call, once it is counted against the caller's rate.

        What the call has used is counted before it ends, so that its trailing metadata tell the
        rest. Who has left, or has no time left, is not waited for.
        """
        caller = _payer(tenant)
        await self._quotas.begin(caller)
        try:
            yield caller
        except Exception:
            await self._quotas.settled(caller)
            raise
        await self._quotas.settled(caller)


@contextmanager
def _asked_often_enough() -> Iterator[None]:
    """Keep the caller's channel from repeating a call in which providers were asked again already.

    Each repetition would be three more requests to a provider in trouble. That the channel repeats
    calls to a replica that is gone is as it should be.
    """
    try:
        yield
    except ModelUnavailable:
        trail(_NO_RETRY)
        raise


def _payer(tenant: str) -> Caller:
    return Caller(tenant.removeprefix("tenants/"), current().identity)
