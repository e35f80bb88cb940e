"""A tenant on its first day: two intents, four sentences, and the base intents."""

import pytest

from services.intent.classifier import Classifier, Thresholds
from services.intent.training_data import load_file

FIRST_DAY = """
tenant: bakery
intents:
  - {name: opening, type: query, utterances: {zh: [你们几点开门, 几点关门], en: [when do you open]}}
  - {name: order_cake, type: operation, utterances: {zh: [我要订一个蛋糕], en: [order a cake]}}
"""


@pytest.fixture(scope="module")
def bakery(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    """The bakery's classifier."""
    path = tmp_path_factory.mktemp("intents") / "bakery.yaml"
    path.write_text(FIRST_DAY, encoding="utf-8")
    return Classifier(load_file(path), Thresholds(unknown=0.35, ambiguity=0.15))


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
