"""What a person sees while the mesh starts and when something dies later."""

from pathlib import Path

import pytest

from services.cli.progress import Progress
from services.local.home import Home
from services.local.status import MeshStatus, ServiceStatus, State, StoreStatus


def a_status(session: State, *, ready: bool = False) -> MeshStatus:
    """Return a status with one store and one service."""
    service = ServiceStatus(address="127.0.0.1:1", metrics_address="127.0.0.1:2", state=session)
    store = StoreStatus(state=State.SERVING)
    return MeshStatus(services={"session": service}, stores={"valkey": store}, ready=ready)


def shown(*states: MeshStatus, start_only: bool = False) -> None:
    """Show some statuses one after the other."""
    with Progress(Home.at(Path("/tmp/kefu-home"))) as progress:
        for each in states:
            (progress.show_start if start_only else progress.show)(each)


def test_a_start_ends_with_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """How many services, how long it took, where the data are; nothing into standard output."""
    shown(a_status(State.STARTING), a_status(State.SERVING), a_status(State.SERVING, ready=True))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("ready 1 services in 0.")
    assert captured.err.rstrip().endswith("/tmp/kefu-home")


def test_a_death_after_the_start_is_a_line_each_for_death_and_return(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Only changes are shown, each once."""
    ready = a_status(State.SERVING, ready=True)
    dead = a_status(State.DEAD, ready=True)
    shown(ready, ready, dead, dead, a_status(State.RESTARTING, ready=True), ready)
    lines = capsys.readouterr().err.splitlines()
    assert lines[1:] == ["session DEAD", "session RESTARTING", "session SERVING"]


def test_the_demo_shows_the_start_and_not_the_drain(capsys: pytest.CaptureFixture[str]) -> None:
    """The end of the demo is its conversation, not a list of processes that stop."""
    ready = a_status(State.SERVING, ready=True)
    shown(ready, a_status(State.STOPPED), start_only=True)
    assert len(capsys.readouterr().err.splitlines()) == 1
