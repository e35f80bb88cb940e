"""Trainings under way in this process, and those that other processes left behind.

An operation lives in the database; the process that works at it renews its heartbeat. Who cancels
it, from whatever replica, ends it there, and the worker finds out with its next beat.
"""

import asyncio
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog
from kefu.errors import KefuError, StorageUnavailable
from prometheus_client import Counter

from services.intent.training_data import TrainingData
from services.intent.trainings.operation import Failure, Operation, State, Wish
from services.intent.trainings.patience import patiently
from services.intent.trainings.trainer import Trainer
from services.intent.versions import accuracy
from services.intent.versions.version import Product
from services.mesh import names
from services.mesh.calls import outliving

if TYPE_CHECKING:
    from services.intent.trainings.operation_store import OperationStore
    from services.intent.versions.model_store import ModelStore

BEAT_SECONDS = 1.0
"""Between two heartbeats, and so the time until a cancelled training's process is gone."""

KEPT_DAYS = 30
"""How long operations that ended are kept, as in the contract."""

_TRAININGS = Counter(names.INTENT_TRAININGS, "Trainings that ended, by how.", ["state"])
_REMOVE_SECONDS = 3600.0
_SHUT_DOWN = "the service was shut down during the training; train again"
_ABANDONED = "the process that trained ended; train again"

_log = structlog.get_logger("training")


class Trainings:
    """Begins trainings and sees each to its end. Made inside a running event loop."""

    def __init__(
        self,
        operations: "OperationStore",
        models: "ModelStore",
        trainer: Trainer,
        stale_seconds: float,
    ) -> None:
        """Work on behalf of one process.

        Args:
            operations: Where operations live.
            models: Where models go.
            trainer: Does the work.
            stale_seconds: After so long without a heartbeat nobody works at an operation any more.
        """
        self._operations = operations
        self._models = models
        self._trainer = trainer
        self._stale_seconds = stale_seconds
        self._beginning: set[asyncio.Task[Operation]] = set()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        # Two trainings side by side take twice as long, and twice the memory.
        self._one_at_a_time = asyncio.Lock()
        self._closing = False

    async def begin(
        self, data: TrainingData, request_id: str, wish: Wish, trace_id: str
    ) -> Operation:
        """Begin a training, unless the same request has begun it already.

        Args:
            data: Training data without problems.
            request_id: UUID of the request.
            wish: How to train.
            trace_id: Of the call.

        Raises:
            TrainingInProgress: another training of the tenant has not ended.
            RequestIdReused: the request_id began another operation.
            StorageUnavailable: PostgreSQL does not answer.
        """
        # A caller who leaves between the two would leave an operation that nobody works at.
        beginning = asyncio.create_task(self._begin(data, request_id, wish, trace_id))
        self._beginning.add(beginning)
        beginning.add_done_callback(self._beginning.discard)
        return await asyncio.shield(beginning)

    async def _begin(
        self, data: TrainingData, request_id: str, wish: Wish, trace_id: str
    ) -> Operation:
        operation, new = await self._operations.begin(data.tenant, request_id, wish, trace_id)
        if new:
            task = asyncio.create_task(
                self._see_through(operation, data, wish), context=outliving()
            )
            self._tasks[operation.name] = task
            task.add_done_callback(lambda _: self._tasks.pop(operation.name))
        return operation

    async def cancel(self, tenant: str, operation: str) -> Operation:
        """End an operation, unless it has ended, and return it.

        Raises:
            OperationNotFound: there is none of this name.
            StorageUnavailable: PostgreSQL does not answer.
        """
        cancelled = await self._operations.cancel(tenant, operation)
        if task := self._tasks.get(cancelled.name):
            task.cancel()
        return cancelled

    async def run(self) -> None:
        """End what nobody works at any more, and forget what ended long ago, for ever."""
        next_removal = 0.0
        loop = asyncio.get_running_loop()
        while True:
            try:
                for name in await self._operations.end_stale(
                    self._stale_seconds, "INTERNAL", _ABANDONED
                ):
                    _log.warning("training_abandoned", operation=name)
                    _TRAININGS.labels(State.FAILED).inc()
                if loop.time() >= next_removal:
                    await self._operations.remove_old(KEPT_DAYS)
                    next_removal = loop.time() + _REMOVE_SECONDS
            except Exception as error:
                # Whatever it was: a loop that ended would leave operations running for ever.
                _log.error("upkeep_failed", exc_info=error)
            await asyncio.sleep(self._stale_seconds / 3)

    async def aclose(self) -> None:
        """End every training of this process at once."""
        self._closing = True
        await asyncio.gather(*self._beginning, return_exceptions=True)
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _see_through(self, operation: Operation, data: TrainingData, wish: Wish) -> None:
        """Work at an operation until it has ended, one way or another."""
        log = _log.bind(operation=operation.name)
        log.info("training_begins", utterances=len(data.labelled()), lexical=wish.lexical_only)
        state = State.FAILED
        try:
            state = await self._work(operation, data, wish)
        except asyncio.CancelledError:
            if self._closing:
                await self._fail(operation, "SHUTTING_DOWN", _SHUT_DOWN)
            else:
                state = State.CANCELLED
        except Failure as failure:
            await self._fail(operation, failure.reason, failure.problem)
        except Exception as error:
            error_id = uuid.uuid4().hex
            log.error("training_failed", error_id=error_id, exc_info=error)
            await self._fail(
                operation, "INTERNAL", f"the training failed; the log says why under {error_id}"
            )
        _TRAININGS.labels(state).inc()
        log.info("training_ended", state=state)

    async def _work(self, operation: Operation, data: TrainingData, wish: Wish) -> State:
        """Train and store; return how it ended."""
        progress = _Progress()
        work = asyncio.create_task(self._train(data, wish, progress))
        beating = asyncio.create_task(self._beat(operation, progress, work))
        try:
            product = await work
            return await self._finish(operation, product, wish)
        except asyncio.CancelledError:
            # Either the heart found the operation ended, or somebody ended this task.
            if not beating.done():
                raise
            return State.CANCELLED
        finally:
            work.cancel()
            beating.cancel()
            await asyncio.gather(work, beating, return_exceptions=True)

    async def _train(self, data: TrainingData, wish: Wish, progress: "_Progress") -> Product:
        async with self._one_at_a_time:
            return await self._trainer.train(data, wish.lexical_only, progress.report)

    async def _finish(self, operation: Operation, product: Product, wish: Wish) -> State:
        """Store the model, also where the database fails over just now."""
        state = State.SUCCEEDED
        if not await patiently(lambda: self._models.finish(operation, product, wish.activate)):
            # It has ended: by somebody else, or by a try whose answer was lost.
            state = (
                await patiently(lambda: self._operations.get(operation.tenant, operation.id))
            ).state
        if state is State.SUCCEEDED:
            accuracy.tell(operation.tenant, accuracy.TRAINED_MODEL, product.quality)
        return state

    async def _beat(
        self, operation: Operation, progress: "_Progress", work: "asyncio.Task[object]"
    ) -> None:
        """Renew the heartbeat; end the work where its operation has ended."""
        while True:
            progress.entered.clear()
            with suppress(StorageUnavailable):
                if not await self._operations.beat(operation, progress.stage, progress.share):
                    work.cancel()
                    return
            with suppress(TimeoutError):
                await asyncio.wait_for(progress.entered.wait(), BEAT_SECONDS)

    async def _fail(self, operation: Operation, reason: str, problem: str) -> None:
        try:
            await self._operations.fail(operation, reason, problem)
        except KefuError:
            # Nobody renews its heartbeat, so some replica will end it.
            _log.warning("training_left_behind", operation=operation.name)


class _Progress:
    """How far the work is; the share never falls, `entered` is set with each new stage."""

    def __init__(self) -> None:
        self.stage = ""
        self.share = 0.0
        self.entered = asyncio.Event()

    def report(self, stage: str, share: float) -> None:
        if stage != self.stage:
            self.stage = stage
            self.entered.set()
        self.share = max(self.share, min(share, 1.0))
