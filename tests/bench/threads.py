"""`python -m tests.bench.threads`: six services busy at once, by the embedding's thread count.

The default of `KEFU_EMBEDDING_THREADS` comes from these figures. Idle threads of the embedding
engine spin: more of them make a lone text quicker and a busy machine slower.
"""

# The first import of all: it limits grpc to TLS 1.3, which grpc reads once.
import services  # noqa: F401, I001

import argparse
import asyncio
import os
import tempfile
from pathlib import Path

import uvloop
from rich.console import Console
from rich.table import Table

from services.local.home import Home
from tests.bench import mesh
from tests.bench.connected import connected
from tests.bench.results import TurnCell, turn_cell
from tests.bench.turns import Repeat
from tests.bench.workloads import WORKLOADS

CUSTOMERS = (1, 8)
"""At once: one waits for her own text alone, eight keep all services busy."""

REPEATS = 3
CELL_SECONDS = 6.0
MOST_TURNS = 1000
EMBED_SECONDS = 90.0

# Each text of it is new: session, intent, sentiment, knowledge, generation and audit all work.
_WORKLOAD = next(each for each in WORKLOADS if each.name == "model")


async def measure(threads: int, directory: Path) -> list[TurnCell]:
    """Measure full turns on a mesh of its own with so many embedding threads."""
    settings = {"KEFU_EMBEDDING_THREADS": str(threads)}
    found: dict[int, list[Repeat]] = {each: [] for each in CUSTOMERS}
    async with (
        mesh.stub_server(directory) as (base_url, stub),
        mesh.running_mesh(Home.at(directory / "home"), base_url, settings) as running,
        connected(running, stub) as bench,
    ):
        await bench.wait_until_idle(EMBED_SECONDS)
        await bench.warm_up(_WORKLOAD, max(CUSTOMERS))
        await bench.rest(2.0)
        for _ in range(REPEATS):
            for customers, repeats in found.items():
                repeats.append(await bench.repeat(_WORKLOAD, customers, CELL_SECONDS, MOST_TURNS))
    return [turn_cell(_WORKLOAD.name, *each) for each in found.items()]


async def _compare(counts: list[int], console: Console) -> None:
    table = Table(title=f"{_WORKLOAD.name} turns by embedding threads, {os.cpu_count()} cores")
    for name in ("threads", "at once", "turns/s", "low", "high", "p50 ms", "p99 ms", "CPU ms"):
        table.add_column(name, justify="right")
    for threads in counts:
        console.print(f"a mesh with {threads} embedding threads ...")
        with tempfile.TemporaryDirectory(prefix="kefu-bench-", dir="/tmp") as directory:
            for cell in await measure(threads, Path(directory)):
                rate = cell.turns_per_second
                figures = (rate.median, rate.low, rate.high, cell.p50_ms, cell.p99_ms)
                shown = [f"{each:.1f}" for each in (*figures, cell.cpu_total_ms.median)]
                table.add_row(str(threads), str(cell.concurrency), *shown)
    console.print(table)


def main() -> None:
    """Compare the thread counts of the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.threads", description=__doc__)
    parser.add_argument("threads", type=int, nargs="*", default=[1, 2])
    console = Console(highlight=False)
    try:
        uvloop.run(_compare(parser.parse_args().threads, console))
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print("stopped; nothing of it runs any more")


if __name__ == "__main__":
    main()
