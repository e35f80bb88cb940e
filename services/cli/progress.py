"""What a person sees while the mesh starts and runs."""

import time
from types import TracebackType

from rich.console import Console
from rich.status import Status
from rich.table import Table
from rich.text import Text

from services.cli.options import terminal
from services.local.home import Home
from services.local.status import MeshStatus, State

STYLES = {
    State.SERVING: "green",
    State.STARTING: "yellow",
    State.RESTARTING: "yellow",
    State.DEAD: "bold red",
    State.STOPPED: "dim",
}
"""Colour of each state."""


class Progress:
    """Shows a start as one line that changes, and afterwards a line per change.

    Args:
        place: the home, for the closing hint.
    """

    def __init__(self, place: Home) -> None:
        self._place = place
        self._console = Console(stderr=True, highlight=False)
        self._line = Status("starting ...", console=self._console)
        self._began = time.monotonic()
        self._shown: dict[str, State] = {}
        self._ready = False

    def __enter__(self) -> "Progress":
        if self._console.is_terminal:
            self._line.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._line.stop()

    def show(self, now: MeshStatus) -> None:
        """Show a new status."""
        states = {name: each.state for name, each in now.processes.items()}
        if not self._ready:
            waiting = [name for name, state in states.items() if state is not State.SERVING]
            done = len(states) - len(waiting)
            self._line.update(f"{done}/{len(states)} serve; waiting for {', '.join(waiting[:4])}")
            if now.ready:
                self._say_ready(len(now.services))
        else:
            for name, state in states.items():
                if state is not self._shown.get(name):
                    self._console.print(Text.assemble(name, " ", (state, STYLES[state])))
        self._shown = states

    def show_start(self, now: MeshStatus) -> None:
        """Show a new status as long as the mesh starts; what comes later is shown by others."""
        if not self._ready:
            self.show(now)

    def _say_ready(self, services: int) -> None:
        self._ready = True
        self._line.stop()
        seconds = time.monotonic() - self._began
        self._console.print(
            f"[green]ready[/] {services} services in {seconds:.1f} s, home {self._place.root}"
        )


def table(place: Home, now: MeshStatus) -> None:
    """Print a status as a table."""
    shown = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("service", "state", "address", "metrics", "pid", "restarts"):
        shown.add_column(column)
    for name, service in now.services.items():
        shown.add_row(
            name,
            Text(service.state, STYLES[service.state]),
            service.address,
            service.metrics_address,
            str(service.pid or ""),
            str(service.restarts or ""),
        )
    for name, store in now.stores.items():
        shown.add_row(
            name,
            Text(store.state, STYLES[store.state]),
            "private socket",
            "",
            str(store.pid or ""),
            str(store.restarts or ""),
        )
    out = terminal()
    if not now.services:
        out.print(f"no mesh ever ran on {place.root}; start one: kefu up --sample")
        return
    out.print(shown)
    if now.problem:
        out.print(Text(f"the last start failed: {now.problem}\n{now.remedy}", "red"))
