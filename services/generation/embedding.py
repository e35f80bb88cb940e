"""Vectors of texts, with a cache in front of whatever computes them."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

import numpy as np
import numpy.typing as npt
from kefu.errors import KefuError, ModelRefused, ModelUnavailable

from services.generation.chat import Caller
from services.generation.dialogue import Usage
from services.generation.failure import Cause, ModelFailure
from services.generation.quota import QuotaExhausted

# Kept back from the caller's deadline, so that the failure still gets through.
_RESERVE_SECONDS = 0.05
_RESERVE_SHARE = 0.1


class Purpose(StrEnum):
    """What a text is embedded for; the model wants to be told."""

    QUERY = "query"
    """A customer's words, to search with."""
    PASSAGE = "passage"
    """A passage, to be found."""


@dataclass(frozen=True, slots=True)
class Vectors:
    """What was computed, and what that cost."""

    values: list[bytes]
    """One a text, in the form of `pack`."""
    usage: Usage | None = None
    """None where no provider was asked."""
    provider: str = ""
    """Who computed, as it is named in the settings; empty where no provider was asked."""


class Refused(ModelFailure):
    """A provider refused, and would again."""

    def __init__(self, provider: str, *, every_text: bool) -> None:
        """Say who refused.

        Args:
            provider: As it is named in the settings.
            every_text: Whether it refuses whatever it is asked, since its settings are wrong.
        """
        super().__init__(Cause.REFUSED)
        self.provider = provider
        self.every_text = every_text

    def error(self, model: str) -> ModelRefused:
        """Return what a caller is told: who has to do what, since to repeat it is of no use."""
        if self.every_text:
            return ModelRefused(
                "a model provider refuses every request; the operator has to mend its key, address "
                "or model in the provider table",
                model=model,
                provider=self.provider,
                cause="not_configured",
            )
        return ModelRefused(
            "a model provider refused the texts; shorten them to what its embedding model takes, "
            "and where it refuses short ones as well, have the operator check the provider table",
            model=model,
            provider=self.provider,
            cause=self.cause,
        )


class EmbeddingEngine(Protocol):
    """What computes vectors: the model in this process, or a provider's endpoint."""

    name: str
    """The model's name; vectors of different names are never compared."""
    local: bool
    """Whether the texts stay inside the mesh."""

    @property
    def dimensions(self) -> int:
        """Values of a vector; 0 where that is not known before the first one."""
        ...

    async def embed(
        self, purpose: Purpose, texts: Sequence[str], caller: Caller, until: float
    ) -> Vectors:
        """Return one vector a text; the caller pays.

        Args:
            purpose: What the texts are embedded for.
            texts: At least one.
            caller: Who pays.
            until: When the caller gives up, by the event loop's clock.

        Raises:
            ModelFailure: The engine could not compute them.
            QuotaExhausted: The caller has used up a limit; nothing was spent.
        """
        ...

    async def close(self) -> None:
        """Stop, and release what is held."""
        ...


@dataclass(eq=False, slots=True)
class _Work:
    """Texts that are being computed."""

    keys: tuple[bytes, ...]
    until: float
    """When who began it gives up, by the event loop's clock."""
    task: "asyncio.Task[Vectors]"
    waiting: int = 0
    """Callers that want one of them."""


class Embedder:
    """An engine and its cache.

    The cache is bounded by entries, forgets the least recently used first and is keyed by a
    hash, so that no customer's words are kept. A text that is being computed for one caller is
    not computed for another one as well, and goes on being computed when the first one leaves.
    """

    def __init__(self, engine: EmbeddingEngine, cache_entries: int) -> None:
        self.engine = engine
        self._limit = cache_entries
        self._cache: OrderedDict[bytes, bytes] = OrderedDict()
        self._computing: dict[bytes, _Work] = {}

    async def embed(
        self, purpose: Purpose, texts: Sequence[str], caller: Caller, seconds: float
    ) -> Vectors:
        """Return one vector a text, in the order of the texts.

        A text that stands several times in `texts` is computed once. The caller pays for what is
        neither cached nor being computed for somebody else.

        Args:
            purpose: What the texts are embedded for.
            texts: At least one.
            caller: Who pays.
            seconds: Time until the caller gives up.

        Raises:
            ModelUnavailable: The engine could not compute what was not cached.
            ModelRefused: It would not at a later time either.
            QuotaExceeded: The caller has used up a limit.
        """
        reserve = min(_RESERVE_SECONDS, seconds * _RESERVE_SHARE)
        until = asyncio.get_running_loop().time() + seconds - reserve
        keys = [_key(purpose, text) for text in texts]
        wanted = dict(zip(keys, texts, strict=True))
        found: dict[bytes, bytes] = {}
        made = Vectors([])
        # More than once only where another caller failed, for a reason of his own, at what this
        # one wants as well.
        while not wanted.keys() <= found.keys():
            missing, works = self._look_up(wanted, found)
            own = self._begin(purpose, missing, caller, until) if missing else None
            found |= await self._results(works, own, wanted.keys(), until)
            if own:
                made = _together(made, own.task.result())
        return Vectors([found[key] for key in keys], made.usage, made.provider)

    def _look_up(
        self, wanted: dict[bytes, str], found: dict[bytes, bytes]
    ) -> tuple[dict[bytes, str], list[_Work]]:
        """Add what is cached to `found`; return what is missing, and what others wait for."""
        missing: dict[bytes, str] = {}
        awaited: dict[int, _Work] = {}
        for key, text in wanted.items():
            if key in found:
                continue
            if key in self._cache:
                self._cache.move_to_end(key)
                found[key] = self._cache[key]
            elif work := self._computing.get(key):
                awaited[id(work)] = work
            else:
                missing[key] = text
        return missing, list(awaited.values())

    def _begin(
        self, purpose: Purpose, missing: dict[bytes, str], caller: Caller, until: float
    ) -> _Work:
        computing = self.engine.embed(purpose, list(missing.values()), caller, until)
        work = _Work(tuple(missing), until, asyncio.ensure_future(computing))
        self._computing |= dict.fromkeys(missing, work)
        work.task.add_done_callback(lambda _: self._end(work))
        return work

    async def _results(
        self, others: list[_Work], own: _Work | None, wanted: Set[bytes], until: float
    ) -> dict[bytes, bytes]:
        """Return what came of works of others, and of the caller's own; all, or it failed."""
        found: dict[bytes, bytes] = {}
        works = [*others, own] if own else others
        # All at once, lest one is given up while another is waited for.
        for work in works:
            work.waiting += 1
        try:
            for work in works:
                try:
                    vectors = await asyncio.shield(work.task)
                except (ModelFailure, QuotaExhausted) as failure:
                    if work is own or not _is_theirs(failure, work, wanted, until):
                        raise _error(failure, self.engine.name) from None
                    continue
                found |= zip(work.keys, vectors.values, strict=True)
        finally:
            for work in works:
                work.waiting -= 1
                if not work.waiting and not work.task.done():
                    self._forget(work)
                    work.task.cancel()
        return found

    def _end(self, work: _Work) -> None:
        self._forget(work)
        # To ask for the failure is to say that somebody knows of it.
        if work.task.cancelled() or work.task.exception():
            return
        self._cache |= zip(work.keys, work.task.result().values, strict=True)
        while len(self._cache) > self._limit:
            self._cache.popitem(last=False)

    def _forget(self, work: _Work) -> None:
        for key in work.keys:
            if self._computing.get(key) is work:
                del self._computing[key]


def _is_theirs(
    failure: ModelFailure | QuotaExhausted, work: _Work, wanted: Set[bytes], until: float
) -> bool:
    """Whether a work failed for what is its own, and not for what another wants of it.

    Args:
        failure: Why it failed.
        work: Begun by somebody else.
        wanted: What the other one wants.
        until: When the other one gives up.
    """
    if isinstance(failure, QuotaExhausted):
        return True
    if isinstance(failure, Refused):
        # Which of the texts was meant nobody knows.
        return not failure.every_text and not wanted >= set(work.keys)
    return failure.cause is Cause.TIMEOUT and until > work.until


def _error(failure: ModelFailure | QuotaExhausted, model: str) -> KefuError:
    """Return what a caller is told."""
    if isinstance(failure, QuotaExhausted):
        return failure.error()
    if isinstance(failure, Refused):
        return failure.error(model)
    return ModelUnavailable(
        retry_after_seconds=failure.retry_after_seconds, model=model, cause=failure.cause
    )


def _together(before: Vectors, made: Vectors) -> Vectors:
    """Return what two computations for the same caller cost, by the second one's provider."""
    if before.usage is None or made.usage is None:
        return made
    return replace(made, usage=before.usage + made.usage)


def _key(purpose: Purpose, text: str) -> bytes:
    # The purpose sets the hash's key: the same text has two vectors.
    return hashlib.blake2b(text.encode(), digest_size=16, key=purpose.encode()).digest()


def pack(vector: npt.NDArray[np.float32]) -> bytes:
    """Return a vector as the contract carries it: L2-normalised, little-endian float32.

    Args:
        vector: float32, shape (n,); a zero vector stays zero.
    """
    norm = float(np.linalg.norm(vector))
    return (vector / norm if norm else vector).astype("<f4").tobytes()
