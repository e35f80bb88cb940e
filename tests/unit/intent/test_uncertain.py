"""Noting what the model is unsure of: which answers are, and that no call ever waits for it."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import prometheus_client
import pytest
from kefu.errors import InvalidRequest, StorageUnavailable

from services.intent.review import uncertain as module
from services.intent.review.uncertain import MAX_QUEUED, Met, Resolution, Review, Uncertain
from services.intent.values import (
    Candidate,
    Classification,
    Entity,
    IntentType,
    Method,
)
from services.language import Language, Span
from services.mesh import names


class Written:
    """What would be stored; may be told to be out of order."""

    def __init__(self) -> None:
        self.met: dict[str, list[Met]] = {}
        self.purged = 0
        self.down = False
        self.wrote = asyncio.Event()

    async def write(self, tenant: str, met: Sequence[Met], most: int) -> None:
        """Keep it."""
        if self.down:
            raise StorageUnavailable()
        self.met.setdefault(tenant, []).extend(met)
        self.wrote.set()

    async def purge(self) -> None:
        """Count."""
        self.purged += 1


def found(confidence: float = 0.4, kind: IntentType = IntentType.QUERY, **fields: Any) -> Any:
    """An answer of the live model."""
    intent = "unknown" if kind is IntentType.UNKNOWN else "hours"
    values: dict[str, Any] = {
        "best": Candidate(intent, kind, confidence),
        "alternatives": (Candidate("refund", IntentType.OPERATION, 0.3),),
        "ambiguous": False,
        "entities": (),
        "language": Language.ZH,
        "method": Method.MODEL,
        "model_version": "m1",
    }
    return Classification(**(values | fields))


def dropped(cause: str) -> float:
    """How many notes were dropped for this reason so far."""
    name = f"{names.UNCERTAIN_DROPPED}_total"
    return prometheus_client.REGISTRY.get_sample_value(name, {"cause": cause}) or 0.0


@pytest.fixture
def written() -> Written:
    """Where notes go."""
    return Written()


@pytest.fixture
def uncertain(written: Written) -> Uncertain:
    """Notes answers below a confidence of 0.6."""
    return Uncertain(written, below=0.6)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answer", "doubt"),
    [
        (found(0.4), 600),
        (found(0.59), 410),
        (found(0.8, ambiguous=True), 500),
        (found(0.3, ambiguous=True), 700),
        (found(0.7, IntentType.UNKNOWN), 300),
        (found(1.0, IntentType.UNKNOWN), 10),
        (found(0.5, method=Method.EMBEDDING), 500),
    ],
)
async def test_doubtful_answers_are_noted(
    uncertain: Uncertain, written: Written, answer: Classification, doubt: int
) -> None:
    """Little confidence, two that are close, and whatever no intent covers: it may be a new one."""
    uncertain.note("shop", "几点开门", answer)
    await uncertain.flush()
    [met] = written.met["shop"]
    assert (met.text, met.language, met.doubt, met.count) == ("几点开门", "zh", doubt, 1)
    assert met.candidates == (answer.best, *answer.alternatives)


@pytest.mark.parametrize(
    "answer",
    [
        found(0.9),
        found(0.6),
        found(1.0, method=Method.EXACT),
        found(0.5, method=Method.NEAR_EXACT),
        found(1.0, IntentType.UNKNOWN, method=Method.EXACT),
    ],
)
async def test_sure_answers_are_not(
    uncertain: Uncertain, written: Written, answer: Classification
) -> None:
    """Nor those whose utterance somebody has labelled already."""
    uncertain.note("shop", "几点开门", answer)
    await uncertain.flush()
    assert written.met == {}


async def test_what_says_the_same_is_counted(uncertain: Uncertain, written: Written) -> None:
    """Each tenant by itself; bare punctuation teaches nothing."""
    for tenant, text in (
        ("shop", "几点开门"), ("shop", "幾點開門？"), ("shop", "？？"), ("acme", "几点开门"),
    ):  # fmt: skip
        uncertain.note(tenant, text, found())
    await uncertain.flush()
    assert [(each.count, each.text) for each in written.met["shop"]] == [(2, "幾點開門？")]
    assert [each.count for each in written.met["acme"]] == [1]


async def test_personal_data_is_gone_before_anything_is_written(
    uncertain: Uncertain, written: Written
) -> None:
    """By form and by the tenant's own types; the vector of such a text holds it too and goes."""
    text = "订单A123456，手机13800138000"
    number = Entity("order_number", "A123456", "A123456", Span(2, 9))
    vector = np.array([0.6, 0.8], dtype=np.float32)
    uncertain.note("shop", text, found(entities=(number,)), vector, "m")
    uncertain.note("shop", "几点开门", found(), vector, "m")
    await uncertain.flush()
    personal, plain = written.met["shop"]
    assert personal.text == "订单<ORDER_NUMBER>，手机<PHONE>"
    assert personal.vector is None
    assert plain.vector is vector
    assert plain.embedding_model == "m"


async def test_customers_with_different_numbers_say_the_same(
    uncertain: Uncertain, written: Written
) -> None:
    """Once the numbers are replaced."""
    for number in ("13800138000", "13900139000"):
        uncertain.note("shop", f"打我手机{number}", found())
    await uncertain.flush()
    assert [(each.text, each.count) for each in written.met["shop"]] == [("打我手机<PHONE>", 2)]


async def test_a_full_queue_drops_and_counts(uncertain: Uncertain, written: Written) -> None:
    """No call waits, and somebody can see that it happened."""
    before = dropped("queue_full")
    for number in range(MAX_QUEUED + 3):
        uncertain.note("shop", f"几点开门 {number}", found())
    assert dropped("queue_full") == before + 3
    await uncertain.flush()
    assert sum(each.count for each in written.met["shop"]) == MAX_QUEUED


async def test_a_storage_that_does_not_answer_costs_the_notes_and_nothing_else(
    uncertain: Uncertain, written: Written
) -> None:
    """They are worth less than the memory that an outage of hours would fill."""
    before = dropped("storage")
    written.down = True
    uncertain.note("shop", "几点开门", found())
    await uncertain.flush()
    assert dropped("storage") == before + 1
    written.down = False
    uncertain.note("shop", "几点关门", found())
    await uncertain.flush()
    assert [each.text for each in written.met["shop"]] == ["几点关门"]


async def test_a_defect_costs_the_notes_and_does_not_end_the_collecting(
    uncertain: Uncertain, written: Written, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """The log names the kind of failure, never what it says: it may quote a customer."""
    before = dropped("defect")

    def break_down(text: str, entities: object) -> str:
        raise RuntimeError(text)

    with monkeypatch.context() as patch:
        patch.setattr(module, "replace_personal", break_down)
        uncertain.note("shop", "秘密几点开门", found())
        await uncertain.flush()
    assert dropped("defect") == before + 1
    assert "秘密" not in "".join(capsys.readouterr())
    uncertain.note("shop", "几点关门", found())
    await uncertain.flush()
    assert [each.text for each in written.met["shop"]] == ["几点关门"]


@pytest.mark.parametrize("text", ["？？", "PK\x03\x04", "王女士" * 1333, "13800138000"])
async def test_what_could_not_be_labelled_is_not_written(
    uncertain: Uncertain, written: Written, text: str
) -> None:
    """Nothing said, binary text, too long once names are replaced, nothing but a number."""
    uncertain.note("shop", text, found())
    await uncertain.flush()
    assert written.met["shop"] == []


async def test_the_background_task_writes_by_itself_and_at_its_end(
    uncertain: Uncertain, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was noted last before a restart is not lost."""
    monkeypatch.setattr(module, "FLUSH_SECONDS", 0.01)
    task = asyncio.create_task(uncertain.run())
    uncertain.note("shop", "几点开门", found())
    async with asyncio.timeout(5):
        await written.wrote.wait()
    assert written.purged >= 1
    uncertain.note("shop", "几点关门", found())
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert [each.text for each in written.met["shop"]] == ["几点开门", "几点关门"]


async def test_a_mended_text_must_be_an_utterance(written: Written) -> None:
    """The reviewer is told which field is wrong."""
    review = Review(written)  # type: ignore[arg-type]
    with pytest.raises(InvalidRequest) as caught:
        await review.resolve(Resolution("shop", "0" * 64, "hours", "？？"), "id")
    assert [field for field, _ in caught.value.violations] == ["text"]
