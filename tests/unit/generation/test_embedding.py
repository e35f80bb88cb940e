"""The cache in front of an embedding engine."""

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest
from kefu.errors import ModelRefused, ModelUnavailable, QuotaExceeded

from services.generation.chat import Caller
from services.generation.dialogue import Usage
from services.generation.embedding import Embedder, Purpose, Refused, Vectors, pack
from services.generation.failure import Cause, ModelFailure
from services.generation.quota import QuotaExhausted

SECONDS = 10.0
"""Time of callers that are in no hurry."""


class CountingEngine:
    """An engine whose vectors tell the text and the purpose, and that remembers its work."""

    name = "counting"
    local = True
    dimensions = 2

    def __init__(self) -> None:
        self.computed: list[str] = []
        self.failure: ModelFailure | None = None
        self.until = 0.0

    async def embed(
        self, purpose: Purpose, texts: Sequence[str], caller: Caller, until: float
    ) -> Vectors:
        """Return `purpose:text` as bytes, at a token a text."""
        self.until = until
        if self.failure:
            raise self.failure
        self.computed += texts
        values = [f"{purpose}:{text}".encode() for text in texts]
        return Vectors(values, Usage(self.name, len(texts), 0), "vendor")

    async def close(self) -> None:
        """Hold nothing."""


async def embed(
    embedder: Embedder,
    purpose: Purpose,
    texts: Sequence[str],
    tenant: str = "shop",
    seconds: float = SECONDS,
) -> list[bytes]:
    """The vectors that a tenant is given."""
    return (await embedder.embed(purpose, texts, Caller(tenant), seconds)).values


async def test_a_text_is_computed_once() -> None:
    """A known text costs no computation, and the order of the request is kept."""
    engine = CountingEngine()
    embedder = Embedder(engine, 10)
    await embed(embedder, Purpose.QUERY, ["a", "b"])
    vectors = await embed(embedder, Purpose.QUERY, ["b", "c", "a", "c"])
    assert vectors == [b"query:b", b"query:c", b"query:a", b"query:c"]
    assert engine.computed == ["a", "b", "c"]


async def test_query_and_passage_are_different_vectors() -> None:
    """The model is told what a text is for, so the cache must tell them apart."""
    embedder = Embedder(CountingEngine(), 10)
    assert await embed(embedder, Purpose.QUERY, ["a"]) == [b"query:a"]
    assert await embed(embedder, Purpose.PASSAGE, ["a"]) == [b"passage:a"]


async def test_the_least_recently_used_text_is_forgotten_first() -> None:
    """The cache is bounded, and what is asked for again stays."""
    engine = CountingEngine()
    embedder = Embedder(engine, 2)
    for text in ("a", "b", "a", "c", "a", "b"):
        await embed(embedder, Purpose.QUERY, [text])
    assert engine.computed == ["a", "b", "c", "b"]


async def test_more_texts_than_the_cache_holds_are_all_answered() -> None:
    """The bound is on memory, not on requests; 0 entries means no cache."""
    embedder = Embedder(CountingEngine(), 0)
    assert await embed(embedder, Purpose.QUERY, ["a", "b"]) == [b"query:a", b"query:b"]


async def test_a_failing_engine_is_a_typed_error_and_is_not_remembered() -> None:
    """Callers learn the cause and when to come back; the next call tries again."""
    engine = CountingEngine()
    engine.failure = ModelFailure(Cause.RATE_LIMITED, 2.0)
    embedder = Embedder(engine, 10)
    with pytest.raises(ModelUnavailable) as caught:
        await embed(embedder, Purpose.QUERY, ["a"])
    assert caught.value.metadata == {"model": "counting", "cause": "rate_limited"}
    assert caught.value.retry_after_seconds == 2.0
    engine.failure = None
    assert await embed(embedder, Purpose.QUERY, ["a"]) == [b"query:a"]


def test_vectors_are_little_endian_float32_of_length_one() -> None:
    """The contract's form, whatever the engine's own; nothing stays nothing."""
    packed = pack(np.array([3, 4], dtype=np.float32))
    assert packed == np.array([0.6, 0.8], dtype="<f4").tobytes()
    assert pack(np.zeros(2, dtype=np.float32)) == bytes(8)


class SlowEngine(CountingEngine):
    """An engine that computes when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.goes_on = asyncio.Event()
        self.cancelled = 0
        self.poor: set[str] = set()

    async def embed(
        self, purpose: Purpose, texts: Sequence[str], caller: Caller, until: float
    ) -> Vectors:
        """Return the vectors, later, to who may pay; a text called bad is refused."""
        vectors = await super().embed(purpose, texts, caller, until)
        try:
            await self.goes_on.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if caller.tenant in self.poor:
            raise QuotaExhausted("money_per_day", 1, 60.0, f"tenants/{caller.tenant}")
        if "bad" in texts:
            raise Refused("vendor", every_text=False)
        return vectors


async def settled() -> None:
    """Let every task run until it waits."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_callers_at_the_same_time_share_what_is_computed() -> None:
    """Only what is new to all of them is computed for each."""
    engine = SlowEngine()
    embedder = Embedder(engine, 10)
    asking = [
        asyncio.create_task(embed(embedder, Purpose.QUERY, texts))
        for texts in (["a", "b"], ["b", "c"], ["a", "b", "c"])
    ]
    await settled()
    assert engine.computed == ["a", "b", "c"]
    engine.goes_on.set()
    assert (await asyncio.gather(*asking))[2] == [b"query:a", b"query:b", b"query:c"]


async def test_a_caller_who_leaves_takes_nothing_away_from_the_others() -> None:
    """What he had begun is finished for who waits for it, and remembered."""
    engine = SlowEngine()
    embedder = Embedder(engine, 10)
    first = asyncio.create_task(embed(embedder, Purpose.QUERY, ["a", "b"]))
    await settled()
    second = asyncio.create_task(embed(embedder, Purpose.QUERY, ["b"]))
    await settled()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    engine.goes_on.set()
    assert await second == [b"query:b"]
    assert await embed(embedder, Purpose.QUERY, ["a"]) == [b"query:a"]
    assert engine.computed == ["a", "b"]


async def test_what_nobody_waits_for_is_not_computed_to_the_end() -> None:
    """And who asks for it then has it computed anew."""
    engine = SlowEngine()
    embedder = Embedder(engine, 10)
    asking = asyncio.create_task(embed(embedder, Purpose.QUERY, ["a"]))
    await settled()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    engine.goes_on.set()
    assert await embed(embedder, Purpose.QUERY, ["a"]) == [b"query:a"]
    assert (engine.cancelled, engine.computed) == (1, ["a", "a"])


async def test_a_failure_reaches_everybody_who_waits() -> None:
    """Each has its own error, with the cause."""
    engine = CountingEngine()
    engine.failure = ModelFailure(Cause.TIMEOUT)
    embedder = Embedder(engine, 10)
    asking = [embed(embedder, Purpose.QUERY, ["a"]) for _ in range(2)]
    errors = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(error) for error in errors] == [ModelUnavailable] * 2


async def test_only_what_is_new_is_paid_for() -> None:
    """By whoever asked first; a known text costs nobody anything."""
    embedder = Embedder(CountingEngine(), 10)
    first = await embedder.embed(Purpose.QUERY, ["a", "b"], Caller("shop"), SECONDS)
    assert (first.usage, first.provider) == (Usage("counting", 2, 0), "vendor")
    second = await embedder.embed(Purpose.QUERY, ["b", "c"], Caller("bank"), SECONDS)
    assert second.usage == Usage("counting", 1, 0)
    third = await embedder.embed(Purpose.QUERY, ["a", "c"], Caller("shop"), SECONDS)
    assert (third.usage, third.provider) == (None, "")


async def test_who_waits_for_what_another_may_not_pay_asks_himself() -> None:
    """The other one's limit is no reason; what was had in the meantime is not paid for twice."""
    engine = SlowEngine()
    engine.poor = {"poor"}
    embedder = Embedder(engine, 10)
    refused = asyncio.create_task(embed(embedder, Purpose.QUERY, ["a"], "poor"))
    await settled()
    waiting = asyncio.create_task(
        embedder.embed(Purpose.QUERY, ["a", "b"], Caller("shop"), SECONDS)
    )
    await settled()
    engine.goes_on.set()
    with pytest.raises(QuotaExceeded):
        await refused
    vectors = await waiting
    assert vectors.values == [b"query:a", b"query:b"]
    assert vectors.usage == Usage("counting", 2, 0), "a in one request, b in the other"
    assert engine.computed == ["a", "b", "a"]


async def test_several_who_may_not_pay_are_all_refused() -> None:
    """Nobody waits for ever for somebody else to pay."""
    engine = SlowEngine()
    engine.poor = {"poor", "poorer"}
    embedder = Embedder(engine, 10)
    tenants = ["poor", "poorer", "poor", "poorer"]
    asking = [asyncio.create_task(embed(embedder, Purpose.QUERY, ["a"], each)) for each in tenants]
    await settled()
    engine.goes_on.set()
    async with asyncio.timeout(5):
        errors = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(error) for error in errors] == [QuotaExceeded] * 4


async def test_the_engine_has_less_time_than_the_caller() -> None:
    """What it fails with has to get through; of a very short time it has nearly all."""
    engine = CountingEngine()
    embedder = Embedder(engine, 0)
    now = asyncio.get_running_loop().time
    for seconds, least in ((10.0, 9.9), (0.1, 0.08)):
        begun = now()
        await embed(embedder, Purpose.QUERY, ["a"], seconds=seconds)
        assert begun + least < engine.until < begun + seconds


@pytest.mark.parametrize(
    ("every_text", "cause", "advice"),
    [(False, "refused", "shorten"), (True, "not_configured", "operator has to mend its key")],
)
async def test_a_refusal_says_who_has_to_do_what(every_text: bool, cause: str, advice: str) -> None:
    """And that the same request would be refused again."""
    engine = CountingEngine()
    engine.failure = Refused("vendor", every_text=every_text)
    with pytest.raises(ModelRefused) as caught:
        await embed(Embedder(engine, 10), Purpose.QUERY, ["a"])
    assert caught.value.metadata == {"model": "counting", "provider": "vendor", "cause": cause}
    assert advice in caught.value.message
    assert not caught.value.retryable


async def test_who_waits_for_what_was_refused_with_another_s_text_asks_himself() -> None:
    """He fails only where he wants all of what was refused."""
    engine = SlowEngine()
    embedder = Embedder(engine, 10)
    refused = asyncio.create_task(embed(embedder, Purpose.QUERY, ["a", "bad"], "bank"))
    await settled()
    waiting = [
        asyncio.create_task(embed(embedder, Purpose.QUERY, texts, "shop"))
        for texts in (["a", "b"], ["bad", "a"])
    ]
    await settled()
    engine.goes_on.set()
    with pytest.raises(ModelRefused):
        await refused
    assert await waiting[0] == [b"query:a", b"query:b"]
    with pytest.raises(ModelRefused):
        await waiting[1]
    assert engine.computed == ["a", "bad", "b", "a"]


class HungEngine(CountingEngine):
    """An engine that fails its first caller, when his time is over."""

    async def embed(
        self, purpose: Purpose, texts: Sequence[str], caller: Caller, until: float
    ) -> Vectors:
        """Fail, or return the vectors."""
        vectors = await super().embed(purpose, texts, caller, until)
        if len(self.computed) > 1:
            return vectors
        await asyncio.sleep(until - asyncio.get_running_loop().time())
        raise ModelFailure(Cause.TIMEOUT)


@pytest.mark.parametrize(("seconds", "answered"), [(SECONDS, True), (0.05, False)])
async def test_the_time_of_who_asked_first_is_not_the_others_(
    seconds: float, answered: bool
) -> None:
    """Who has more of it asks himself; who has less fails with him."""
    embedder = Embedder(HungEngine(), 10)
    first = asyncio.create_task(embed(embedder, Purpose.QUERY, ["a"], seconds=0.1))
    await settled()
    second = asyncio.create_task(embed(embedder, Purpose.QUERY, ["a"], seconds=seconds))
    with pytest.raises(ModelUnavailable):
        await first
    outcome = (await asyncio.gather(second, return_exceptions=True))[0]
    assert outcome == [b"query:a"] if answered else isinstance(outcome, ModelUnavailable)
