"""Trainings as operations: each makes a model and ends with it."""

from typing import TYPE_CHECKING

from kefu.errors import TrainingInProgress
from prometheus_client import Counter

from services.intent.training_data import TrainingData
from services.intent.trainings.operation import REMEDY, Wish
from services.intent.trainings.trainer import Trainer
from services.intent.versions import accuracy
from services.intent.versions.version import Product
from services.mesh import names
from services.mesh.operations.operation import Occupied, Operation, Request, State
from services.mesh.operations.runner import Job, Kind, Runner

if TYPE_CHECKING:
    from services.intent.versions.model_store import ModelStore

TRAINING = Kind(
    "training", REMEDY, Counter(names.INTENT_TRAININGS, "Trainings that ended, by how.", ["state"]),
    # Two trainings side by side take twice as long, and twice the memory.
    at_once=1,
)  # fmt: skip
"""What the runner of trainings is told of them."""


class Trainings:
    """Begins trainings."""

    def __init__(self, runner: Runner, models: "ModelStore", trainer: Trainer) -> None:
        """Work on behalf of one process.

        Args:
            runner: Sees operations to their end.
            models: Where models go.
            trainer: Does the work.
        """
        self._runner = runner
        self._models = models
        self._trainer = trainer

    async def begin(self, request: Request, data: TrainingData, wish: Wish) -> Operation:
        """Begin a training, unless the same request has begun it already.

        Args:
            request: What `training_request` made of the wish.
            data: Training data without problems.
            wish: How to train.

        Raises:
            TrainingInProgress: another training of the tenant has not ended.
            RequestIdReused: the request_id began another operation.
            StorageUnavailable: PostgreSQL does not answer.
        """

        async def finish(operation: Operation, product: Product) -> State:
            state = await self._runner.settled(
                operation, lambda: self._models.finish(operation, product, wish.activate)
            )
            if state is State.SUCCEEDED:
                accuracy.tell(operation.tenant, accuracy.TRAINED_MODEL, product.quality)
            return state

        job = Job(
            lambda report: self._trainer.train(data, wish.lexical_only, report),
            finish,
            {"utterances": len(data.labelled()), "lexical": wish.lexical_only},
        )
        try:
            return await self._runner.begin(request, lambda _: job)
        except Occupied:
            raise TrainingInProgress(
                tenant=f"tenants/{data.tenant}", retry_after_seconds=5
            ) from None
