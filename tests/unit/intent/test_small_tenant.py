"""A tenant on its first day: two intents, four sentences, and the base intents."""

import pytest

from services.intent.classifier import Classifier
from services.intent.model.decision import Thresholds
from services.intent.training import train
from tests.support.intents import data_of

FIRST_DAY = """
intents:
  - {name: opening, type: query, utterances: {zh: [你们几点开门, 几点关门], en: [when do you open]}}
  - {name: order_cake, type: operation, utterances: {zh: [我要订一个蛋糕], en: [order a cake]}}
"""


@pytest.fixture(scope="module")
def bakery() -> Classifier:
    """The bakery's classifier."""
    trained = train(data_of(FIRST_DAY), {}, "", lambda stage, share: None)
    return Classifier(trained, Thresholds(), "v1")


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("几点开门呀", "opening"),
        ("I'd like to order a cake", "order_cake"),
        ("您好呀", "greeting"),
        ("我要找人工客服", "human"),
        ("thank you!", "thanks"),
        ("好的拜拜", "goodbye"),
        ("book me a flight to Rome", "unknown"),
    ],
)
def test_it_understands_its_wishes_and_the_base_intents(
    bakery: Classifier, text: str, intent: str
) -> None:
    """Little data is enough to begin with, and the way to a person is always open."""
    assert bakery.classify(text).best.intent == intent
