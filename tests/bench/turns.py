"""Full turns through the mesh: the customers, and what a turn cost everybody."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import aiohttp
import redis
from kefu.client import Client
from kefu.errors import KefuError

from tests.bench import counters, processes
from tests.bench.counters import RedisCounts
from tests.bench.load import drive
from tests.bench.mesh import Mesh
from tests.bench.stats import per_turn
from tests.bench.workloads import Workload

TENANT = "tenants/shop"
"""The sample company."""

QUIET_SECONDS = 0.4
"""Audit and traces are shipped every half second at the latest; in so long a pause one of them
has used next to nothing once all is shipped."""

SETTLE_SECONDS = 3.0
"""Longest wait for the shipping to end; what comes later would count for the next repeat."""

_QUIET_CPU_SECONDS = 0.025

# Embedding keeps a whole core busy; between two batches it may pause for one look.
_IDLE_CORES = 0.35
_IDLE_LOOKS = 3


@dataclass(frozen=True, slots=True)
class Asked:
    """One turn, as its customer saw it.

    Attributes:
        seconds: from the call to TurnCompleted, which follows the commit.
        first_delta_seconds: to the first words; None where there were none.
        deltas: pieces in which the words came.
        actions: calls of the company's own system.
        failure: the error's reason; empty where the turn completed.
        held: whether the turn took the way that its workload is about.
    """

    seconds: float
    first_delta_seconds: float | None = None
    deltas: int = 0
    actions: int = 0
    failure: str = ""
    held: bool = False


@dataclass(frozen=True, slots=True)
class Repeat:
    """One repeat of one cell.

    Attributes:
        asked: every turn.
        seconds: how long they took together.
        cpu_ms: CPU per turn by process, less what the idle mesh uses.
        calls: calls served per turn, by full method name.
        redis: commands and round trips per turn.
        other_cores: cores that processes outside the bench kept busy meanwhile.
    """

    asked: list[Asked]
    seconds: float
    cpu_ms: dict[str, float]
    calls: dict[str, float]
    redis: RedisCounts
    other_cores: float


@dataclass(frozen=True, slots=True)
class _Reading:
    """All counters at one moment; times in seconds."""

    calls: dict[str, float]
    redis: RedisCounts
    cpu: dict[str, float]
    machine: float
    clock: float


class Bench:
    """Asks a mesh and reads its counters.

    Args:
        mesh: the running mesh.
        kefu: a client of it.
        http: for the Prometheus pages.
        valkey: the mesh's own Valkey.
        roots: process ids by name: those of the mesh, `stub` and `client`.
    """

    def __init__(
        self,
        mesh: Mesh,
        kefu: Client,
        http: aiohttp.ClientSession,
        valkey: "redis.Redis",
        roots: dict[str, int],
    ) -> None:
        self._mesh = mesh
        self._kefu = kefu
        self._http = http
        self._valkey = valkey
        self._roots = roots
        self._idle: dict[str, float] = dict.fromkeys(roots, 0.0)
        self._sessions: dict[str, list[str]] = {}
        self._texts: dict[str, Iterator[str]] = {}

    async def warm_up(self, workload: Workload, customers: int) -> list[Asked]:
        """Open a session for each customer and have one turn in each; none of it is timed."""
        opened = [(await self._kefu.create_session(TENANT)).name for _ in range(customers)]
        self._sessions[workload.name] = opened
        self._texts[workload.name] = workload.texts()
        remaining = iter(opened)

        async def first(_: int) -> Asked:
            return await self._ask(next(remaining), workload)

        answers, _ = await drive(4, SETTLE_SECONDS * customers, customers, first)
        return answers

    async def wait_until_idle(self, limit_seconds: float) -> float:
        """Wait until the mesh has embedded its knowledge, which it does after it is ready.

        Returns:
            How many seconds that took; `limit_seconds` where it did not come to an end.
        """
        began = time.perf_counter()
        used, quiet = self._mesh_cpu(), 0
        while (elapsed := time.perf_counter() - began) < limit_seconds:
            await asyncio.sleep(QUIET_SECONDS)
            now = self._mesh_cpu()
            quiet = quiet + 1 if now - used < _IDLE_CORES * QUIET_SECONDS else 0
            used = now
            if quiet == _IDLE_LOOKS:
                return elapsed - (_IDLE_LOOKS - 1) * QUIET_SECONDS
        return limit_seconds

    def _mesh_cpu(self) -> float:
        return sum(processes.cpu_seconds(self._mesh.processes).values())

    async def rest(self, seconds: float) -> dict[str, float]:
        """Learn what the idle mesh uses, in CPU seconds per second by process; it is taken off."""
        await self.settle()
        before, began = processes.cpu_seconds(self._roots), time.perf_counter()
        await asyncio.sleep(seconds)
        elapsed = time.perf_counter() - began
        after = processes.cpu_seconds(self._roots)
        self._idle = {name: (after[name] - before[name]) / elapsed for name in after}
        return self._idle

    async def repeat(
        self, workload: Workload, concurrency: int, seconds: float, most: int
    ) -> Repeat:
        """Measure one repeat of one cell; each customer has a session of her own."""
        sessions = self._sessions[workload.name]
        before = await self._reading(counters_first=True)
        asked, took = await drive(
            concurrency, seconds, most, lambda worker: self._ask(sessions[worker], workload)
        )
        await self.settle()
        after = await self._reading(counters_first=False)
        turns, elapsed = len(asked), after.clock - before.clock
        used = {name: after.cpu[name] - before.cpu[name] for name in after.cpu}
        net = {name: max(used[name] - self._idle[name] * elapsed, 0.0) for name in used}
        others = after.machine - before.machine - sum(used.values())
        return Repeat(
            asked=asked,
            seconds=took,
            cpu_ms={name: each * 1000 / turns for name, each in net.items()},
            calls=per_turn(after.calls, before.calls, turns),
            redis=after.redis.per_turn(before.redis, turns),
            other_cores=max(others / elapsed, 0.0),
        )

    async def settle(self) -> None:
        """Wait until audit events and spans of the turns are shipped and stored."""
        background = {name: self._roots[name] for name in ("audit", "traces")}
        deadline = time.perf_counter() + SETTLE_SECONDS
        used = processes.cpu_seconds(background)
        while time.perf_counter() < deadline:
            await asyncio.sleep(QUIET_SECONDS)
            now = processes.cpu_seconds(background)
            if sum(now.values()) - sum(used.values()) < _QUIET_CPU_SECONDS:
                return
            used = now

    async def statements(self, workload: Workload, turns: int) -> dict[str, dict[str, float]]:
        """Count the SQL statements per turn by database and verb; one customer, nothing timed."""
        store = self._mesh.status.stores["postgres"]
        log = self._mesh.home.log("postgres")
        await self.settle()
        with counters.statements_logged(f"postgresql://kefu@/postgres?host={store.socket}"):
            await asyncio.sleep(QUIET_SECONDS)  # until every backend has read the setting
            start = log.stat().st_size
            for _ in range(turns):
                await self._ask(self._sessions[workload.name][0], workload)
            await self.settle()
            found = counters.logged_statements(log, start)
        return {
            database: {verb: count / turns for verb, count in verbs.items()}
            for database, verbs in found.items()
        }

    async def _ask(self, session: str, workload: Workload) -> Asked:
        """Have one turn and look at how it came out."""
        text = next(self._texts[workload.name])
        began = time.perf_counter()
        first: float | None = None
        deltas = 0
        try:
            async for event in self._kefu.converse(session, text):
                if event.HasField("delta"):
                    deltas += 1
                    first = first or time.perf_counter() - began
        except KefuError as error:
            return Asked(time.perf_counter() - began, failure=error.reason or error.code.name)
        seconds = time.perf_counter() - began
        turn = event.completed.turn
        return Asked(seconds, first, deltas, len(turn.actions), held=workload.holds(turn))

    async def _reading(self, *, counters_first: bool) -> _Reading:
        """Read everything, the CPU time next to the load: reading pages costs services CPU."""
        if counters_first:
            calls, done = await self._counters()
        cpu = processes.cpu_seconds(self._roots)
        machine, clock = processes.machine_busy_seconds(), time.perf_counter()
        if not counters_first:
            calls, done = await self._counters()
        return _Reading(calls, done, cpu, machine, clock)

    async def _counters(self) -> tuple[dict[str, float], RedisCounts]:
        calls = await counters.rpc_calls(self._http, self._mesh.metrics)
        return calls, counters.redis_counts(self._valkey)


def failures(asked: list[Asked]) -> dict[str, int]:
    """Return how many turns failed, by reason."""
    return dict(Counter(each.failure for each in asked if each.failure))
