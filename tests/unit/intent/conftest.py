"""The sample company's classifier, trained once for all tests of this folder."""

from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from services.intent.classifier import Classifier, Thresholds
from services.intent.training_data import TrainingData, load_file
from services.intent.values import Classification

SHOP = Path(__file__).parents[3] / "examples" / "shop" / "intents.yaml"
THRESHOLDS = Thresholds(unknown=0.35, ambiguity=0.15)
FOLDS = 5

T = TypeVar("T")

Judged = list[tuple[str, str, Classification]]


@pytest.fixture(scope="session")
def shop_data(tmp_path_factory: pytest.TempPathFactory) -> TrainingData:
    """The sample company's training data, put where the service reads it."""
    path = tmp_path_factory.mktemp("intents") / "shop.yaml"
    path.write_bytes(SHOP.read_bytes())
    return load_file(path)


@pytest.fixture(scope="session")
def shop(shop_data: TrainingData) -> Classifier:
    """The sample company's classifier."""
    return Classifier(shop_data, THRESHOLDS)


def _without(data: TrainingData, fold: int) -> TrainingData:
    """Leave every fifth utterance of each intent out."""
    return replace(
        data,
        intents=tuple(
            replace(intent, utterances=_rest(intent.utterances, fold)) for intent in data.intents
        ),
        unknown=_rest(data.unknown, fold),
    )


def _rest(items: tuple[T, ...], fold: int) -> tuple[T, ...]:
    return tuple(item for place, item in enumerate(items) if place % FOLDS != fold)


@pytest.fixture(scope="session")
def cross_validated(shop_data: TrainingData) -> list[tuple[str, str, Classification]]:
    """Every utterance judged by a model that never saw it: language, label, verdict."""
    judged: Judged = []
    for fold in range(FOLDS):
        model = Classifier(_without(shop_data, fold), THRESHOLDS)
        groups = [(intent.name, intent.utterances) for intent in shop_data.intents]
        for label, utterances in [*groups, ("unknown", shop_data.unknown)]:
            judged += [
                (utterance.language, label, model.classify(utterance.text))
                for utterance in utterances[fold::FOLDS]
            ]
    return judged
