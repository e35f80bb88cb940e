"""`kefu trace`: the story of a turn, hop by hop."""

import json
import time
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.cli.options import DEFAULT_HOME, HomeOption, JsonOption, terminal
from services.local import lock, status
from services.local.home import Home
from services.local.problem import Problem
from services.local.traces.span import Branch, Span, tree
from services.local.traces.store import find, reader
from services.mesh import names

SETTLE_SECONDS = 1.5
"""A trace whose last span is younger may be incomplete: services export twice a second."""

WAIT_SECONDS = 5.0
"""Longest wait for a trace that is not there, or not complete, yet."""


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(trace)


def trace(
    wanted: Annotated[str, typer.Argument(metavar="TURN_OR_TRACE_ID")],
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Show every hop of a turn: service, method, caller, outcome, when and how long."""
    branches = tree(spans_of(Home.at(home), wanted))
    if as_json:
        print(json.dumps([_plain(each) for each in branches], indent=2))
    else:
        show(branches, terminal())


def spans_of(home: Home, wanted: str) -> list[Span]:
    """Read the spans of a trace or a turn, waiting a little for those still under way.

    Raises:
        Problem: no mesh runs on the home, or it knows no such trace.
    """
    if not lock.holder(home):
        raise Problem(f"no mesh runs on {home.root}", f"start it: kefu up --home {home.root}")
    socket = status.read(home).stores["postgres"].socket
    url = f"postgresql://kefu_traces@/kefu_traces?host={socket}"
    deadline = time.monotonic() + WAIT_SECONDS
    with reader(url) as connection:
        while True:
            spans = find(connection, wanted)
            newest = max((span.end_nanos for span in spans), default=time.time_ns())
            settled = time.time_ns() - newest > SETTLE_SECONDS * 1e9
            if settled or time.monotonic() > deadline:
                break
            time.sleep(0.1)
    if not spans:
        raise Problem(
            f"there is no trace of {wanted}",
            "give a trace id or the name of a turn of the last days",
        )
    return spans


def show(branches: Sequence[Branch], console: Console) -> None:
    """Print the tree of a trace."""
    shown = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("service", "method", "caller", "status"):
        shown.add_column(column, overflow="fold")
    for column in ("at ms", "took ms"):
        shown.add_column(column, justify="right")
    for each in branches:
        plain = _plain(each)
        failed = plain["status"] != "OK"
        shown.add_row(
            "  " * each.depth + each.span.service,
            str(plain["method"]),
            str(plain["peer"]).rpartition("/")[2],
            Text(str(plain["status"]), "red" * failed),
            f"{each.offset_ms:.1f}",
            f"{each.duration_ms:.1f}",
        )
    if branches:
        console.print(Text(f"trace {branches[0].span.trace_id.hex()}", "dim"))
    console.print(shown)


def _plain(branch: Branch) -> dict[str, object]:
    """Return what is shown of a span; its other attributes are ids and labels, too, but many."""
    span = branch.span
    method = span.attributes.get(names.RPC_METHOD) or span.name
    reason = str(span.attributes.get(names.ERROR_REASON, ""))
    return {
        "service": span.service,
        "method": str(method),
        "name": span.name,
        "peer": str(span.attributes.get(names.PEER_IDENTITY, "")),
        "status": (reason or "ERROR") if span.failed else "OK",
        "offset_ms": round(branch.offset_ms, 3),
        "duration_ms": round(branch.duration_ms, 3),
        "depth": branch.depth,
        "span_id": span.span_id.hex(),
        "parent_id": span.parent_id.hex() if span.parent_id else None,
        "attributes": dict(span.attributes),
    }
