"""Runs the mesh of one home: starts everything, restarts what dies, drains in order.

```
start   PostgreSQL, Valkey -> databases -> all services at once -> sample -> ready
died    state DEAD, wait (0.2 s, doubled up to 10 s) -> state RESTARTING -> SERVING
stop    session -> what it calls -> audit -> traces -> Valkey, PostgreSQL
```

Every change of a state is written to `mesh.json`. The children get a signal from the kernel when
this process dies, however it dies, so none is left behind.
"""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from services.local import (
    child,
    credentials,
    health,
    lock,
    policy,
    postgres,
    programs,
    sample,
    status,
    valkey,
)
from services.local.home import Home
from services.local.ports import Ports
from services.local.postgres import Postgres
from services.local.problem import Problem
from services.local.programs import Program
from services.local.status import MeshStatus, ServiceStatus, State, StoreStatus
from services.local.valkey import Valkey

FIRST_DELAY_SECONDS = 0.2
"""Wait before the first restart: long enough for a port to be free again."""

LONGEST_DELAY_SECONDS = 10.0
"""Wait between restarts of a program that dies again and again."""

HEALTHY_SECONDS = 30.0
"""A program that lived this long starts over with the first delay."""

START_SECONDS = 60.0
"""Longest wait for all services; ten times the usual, for a machine that is very busy."""

DRAIN_SECONDS = 12.0
"""Grace of one drain stage: a service's own drain takes at most 10 s."""


class Supervisor:
    """The mesh of one home.

    Args:
        home: where everything lies.
        wanted: the processes to run, see `programs.programs`.
        prepare: awaited once all services serve, before the mesh is called ready.
        on_change: told about every change, with the status that was just written.
    """

    def __init__(
        self,
        home: Home,
        *,
        wanted: tuple[Program, ...],
        prepare: Callable[[MeshStatus], Awaitable[None]],
        on_change: Callable[[MeshStatus], None],
    ) -> None:
        self._home = home
        self._programs = wanted
        self._prepare = prepare
        self._on_change = on_change
        self._status = MeshStatus(supervisor=os.getpid())
        self._ports = Ports()
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._stores: dict[str, Postgres | Valkey] = {}
        self._served = {program.name: asyncio.Event() for program in self._programs}
        self._last_trouble: dict[str, str] = {}
        self._log_starts: dict[str, int] = {}

    async def run(self, stopping: asyncio.Event) -> None:
        """Run the mesh until `stopping` is set, then drain it.

        Raises:
            Problem: it could not start; everything that had started is stopped again.
        """
        with lock.held(self._home), self._ports:
            try:
                self._begin()
                await self._run_until(stopping)
            except Problem as problem:
                self._status.problem, self._status.remedy = problem.what, problem.remedy
                raise
            finally:
                await self._drain()

    def _begin(self) -> None:
        """Settle addresses and certificates and start the embedded servers."""
        before = status.read(self._home)
        self._status.services = before.services  # a start that fails here forgets no address
        self._status.services = programs.assign_addresses(self._programs, before, self._ports)
        self._status.stores = {"postgres": StoreStatus(), "valkey": StoreStatus()}
        self._changed()
        for name in self._status.processes:
            child.rotate(self._home.log(name))
            self._log_starts[name] = child.size(self._home.log(name))
        credentials.renew(self._home, [program.name for program in self._programs])
        policy.render(self._home)
        if programs.SAMPLE in self._programs:
            sample.install(self._home, self._status.services[programs.SAMPLE.name].address)
        self._start_store("postgres")
        self._start_store("valkey")

    async def _run_until(self, stopping: asyncio.Event) -> None:
        """Keep everything running until told to stop or until a first start fails."""
        guards = [asyncio.create_task(self._guard_store(name)) for name in self._status.stores]
        # Those without a database first: they load their code while databases are made.
        in_order = sorted(self._programs, key=lambda program: program.database)
        guards += [asyncio.create_task(self._guard_service(program)) for program in in_order]
        waits = [asyncio.create_task(self._become_ready()), asyncio.create_task(stopping.wait())]
        pending = {*guards, *waits}
        try:
            while not stopping.is_set():
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
        finally:
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)

    async def _become_ready(self) -> None:
        """Wait until every service has served once, then prepare."""
        try:
            async with asyncio.timeout(START_SECONDS):
                await asyncio.gather(*(served.wait() for served in self._served.values()))
        except TimeoutError:
            name = next(n for n, served in self._served.items() if not served.is_set())
            raise Problem(
                f"{name} does not serve after {START_SECONDS:.0f} s "
                f"({self._last_trouble.get(name, 'no answer')})",
                self._see_log(name),
            ) from None
        await self._prepare(self._status)
        self._status.ready = True
        self._changed()

    async def _guard_store(self, name: str) -> None:
        """Keep an embedded server, which runs already, running."""
        await self._guard(self._status.stores[name], lambda: self._start_store(name), name)

    async def _guard_service(self, program: Program) -> None:
        """Keep one service running and its state true."""
        database_url, redis_url = self._store_urls(program)
        own = self._status.services[program.name]
        environment = programs.environment(
            program, self._home, self._status.services, database_url, redis_url
        )

        def launch() -> subprocess.Popen[bytes]:
            return child.spawn(
                programs.command(program, self._home, own),
                log=self._home.log(program.name),
                death_signal=signal.SIGTERM,
                environment=environment,
            )

        def report(serving: bool, trouble: str) -> None:
            self._last_trouble[program.name] = trouble
            if serving and own.state is not State.SERVING:
                own.state = State.SERVING
                self._served[program.name].set()
                self._changed()

        self._home.spool(program.name).mkdir(mode=0o700, exist_ok=True)
        operator = health.client_credentials(self._home.client(credentials.OPERATOR))
        await self._guard(
            own, launch, program.name, lambda: health.follow(own.address, operator, report)
        )

    async def _guard(
        self,
        own: ServiceStatus | StoreStatus,
        launch: Callable[[], subprocess.Popen[bytes]],
        name: str,
        follow: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Start a process, again whenever it ends; without `follow` a running one serves.

        Raises:
            Problem: it ended before it served for the first time.
        """
        delay = FIRST_DELAY_SECONDS
        process = self._running.get(name)
        while True:
            began = time.monotonic()
            try:
                if process is None:
                    process = self._running[name] = launch()
                    if follow is not None:
                        own.state = State.RESTARTING if own.restarts else State.STARTING
                own.pid = process.pid
                self._changed()
                reason = await self._ended(process, follow)
            except Problem as problem:
                reason = str(problem)
            if follow is not None and not self._served[name].is_set():
                raise self._start_problem(name, reason)
            if time.monotonic() - began > HEALTHY_SECONDS:
                delay = FIRST_DELAY_SECONDS
            own.state, own.pid, own.restarts = State.DEAD, 0, own.restarts + 1
            self._note(f"{name} {reason}; restart {own.restarts} in {delay:.1f} s")
            self._changed()
            await asyncio.sleep(delay)
            delay = min(delay * 2, LONGEST_DELAY_SECONDS)
            process = None

    async def _ended(
        self, process: subprocess.Popen[bytes], follow: Callable[[], Awaitable[None]] | None
    ) -> str:
        """Follow a process's health until it ends; return how it ended, for people."""
        following = asyncio.ensure_future(follow()) if follow else None
        try:
            code = await _exit_code(process)
        finally:
            if following:
                following.cancel()
        return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"

    def _start_store(self, name: str) -> subprocess.Popen[bytes]:
        """Start an embedded server and wait for it; its parent must be this thread, see `child`."""
        start = postgres.start if name == "postgres" else valkey.start
        directory = self._home.root / name
        store: Postgres | Valkey = start(directory, self._home.log(name))
        self._stores[name] = store
        self._running[name] = store.process
        own = self._status.stores[name]
        own.state, own.pid, own.socket = State.SERVING, store.pid, str(store.socket)
        self._changed()
        return store.process

    def _store_urls(self, program: Program) -> tuple[str, str]:
        """Make a program's database if need be; return both URLs, empty where it has none."""
        database, cache = self._stores["postgres"], self._stores["valkey"]
        assert isinstance(database, Postgres)
        assert isinstance(cache, Valkey)
        database_url = redis_url = ""
        if program.database:
            database_url = database.ensure_database(
                f"kefu_{program.name}",
                extensions=program.extensions,
                tenant_role=program.tenant_role,
            )
        if program.redis_database is not None:
            redis_url = cache.database_url(program.redis_database)
        return database_url, redis_url

    async def _drain(self) -> None:
        """Stop stage by stage, then the embedded servers, and say so in `mesh.json`."""
        for stage in sorted({program.drain_stage for program in self._programs}):
            await asyncio.gather(
                *(
                    self._stop_service(program.name)
                    for program in self._programs
                    if program.drain_stage == stage
                )
            )
        for name, store in reversed(self._stores.items()):
            store.stop()
            self._stopped(self._status.stores[name])
        self._status.ready, self._status.supervisor = False, 0
        self._changed()

    async def _stop_service(self, name: str) -> None:
        process = self._running.get(name)
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                await asyncio.wait_for(_exit_code(process), DRAIN_SECONDS)
            except TimeoutError:
                self._note(f"{name} did not drain within {DRAIN_SECONDS:.0f} s and was killed")
                process.kill()
                process.wait()
        if name in self._status.services:
            self._stopped(self._status.services[name])

    def _stopped(self, own: ServiceStatus | StoreStatus) -> None:
        own.state, own.pid = State.STOPPED, 0
        self._changed()

    def _changed(self) -> None:
        status.save(self._home, self._status)
        self._on_change(self._status)

    def _note(self, line: str) -> None:
        """Append a line to the supervisor's own log."""
        with open(self._home.log("supervisor"), "a", encoding="utf-8") as file:
            file.write(f"{datetime.now(UTC).isoformat(timespec='milliseconds')} {line}\n")

    def _start_problem(self, name: str, reason: str) -> Problem:
        """Say why a service ended before it ever served: in its own last words."""
        log, start = self._home.log(name), self._log_starts[name]
        last = child.last_line(log, start=start, containing="cannot start:")
        last = last or child.last_line(log, start=start) or "it said nothing"
        missing = "No module named" in last or "ImportError" in last
        remedy = "run `make setup`" if missing else self._see_log(name)
        return Problem(f"{name} {reason} while starting ({last})", remedy)

    def _see_log(self, name: str) -> str:
        return f"see {self._home.log(name)}"


async def _exit_code(process: subprocess.Popen[bytes]) -> int:
    """Wait for a child without a thread: its process file descriptor becomes readable."""
    ended = asyncio.Event()
    descriptor = os.pidfd_open(process.pid)
    loop = asyncio.get_running_loop()
    loop.add_reader(descriptor, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
    return process.wait()
