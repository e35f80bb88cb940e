"""A runner sees each operation to its end, whatever comes in between."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from kefu.errors import OperationNotFound, PageTokenInvalid, RequestIdReused, StorageUnavailable
from prometheus_client import CollectorRegistry, Counter

from services.mesh.calls import Call, enter
from services.mesh.database import Pool, migrate, open_pool
from services.mesh.operations import runner as runner_module
from services.mesh.operations.operation import Failure, Occupied, Operation, Request, State
from services.mesh.operations.operation_store import OperationStore
from services.mesh.operations.runner import Job, Kind, Report, Runner
from tests.support.mesh import ROOT

SECONDS = 20.0


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """A database with the table of the intent service: one operation of a tenant at a time."""
    async with open_pool(database_url) as pool:
        await migrate(pool, ROOT / "services" / "intent" / "migrations")
        yield pool


class Worker:
    """A runner with work that a test holds, breaks and lets go.

    Attributes:
        open: Work goes on while it is set.
        fails: What the work raises then, if anything.
        begun: Ids of the operations whose work has begun.
        released: How often something was given back.
    """

    def __init__(self, pool: Pool, at_once: int = 2) -> None:
        self.registry = CollectorRegistry()
        counter = Counter("ended", "By how.", ["state"], registry=self.registry)
        self.store = OperationStore(pool)
        kind = Kind("piece", "do it again", counter, at_once)
        self.runner = Runner(kind, self.store, stale_seconds=30)
        self.open = asyncio.Event()
        self.fails: Exception | None = None
        self.begun: list[str] = []
        self.released = 0
        enter(Call("kefu.test.v1.TestService/Work"))

    def count(self, state: State) -> float:
        """How many ended so."""
        return self.registry.get_sample_value("ended_total", {"state": state}) or 0.0

    async def begins(self, tenant: str = "", request: str = "") -> Operation:
        """Begin an operation of a tenant of its own."""
        asked = Request(
            tenant or f"t-{uuid.uuid4().hex[:8]}", request or str(uuid.uuid4()), "Work", [], ""
        )
        return await self.runner.begin(asked, self._job, self._release)

    def _job(self, operation: Operation) -> Job[str]:
        async def work(report: Report) -> str:
            self.begun.append(operation.id)
            report("working", 0.5)
            await self.open.wait()
            if self.fails:
                raise self.fails
            return "made"

        async def finish(operation: Operation, product: str) -> State:
            return await self.runner.settled(
                operation, lambda: self.store.succeed(operation, product)
            )

        return Job(work, finish, {"size": 1})

    async def _release(self) -> None:
        self.released += 1

    async def ended(self, operation: Operation) -> Operation:
        """The operation as it ended, when all of it is over."""
        await until(lambda: self._over(operation))
        return await self.store.get(operation.tenant, operation.id)

    async def _over(self, operation: Operation) -> bool:
        now = await self.store.get(operation.tenant, operation.id)
        return now.end_time is not None and operation.name not in self.runner._tasks


async def until(condition: Callable[[], Awaitable[object]]) -> None:
    """Return once something holds."""
    async with asyncio.timeout(SECONDS):
        while not await condition():  # noqa: ASYNC110 (the database changes)
            await asyncio.sleep(0.01)


@asynccontextmanager
async def closing(worker: Worker) -> AsyncIterator[Worker]:
    """End what the worker does when the test ends."""
    try:
        yield worker
    finally:
        await worker.runner.aclose()


@pytest.fixture
async def worker(pool: Pool) -> AsyncIterator[Worker]:
    """A worker of this test."""
    async with closing(Worker(pool)) as worker:
        yield worker


async def test_work_is_done_and_given_back(worker: Worker) -> None:
    """The stage is told at once, the result at the end; what it needed is released once."""
    operation = await worker.begins()

    async def working() -> bool:
        now = await worker.store.get(operation.tenant, operation.id)
        return (now.state, now.stage, now.progress) == (State.RUNNING, "working", 0.5)

    await until(working)
    assert worker.released == 0
    worker.open.set()
    ended = await worker.ended(operation)
    assert (ended.state, ended.result, ended.progress) == (State.SUCCEEDED, "made", 1.0)
    assert (worker.released, worker.count(State.SUCCEEDED)) == (1, 1)


@pytest.mark.parametrize(
    ("error", "reason", "says"),
    [
        (Failure("WHY_NOT", "because; do that"), "WHY_NOT", "because; do that"),
        (ValueError("the secret"), "INTERNAL", "the piece failed; the log says why under "),
    ],
)
async def test_work_that_fails_says_why(
    worker: Worker, error: Exception, reason: str, says: str
) -> None:
    """A defect is found in the log by its id, and told to nobody."""
    worker.fails = error
    worker.open.set()
    ended = await worker.ended(await worker.begins())
    assert (ended.state, ended.reason) == (State.FAILED, reason)
    assert ended.problem.startswith(says)
    assert "secret" not in ended.problem
    assert (worker.released, worker.count(State.FAILED)) == (1, 1)


async def test_a_repeat_begins_nothing_and_is_given_back(worker: Worker) -> None:
    """What the repeat brought is not needed; nor where it is refused."""
    same = str(uuid.uuid4())
    operation = await worker.begins("shop", same)
    assert (await worker.begins("shop", same)).id == operation.id
    assert worker.released == 1
    with pytest.raises(Occupied):
        await worker.begins("shop")
    assert worker.released == 2
    other = Request("shop", same, "Rest", [], "")
    with pytest.raises(RequestIdReused):
        await worker.runner.begin(other, worker._job, worker._release)
    assert worker.released == 3
    worker.open.set()
    await worker.ended(operation)
    assert worker.begun == [operation.id]
    assert worker.released == 4


async def test_cancelling_ends_the_work(worker: Worker) -> None:
    """Also of what waits for its turn; once more changes nothing."""
    running = [await worker.begins() for _ in range(2)]
    waiting = await worker.begins()
    for operation in (waiting, *running):
        cancelled = await worker.runner.cancel(operation.tenant, operation.id)
        assert cancelled.state is State.CANCELLED
        assert await worker.runner.cancel(operation.tenant, operation.id) == cancelled
        await worker.ended(operation)
    assert waiting.id not in worker.begun
    assert (worker.released, worker.count(State.CANCELLED)) == (3, 3)
    with pytest.raises(OperationNotFound):
        await worker.runner.cancel("nobody", waiting.id)


async def test_a_worker_hears_of_an_end_that_others_made(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its next heartbeat, whoever ended it."""
    monkeypatch.setattr(runner_module, "BEAT_SECONDS", 0.05)
    operation = await worker.begins()
    await worker.store.cancel(operation.tenant, operation.id)
    await worker.ended(operation)
    assert (worker.released, worker.count(State.CANCELLED)) == (1, 1)


async def test_some_take_turns(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that waits is pending, and its heart beats."""
    monkeypatch.setattr(runner_module, "BEAT_SECONDS", 0.05)
    async with closing(Worker(pool, at_once=1)) as worker:
        first, second = await worker.begins(), await worker.begins()

        async def begun() -> bool:
            return bool(worker.begun)

        await until(begun)
        assert worker.begun == [first.id]
        assert (await worker.store.get(second.tenant, second.id)).state is State.PENDING
        worker.open.set()
        assert (await worker.ended(second)).state is State.SUCCEEDED
        assert worker.begun == [first.id, second.id]


async def test_a_shutdown_says_so(worker: Worker) -> None:
    """Of what is worked at and of what waits."""
    operations = [await worker.begins() for _ in range(3)]
    await worker.runner.aclose()
    for operation in operations:
        ended = await worker.store.get(operation.tenant, operation.id)
        assert (ended.state, ended.reason) == (State.FAILED, "SHUTTING_DOWN")
        assert ended.problem == "the service was shut down during the piece; do it again"
    assert worker.released == 3


async def test_an_answer_that_was_lost_is_looked_up(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end was stored and its answer never came: it has succeeded."""
    monkeypatch.setattr("services.mesh.operations.patience._PAUSE_SECONDS", 0)
    succeed, tries = worker.store.succeed, 0

    async def lost(*arguments: Any) -> bool:
        nonlocal tries
        tries += 1
        done = await succeed(*arguments)
        if tries == 1:
            raise StorageUnavailable()
        return done

    monkeypatch.setattr(worker.store, "succeed", lost)
    worker.open.set()
    ended = await worker.ended(await worker.begins())
    assert (ended.state, tries) == (State.SUCCEEDED, 2)
    assert worker.count(State.SUCCEEDED) == 1


async def test_a_heart_survives_a_database_that_is_away(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A beat that is lost is not the end."""
    monkeypatch.setattr(runner_module, "BEAT_SECONDS", 0.01)
    beat, lost = worker.store.beat, 0

    async def sometimes(*arguments: Any) -> bool:
        nonlocal lost
        lost += 1
        if lost < 5:
            raise StorageUnavailable()
        return await beat(*arguments)

    monkeypatch.setattr(worker.store, "beat", sometimes)
    operation = await worker.begins()

    async def beats() -> bool:
        return lost > 5

    await until(beats)
    worker.open.set()
    assert (await worker.ended(operation)).state is State.SUCCEEDED


async def test_upkeep_goes_on_whatever_happens(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A loop that ended would leave operations running for ever."""
    worker.runner._stale_seconds = 0.03
    rounds: list[str] = []

    async def end_stale(seconds: float, reason: str, problem: str) -> list[str]:
        rounds.append(problem)
        if len(rounds) == 1:
            raise ValueError("a defect")
        return ["tenants/shop/operations/x"] if len(rounds) == 2 else []

    monkeypatch.setattr(worker.store, "end_stale", end_stale)
    upkeep = asyncio.create_task(worker.runner.run())

    async def thrice() -> bool:
        return len(rounds) > 2

    await until(thrice)
    upkeep.cancel()
    assert rounds[0] == "the process that did the piece ended; do it again"
    assert worker.count(State.FAILED) == 1


async def test_pages_lead_to_the_end(worker: Worker) -> None:
    """A token fits its own tenant's list alone."""
    worker.open.set()
    made = [(await worker.ended(await worker.begins("pages"))).id for _ in range(3)]
    first, token = await worker.runner.page("pages", 2, "")
    rest, last = await worker.runner.page("pages", 2, token)
    assert [each.id for each in (*first, *rest)] == made[::-1]
    assert last == ""
    with pytest.raises(PageTokenInvalid):
        await worker.runner.page("others", 2, token)
