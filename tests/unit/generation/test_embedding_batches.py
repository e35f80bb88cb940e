"""Texts of several callers in one request, without keeping a lone one waiting."""

import asyncio
from collections.abc import Sequence

import pytest

from services.generation.chat import Caller
from services.generation.embedding import Purpose, Vectors
from services.generation.embedding_batches import BATCH_TEXTS, BatchingEngine, Part
from services.generation.failure import Cause, ModelFailure
from services.generation.quota import QuotaExhausted

LONG = 60.0
"""A gathering that no test waits for."""

REFUSAL = QuotaExhausted("money_per_day", 1, 60.0, "tenants/poor")


class Engine:
    """An engine whose requests end when they are told to."""

    name = "slow"
    local = False
    dimensions = 2

    def __init__(self) -> None:
        self.requests: list[list[str]] = []
        self.answers: list[asyncio.Future[None]] = []
        self.arrived = asyncio.Semaphore(0)
        self.closed = False

    async def embed(self, purpose: Purpose, parts: Sequence[Part]) -> None:
        """Give `purpose:text` as bytes, later, to who may pay; at once to who asks for it."""
        for part in parts:
            if part.texts == ("at once",):
                part.end(Vectors([b"at once"]))
        self.requests.append([text for part in parts for text in part.texts])
        self.arrived.release()
        self.answers.append(asyncio.get_running_loop().create_future())
        await self.answers[-1]
        for part in parts:
            part.end(
                REFUSAL
                if part.caller.tenant == "poor"
                else Vectors([f"{purpose}:{text}".encode() for text in part.texts])
            )

    async def close(self) -> None:
        """Be closed."""
        self.closed = True


def ask(
    engine: BatchingEngine,
    *texts: str,
    purpose: Purpose = Purpose.QUERY,
    tenant: str = "shop",
    seconds: float = 10.0,
) -> "asyncio.Task[list[bytes]]":
    """One caller's request."""
    until = asyncio.get_running_loop().time() + seconds

    async def values() -> list[bytes]:
        return (await engine.embed(purpose, texts, Caller(tenant), until)).values

    return asyncio.create_task(values())


async def settled() -> None:
    """Let every task run until it waits."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_lone_caller_is_served_at_once() -> None:
    """No timer runs out before it: the gathering would last a minute."""
    engine = Engine()
    asking = ask(BatchingEngine(engine, LONG), "a", "b")
    await settled()
    assert engine.requests == [["a", "b"]]
    engine.answers[0].set_result(None)
    assert await asking == [b"query:a", b"query:b"]


async def test_who_comes_meanwhile_goes_out_together_when_the_first_is_back() -> None:
    """Each gets his own vectors, in his order."""
    engine = Engine()
    batching = BatchingEngine(engine, LONG)
    asking = [ask(batching, "a"), ask(batching, "b", "c"), ask(batching, "d")]
    await settled()
    assert engine.requests == [["a"]]
    engine.answers[0].set_result(None)
    await settled()
    assert engine.requests == [["a"], ["b", "c", "d"]]
    engine.answers[1].set_result(None)
    assert await asyncio.gather(*asking) == [[b"query:a"], [b"query:b", b"query:c"], [b"query:d"]]


async def test_nobody_waits_longer_than_the_gathering() -> None:
    """A provider that is slow with one request may still take another."""
    engine = Engine()
    batching = BatchingEngine(engine, 0.001)
    asking = [ask(batching, text) for text in "abc"]
    for _ in range(2):
        await engine.arrived.acquire()
    assert engine.requests == [["a"], ["b", "c"]]
    for answer in engine.answers:
        answer.set_result(None)
    await asyncio.gather(*asking)


async def test_purposes_are_not_mixed() -> None:
    """An engine computes them in different ways."""
    engine = Engine()
    batching = BatchingEngine(engine, LONG)
    asking = [ask(batching, "a"), ask(batching, "b")]
    asking.append(ask(batching, "c", purpose=Purpose.PASSAGE))
    await settled()
    engine.answers[0].set_result(None)
    await settled()
    assert engine.requests == [["a"], ["b"], ["c"]]
    for answer in engine.answers[1:]:
        answer.set_result(None)
    assert (await asyncio.gather(*asking))[2] == [b"passage:c"]


async def test_who_has_far_more_time_goes_out_apart() -> None:
    """A question is not kept waiting by a training, nor the training given up with the question."""
    engine = Engine()
    batching = BatchingEngine(engine, LONG)
    times = {"first": 3.0, "question": 2.9, "another": 2.1, "training": 30.0, "import": 20.0}
    asking = [ask(batching, text, seconds=seconds) for text, seconds in times.items()]
    await settled()
    engine.answers[0].set_result(None)
    await settled()
    assert engine.requests == [["first"], ["question", "another"], ["training", "import"]]
    for answer in engine.answers[1:]:
        answer.set_result(None)
    await asyncio.gather(*asking)


async def test_who_has_his_vectors_waits_for_nobody() -> None:
    """Others of the same request may have to be asked for again."""
    engine = Engine()
    batching = BatchingEngine(engine, LONG)
    asking = [ask(batching, "a"), ask(batching, "at once"), ask(batching, "b")]
    await settled()
    engine.answers[0].set_result(None)
    assert await asking[1] == [b"at once"]
    assert not asking[2].done()
    engine.answers[1].set_result(None)
    assert await asking[2] == [b"query:b"]


async def test_a_request_holds_no_more_than_providers_take() -> None:
    """What does not fit goes out before."""
    engine = Engine()
    batching = BatchingEngine(engine, LONG)
    many = ["x"] * (BATCH_TEXTS - 1)
    asking = [ask(batching, "a"), ask(batching, *many), ask(batching, "b", "c")]
    await settled()
    assert [len(each) for each in engine.requests] == [1, BATCH_TEXTS - 1]
    for _ in range(3):
        for answer in engine.answers:
            if not answer.done():
                answer.set_result(None)
        await settled()
    assert [len(each) for each in await asyncio.gather(*asking)] == [1, BATCH_TEXTS - 1, 2]


async def test_a_failure_reaches_all_of_a_request() -> None:
    """And those of the next one are not affected."""
    engine = Engine()
    batching = BatchingEngine(engine, LONG)
    first, second, third = [ask(batching, text) for text in "abc"]
    await settled()
    engine.answers[0].set_exception(ModelFailure(Cause.TIMEOUT))
    with pytest.raises(ModelFailure):
        await first
    await settled()
    engine.answers[1].set_result(None)
    assert await asyncio.gather(second, third) == [[b"query:b"], [b"query:c"]]


async def test_who_may_not_pay_keeps_no_other_back() -> None:
    """Each has what became of his own texts."""
    engine = Engine()
    batching = BatchingEngine(engine, LONG)
    asking = [ask(batching, "a"), ask(batching, "b", tenant="poor"), ask(batching, "c")]
    await settled()
    engine.answers[0].set_result(None)
    await settled()
    engine.answers[1].set_result(None)
    first, refused, other = await asyncio.gather(*asking, return_exceptions=True)
    assert (first, refused, other) == ([b"query:a"], REFUSAL, [b"query:c"])


async def test_who_left_is_not_computed_for() -> None:
    """Neither gathered nor on the way: a request that nobody waits for is cancelled."""
    engine = Engine()
    batching = BatchingEngine(engine, LONG)
    first, second, third = [ask(batching, text) for text in "abc"]
    await settled()
    second.cancel()
    first.cancel()
    await settled()
    assert engine.answers[0].cancelled()
    assert engine.requests == [["a"], ["c"]]
    engine.answers[1].set_result(None)
    assert await third == [b"query:c"]


async def test_closing_ends_everything() -> None:
    """Requests, gatherings and the engine."""
    engine = Engine()
    batching = BatchingEngine(engine, LONG)
    asking = [ask(batching, "a"), ask(batching, "b")]
    await settled()
    await batching.close()
    assert engine.closed
    assert engine.answers[0].cancelled()
    for each in asking:
        each.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
