"""Runs the mesh inside this process, for as long as somebody needs it."""

import asyncio
import signal
from collections.abc import Awaitable, Callable

from services.local import programs
from services.local import sample as sample_company
from services.local.home import Home
from services.local.status import MeshStatus
from services.local.supervisor import Supervisor


async def run_mesh(
    place: Home,
    *,
    sample: bool,
    on_change: Callable[[MeshStatus], None],
    body: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Run the mesh of a home until a signal comes or `body` is done, and drain it.

    Args:
        place: the home.
        sample: whether the sample company is loaded and its action server runs.
        on_change: told about every change of the status.
        body: what to do once the mesh is ready; None waits for a signal.

    Raises:
        Problem: it cannot start, or `body` met a problem.
        KefuError: a call of `body` failed.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    ready = asyncio.Event()

    async def prepare(now: MeshStatus) -> None:
        if sample:
            await sample_company.load(place)

    def changed(now: MeshStatus) -> None:
        if now.ready:
            ready.set()
        on_change(now)

    async def perform(work: Callable[[], Awaitable[None]]) -> None:
        try:
            await ready.wait()
            await work()
        finally:
            stopping.set()

    supervisor = Supervisor(
        place, wanted=programs.programs(sample), prepare=prepare, on_change=changed
    )
    performing = asyncio.create_task(perform(body)) if body else None
    try:
        await supervisor.run(stopping)
    finally:
        if performing:
            if not performing.done():
                performing.cancel()
            await asyncio.wait([performing])
    if performing and not performing.cancelled():
        performing.result()
