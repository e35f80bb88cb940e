"""The models of all tenants that this process serves."""

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path

from kefu.errors import IntentModelNotFound

from services.intent.classifier import Classifier, Thresholds
from services.intent.training_data import load_directory
from services.intent.values import Classification

# Classifying costs some 3 microseconds a code point. Up to here it is done in place, in at most
# 2 ms; beyond, a thread keeps the event loop free for the other calls.
_IN_PLACE_CODE_POINTS = 600


class Catalog:
    """Finds the classifier of a tenant."""

    def __init__(self, classifiers: Iterable[Classifier]) -> None:
        """Take the classifiers, one a tenant."""
        self._by_name = {f"tenants/{each.data.tenant}": each for each in classifiers}

    def of(self, tenant: str) -> Classifier:
        """Find the classifier of a tenant, `tenants/{tenant}`.

        Raises:
            IntentModelNotFound: There is no training data of this tenant.
        """
        try:
            return self._by_name[tenant]
        except KeyError:
            raise IntentModelNotFound(tenant=tenant) from None

    async def classify(self, tenant: str, texts: Sequence[str]) -> list[Classification]:
        """Classify utterances, in their order.

        Args:
            tenant: `tenants/{tenant}`.
            texts: Each at most 4,000 code points.

        Raises:
            IntentModelNotFound: There is no training data of this tenant.
        """
        classifier = self.of(tenant)
        if sum(map(len, texts)) <= _IN_PLACE_CODE_POINTS:
            return [classifier.classify(text) for text in texts]
        return [await asyncio.to_thread(classifier.classify, text) for text in texts]


def load(directory: Path, thresholds: Thresholds) -> Catalog:
    """Train a model for every `{tenant}.yaml` of a directory.

    Raises:
        TrainingDataInvalid: With the problems of all files at once; nothing is trained then.
    """
    return Catalog([Classifier(data, thresholds) for data in load_directory(directory)])
