"""The models that answer: each tenant's live version, exchanged without a call noticing.

Every replica looks once a second which versions are live, loads what is new to it beside what
serves, and then exchanges one reference. A call that has begun keeps the model it began with.

Nothing goes into service that this release cannot read. Where that happens all the same, such as to
a replica of an older release, what serves goes on; a process that has just started takes the newest
model below it that can be read.
"""

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import structlog
from kefu.errors import IntentModelNotFound, StorageUnavailable
from prometheus_client import Gauge

from services.intent.classifier import Classifier
from services.intent.model.decision import Thresholds
from services.intent.trained_model import ModelUnreadable, TrainedModel
from services.intent.versions import accuracy
from services.intent.versions.version import ModelVersion
from services.mesh import names

if TYPE_CHECKING:
    from services.intent.versions.model_store import ModelStore

LOOK_SECONDS = 1.0
"""Between two looks at what is live: one statement that reads a row a tenant."""

_UNREADABLE = Gauge(
    names.INTENT_UNREADABLE,
    "Tenants whose live model this process cannot read, so that an older one answers, or none.",
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
                else:
                    self._unreadable.pop(tenant, None)
            _UNREADABLE.set(len(self._unreadable))

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

    async def check(self, name: str, artefact: bytes) -> None:
        """Refuse to put into service what could not answer.

        Args:
            name: Of the version, for the message.
            artefact: Its bytes.

        Raises:
            IntentModelNotFound: it is damaged, or of a format that this process does not read.
        """
        try:
            await asyncio.to_thread(self._read, artefact, "")
        except ModelUnreadable as unreadable:
            raise IntentModelNotFound(
                f"the model cannot be read by this release ({unreadable}); the live one was not "
                "changed; train again, or activate another",
                model=name,
            ) from None

    def shown(self, version: ModelVersion) -> ModelVersion:
        """Return a stored version as it is here: `live` where it is the one that answers."""
        if version.tenant not in self._unreadable:
            return version
        serving = self._serving.get(version.tenant)
        return replace(version, live=serving is not None and serving.version.id == version.id)

    def instead(self, tenant: str) -> str | None:
        """Return the id of what answers because the live version cannot be read.

        Returns:
            None where the live version can be read, and where nothing answers.
        """
        serving = self._serving.get(tenant)
        return serving.version.id if serving and tenant in self._unreadable else None

    def _read(self, artefact: bytes, version: str) -> Classifier:
        return Classifier(TrainedModel.from_bytes(artefact), self._thresholds, version)

    async def _switch(self, tenant: str, model: str) -> None:
        """Let a version answer; one that cannot be loaded leaves the one before in its place."""
        if self._unreadable.get(tenant) == model:
            return
        serving = await self._loaded(tenant, model)
        if serving is not None:
            self._unreadable.pop(tenant, None)
        else:
            if tenant not in self._serving:
                serving = await self._below(tenant)
            self._unreadable[tenant] = model
        if serving is not None:
            self._serving[tenant] = serving
            accuracy.tell(tenant, accuracy.LIVE_MODEL, serving.version.quality)
            _log.info("model_live", model=serving.version.name)

    async def _below(self, tenant: str) -> Serving | None:
        """Return the newest version that was live before and can be read."""
        for model in await self._store.below(tenant):
            if serving := await self._loaded(tenant, model):
                _log.error("older_model_answers", model=serving.version.name)
                return serving
        return None

    async def _loaded(self, tenant: str, model: str) -> Serving | None:
        """Return a version, ready to answer; None, and a line in the log, where it cannot be."""
        try:
            version = await self._store.get(tenant, model)
            return Serving(version, await self.load(version))
        except StorageUnavailable:
            raise
        except Exception as error:
            name = f"tenants/{tenant}/models/{model}"
            _log.error("model_unreadable", model=name, exc_info=error)
            return None
