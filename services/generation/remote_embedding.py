"""Vectors from an OpenAI-compatible endpoint, for those who run a larger embedding model."""

import asyncio
import base64
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from services.generation import telemetry
from services.generation.dialogue import Usage
from services.generation.embedding import Purpose, Vectors, pack
from services.generation.embedding_batches import Outcome, Part
from services.generation.failure import Cause, ModelFailure
from services.generation.quota import QuotaExhausted, Quotas
from services.generation.route import Guard, Place
from services.generation.usage import Price, estimate_tokens

if TYPE_CHECKING:
    from services.generation.provider import Provider

_PATH = "/embeddings"

# What a model puts before and behind each text.
_TOKENS_AROUND = 2

# A larger count is a mistake of the provider's.
_TOO_LARGE = 2**32

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
    price: Price | None
    """None where the settings name none."""


@dataclass(slots=True, eq=False)
class _Share:
    """A caller's part of a request, as it is sent."""

    part: Part
    texts: Sequence[str]
    tokens: int
    """As they are estimated."""
    cost: Usage | None = None
    """Of all requests that it went out with."""

    def charge(self, usage: Usage) -> None:
        """Add what a request has cost."""
        if self.cost is None or not self.cost.input_tokens:
            self.cost = usage
        elif usage.input_tokens:
            self.cost += usage


@dataclass(slots=True)
class _Request:
    """A request to a provider, and what came of it."""

    vendor: Vendor
    shares: list[_Share] = field(default_factory=list)
    """Those that may be paid for."""
    refused: dict[_Share, QuotaExhausted] = field(default_factory=dict)
    worked: bool = False
    """Whether the provider may have worked on it."""
    reported: int | None = None
    """Tokens that the provider counted; None: it has not said."""

    def usages(self, model: str) -> list[Usage]:
        """Return what each share cost: its part of the tokens, by how long it is."""
        lengths = [share.tokens for share in self.shares]
        whole, told = sum(lengths), self.reported is not None
        charged = self.reported
        if charged is None:
            charged = whole if self.worked else 0
        bounds = [charged * length // (whole or 1) for length in accumulate(lengths, initial=0)]
        counts = [end - start for start, end in pairwise(bounds)]
        price = self.vendor.price
        if price is None or not charged:
            return [Usage(model, count, 0, estimated=not told and self.worked) for count in counts]
        return [
            Usage(
                model,
                count,
                0,
                estimated=not told,
                price_micros=price.micros(count, 0),
                currency=price.currency,
            )
            for count in counts
        ]


class RemoteEngine:
    """An embedding model behind providers, who are asked in order until one of them answers.

    Args:
        model: Its name, the same at all of them: other models' vectors cannot be compared.
        vendors: At least one, best first.
        quotas: Let requests pass and settle them; None: all pass.
        local: Whether none of the texts leaves the company.
        conceal: Replaces what identifies people in a text; None: nothing is replaced. All vendors
            get the same, or their vectors could not be compared.
    """

    def __init__(
        self,
        model: str,
        vendors: Sequence[Vendor],
        *,
        quotas: Quotas | None = None,
        local: bool = False,
        conceal: Callable[[str], str] | None = None,
    ) -> None:
        self.name = model
        self.local = local
        self.dimensions = 0
        self._vendors = vendors
        self._quotas = quotas
        self._conceal = conceal

    async def embed(self, purpose: Purpose, parts: Sequence[Part]) -> list[Outcome]:
        """Return what became of each part, asked for in one request.

        Whoever may not pay is left out of it. A part without vectors says why: no provider
        answered with one vector a text, all of one length, or its caller has used up a limit.

        The purpose is not passed on: the protocol has no field for it.
        """
        shares = [self._share(part) for part in parts]
        outcomes: dict[_Share, Outcome] = {}
        waiting = shares
        for vendor in self._vendors:
            outcomes |= await self._asked(vendor, waiting)
            waiting = [share for share in waiting if isinstance(outcomes[share], ModelFailure)]
            if not waiting:
                break
        return [outcomes[share] for share in shares]

    async def close(self) -> None:
        """Nothing: whoever connected the providers closes them."""

    def _share(self, part: Part) -> _Share:
        texts = [self._conceal(text) for text in part.texts] if self._conceal else part.texts
        return _Share(part, texts, sum(estimate_tokens(text) + _TOKENS_AROUND for text in texts))

    async def _asked(self, vendor: Vendor, shares: Sequence[_Share]) -> dict[_Share, Outcome]:
        """Return what one provider made of the shares."""
        request = _Request(vendor)
        try:
            async with vendor.guard.place(vendor.seconds) as place:
                try:
                    await self._admit(request, shares)
                    vectors = await self._vectors(request, place)
                finally:
                    await self._settle(request)
        except ModelFailure as failure:
            telemetry.record_attempt(vendor.name, failure.cause)
            return {**dict.fromkeys(shares, failure), **request.refused}
        outcomes: dict[_Share, Outcome] = {**request.refused}
        for share in request.shares:
            own, vectors = vectors[: len(share.texts)], vectors[len(share.texts) :]
            outcomes[share] = Vectors(own, share.cost, vendor.name)
        return outcomes

    async def _admit(self, request: _Request, shares: Sequence[_Share]) -> None:
        """Let those pass who may pay, one after the other: together they make one request."""
        for share in shares:
            caller, provider = share.part.caller, request.vendor.name
            if self._quotas is not None:
                first = 0 if request.shares else 1
                admitted = self._quotas.admit(caller, provider, share.tokens, requests=first)
                try:
                    await _for(share, admitted)
                except QuotaExhausted as exhausted:
                    request.refused[share] = exhausted
                    continue
            request.shares.append(share)

    async def _settle(self, request: _Request) -> None:
        """Count what each share has cost."""
        settling = []
        for share, usage in zip(request.shares, request.usages(self.name), strict=True):
            share.charge(usage)
            if self._quotas is not None:
                settled = self._quotas.settle(share.part.caller, request.vendor.name, usage)
                settling.append(_for(share, settled))
        # Goes on where nobody waits for the vectors any more.
        await asyncio.shield(asyncio.gather(*settling))

    async def _vectors(self, request: _Request, place: Place) -> list[bytes]:
        """Return the vectors of all shares, if there is any."""
        if not request.shares:
            return []
        texts = [text for share in request.shares for text in share.texts]
        request.worked = True
        try:
            vectors = _read(await self._payload(request, texts), len(texts))
        except ModelFailure as failure:
            # Who takes too long works on it all the same.
            request.worked = failure.cause is Cause.TIMEOUT
            place.failure = failure
            raise
        place.answered = True
        telemetry.record_attempt(request.vendor.name)
        self.dimensions = len(vectors[0])
        return [pack(vector) for vector in vectors]

    async def _payload(self, request: _Request, texts: list[str]) -> Any:
        # base64 is a quarter of the bytes of decimal numbers and decodes a hundred times faster.
        body = {"model": self.name, "input": texts, "encoding_format": "base64"}
        try:
            async with asyncio.timeout(request.vendor.seconds):
                payload = await request.vendor.provider.call(_PATH, body)
        except TimeoutError:
            raise ModelFailure(Cause.TIMEOUT) from None
        request.reported = _reported(payload)
        return payload


def _for(share: _Share, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
    """Do something for a share's caller, who alone is told what is left of his limits."""
    return asyncio.create_task(work, context=share.part.context)


def _reported(payload: Any) -> int | None:
    """Return how many tokens a provider says that it read; None where it does not."""
    usage = payload.get("usage") if isinstance(payload, dict) else None
    tokens = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    return tokens if isinstance(tokens, int) and 0 <= tokens < _TOO_LARGE else None


def _read(payload: Any, count: int) -> list[_Vector]:
    """Return so many vectors, all of one length.

    Raises:
        ModelFailure: The answer holds something else.
    """
    try:
        items = sorted(payload["data"], key=lambda item: item["index"])
        vectors = [_vector(item["embedding"]) for item in items]
    except (LookupError, TypeError, ValueError):
        raise ModelFailure(Cause.BROKEN_RESPONSE) from None
    if len(vectors) != count or len({len(vector) for vector in vectors}) != 1:
        raise ModelFailure(Cause.BROKEN_RESPONSE)
    return vectors


def _vector(value: Any) -> _Vector:
    """Decode a vector; endpoints that know no base64 send a list of numbers."""
    if isinstance(value, str):
        return np.frombuffer(base64.b64decode(value), dtype="<f4").astype(np.float32)
    return np.array(value, dtype=np.float32).reshape(len(value))
