"""Vectors from an OpenAI-compatible endpoint, for those who run a larger embedding model."""

import asyncio
import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from services.generation import telemetry
from services.generation.embedding import Purpose, pack
from services.generation.failure import Cause, ModelFailure
from services.generation.route import Guard

if TYPE_CHECKING:
    from services.generation.provider import Provider

_PATH = "/embeddings"

_Vector = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Vendor:
    """A provider of vectors."""

    name: str
    """As it is named in the settings."""
    provider: "Provider"
    guard: Guard
    seconds: float
    """Longest wait for its vectors."""


class RemoteEngine:
    """An embedding model behind providers, who are asked in order until one of them answers.

    Args:
        model: Its name, the same at all of them: other models' vectors cannot be compared.
        vendors: At least one, best first.
        local: Whether none of the texts leaves the company.
        conceal: Replaces what identifies people in a text; None: nothing is replaced. All vendors
            get the same, or their vectors could not be compared.
    """

    def __init__(
        self,
        model: str,
        vendors: Sequence[Vendor],
        *,
        local: bool = False,
        conceal: Callable[[str], str] | None = None,
    ) -> None:
        self.name = model
        self.local = local
        self.dimensions = 0
        self._vendors = vendors
        self._conceal = conceal

    async def embed(self, purpose: Purpose, texts: Sequence[str]) -> list[bytes]:
        """Return one vector a text, asked for in one request.

        The purpose is not passed on: the protocol has no field for it.

        Raises:
            ModelFailure: No provider answered with one vector a text, all of one length.
        """
        if self._conceal:
            texts = [self._conceal(text) for text in texts]
        for vendor in self._vendors:
            try:
                return await self._asked(vendor, texts)
            except ModelFailure as failure:
                telemetry.record_attempt(vendor.name, failure.cause)
                last = failure
        raise last

    async def _asked(self, vendor: Vendor, texts: Sequence[str]) -> list[bytes]:
        async with vendor.guard.place(vendor.seconds) as place:
            try:
                vectors = await self._vectors(vendor, texts)
            except ModelFailure as failure:
                place.failure = failure
                raise
            place.answered = True
        telemetry.record_attempt(vendor.name)
        self.dimensions = len(vectors[0])
        return [pack(vector) for vector in vectors]

    async def _vectors(self, vendor: Vendor, texts: Sequence[str]) -> list[_Vector]:
        # base64 is a quarter of the bytes of decimal numbers and decodes a hundred times faster.
        body = {"model": self.name, "input": list(texts), "encoding_format": "base64"}
        try:
            async with asyncio.timeout(vendor.seconds):
                payload = await vendor.provider.call(_PATH, body)
        except TimeoutError:
            raise ModelFailure(Cause.TIMEOUT) from None
        try:
            items = sorted(payload["data"], key=lambda item: item["index"])
            vectors = [_vector(item["embedding"]) for item in items]
        except (LookupError, TypeError, ValueError):
            raise ModelFailure(Cause.BROKEN_RESPONSE) from None
        if len(vectors) != len(texts) or len({len(vector) for vector in vectors}) != 1:
            raise ModelFailure(Cause.BROKEN_RESPONSE)
        return vectors

    async def close(self) -> None:
        """Nothing: whoever connected the providers closes them."""


def _vector(value: Any) -> _Vector:
    """Decode a vector; endpoints that know no base64 send a list of numbers."""
    if isinstance(value, str):
        return np.frombuffer(base64.b64decode(value), dtype="<f4").astype(np.float32)
    return np.array(value, dtype=np.float32).reshape(len(value))
