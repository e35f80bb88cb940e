"""`make bench`: the floor, then full turns through a throwaway mesh, in five minutes at most.

`python -m tests.bench` writes build/bench.json and prints it as tables; `--quick` shows in a
minute that it works; `--markdown` puts the last run's figures into docs/benchmarks.md.
"""

# The first import of all: it limits grpc to TLS 1.3, which grpc reads once.
import services  # noqa: F401, I001

import argparse
import asyncio
import json
import signal
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import uvloop
from rich.console import Console

from services.local.home import Home
from services.local.problem import Problem
from tests.bench import echo, engine, gateway, machine, mesh, report, understanding
from tests.bench.connected import connected
from tests.bench.plan import HARD_LIMIT_SECONDS, QUICK, Plan
from tests.bench.results import Results, turn_cell
from tests.bench.turns import Bench, Repeat
from tests.bench.workloads import WORKLOADS, Workload

ROOT = Path(__file__).parents[2]
"""Root of the project."""

OUTPUT = ROOT / "build" / "bench.json"
"""Where a run is written."""

DOCUMENT = ROOT / "docs" / "benchmarks.md"
"""Where `--markdown` writes."""

REST_SECONDS = 3.0
"""How long the idle mesh is watched: 30 ticks of CPU time for one that uses a tenth of a core."""

EMBED_SECONDS = 75.0
"""Longest wait for the new mesh to embed the sample's knowledge; half a minute is usual."""

TAIL_SECONDS = 35.0
"""What is still to come after the cells: counting statements and a second start."""

_P99_TURNS = 100


async def measure(results: Results, plan: Plan, directory: Path, console: Console) -> None:
    """Measure everything into `results`, which is worth reading even if this is cut short."""
    results.pace_ms.append(machine.pace_ms())
    console.print("echo ...")
    results.echo = await echo.measure(directory, plan)
    results.pace_ms.append(machine.pace_ms())
    console.print("embedding ...")
    results.engine = await asyncio.to_thread(engine.measure, plan, results.machine["cores"])
    home = Home.at(directory / "home")
    async with mesh.stub_server(directory) as (base_url, stub):
        console.print("starting a new mesh ...")
        async with mesh.running_mesh(home, base_url) as running:
            results.startup["first"] = running.startup
            await _measure_turns(results, plan, running, (base_url, stub), console)
            if restarted := running.restarted():
                results.warnings.append(f"died and came back: {', '.join(restarted)}")
        if plan.has_time_for(running.startup.serving):
            console.print("starting the same mesh again ...")
            async with mesh.running_mesh(home, base_url) as running:
                results.startup["again"] = running.startup


async def _measure_turns(
    results: Results, plan: Plan, running: mesh.Mesh, stub: tuple[str, int], console: Console
) -> None:
    """Connect as a customer's system does, warm up, measure."""
    base_url, pid = stub
    async with connected(running, pid) as bench:
        results.embedded_seconds = await bench.wait_until_idle(EMBED_SECONDS)
        if results.embedded_seconds == EMBED_SECONDS:
            results.warnings.append("the mesh did not come to rest; its work stands in the figures")
        results.pace_ms.append(machine.pace_ms())
        console.print("understanding ...")
        results.understanding = await understanding.measure(running, plan)
        results.pace_ms.append(machine.pace_ms())
        console.print("gateway ...")
        results.gateway = await gateway.measure(running, base_url, plan)
        for workload in WORKLOADS:
            await bench.warm_up(workload, max(plan.concurrencies))
        idle = await bench.rest(REST_SECONDS)
        results.idle_cpu_ms_per_second = {name: each * 1000 for name, each in idle.items()}
        await _measure_cells(results, plan, bench, console)
        for workload in WORKLOADS:
            results.statements[workload.name] = await bench.statements(workload, plan.counted_turns)


async def _measure_cells(results: Results, plan: Plan, bench: Bench, console: Console) -> None:
    """Measure every cell once, then again while there is time: drift spreads over all cells."""
    cells: list[tuple[Workload, int]] = [
        (workload, concurrency) for workload in WORKLOADS for concurrency in plan.concurrencies
    ]
    found: dict[tuple[str, int], list[Repeat]] = {}
    began = plan.elapsed_seconds
    for number in range(plan.repeats):
        round_seconds = (plan.elapsed_seconds - began) / number if number else 0.0
        if not plan.has_time_for(round_seconds + TAIL_SECONDS):
            results.warnings.append(f"no time for more than {number} of {plan.repeats} repeats")
            break
        for workload, concurrency in cells:
            results.pace_ms.append(machine.pace_ms())
            console.print(f"repeat {number + 1}: {workload.name}, {concurrency} at once")
            repeats = found.setdefault((workload.name, concurrency), [])
            repeats.append(
                await bench.repeat(workload, concurrency, plan.cell_seconds, plan.most_turns)
            )
            results.turns = [turn_cell(*key, several) for key, several in found.items()]


def judge(results: Results) -> None:
    """Add a warning for everything that makes figures worth less than they look."""
    for cell in results.turns:
        name = f"{cell.workload} at {cell.concurrency}"
        if cell.failed:
            results.warnings.append(f"{name}: failed turns {cell.failed}")
        if cell.strayed:
            results.warnings.append(f"{name}: {cell.strayed} turns took another way")
        if cell.turns < _P99_TURNS:
            results.warnings.append(f"{name}: {cell.turns} turns are too few for a p99")
    for answers in results.gateway:
        name = f"gateway at {answers.concurrency}{answers.way and ', '}{answers.way}"
        if answers.strayed:
            results.warnings.append(f"{name}: {answers.strayed} answers were no model's, or shared")
        if answers.answers < _P99_TURNS and answers.way != gateway.PACED:
            results.warnings.append(f"{name}: {answers.answers} answers are too few for a p99")
    worst = max((cell.other_cores for cell in results.turns), default=0.0)
    if worst > machine.BUSY_CORES:
        results.warnings.append(f"others used up to {worst:.1f} cores during a cell")
    if unsteady := machine.unsteady(results.pace_ms):
        results.warnings.append(unsteady)


async def _bounded(results: Results, plan: Plan, console: Console) -> None:
    """Measure in a throwaway directory, until done, told to stop, or out of time."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    with tempfile.TemporaryDirectory(prefix="kefu-bench-", dir="/tmp") as directory:
        try:
            async with asyncio.timeout(HARD_LIMIT_SECONDS):
                await measure(results, plan, Path(directory), console)
        except TimeoutError:
            results.warnings.append(f"stopped after {HARD_LIMIT_SECONDS:.0f} s, not complete")


def _run(quick: bool, console: Console) -> None:
    """Run the bench, write its JSON, print its tables."""
    plan = Plan(**QUICK) if quick else Plan()  # type: ignore[arg-type]
    facts = machine.describe()
    started = datetime.now(UTC).isoformat(timespec="seconds")
    results = Results(facts, started, quick=quick)
    results.caching = {each.name: each.caching for each in WORKLOADS}
    if busy := machine.busy_at_start(facts):
        results.warnings.append(busy)
        console.print(f"[bold yellow]warning:[/] {busy}")
    if quick:
        results.warnings.append("a quick trial: no figure of it means anything")
    uvloop.run(_bounded(results, plan, console))
    results.seconds = plan.elapsed_seconds
    judge(results)
    document = results.document()
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8")
    report.show(document, console)
    console.print(f"\nwritten to {OUTPUT.relative_to(ROOT)}")


def main() -> None:
    """Read the options and do what they say."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--quick", action="store_true", help="a trial of a minute")
    choice.add_argument("--markdown", action="store_true", help="last run into docs/benchmarks.md")
    options = parser.parse_args()
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    try:
        if options.markdown:
            report.write_into(DOCUMENT, json.loads(OUTPUT.read_text("utf-8")))
        else:
            _run(options.quick, console)
    except FileNotFoundError as error:
        sys.exit(f"{error.filename} is missing: run `make bench` first")
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit("the bench was stopped; nothing of it runs any more")
    except (Problem, ValueError) as problem:
        sys.exit(f"the bench failed: {problem}")


if __name__ == "__main__":
    main()
