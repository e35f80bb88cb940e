"""`python -m services.intent`: wiring."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kefu.intent.v1.intent_pb2_grpc import add_IntentServiceServicer_to_server

from services.intent import catalog
from services.intent.classifier import Thresholds
from services.intent.servicer import IntentServicer
from services.intent.settings import Settings
from services.mesh.server import Registration
from services.mesh.service import Mesh, run


@asynccontextmanager
async def build(settings: Settings, mesh: Mesh) -> AsyncIterator[list[Registration]]:
    """Train all models, then serve them."""
    thresholds = Thresholds(settings.unknown_threshold, settings.ambiguity_margin)
    models = await asyncio.to_thread(catalog.load, settings.intents_dir, thresholds)
    yield [(add_IntentServiceServicer_to_server, IntentServicer(models))]


if __name__ == "__main__":
    run("intent", Settings, build)
