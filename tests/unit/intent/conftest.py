"""The sample company's classifier, trained once for all tests of this folder."""

import pytest

from services.intent.classifier import Classifier
from services.intent.model.decision import Thresholds
from services.intent.trained_model import TrainedModel
from services.intent.training import train
from services.intent.training_data import TrainingData
from tests.support import intents


@pytest.fixture(scope="session")
def shop_data() -> TrainingData:
    """The sample company's training data with the base intents."""
    return intents.shop_data()


@pytest.fixture(scope="session")
def shop_model(shop_data: TrainingData) -> TrainedModel:
    """The sample company's model, which knows words alone."""
    return train(shop_data, {}, "", lambda stage, share: None)


@pytest.fixture(scope="session")
def shop(shop_model: TrainedModel) -> Classifier:
    """The sample company's classifier, as it is served: out of bytes."""
    return Classifier(TrainedModel.from_bytes(shop_model.to_bytes()), Thresholds(), "v1")
