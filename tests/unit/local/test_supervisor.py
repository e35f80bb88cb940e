"""The supervisor, with real servers and real processes: start, death, restart, drain, refusal."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.local import lock, status
from services.local import supervisor as supervisor_module
from services.local.home import Home
from services.local.problem import Problem
from services.local.programs import Program
from services.local.status import MeshStatus, State
from services.local.supervisor import Supervisor

TINY = "tests.support.tiny_service"
WANTED = (
    Program("session", TINY, 0, database=True, redis_database=0),
    Program("traces", TINY, 1),
)


@dataclass
class Mesh:
    """A mesh under test: its home, and the means to wait for a status."""

    home: Home
    supervisor: Supervisor
    changed: asyncio.Condition
    seen: list[MeshStatus]
    stopping: asyncio.Event

    async def until(self, condition: Callable[[MeshStatus], bool]) -> MeshStatus:
        """Wait until a written status fulfils a condition."""
        async with asyncio.timeout(30), self.changed:
            await self.changed.wait_for(lambda: bool(self.seen) and condition(self.seen[-1]))
        return self.seen[-1]


def make(
    root: Path,
    wanted: tuple[Program, ...] = WANTED,
    prepare: Callable[[MeshStatus], None] = lambda status: None,
) -> Mesh:
    """Build a mesh on a home of its own."""
    changed, seen = asyncio.Condition(), list[MeshStatus]()

    async def tell() -> None:
        async with changed:
            changed.notify_all()

    def on_change(now: MeshStatus) -> None:
        seen.append(now.model_copy(deep=True))
        background.add(task := asyncio.ensure_future(tell()))
        task.add_done_callback(background.discard)

    async def prepared(now: MeshStatus) -> None:
        prepare(now)

    background: set[asyncio.Future[None]] = set()
    home = Home.at(root)
    supervisor = Supervisor(home, wanted=wanted, prepare=prepared, on_change=on_change)
    return Mesh(home, supervisor, changed, seen, asyncio.Event())


@asynccontextmanager
async def running(mesh: Mesh) -> AsyncIterator[Mesh]:
    """Run a mesh until it is ready, and drain it afterwards."""
    task = asyncio.create_task(mesh.supervisor.run(mesh.stopping))
    try:
        waiting = asyncio.create_task(mesh.until(lambda now: now.ready))
        await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel() if task.done() else await waiting
        yield mesh
    finally:
        mesh.stopping.set()
        await task


def alive(pid: int) -> bool:
    """Say whether a process exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_everything_serves_and_the_home_says_where(tmp_path: Path) -> None:
    """A ready mesh has written every address, state and process id to mesh.json."""
    async with running(make(tmp_path / "home")) as mesh:
        written = status.read(mesh.home)
        assert written.ready
        assert written.supervisor == os.getpid()
        for each in (*written.services.values(), *written.stores.values()):
            assert each.state is State.SERVING
            assert alive(each.pid)
        assert lock.holder(mesh.home) == os.getpid()


async def test_a_stop_leaves_no_process_and_no_zombie(tmp_path: Path) -> None:
    """After the drain every state is STOPPED and every process id is gone, reaped."""
    async with running(make(tmp_path / "home")) as mesh:
        before = status.read(mesh.home)
    after = status.read(mesh.home)
    assert {each.state for each in after.services.values()} == {State.STOPPED}
    assert not after.ready
    assert after.supervisor == 0
    pids = [each.pid for each in (*before.services.values(), *before.stores.values())]
    assert [pid for pid in pids if alive(pid)] == []
    assert lock.holder(mesh.home) == 0


async def test_the_drain_goes_stage_by_stage(tmp_path: Path) -> None:
    """Session has ended before traces is asked to: it still exports its last spans."""
    async with running(make(tmp_path / "home")) as mesh:
        pass
    stopped = [(now.services["session"].state, now.services["traces"].state) for now in mesh.seen]
    assert (State.SERVING, State.STOPPED) not in stopped
    assert (State.STOPPED, State.SERVING) in stopped
    own, _, rest = mesh.home.log("session").read_text().partition("\n")
    assert own == "session drained"
    # grpc.aio itself may add that a health check was cancelled with the server; nobody else may.
    assert not rest or ("_schedule_rpc_coro" in rest and rest.count("Error") == 1)


async def test_a_killed_service_is_restarted_where_it_was(tmp_path: Path) -> None:
    """`kill -9` shows as DEAD, then RESTARTING, then SERVING at the same address."""
    async with running(make(tmp_path / "home")) as mesh:
        before = status.read(mesh.home).services["session"]
        os.kill(before.pid, signal.SIGKILL)
        now = await mesh.until(
            lambda s: (
                s.services["session"].restarts == 1 and s.services["session"].state is State.SERVING
            )
        )
        after = now.services["session"]
        assert after.address == before.address
        assert after.pid != before.pid
        states = [s.services["session"].state for s in mesh.seen]
        assert states.index(State.DEAD) < states.index(State.RESTARTING)
        note = mesh.home.log("supervisor").read_text()
        assert "session was ended by SIGKILL; restart 1 in 0.2 s" in note


@pytest.mark.parametrize("store", ["postgres", "valkey"])
async def test_a_killed_store_comes_back_at_the_same_place(tmp_path: Path, store: str) -> None:
    """Services keep their URL: the store returns under the same socket."""
    async with running(make(tmp_path / "home")) as mesh:
        before = status.read(mesh.home).stores[store]
        os.kill(before.pid, signal.SIGKILL)
        now = await mesh.until(
            lambda s: s.stores[store].restarts > 0 and s.stores[store].state is State.SERVING
        )
        assert now.stores[store].socket == before.socket
        assert now.stores[store].pid != before.pid


async def test_addresses_are_kept_over_down_and_up(tmp_path: Path) -> None:
    """A client's configuration survives a restart of the mesh."""
    async with running(make(tmp_path / "home")) as mesh:
        first = {n: s.address for n, s in status.read(mesh.home).services.items()}
    async with running(make(tmp_path / "home")) as mesh:
        assert {n: s.address for n, s in status.read(mesh.home).services.items()} == first


async def test_a_second_mesh_on_the_same_home_is_refused(tmp_path: Path) -> None:
    """The second says which process holds the home and how to stop it; the first goes on."""
    async with running(make(tmp_path / "home")) as mesh:
        with pytest.raises(Problem, match=rf"already runs.*process {os.getpid()}.*kefu down"):
            await make(tmp_path / "home").supervisor.run(asyncio.Event())
        assert status.read(mesh.home).ready


async def test_a_service_that_refuses_to_start_fails_the_start_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line with the service, its last words and its log; nothing is left running."""
    monkeypatch.setenv("TINY_REFUSES", "session")
    mesh = make(tmp_path / "home")
    with pytest.raises(Problem, match=r"session ended with 1 while starting \(bad setting.*: see"):
        await mesh.supervisor.run(mesh.stopping)
    written = status.read(mesh.home)
    assert "purple" in written.problem
    assert {each.state for each in written.services.values()} == {State.STOPPED}


async def test_a_missing_library_says_what_to_run(tmp_path: Path) -> None:
    """A newcomer who skipped `make setup` is told so."""
    wanted = (Program("session", "tests.support.no_such_module", 0), WANTED[1])
    mesh = make(tmp_path / "home", wanted)
    with pytest.raises(Problem, match=r"no_such_module.*: run `make setup`"):
        await mesh.supervisor.run(mesh.stopping)


async def test_a_failed_start_forgets_no_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next start, with the obstacle out of the way, is where it was before."""
    async with running(make(tmp_path / "home")) as mesh:
        address = status.read(mesh.home).services["session"].address
    host, _, port = address.rpartition(":")
    with socket.create_server((host, int(port))):
        failed = make(tmp_path / "home")
        with pytest.raises(Problem, match=f"{address}, the address of session, is taken"):
            await failed.supervisor.run(failed.stopping)
    written = status.read(mesh.home)
    assert written.services["session"].address == address
    assert "remove mesh.json" in written.remedy


async def test_a_service_that_never_serves_fails_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that lives but does not answer is named, after a stated time."""
    monkeypatch.setenv("TINY_MUTE", "session")
    monkeypatch.setattr(supervisor_module, "START_SECONDS", 1.0)
    mesh = make(tmp_path / "home")
    with pytest.raises(Problem, match="session does not serve after 1 s"):
        await mesh.supervisor.run(mesh.stopping)


async def test_a_failed_preparation_fails_the_start(tmp_path: Path) -> None:
    """Where the sample company cannot be loaded, the mesh is not called ready."""

    def refuse(now: MeshStatus) -> None:
        raise Problem("the sample has no FAQs", "restore examples/shop")

    mesh = make(tmp_path / "home", prepare=refuse)
    with pytest.raises(Problem, match="no FAQs"):
        await mesh.supervisor.run(mesh.stopping)
    assert not status.read(mesh.home).ready


async def test_a_drain_that_hangs_is_cut_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`kefu down` ends although a service ignores it, and the log says which one."""
    monkeypatch.setenv("TINY_DEAF", "session")
    monkeypatch.setattr(supervisor_module, "DRAIN_SECONDS", 0.3)
    async with running(make(tmp_path / "home")) as mesh:
        pid = status.read(mesh.home).services["session"].pid
    assert not alive(pid)
    assert "session did not drain" in mesh.home.log("supervisor").read_text()
