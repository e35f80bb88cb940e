"""However a training ends, it is said, its process is gone and the live model is what it was."""

import asyncio
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import psycopg
import pytest
from kefu.client.status import from_rpc_error
from kefu.errors import OperationNotFound

from services.intent.trainings import trainer
from tests.rpc.intent.odd_training import SECRET
from tests.rpc.intent.samples import DATA, MORE, SECONDS, Company, Operation, WordVectors, until
from tests.rpc.intent.test_operations import cancelling
from tests.support.mesh import Served
from tests.support.process import ServiceProcess

Odd = Callable[[str], "Path"]


@pytest.fixture
def odd(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Odd:
    """Lets trainings end oddly; returns the file in which their process writes its id."""

    def does(what: str) -> Path:
        pid_file = tmp_path / "pid"
        monkeypatch.setattr(trainer, "_MODULE", "tests.rpc.intent.odd_training")
        monkeypatch.setenv("TRAINING_DOES", what)
        monkeypatch.setenv("TRAINING_PID_FILE", str(pid_file))
        return pid_file

    return does


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def gone(pid: int) -> None:
    """Return once a process runs no more."""

    async def ended() -> bool:
        return not alive(pid)

    await until(ended)


async def pid_in(file: Path) -> int:
    """The process id that a training wrote."""
    written: list[str] = []

    async def wrote() -> bool:
        if file.exists():  # noqa: ASYNC240 (another process writes it)
            written.append(file.read_text())  # noqa: ASYNC240
        return bool(written and written[-1])

    await until(wrote)
    return int(written[-1])


@pytest.mark.parametrize(
    ("what", "limits", "reason", "says"),
    [
        ("hoard", {}, "INTERNAL", "KEFU_TRAINING_MEMORY_MEBIBYTES"),
        ("sleep", {"training_seconds": 3}, "DEADLINE_EXCEEDED", "KEFU_TRAINING_SECONDS"),
        ("abort", {}, "INTERNAL", "signal 6"),
        # What the kernel does where memory is short, and nothing is written then.
        ("killed", {}, "INTERNAL", "too little memory"),
        ("fail", {}, "INTERNAL", "status 1"),
        ("nothing", {}, "INTERNAL", "status 7"),
    ],
)
async def test_a_process_that_ends_badly_fails_its_training(
    replica: Any, odd: Odd, what: str, limits: dict[str, Any], reason: str, says: str,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """With the reason and what to do; neither log nor operation quotes the data."""
    async with replica(**limits) as server:
        company = Company(server)
        pid_file = odd(what)
        ended = await company.trains(DATA, activate=True)
        assert (ended.state, ended.reason) == (Operation.STATE_FAILED, reason)
        assert says in ended.problem
        assert not alive(await pid_in(pid_file))
    written = "".join(capfd.readouterr())
    assert SECRET not in written + ended.problem
    assert what != "fail" or "odd_training.py" in written


async def test_cancelling_from_another_replica_ends_the_process(
    server: Served, replica: Any, odd: Odd
) -> None:
    """Whoever takes the call: the operation has ended then, its process within a heartbeat."""
    company = Company(server)
    before = (await company.trains(DATA, activate=True)).result
    pid_file = odd("sleep")
    await company.imports(MORE)
    begun = await company.begins(activate=True, lexical_only=True)
    pid = await pid_in(pid_file)
    assert alive(pid)
    assert os.getpriority(os.PRIO_PROCESS, pid) == 10
    async with replica() as other:
        elsewhere = company.at(other)
        assert (await elsewhere.operation(begun.name)).state == Operation.STATE_RUNNING
        call = elsewhere.training.CancelOperation(cancelling(begun.name), timeout=SECONDS)
        assert (await call).operation.state == Operation.STATE_CANCELLED
        await gone(pid)
        assert (await elsewhere.model()).name == before
    assert (await company.operation(begun.name)).state == Operation.STATE_CANCELLED


async def test_a_drain_ends_a_training_at_once(replica: Any, odd: Odd, server: Served) -> None:
    """A replica that is shut down says so instead of keeping everybody waiting for minutes."""
    pid_file = odd("sleep")
    async with replica() as draining:
        company = Company(draining)
        await company.imports(DATA)
        begun = await company.begins(lexical_only=True)
        pid = await pid_in(pid_file)
        loop = asyncio.get_running_loop()
        started = loop.time()
    assert loop.time() - started < 5
    assert not alive(pid)
    ended = await company.at(server).operation(begun.name)
    assert (ended.state, ended.reason) == (Operation.STATE_FAILED, "SHUTTING_DOWN")
    assert "train again" in ended.problem


async def test_trainings_of_one_replica_take_turns(
    company: Company, server: Served, odd: Odd, vectors: WordVectors
) -> None:
    """Two at a time would take twice as long, and twice the memory; the second one is pending."""
    odd("sleep")
    other = Company(server)
    await company.imports(DATA)
    await other.imports(DATA)
    first = await company.begins(lexical_only=True)
    async for state in company.states(first):
        if state.state == Operation.STATE_RUNNING:
            break
    second = await other.begins()
    # Longer than a heartbeat may be missing: waiting is no reason to be given up.
    await asyncio.sleep(2)
    assert (await other.operation(second.name)).state == Operation.STATE_PENDING
    assert not vectors.batches
    await company.training.CancelOperation(cancelling(first.name), timeout=SECONDS)
    await asyncio.wait_for(vectors.asked.wait(), SECONDS)
    await other.training.CancelOperation(cancelling(second.name), timeout=SECONDS)


async def test_a_killed_replica_s_training_is_ended_by_another(
    server: Served, generation: Served, settings: dict[str, Any], tmp_path: Path
) -> None:
    """Kill -9: its process and its utterances go, the operation FAILS, the live model stays."""
    company = Company(server)
    before = (await company.trains(DATA, activate=True)).result
    many = {name: [f"{texts[n % 4]} {n}" for n in range(900)] for name, texts in DATA.items()}
    await company.imports(many)
    killed = ServiceProcess(
        "intent", generation, tmp_path,
        database_url=settings["database_url"], peers=settings["peers"],
    )  # fmt: skip
    served = Served(await killed.start(), server.folder, server.authority, server.settings,
                    server.stack)  # fmt: skip
    begun = await company.at(served).begins(lexical_only=True, activate=True)

    def commands() -> dict[int, list[str]]:
        # Between fork and exec a child has the command of its parent, or none.
        return {
            pid: command
            for pid in killed.children()
            if len(command := Path(f"/proc/{pid}/cmdline").read_text().split("\0")) > 3
            and "kefu-training-" in command[-3]
        }

    async def trains() -> bool:
        return bool(commands())

    await until(trains)
    [(trained_by, command)] = commands().items()
    folder = Path(command[-3])
    await killed.kill()
    ended = await company.ended(begun)
    assert (ended.state, ended.reason) == (Operation.STATE_FAILED, "INTERNAL")
    assert "train again" in ended.problem
    await gone(trained_by)
    assert not folder.exists()  # noqa: ASYNC240
    assert (await company.model()).name == before
    assert (await company.classifies("我要退款")).model_version == before.rpartition("/")[2]


async def test_a_replica_that_starts_removes_what_dead_ones_left(replica: Any) -> None:
    """Such as after both were killed: the utterances of a training do not stay."""
    left = Path(tempfile.mkdtemp(prefix="kefu-training-"))
    (left / "task.json").write_text("{}")
    async with replica():
        assert not left.exists()  # noqa: ASYNC240


async def test_operations_are_forgotten_after_thirty_days(
    company: Company, replica: Any, database_url: str
) -> None:
    """A replica removes them when it starts, and every hour; younger ones stay."""
    old = await company.trains(DATA)
    young = await company.trains()
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        for operation, days in ((old, 31), (young, 29)):
            await connection.execute(
                "UPDATE operations SET end_time = now() - make_interval(days => %s) WHERE id = %s",
                (days, operation.name.rpartition("/")[2]),
            )
    async with replica() as server:
        elsewhere = company.at(server)

        async def forgotten() -> bool:
            try:
                await elsewhere.operation(old.name)
            except grpc.RpcError as error:
                return isinstance(from_rpc_error(error, "test"), OperationNotFound)
            return False

        await until(forgotten)
        assert (await elsewhere.operation(young.name)).name == young.name
