"""The models that answer: each tenant's live version, exchanged without a call noticing.

Every replica looks once a second which versions are live, loads what is new to it beside what
serves, and then exchanges one reference. A call that has begun keeps the model it began with.
"""

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from kefu.errors import IntentModelNotFound, StorageUnavailable
from prometheus_client import Gauge

from services.intent.classifier import Classifier
from services.intent.model.decision import Thresholds
from services.intent.trained_model import TrainedModel
from services.intent.versions.version import ModelVersion
from services.mesh import names

if TYPE_CHECKING:
    from services.intent.versions.model_store import ModelStore

LOOK_SECONDS = 1.0
"""Between two looks at what is live: one statement that reads a row a tenant."""

ALL_LANGUAGES = "all"
"""The label of the accuracy over all languages."""

_ACCURACY = Gauge(
    names.INTENT_ACCURACY,
    "Cross-validated accuracy of the live model, in [0, 1].",
    ["tenant", "language"],
)
_log = structlog.get_logger("intent")


@dataclass(frozen=True, slots=True)
class Serving:
    """A model that answers."""

    version: ModelVersion
    """What is known of it."""
    classifier: Classifier
    """Answers with it."""


class LiveModels:
    """The live models of all tenants, as this process has them."""

    def __init__(self, store: "ModelStore", thresholds: Thresholds) -> None:
        """Serve what `store` says is live, doubting as `thresholds` say."""
        self._store = store
        self._thresholds = thresholds
        self._serving: dict[str, Serving] = {}
        self._unreadable: dict[str, str] = {}
        self._looking = asyncio.Lock()

    def of(self, tenant: str) -> Serving:
        """Return the model that answers a tenant's calls.

        Raises:
            IntentModelNotFound: none is live, or none could be loaded.
        """
        try:
            return self._serving[tenant]
        except KeyError:
            raise IntentModelNotFound(tenant=f"tenants/{tenant}") from None

    async def look(self) -> None:
        """Load what went live since the last look.

        Raises:
            StorageUnavailable: PostgreSQL does not answer; what serves goes on.
        """
        async with self._looking:
            for tenant, model in (await self._store.live()).items():
                serving = self._serving.get(tenant)
                if serving is None or serving.version.id != model:
                    await self._switch(tenant, model)

    async def run(self) -> None:
        """Look again and again, for ever."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.look()
            except StorageUnavailable:
                pass  # the store has logged it; what serves goes on
            except Exception as error:
                # Whatever it was: a loop that ended would keep this replica on old models.
                _log.error("look_failed", exc_info=error)

    async def load(self, version: ModelVersion) -> Classifier:
        """Load a version, whether live or not.

        Raises:
            IntentModelNotFound: only its record is kept.
            StorageUnavailable: PostgreSQL does not answer.
            Exception: it is damaged, or of a newer format than this process reads.
        """
        artefact = await self._store.artefact(version.tenant, version.id)
        return await asyncio.to_thread(self._read, artefact, version.id)

    def _read(self, artefact: bytes, version: str) -> Classifier:
        return Classifier(TrainedModel.from_bytes(artefact), self._thresholds, version)

    async def _switch(self, tenant: str, model: str) -> None:
        """Let a version answer; one that cannot be loaded leaves the one before in its place."""
        if self._unreadable.get(tenant) == model:
            return
        version = await self._store.get(tenant, model)
        try:
            classifier = await self.load(version)
        except StorageUnavailable:
            raise
        except Exception as error:
            self._unreadable[tenant] = model
            _log.error("model_unreadable", model=version.name, exc_info=error)
            return
        before = self._serving.get(tenant)
        self._serving[tenant] = Serving(version, classifier)
        _tell(tenant, version, before.version if before else None)
        _log.info("model_live", model=version.name)


def _tell(tenant: str, version: ModelVersion, before: ModelVersion | None) -> None:
    """Write the figure that the alert watches; languages that are gone leave no old figure."""
    figures = _accuracies(version)
    for language in _accuracies(before).keys() - figures.keys() if before else ():
        _ACCURACY.remove(tenant, language)
    for language, accuracy in figures.items():
        _ACCURACY.labels(tenant, language).set(accuracy)


def _accuracies(version: ModelVersion) -> dict[str, float]:
    quality = version.quality
    best = quality.with_embedding or quality.lexical
    by_language = {language: each.accuracy for language, each in quality.languages.items()}
    return by_language | {ALL_LANGUAGES: best.accuracy}
