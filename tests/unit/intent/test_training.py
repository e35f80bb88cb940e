"""Training: the same data gives the same calibrated model, quickly."""

import time

import numpy as np
import pytest

from services.intent.linear_model import Calibration
from services.intent.training import train
from services.intent.training_data import TrainingData
from services.intent.values import UNKNOWN

TEXTS = [
    *("退款多久到账", "什么时候退钱", "when is my refund paid", "refund how long"),
    *("改一下地址", "地址写错了", "change my address", "wrong address"),
    *("今天天气", "写一首诗", "sing a song", "who is the king"),
]
LABELS = ["refund"] * 4 + ["address"] * 4 + [UNKNOWN] * 4


def test_probabilities_sum_to_one_over_sorted_classes() -> None:
    """One probability a class, `unknown` among them."""
    model = train(TEXTS, LABELS)
    assert model.classes == ("address", "refund", UNKNOWN)
    assert model.classes[model.unknown] == UNKNOWN
    assert sum(model.probabilities("我的退款呢")) == pytest.approx(1)


@pytest.mark.parametrize(("text", "label"), [("退款呢", "refund"), ("new address", "address")])
def test_what_was_learnt_is_recognised(text: str, label: str) -> None:
    """A dozen utterances are enough for the words that were in them."""
    model = train(TEXTS, LABELS)
    shares = model.probabilities(text)
    assert model.classes[int(np.argmax(shares))] == label


@pytest.mark.parametrize("text", ["", "???", "qwxzk", "ЖЖЖ"])
def test_a_text_without_known_features_is_unknown(text: str) -> None:
    """Where nothing is seen, the mass goes to "something else", not to the largest intent."""
    model = train(TEXTS, LABELS)
    assert int(np.argmax(model.probabilities(text))) == model.unknown


def test_training_is_deterministic() -> None:
    """Replicas that train on the same file answer alike, or a retry could change the intent."""
    one, other = train(TEXTS, LABELS), train(TEXTS, LABELS)
    assert one.calibration == other.calibration
    assert np.array_equal(one.weights, other.weights)


def test_two_utterances_of_an_intent_are_enough_to_train() -> None:
    """The fewest that training data may have: some folds then lack the intent, none fails."""
    model = train([*TEXTS, "开发票", "invoice please"], [*LABELS, "invoice", "invoice"])
    assert "invoice" in model.classes


def test_the_sample_company_trains_within_two_seconds(shop_data: TrainingData) -> None:
    """CPU time, some 1,000 utterances with calibration: a restart is not felt."""
    labelled = shop_data.labelled()
    started = time.process_time()
    train([utterance.text for utterance, _ in labelled], [label for _, label in labelled])
    assert time.process_time() - started < 2


def test_novelty_adds_to_the_unknown_class() -> None:
    """With all margins far below the novelty the text is something else."""
    calibration = Calibration(temperature=0.1, novelty=-0.5)
    shares = calibration.probabilities(np.array([[-1.0, -1.0, -1.0], [1.0, -1.0, -1.0]]), unknown=2)
    assert shares[0, 2] > 0.95
    assert shares[1, 0] > 0.99
    assert shares.sum(axis=1) == pytest.approx(1)
