"""Vectors from an OpenAI-compatible endpoint, for those who run a larger embedding model."""

import asyncio
import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from services.generation.embedding import Purpose, pack
from services.generation.failure import Cause, ModelFailure

if TYPE_CHECKING:
    from services.generation.provider import Provider

_PATH = "/embeddings"


class RemoteEngine:
    """An embedding model behind a provider. Its texts leave the mesh."""

    local = False

    def __init__(self, provider: "Provider", model: str, seconds: float) -> None:
        self.name = model
        self.dimensions = 0
        self._provider = provider
        self._seconds = seconds

    async def embed(self, purpose: Purpose, texts: Sequence[str]) -> list[bytes]:
        """Return one vector a text, asked for in one request.

        The purpose is not passed on: the protocol has no field for it.

        Raises:
            ModelFailure: The provider failed, or its vectors are not one a text, all of one length.
        """
        # base64 is a quarter of the bytes of decimal numbers and decodes a hundred times faster.
        body = {"model": self.name, "input": list(texts), "encoding_format": "base64"}
        try:
            async with asyncio.timeout(self._seconds):
                payload = await self._provider.call(_PATH, body)
        except TimeoutError:
            raise ModelFailure(Cause.TIMEOUT) from None
        try:
            items = sorted(payload["data"], key=lambda item: item["index"])
            vectors = [_vector(item["embedding"]) for item in items]
        except (LookupError, TypeError, ValueError):
            raise ModelFailure(Cause.BROKEN_RESPONSE) from None
        lengths = {len(vector) for vector in vectors}
        if len(vectors) != len(texts) or len(lengths) != 1:
            raise ModelFailure(Cause.BROKEN_RESPONSE)
        self.dimensions = lengths.pop()
        return [pack(vector) for vector in vectors]

    async def close(self) -> None:
        """Close the connections."""
        await self._provider.close()


def _vector(value: Any) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    """Decode a vector; endpoints that know no base64 send a list of numbers."""
    if isinstance(value, str):
        return np.frombuffer(base64.b64decode(value), dtype="<f4").astype(np.float32)
    return np.array(value, dtype=np.float32).reshape(len(value))
