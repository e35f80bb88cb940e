"""`kefu up`, `kefu down`, `kefu status`: the mesh on this machine."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from typing import Annotated

import typer

from services.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from services.cli.progress import Progress, table
from services.local import lock, status
from services.local.home import Home
from services.local.problem import Problem

POLL_SECONDS = 0.05
"""Between two looks at what another process writes while it starts or stops."""

STOP_SECONDS = 90.0
"""Longest wait for `kefu down`: every drain stage at its longest, and the databases."""


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(up)
    app.command()(down)
    app.command("status")(show_status)


def up(
    home: HomeOption = DEFAULT_HOME,
    sample: Annotated[
        bool, typer.Option("--sample", help="With the sample company, a small shop.")
    ] = False,
    detach: Annotated[
        bool, typer.Option("--detach", help="Return when ready; `kefu down` stops it.")
    ] = False,
) -> None:
    """Start the mesh on this machine. Ctrl-C stops it."""
    place = Home.at(home)
    with Progress(place) as progress:
        if detach:
            _up_detached(place, sample, progress)
        else:
            from services.cli.mesh import run_mesh

            asyncio.run(run_mesh(place, sample=sample, on_change=progress.show))


def _up_detached(place: Home, sample: bool, progress: Progress) -> None:
    """Start `kefu up` in a process of its own and show its progress until it is ready."""
    with lock.held(place):
        pass  # a home on which a mesh runs is refused here, in one line
    command = [sys.executable, "-m", "services.cli", "up", "--home", str(place.root)]
    with open(place.log("supervisor"), "ab") as log:
        process = subprocess.Popen(
            [*command, *(["--sample"] if sample else [])],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    while True:
        ended = process.poll() is not None
        now = status.read(place)
        if now.supervisor == process.pid:
            progress.show(now)
            if now.ready:
                process.returncode = 0  # it goes on without us
                return
        elif ended:
            what = now.problem or "the mesh did not start"
            raise Problem(what, now.remedy or _see_log(place))
        time.sleep(POLL_SECONDS)


def down(home: HomeOption = DEFAULT_HOME) -> None:
    """Stop the mesh: running calls finish, then everything ends in order."""
    place = Home.at(home)
    pid = lock.holder(place)
    if not pid:
        print(f"no mesh runs on {place.root}")
        return
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while lock.holder(place):
        if time.monotonic() > deadline:
            raise Problem(f"the mesh (process {pid}) does not end", _see_log(place))
        time.sleep(POLL_SECONDS)
    print(f"stopped; the data stay in {place.root}")


def show_status(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Show what runs where. Exit status 1 if the mesh is not ready."""
    place = Home.at(home)
    now = status.current(place)
    if as_json:
        print(now.model_dump_json(indent=2))
    else:
        table(place, now)
    raise typer.Exit(0 if now.ready else 1)


def _see_log(place: Home) -> str:
    return f"see {place.log('supervisor')}"
