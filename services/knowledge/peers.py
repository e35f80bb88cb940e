"""The generation service, which makes vectors."""

import struct
from collections.abc import Sequence

from kefu.generation.v1 import generation_pb2 as pb
from kefu.generation.v1.generation_pb2_grpc import GenerationServiceStub
from kefu.type.v1.text_pb2 import Embedding

from services.knowledge.embedding import Vectors
from services.mesh.client import Peer
from services.mesh.service import Mesh

EMBED_SECONDS = 20.0
"""Longest wait for a batch: ten times what it takes on a loaded core."""


class GenerationPeer:
    """Vectors of passages and questions."""

    def __init__(self, mesh: Mesh) -> None:
        """Open the channel; it connects when it is first used."""
        self._peer: Peer = mesh.peer("generation", GenerationServiceStub)

    async def embed(self, tenant: str, texts: Sequence[str], questions: bool) -> Vectors:
        """Turn passages or questions into vectors.

        Args:
            tenant: Whose budget is used.
            texts: 1 to 256 texts of 1 to 8,000 code points.
            questions: Whether they are questions.

        Raises:
            KefuError: the service does not answer, or refuses.
        """
        purpose = pb.EMBED_PURPOSE_QUERY if questions else pb.EMBED_PURPOSE_PASSAGE
        request = pb.EmbedRequest(tenant=f"tenants/{tenant}", texts=texts, purpose=purpose)
        response = await self._peer.unary("Embed", request, timeout_seconds=EMBED_SECONDS)
        embeddings: Sequence[Embedding] = response.embeddings
        return Vectors(embeddings[0].model, [values_of(each.vector) for each in embeddings])


def values_of(vector: bytes) -> Sequence[float]:
    """Return the values of a vector: little-endian float32; bytes left over are ignored."""
    count = len(vector) // 4
    return struct.unpack(f"<{count}f", vector[: count * 4])
