"""A conversation in a terminal: the reply as it streams, and discreetly what it rests on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from kefu.client import Client, connect
from kefu.errors import SessionAlreadyExists
from kefu.session.v1.turn_pb2 import Degradation, Match, ReplyMode, Turn
from rich.console import Console
from rich.text import Text

from services.cli.words import doubt, word
from services.local import operator
from services.local.credentials import OPERATOR
from services.local.home import Home

TURN_SECONDS = 60.0
"""Deadline of a turn: a slow model on a laptop is still waited for."""


@asynccontextmanager
async def client(home: Home) -> AsyncIterator[Client]:
    """Connect to the session service of the mesh that runs on a home.

    Raises:
        Problem: no mesh runs there.
    """
    files = home.client(OPERATOR)
    async with connect(
        operator.address(home, "session"),
        cert=files / "cert.pem",
        key=files / "key.pem",
        ca=files / "ca.pem",
        timeout_seconds=TURN_SECONDS,
    ) as connected:
        yield connected


async def open_session(kefu: Client, tenant: str, name: str) -> str:
    """Return the full name of a conversation, starting it if need be.

    Args:
        kefu: a client.
        tenant: id of the tenant.
        name: full name, or only its last part, of one to go on with; empty for a new one.

    Raises:
        KefuError: of the class that the service raised.
    """
    if name.startswith("tenants/"):
        return name
    if name:
        with suppress(SessionAlreadyExists):
            await kefu.create_session(f"tenants/{tenant}", name)
        return f"tenants/{tenant}/sessions/{name}"
    return (await kefu.create_session(f"tenants/{tenant}")).name


async def say(kefu: Client, session: str, text: str, console: Console) -> Turn:
    """Send a message and print the reply word by word as it comes.

    Raises:
        KefuError: of the class that the service raised.
    """
    turn = Turn()
    async for event in kefu.converse(session, text):
        kind = event.WhichOneof("event")
        if kind == "delta":
            console.print(Text(event.delta.text), end="", soft_wrap=True)
            console.file.flush()
        elif kind == "completed":
            turn = event.completed.turn
    console.print()
    show_basis(turn, console)
    return turn


def show_basis(turn: Turn, console: Console) -> None:
    """Print what a reply rests on.

    Doubts, sources, match, mood, ticket, what was left out, trace: each where there is one.
    """
    if warning := doubt(turn):
        console.print(Text(f"  {warning}", "yellow"), soft_wrap=True)
    for each in turn.citations:
        console.print(Text(f"  [{each.index}] {each.title}", "cyan"))
    for action in turn.actions:
        outcome = word(type(action).Outcome, action.outcome).lower()
        console.print(Text(f"  action {action.action}: {outcome}", "magenta"))
    if turn.ticket:
        console.print(Text(f"  ticket {turn.ticket}", "yellow"))
    facts = [word(Match.Type, turn.match.type).lower(), word(ReplyMode, turn.mode).lower()]
    if turn.match.HasField("intent"):
        facts.insert(0, f"{turn.match.intent.intent} {turn.match.intent.confidence:.2f}")
    if turn.sentiment.HasField("compound"):
        facts.append(f"mood {turn.sentiment.compound:+.2f}")
    if turn.degraded:
        left_out = ", ".join(word(Degradation, each).lower() for each in turn.degraded)
        facts.append(f"degraded: {left_out}")
    console.print(Text(f"  {' · '.join(dict.fromkeys(facts))}", "dim"), soft_wrap=True)
    console.print(Text(f"  trace {turn.trace_id}", "dim"))
