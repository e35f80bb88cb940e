"""Many callers, one worker: nobody's text hurts or holds up another's."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from unittest.mock import Mock

import pytest

from services.intent.answering import Answering, Doubt
from services.intent.classifier import Classifier
from services.intent.model.decision import Thresholds
from services.intent.trained_model import TrainedModel
from services.intent.values import Classification


class Recorded(Classifier):
    """A classifier that remembers what it was asked, and breaks at one text."""

    def __init__(self, trained: TrainedModel) -> None:
        super().__init__(trained, Thresholds(), "v1")
        self.asked: list[str] = []

    def classify(self, text: str, *more: Any) -> Classification:
        """Classify, unless it is the text that breaks."""
        self.asked.append(text)
        if text == "breaks":
            raise ValueError("broken")
        return super().classify(text, *more)


@pytest.fixture
def recorded(shop_model: TrainedModel) -> Recorded:
    """The sample company's classifier, watched."""
    return Recorded(shop_model)


@pytest.fixture
async def answering() -> AsyncIterator[Answering]:
    """Answers by the models that it is given; none is live."""
    made = Answering(Mock(), Doubt(sure=0.9, provider_below=0, choose=Mock(), note=Mock()))
    yield made
    await made.aclose()


async def test_a_text_that_breaks_the_classifier_fails_its_own_call_alone(
    answering: Answering, recorded: Recorded
) -> None:
    """The call beside it in the same batch may be another tenant's, and is answered."""
    bad, good = await asyncio.gather(
        answering.judge(recorded, ["breaks"], [None]),
        answering.judge(recorded, ["转人工"], [None]),
        return_exceptions=True,
    )
    assert isinstance(bad, ValueError)
    assert not isinstance(good, BaseException)
    assert good[0].best.intent == "human"


async def test_a_comparison_lets_others_in_between(
    answering: Answering, recorded: Recorded
) -> None:
    """A call that comes behind hundreds of texts does not wait for the last of them."""
    long, short = ["转人工"] * 300, ["发票怎么开"]
    await asyncio.gather(
        answering.judge(recorded, long, [None] * len(long)),
        answering.judge(recorded, short, [None]),
    )
    assert recorded.asked.index(short[0]) < 100
    assert len(recorded.asked) == 301
