"""`kefu demo`: one bilingual conversation through every service, shown as a person reads it.

The demo is also a check: every turn says what must come of it, and the command fails if it does
not.
"""

import asyncio
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import typer
from kefu.desk.v1.desk_pb2 import ListTicketsRequest
from kefu.desk.v1.desk_pb2_grpc import DeskServiceStub
from kefu.session.v1.turn_pb2 import DIALOGUE_STATE_CLOSED, ActionResult, Turn
from rich.console import Console
from rich.text import Text

from services.cli import release_demo
from services.cli.audit import NO_TENANT, show_verification, verify_chains
from services.cli.conversation import client, open_session, say
from services.cli.mesh import run_mesh
from services.cli.options import terminal
from services.cli.progress import Progress
from services.cli.trace import show, spans_of
from services.local import operator
from services.local.home import Home
from services.local.problem import Problem
from services.local.publishing import until_embedded
from services.local.sample import KNOWLEDGE_BASE, TENANT
from services.local.traces.span import tree


@dataclass(frozen=True, slots=True)
class Line:
    """What the customer says, and what must come of it.

    Attributes:
        text: her words.
        wanted: what the reply must do, for people.
        holds: whether it did.
        traced: whether the trace of this turn is shown at the end.
    """

    text: str
    wanted: str
    holds: Callable[[Turn], bool]
    traced: bool = False


def _acted(turn: Turn) -> bool:
    done = ActionResult.OUTCOME_SUCCEEDED
    return [(each.action, each.outcome) for each in turn.actions] == [("cancel_order", done)]


SCRIPT = (
    Line("签收后几天内可以退货？", "answer from the knowledge", lambda turn: bool(turn.citations)),
    Line(
        "How long is the warranty on a tent?",
        "answer in English, with its source",
        lambda turn: turn.language_code == "en" and bool(turn.citations),
        traced=True,
    ),
    Line("我想取消订单", "ask for the order number", lambda turn: "订单" in turn.text),
    Line("SO20260003", "ask for confirmation", lambda turn: "SO20260003" in turn.text),
    Line("确认", "cancel it in the shop's own system", _acted),
    Line(
        "太差劲了！上次的包裹丢了也没人管，我非常生气，要投诉！",
        "open a ticket",
        lambda turn: bool(turn.ticket),
    ),
    Line("再见", "end", lambda turn: turn.dialogue_state == DIALOGUE_STATE_CLOSED),
)
"""The conversation of the demo."""


# The whole demo has a minute; the sample takes some ten seconds of one core.
_VECTORS_SECONDS = 15.0


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(demo)


def demo() -> None:
    """Play a conversation on a throwaway mesh, with its trace and its audit. Leaves nothing."""
    console = terminal()
    with tempfile.TemporaryDirectory(prefix="kefu-demo-", dir="/tmp") as directory:
        place = Home.at(Path(directory) / "home")
        with Progress(place) as progress:
            asyncio.run(
                run_mesh(
                    place,
                    sample=True,
                    on_change=progress.show_start,
                    body=lambda: _play(place, console),
                )
            )


async def _play(place: Home, console: Console) -> None:
    traced = ""
    missed = []
    with console.status("the sample's vectors are being made; it answers by words meanwhile"):
        await _vectors(place)
    async with client(place) as kefu:
        session = await open_session(kefu, TENANT, "")
        for line in SCRIPT:
            console.print(Text.assemble(("\nCustomer  ", "bold blue"), line.text))
            console.print(Text("Kefu      ", "bold green"), end="")
            turn = await say(kefu, session, line.text, console)
            traced = turn.trace_id if line.traced else traced
            if not line.holds(turn):
                missed.append(f"{line.text} should {line.wanted}")
        missed += await release_demo.play(place, kefu, console)
    tickets = await _tickets(place, session)
    if len(tickets) != 1:
        missed.append(f"the angry customer should get one ticket, not {len(tickets)}")
    console.print("\n[bold]The turn about the tent, hop by hop[/]")
    show(tree(await asyncio.to_thread(spans_of, place, traced)), console)
    console.print("\n[bold]The audit record of all of it[/]")
    answers = await verify_chains(place, [TENANT, NO_TENANT])
    show_verification(answers, console)
    missed += [f"chain {name} is broken" for name, each in answers.items() if not each.ok]
    if missed:
        raise Problem("the demo did not do what it shows", "; ".join(missed))


async def _vectors(place: Home) -> None:
    """Wait until the sample is found by meaning too; on a slow machine, not for long."""
    async with operator.channel(place, "knowledge") as channel:
        with suppress(TimeoutError):
            async with asyncio.timeout(_VECTORS_SECONDS):
                await until_embedded(channel, KNOWLEDGE_BASE)


async def _tickets(place: Home, session: str) -> list[str]:
    """Return the tickets that a conversation opened."""
    request = ListTicketsRequest(parent=f"tenants/{TENANT}", session=session)
    async with operator.channel(place, "desk") as channel:
        answer = await DeskServiceStub(channel).ListTickets(request, timeout=10)
    return [ticket.name for ticket in answer.tickets]
