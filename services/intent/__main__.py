"""The process of the intent service: `python -m services.intent`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from kefu.intent.v1.intent_pb2_grpc import add_IntentServiceServicer_to_server
from kefu.intent.v1.training_pb2_grpc import add_IntentTrainingServiceServicer_to_server

from services.intent.answering import Answering, Doubt
from services.intent.drafts.draft import Draft
from services.intent.drafts.draft_store import DraftStore
from services.intent.drafts.import_store import DraftImportStore
from services.intent.model.decision import Thresholds
from services.intent.peers import GenerationPeer
from services.intent.review.uncertain import Review, Uncertain
from services.intent.review.uncertain_store import UncertainStore
from services.intent.servicer import IntentServicer, IntentTrainingServicer
from services.intent.settings import Settings
from services.intent.trainings.trainer import FOLDER_PREFIX, Limits, Trainer
from services.intent.trainings.trainings import TRAINING, Trainings
from services.intent.trainings.vector_store import VectorStore
from services.intent.versions.comparison import Comparing
from services.intent.versions.live import LiveModels
from services.intent.versions.model_store import ModelStore
from services.intent.versions.models import Models
from services.mesh.database import Pool, migrate, open_pool
from services.mesh.operations.operation_store import OperationStore
from services.mesh.operations.runner import Runner
from services.mesh.operations.scratch import remove_leftovers
from services.mesh.server import Registration
from services.mesh.service import Mesh, run

_MEBIBYTE = 1024 * 1024


@asynccontextmanager
async def build(settings: Settings, mesh: Mesh) -> AsyncIterator[list[Registration]]:
    """Wire the service; its live models answer before the first call comes."""
    generation = GenerationPeer(mesh, settings.provider_seconds)
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(open_pool(settings.database_url))
        await migrate(pool, Path(__file__).parent / "migrations")
        reviewed = UncertainStore(pool)
        uncertain = Uncertain(reviewed, settings.sure_confidence)
        stack.push_async_callback(_ended, asyncio.create_task(uncertain.run()))
        models = ModelStore(pool)
        live = LiveModels(models, Thresholds(settings.unknown_threshold, settings.ambiguity_margin))
        await live.look()
        await asyncio.to_thread(remove_leftovers, FOLDER_PREFIX)
        stack.push_async_callback(_ended, asyncio.create_task(live.run()))
        doubt = Doubt(
            settings.sure_confidence, settings.provider_below, generation.choose, uncertain.note
        )
        answering = Answering(live, doubt)
        stack.push_async_callback(answering.aclose)
        operations = OperationStore(pool)
        runner = Runner(TRAINING, operations, settings.stale_seconds)
        stack.push_async_callback(runner.aclose)
        stack.push_async_callback(_ended, asyncio.create_task(runner.run()))
        trainings = Trainings(runner, models, _trainer(settings, pool, generation))
        drafts = DraftStore(pool)
        comparing = Comparing(models, VectorStore(pool), live, answering)
        served = Models(drafts, operations, models, trainings, runner, live, comparing)
        training = IntentTrainingServicer(
            Draft(drafts, DraftImportStore(pool)), Review(reviewed), served
        )
        yield [
            (add_IntentServiceServicer_to_server, IntentServicer(live, answering)),
            (add_IntentTrainingServiceServicer_to_server, training),
        ]


def _trainer(settings: Settings, pool: Pool, generation: GenerationPeer) -> Trainer:
    limits = Limits(
        settings.training_seconds,
        settings.training_memory_mebibytes * _MEBIBYTE,
        settings.embedding_patience_seconds,
    )
    return Trainer(VectorStore(pool), generation.embed, limits, settings.unknown_threshold)


async def _ended(task: "asyncio.Task[None]") -> None:
    """End a background task, and let it finish what it does at its end."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


if __name__ == "__main__":
    run("intent", Settings, build)
