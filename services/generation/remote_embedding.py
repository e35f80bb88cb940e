"""Vectors from an OpenAI-compatible endpoint, for those who run a larger embedding model."""

import asyncio
import base64
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from services.generation import retrying, telemetry
from services.generation.chat import Caller
from services.generation.dialogue import Usage
from services.generation.embedding import Purpose, Refused, Vectors, pack
from services.generation.embedding_batches import Part
from services.generation.embedding_shares import (
    LEAST_SECONDS,
    Share,
    Vendor,
    again,
    halves,
    may_ask,
)
from services.generation.failure import Cause, ContentRefused, ModelFailure
from services.generation.quota import QuotaExhausted, Quotas
from services.generation.route import Place
from services.generation.usage import estimate_tokens

_PATH = "/embeddings"

# What a model puts before and behind each text.
_TOKENS_AROUND = 2

# A larger count is a mistake of the provider's.
_TOO_LARGE = 2**32

# Of a request that is refused at a provider, and of the parts of it: enough to find one or two bad
# ones among as many callers as go out together, or any number whose texts are simply the longest.
_MOST_REQUESTS = 32

_Vector = npt.NDArray[np.float32]


@dataclass(slots=True)
class _Request:
    """A request to a provider, and what came of it."""

    vendor: Vendor
    shares: list[Share] = field(default_factory=list)
    """Those that may be paid for."""
    made: bool = False
    """Whether it was sent."""
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

    As for answers: each but the last gets half of the time that is left, and where all have failed,
    those whose failure may pass are asked again after a moment.

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

    async def embed(self, purpose: Purpose, parts: Sequence[Part]) -> None:
        """End each part with what became of it; asked for together, as far as that goes.

        Whoever may not pay is left out, and whose texts a provider refuses is found out. A part
        without vectors says why: no provider answered in time with one vector a text, all of one
        length, or its caller has used up a limit.

        The purpose is not passed on: the protocol has no field for it.
        """
        now = asyncio.get_running_loop().time
        shares = [self._share(part) for part in parts]
        last_retry = now() + max(vendor.retry_seconds for vendor in self._vendors)
        last_retry = min(last_retry, max(part.until for part in parts) - LEAST_SECONDS)
        asking: Mapping[Vendor, Sequence[Share]] = dict.fromkeys(self._vendors, shares)
        for retry in range(retrying.RETRIES + 1):
            for behind, (vendor, wanted) in enumerate(asking.items(), start=1 - len(asking)):
                waiting = [share for share in wanted if share.in_time()]
                if waiting and may_ask(vendor, waiting):
                    left = min(share.part.until for share in waiting) - now()
                    if behind and left >= 2 * LEAST_SECONDS:
                        # Half of it is kept for who comes next.
                        left /= 2
                    await self._ask(vendor, waiting, now() + min(vendor.seconds, left))
            wait, asking = again(asking, retry, last_retry - now())
            if not asking:
                break
            await asyncio.sleep(wait)
        for share in shares:
            share.give_up()

    async def close(self) -> None:
        """Nothing: whoever connected the providers closes them."""

    def _share(self, part: Part) -> Share:
        texts = [self._conceal(text) for text in part.texts] if self._conceal else part.texts
        return Share(part, texts, sum(estimate_tokens(text) + _TOKENS_AROUND for text in texts))

    async def _ask(self, vendor: Vendor, shares: Sequence[Share], until: float) -> None:
        """Ask a provider for all shares at once, and for halves of what it refuses.

        A refusal does not say which texts are meant, and nobody is to fail for another's.
        """
        now = asyncio.get_running_loop().time
        groups = [shares]
        requests = 0
        while groups and requests + len(groups) <= _MOST_REQUESTS and now() < until:
            requests += len(groups)
            await asyncio.gather(*(self._request(vendor, group, until) for group in groups))
            groups = [half for group in groups for half in halves(vendor, group)]
        for group in groups:
            for share in group:
                # It was not asked for these alone.
                share.failures[vendor] = ModelFailure(Cause.SATURATED)

    async def _request(self, vendor: Vendor, shares: Sequence[Share], until: float) -> None:
        """Make one request; each share ends, or notes why it does not."""
        now = asyncio.get_running_loop().time
        request = _Request(vendor)
        try:
            async with vendor.guard.place(until - now()) as place:
                try:
                    await self._admit(request, shares)
                    if until - now() < min(LEAST_SECONDS, vendor.seconds) / 2:
                        # Spent on waiting for a place and for who may pay.
                        raise ModelFailure(Cause.TIMEOUT)
                    vectors = await self._vectors(request, place, until)
                finally:
                    await self._settle(request)
        except ModelFailure as failure:
            telemetry.record_attempt(vendor.name, failure.cause)
            for share in shares:
                share.failures[vendor] = failure
            return
        for share in request.shares:
            own, vectors = vectors[: len(share.texts)], vectors[len(share.texts) :]
            share.part.end(Vectors(own, share.cost, vendor.name))

    async def _admit(self, request: _Request, shares: Sequence[Share]) -> None:
        """Let those pass who may pay, one after the other: together they make one request."""
        for share in shares:
            caller, provider = share.part.caller, request.vendor.name
            if self._quotas is not None:
                first = 0 if request.shares else 1
                admitted = self._quotas.admit(caller, provider, share.tokens, requests=first)
                try:
                    await _for(share, admitted)
                except QuotaExhausted as exhausted:
                    share.part.end(exhausted)
                    continue
            request.shares.append(share)

    async def _settle(self, request: _Request) -> None:
        """Count what each share has cost, if the request was made."""
        settling = []
        for share, usage in zip(request.shares, request.usages(self.name), strict=True):
            if request.made:
                share.charge(usage)
            if self._quotas is not None:
                spent = usage if request.made else None
                settled = _settled(self._quotas, share.part.caller, request.vendor.name, spent)
                settling.append(_for(share, settled))
        # Goes on where nobody waits for the vectors any more.
        await asyncio.shield(asyncio.gather(*settling))

    async def _vectors(self, request: _Request, place: Place, until: float) -> list[bytes]:
        """Return the vectors of all shares, if there is any."""
        if not request.shares:
            return []
        texts = [text for share in request.shares for text in share.texts]
        request.made = request.worked = True
        if not any(share.was_asked(request.vendor) for share in request.shares):
            request.vendor.guard.retries.request()
        begun = asyncio.get_running_loop().time()
        try:
            vectors = _read(await self._payload(request, texts, until), len(texts))
        except ModelFailure as failure:
            failure.asked = True
            # Who takes too long works on it all the same.
            request.worked = failure.cause is Cause.TIMEOUT
            place.failure = failure
            raise
        except (TimeoutError, asyncio.CancelledError) as cut:
            late = ModelFailure(Cause.TIMEOUT)
            late.asked = True
            if asyncio.get_running_loop().time() - begun >= request.vendor.fault_seconds:
                place.failure = late
            if isinstance(cut, TimeoutError):
                raise late from None
            raise
        place.answered = True
        telemetry.record_attempt(request.vendor.name)
        self.dimensions = len(vectors[0])
        return [pack(vector) for vector in vectors]

    async def _payload(self, request: _Request, texts: list[str], until: float) -> Any:
        """Return what the provider answers; a TimeoutError is its callers' time."""
        # base64 is a quarter of the bytes of decimal numbers and decodes a hundred times faster.
        body = {"model": self.name, "input": texts, "encoding_format": "base64"}
        try:
            async with asyncio.timeout_at(until):
                payload = await request.vendor.provider.call(_PATH, body)
        except ModelFailure as failure:
            if failure.cause is not Cause.REFUSED:
                raise
            every_text = not isinstance(failure, ContentRefused)
            raise Refused(request.vendor.name, every_text=every_text) from None
        request.reported = _reported(payload)
        return payload


def _for(share: Share, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
    """Do something for a share's caller, who alone is told what is left of his limits."""
    return asyncio.create_task(work, context=share.part.context)


async def _settled(quotas: Quotas, caller: Caller, provider: str, usage: Usage | None) -> None:
    """Count what a request has used; None: it was not made, and what was claimed is given back."""
    if counting := quotas.spent(caller, provider, usage):
        await asyncio.shield(counting)


def _reported(payload: Any) -> int | None:
    """Return how many tokens a provider says that it read; None where it does not."""
    usage = payload.get("usage") if isinstance(payload, dict) else None
    tokens = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    # JSON's true is an int to Python, and no count.
    return tokens if type(tokens) is int and 0 <= tokens < _TOO_LARGE else None


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
