"""The generation service: vectors for training, and a second opinion where one is wanted."""

from collections.abc import Sequence

from kefu.generation.v1 import generation_pb2 as pb
from kefu.generation.v1.generation_pb2_grpc import GenerationServiceStub

from services.intent.trainings.trainer import Embedded
from services.intent.versions.version import IntentSummary
from services.mesh.calls import current
from services.mesh.client import Peer
from services.mesh.service import Mesh

_EMBED_SECONDS = 30.0
"""Longest wait for a batch: ten times what it takes on a loaded core."""

_CHOOSE_SHARE = 0.8
"""Of a call's remaining time that the second opinion may take: the answer must still go back."""


class GenerationPeer:
    """Calls of the generation service."""

    def __init__(self, mesh: Mesh, choose_seconds: float) -> None:
        """Open the channel; it connects when it is first used.

        Args:
            mesh: Knows where the service is.
            choose_seconds: Longest wait for a model's choice.
        """
        self._peer: Peer = mesh.peer("generation", GenerationServiceStub)
        self._choose_seconds = choose_seconds

    async def embed(self, tenant: str, texts: Sequence[str]) -> Embedded:
        """Turn utterances into vectors, as the session does with what customers say.

        Args:
            tenant: Whose budget is used.
            texts: 1 to 256.

        Raises:
            KefuError: the service does not answer, or refuses.
        """
        request = pb.EmbedRequest(
            tenant=f"tenants/{tenant}", texts=texts, purpose=pb.EMBED_PURPOSE_QUERY
        )
        response = await self._peer.unary("Embed", request, timeout_seconds=_EMBED_SECONDS)
        embeddings = response.embeddings
        return Embedded(embeddings[0].model, [each.vector for each in embeddings])

    async def choose(self, tenant: str, text: str, options: Sequence[IntentSummary]) -> str:
        """Have a chat model choose what a text means.

        Args:
            tenant: Whose budget is used.
            text: What the customer wrote.
            options: What it may mean, most likely first; at most 20.

        Returns:
            The name of one of them; empty where the model said that none fits.

        Raises:
            KefuError: no model is configured, or none answered in time.
        """
        request = pb.ChooseRequest(
            tenant=f"tenants/{tenant}",
            text=text,
            choices=[
                pb.Choice(choice=e.name, description=e.description, examples=e.examples)
                for e in options
            ],
        )
        seconds = min(self._choose_seconds, current().remaining_seconds * _CHOOSE_SHARE)
        response = await self._peer.unary("Choose", request, timeout_seconds=seconds)
        return str(response.choice)
