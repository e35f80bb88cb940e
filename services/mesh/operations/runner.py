"""Operations under way in this process, and those that other processes left behind.

An operation lives in the database; the process that works at it renews its heartbeat. Who cancels
it, from whatever replica, ends it there, and the worker finds out with its next beat.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

import structlog
from kefu.errors import KefuError, StorageUnavailable
from prometheus_client import Counter

from services.mesh import paging
from services.mesh.calls import outliving
from services.mesh.operations.operation import Failure, Operation, Request, State
from services.mesh.operations.patience import patiently

if TYPE_CHECKING:
    from services.mesh.operations.operation_store import OperationStore

BEAT_SECONDS = 1.0
"""Between two heartbeats, and so the time until the work of a cancelled operation is over."""

KEPT_DAYS = 30
"""How long operations that ended are kept, as in the contract."""

_REMOVE_SECONDS = 3600.0

Product = TypeVar("Product")

Report = Callable[[str, float], None]
"""Takes what is being done and the share of the whole that is, in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What the operations of a runner are called where people meet them."""

    noun: str
    """Such as `training`; the names of log events begin with it."""
    remedy: str
    """What to do where one was ended before its time, such as `train again`."""
    ended: Counter
    """Counts those that ended, by `state`."""
    at_once: int
    """How many this process works at; others wait for their turn."""


@dataclass(frozen=True, slots=True)
class Job(Generic[Product]):
    """The work of an operation."""

    work: Callable[[Report], Awaitable[Product]]
    """Does it; raises Failure where it cannot be done. Cancelled where the operation has ended."""
    finish: Callable[[Operation, Product], Awaitable[State]]
    """Ends the operation with what the work has made, see `Runner.settled`, and says how it has
    ended."""
    facts: Mapping[str, object] = field(default_factory=dict)
    """What the log says when it begins; no words of customers."""


Release = Callable[[], Awaitable[None]]
"""Gives something back."""


async def _nothing_to_release() -> None:
    """Of work that needs nothing."""


class Runner:
    """Begins operations and sees each to its end. Made inside a running event loop."""

    def __init__(self, kind: Kind, store: "OperationStore", stale_seconds: float) -> None:
        """Work on behalf of one process.

        Args:
            kind: What is worked at.
            store: Where operations live.
            stale_seconds: After so long without a heartbeat nobody works at an operation any more.
        """
        self._kind = kind
        self._store = store
        self._stale_seconds = stale_seconds
        self._log = structlog.get_logger(kind.noun)
        self._beginning: set[asyncio.Task[Operation]] = set()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._turns = asyncio.Semaphore(kind.at_once)
        self._closing = False

    async def begin(
        self,
        request: Request,
        make: Callable[[Operation], Job[Product]],
        release: Release = _nothing_to_release,
    ) -> Operation:
        """Begin an operation, unless the same request has begun it already.

        Args:
            request: What is asked for.
            make: Gives the work of an operation; not asked for one that had begun already.
            release: Gives back what the work needs, once: when the operation has ended, however, or
                when none has begun.

        Raises:
            Occupied: another operation has not ended, and the table lets only one run.
            RequestIdReused: the request_id began another operation.
            StorageUnavailable: PostgreSQL does not answer.
        """
        # A caller who leaves between the two would leave an operation that nobody works at.
        beginning = asyncio.create_task(self._begin(request, make, release))
        self._beginning.add(beginning)
        beginning.add_done_callback(self._beginning.discard)
        return await asyncio.shield(beginning)

    async def _begin(
        self, request: Request, make: Callable[[Operation], Job[Product]], release: Release
    ) -> Operation:
        new = False
        try:
            operation, new = await self._store.begin(request)
        finally:
            if not new:
                await release()
        if new:
            work = self._see_through(operation, make(operation), release)
            task = asyncio.create_task(work, context=outliving())
            self._tasks[operation.name] = task
            task.add_done_callback(lambda _: self._tasks.pop(operation.name))
        return operation

    async def page(self, tenant: str, size: int, token: str) -> tuple[Sequence[Operation], str]:
        """Return a page of a tenant's operations, the newest first, and the next token.

        Raises:
            PageTokenInvalid: the token is not of this list.
            StorageUnavailable: PostgreSQL does not answer.
        """
        size, question = paging.page_size(size), ("operations", tenant)
        [before] = paging.decode(token, (str,), *question) or [""]
        found = await self._store.list_operations(tenant, str(before), size + 1)
        more = len(found) > size
        return found[:size], paging.encode([found[size - 1].id], *question) if more else ""

    async def cancel(self, tenant: str, operation: str) -> Operation:
        """End an operation, unless it has ended, and return it.

        Raises:
            OperationNotFound: there is none of this name.
            StorageUnavailable: PostgreSQL does not answer.
        """
        cancelled = await self._store.cancel(tenant, operation)
        if task := self._tasks.get(cancelled.name):
            task.cancel()
        return cancelled

    async def settled(self, operation: Operation, end: Callable[[], Awaitable[bool]]) -> State:
        """End an operation, also where the database fails over just now; say how it has ended.

        Args:
            operation: Which.
            end: Ends it well; returns False where it had ended already.
        """
        if await patiently(end, self._kind.remedy):
            return State.SUCCEEDED
        # It has ended: by somebody else, or by a try whose answer was lost.
        found = await patiently(
            lambda: self._store.get(operation.tenant, operation.id), self._kind.remedy
        )
        return found.state

    async def run(self) -> None:
        """End what nobody works at any more, and forget what ended long ago, for ever."""
        next_removal = 0.0
        loop = asyncio.get_running_loop()
        abandoned = f"the process that did the {self._kind.noun} ended; {self._kind.remedy}"
        while True:
            try:
                for name in await self._store.end_stale(self._stale_seconds, "INTERNAL", abandoned):
                    self._log.warning(f"{self._kind.noun}_abandoned", operation=name)
                    self._kind.ended.labels(State.FAILED).inc()
                if loop.time() >= next_removal:
                    await self._store.remove_old(KEPT_DAYS)
                    next_removal = loop.time() + _REMOVE_SECONDS
            except Exception as error:
                # Whatever it was: a loop that ended would leave operations running for ever.
                self._log.error("upkeep_failed", exc_info=error)
            await asyncio.sleep(self._stale_seconds / 3)

    async def aclose(self) -> None:
        """End every operation of this process at once."""
        self._closing = True
        await asyncio.gather(*self._beginning, return_exceptions=True)
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _see_through(
        self, operation: Operation, job: Job[Product], release: Release
    ) -> None:
        """Work at an operation until it has ended, one way or another."""
        noun, remedy = self._kind.noun, self._kind.remedy
        log = self._log.bind(operation=operation.name)
        log.info(f"{noun}_begins", **job.facts)
        state = State.FAILED
        try:
            state = await self._work(operation, job)
        except asyncio.CancelledError:
            if self._closing:
                shut_down = f"the service was shut down during the {noun}; {remedy}"
                await self._fail(operation, "SHUTTING_DOWN", shut_down)
            else:
                state = State.CANCELLED
        except Failure as failure:
            await self._fail(operation, failure.reason, failure.problem)
        except Exception as error:
            error_id = uuid.uuid4().hex
            log.error(f"{noun}_failed", error_id=error_id, exc_info=error)
            await self._fail(
                operation, "INTERNAL", f"the {noun} failed; the log says why under {error_id}"
            )
        self._kind.ended.labels(state).inc()
        log.info(f"{noun}_ended", state=state)
        await release()

    async def _work(self, operation: Operation, job: Job[Product]) -> State:
        """Do the work and end the operation; return how it ended."""
        progress = _Progress()
        work = asyncio.create_task(self._in_turn(job, progress))
        beating = asyncio.create_task(self._beat(operation, progress, work))
        try:
            product = await work
            return await job.finish(operation, product)
        except asyncio.CancelledError:
            # Either the heart found the operation ended, or somebody ended this task.
            if not beating.done():
                raise
            return State.CANCELLED
        finally:
            work.cancel()
            beating.cancel()
            await asyncio.gather(work, beating, return_exceptions=True)

    async def _in_turn(self, job: Job[Product], progress: "_Progress") -> Product:
        async with self._turns:
            return await job.work(progress.report)

    async def _beat(
        self, operation: Operation, progress: "_Progress", work: "asyncio.Task[Product]"
    ) -> None:
        """Renew the heartbeat; end the work where its operation has ended."""
        while True:
            progress.entered.clear()
            with suppress(StorageUnavailable):
                if not await self._store.beat(operation, progress.stage, progress.share):
                    work.cancel()
                    return
            with suppress(TimeoutError):
                await asyncio.wait_for(progress.entered.wait(), BEAT_SECONDS)

    async def _fail(self, operation: Operation, reason: str, problem: str) -> None:
        try:
            await self._store.fail(operation, reason, problem)
        except KefuError:
            # Nobody renews its heartbeat, so some replica will end it.
            self._log.warning(f"{self._kind.noun}_left_behind", operation=operation.name)


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
