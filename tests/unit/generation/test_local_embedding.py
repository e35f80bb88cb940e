"""The embedding model inside the process: right vectors, bounded cost, nobody blocked."""

import asyncio
import math
import threading
from collections.abc import AsyncIterator

import numpy as np
import numpy.typing as npt
import pytest

from services.encoder.conversion import DIRECTORY
from services.generation.chat import Caller
from services.generation.embedding import Purpose
from services.generation.local_embedding import DIMENSIONS, LocalEngine


@pytest.fixture
async def engine() -> AsyncIterator[LocalEngine]:
    """A loaded engine with one thread."""
    loaded = await LocalEngine.load(DIRECTORY, 1)
    yield loaded
    await loaded.close()


async def embed(engine: LocalEngine, purpose: Purpose, texts: list[str]) -> list[bytes]:
    """The vectors that somebody is given."""
    return (await engine.embed(purpose, texts, Caller("shop"), math.inf)).values


def unpack(vector: bytes) -> npt.NDArray[np.float32]:
    """Read a vector as callers do."""
    return np.frombuffer(vector, dtype="<f4")


async def test_vectors_have_the_contract_s_form(engine: LocalEngine) -> None:
    """384 values of little-endian float32, of length one."""
    (vector,) = await embed(engine, Purpose.QUERY, ["怎么退货"])
    assert len(vector) == 4 * DIMENSIONS
    assert np.linalg.norm(unpack(vector)) == pytest.approx(1, abs=1e-5)


async def test_the_passage_that_answers_is_nearest_in_either_language(engine: LocalEngine) -> None:
    """It is the multilingual model, with the prefixes that it was trained with."""
    passages = [
        "Delivery to the islands takes five days.",
        "You can return goods within seven days and get your money back.",
        "An invoice is sent by e-mail.",
    ]
    vectors = await embed(engine, Purpose.PASSAGE, passages)
    (query,) = await embed(engine, Purpose.QUERY, ["我想退货退款，怎么办理？"])
    scores = [float(unpack(vector) @ unpack(query)) for vector in vectors]
    assert scores.index(max(scores)) == 1


async def test_loading_is_measured(engine: LocalEngine) -> None:
    """It decides how soon a new replica can serve."""
    assert 0 < engine.load_seconds < 30


@pytest.mark.parametrize("threads", [1, 2])
async def test_so_many_texts_are_computed_at_once_as_there_are_threads(
    threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each thread has a text of its own."""
    engine = await LocalEngine.load(DIRECTORY, threads)
    everybody = threading.Barrier(threads + 1)
    running = []

    def compute(purpose: Purpose, text: str) -> bytes:
        running.append(text)
        everybody.wait()
        everybody.wait()
        return b""

    monkeypatch.setattr(engine, "_compute", compute)
    task = asyncio.create_task(embed(engine, Purpose.PASSAGE, list("abcd")))
    for done in range(threads, 5, threads):
        await asyncio.to_thread(everybody.wait, 10)
        assert len(running) == done
        await asyncio.to_thread(everybody.wait, 10)
    await task
    await engine.close()


async def test_long_texts_are_cut_to_what_the_model_was_trained_on(engine: LocalEngine) -> None:
    """A customer's topic stands in the first sentences; a passage is looked at further."""
    text = "退款流程说明，" * 1100
    async with asyncio.timeout(8):
        (long, longer) = await embed(engine, Purpose.QUERY, [text, text + "完全不同的结尾"])
    assert long == longer


async def test_a_nul_does_not_end_the_text(engine: LocalEngine) -> None:
    """What stands behind it counts."""
    one, other = await embed(engine, Purpose.QUERY, ["a\0 refund", "a\0 invoice"])
    assert one != other


async def test_a_query_overtakes_waiting_passages(engine: LocalEngine) -> None:
    """A customer does not wait for a bulk import."""
    bulk = asyncio.create_task(embed(engine, Purpose.PASSAGE, [f"第{n}段说明" for n in range(50)]))
    await asyncio.sleep(0)
    await embed(engine, Purpose.QUERY, ["怎么退货"])
    assert not bulk.done()
    bulk.cancel()
    await asyncio.gather(bulk, return_exceptions=True)


async def test_the_event_loop_goes_on_while_it_computes(engine: LocalEngine) -> None:
    """The computing thread does not hold the interpreter's lock for long."""
    task = asyncio.create_task(embed(engine, Purpose.PASSAGE, ["退款流程说明，" * 40]))
    turns = 0
    while not task.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 100


async def test_what_nobody_waits_for_is_not_computed(engine: LocalEngine) -> None:
    """A cancelled import leaves the thread to others."""
    bulk = asyncio.create_task(embed(engine, Purpose.PASSAGE, ["退款流程说明，" * 40] * 200))
    await asyncio.sleep(0)
    bulk.cancel()
    await asyncio.gather(bulk, return_exceptions=True)
    async with asyncio.timeout(5):
        await embed(engine, Purpose.PASSAGE, ["短"])


async def test_a_failed_computation_fails_its_text_only(
    engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker survives, and the next text is computed."""
    monkeypatch.setattr(engine, "_compute", lambda purpose, text: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        await embed(engine, Purpose.QUERY, ["a"])
    monkeypatch.undo()
    assert len(await embed(engine, Purpose.QUERY, ["a"])) == 1
