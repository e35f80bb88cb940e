"""`kefu chat` and `kefu ask`: talk to Kefu as a customer does."""

import asyncio
from contextlib import suppress
from threading import Thread
from typing import Annotated

import typer
from kefu.errors import KefuError
from kefu.session.v1.turn_pb2 import DIALOGUE_STATE_CLOSED
from rich.console import Console
from rich.text import Text

from services.cli.conversation import client, open_session, say
from services.cli.main import explain
from services.cli.options import (
    DEFAULT_HOME,
    DEFAULT_TENANT,
    HomeOption,
    JsonOption,
    TenantOption,
    terminal,
)
from services.cli.words import turn_json
from services.local.home import Home

SessionOption = Annotated[
    str, typer.Option("--session", help="A conversation to go on with; a new one if absent.")
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(chat)
    app.command()(ask)


def ask(
    text: Annotated[str, typer.Argument(help="What the customer says.")],
    session: SessionOption = "",
    tenant: TenantOption = DEFAULT_TENANT,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Send one message and print the reply."""
    asyncio.run(_ask(Home.at(home), tenant, session, text, as_json))


async def _ask(home: Home, tenant: str, session: str, text: str, as_json: bool) -> None:
    async with client(home) as kefu:
        name = await open_session(kefu, tenant, session)
        if as_json:
            print(turn_json(await kefu.reply(name, text)))
        else:
            await say(kefu, name, text, terminal())


def chat(
    session: SessionOption = "",
    tenant: TenantOption = DEFAULT_TENANT,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Hold a conversation. An empty line or Ctrl-D ends it."""
    asyncio.run(_chat(Home.at(home), tenant, session))


async def _chat(home: Home, tenant: str, session: str) -> None:
    console = terminal()
    async with client(home) as kefu:
        name = await open_session(kefu, tenant, session)
        console.print(Text(f"{name}; an empty line ends", "dim"))
        while text := await _read_line(console):
            try:
                turn = await say(kefu, name, text, console)
            except KefuError as error:
                # One failed turn is no reason to lose the conversation.
                explain(error)
                continue
            if turn.dialogue_state == DIALOGUE_STATE_CLOSED:
                return


async def _read_line(console: Console) -> str:
    """Read the customer's next line without stopping the connection's keepalive.

    In a thread of its own that dies with the process: asyncio's would keep Ctrl-C waiting for one
    more line.
    """
    loop = asyncio.get_running_loop()
    line: asyncio.Future[str] = loop.create_future()

    def read() -> None:
        try:
            text = console.input("[bold]> [/]").strip()
        except EOFError:
            text = ""
        with suppress(RuntimeError):  # the loop is gone: nobody waits any more
            loop.call_soon_threadsafe(_give, line, text)

    Thread(target=read, daemon=True).start()
    return await line


def _give(line: "asyncio.Future[str]", text: str) -> None:
    if not line.done():
        line.set_result(text)
