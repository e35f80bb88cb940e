"""`kefu intent review`: what customers said and the model did not understand, one by one."""

import asyncio
from pathlib import Path
from typing import Any

import typer
from kefu.intent.v1 import training_pb2 as pb
from rich.console import Console
from rich.text import Text

from services.cli.intent.calls import everything, request_id, training_service
from services.cli.options import (
    DEFAULT_HOME,
    DEFAULT_TENANT,
    HomeOption,
    JsonOption,
    TenantOption,
    terminal,
)
from services.cli.words import message_json
from services.local.intent_training import CALL_SECONDS

HELP = (
    "A number takes that intent, a name any other, [bold]u[/] means that it is none of them,"
    " [bold]e[/] edits the text first, [bold]d[/] dismisses it, [bold]s[/] or Enter skips it,"
    " [bold]q[/] ends."
)


def register(intent: typer.Typer) -> None:
    """Add the commands of this module."""
    intent.command()(review)


def review(
    tenant: TenantOption = DEFAULT_TENANT,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Walk through the utterances most worth labelling; what is accepted goes into the draft.

    Personal data was replaced before they were kept. With --json the list is printed and nothing
    is asked.
    """
    asyncio.run(_review(home, tenant, as_json))


async def _review(home: Path, tenant: str, as_json: bool) -> None:
    console = terminal()
    parent = f"tenants/{tenant}"
    async with training_service(home) as stub:
        uncertain = await everything(
            stub.ListUncertain, pb.ListUncertainRequest(parent=parent, page_size=100), "utterances"
        )
        if as_json:
            for each in uncertain:
                print(message_json(each))
            return
        if not uncertain:
            console.print("nothing to review: the model was sure of everything it was asked")
            return
        intents = await everything(
            stub.ListIntents, pb.ListIntentsRequest(parent=parent, page_size=100), "intents"
        )
        names = {each.intent for each in intents}
        console.print(HELP)
        added = 0
        for number, each in enumerate(uncertain, 1):
            _show(each, f"{number}/{len(uncertain)}", console)
            answer = await asyncio.to_thread(_ask, each, names, console)
            if answer is None:
                break
            if answer.WhichOneof("resolution"):
                await stub.ResolveUncertain(answer, timeout=CALL_SECONDS)
                added += answer.WhichOneof("resolution") == "intent"
    console.print(f"{added} added to the draft" + ("; kefu intent train --activate" * (added > 0)))


def _show(each: Any, place: str, console: Console) -> None:
    times = f", {each.count} times" if each.count > 1 else ""
    console.print(Text.assemble(f"\n{place}  ", (each.text, "bold"), (times, "dim")))
    for other in each.similar:
        console.print(Text(f"     like  {other}", "dim"))
    for number, candidate in enumerate(each.candidates, 1):
        console.print(f"  {number}  {candidate.intent} [dim]{candidate.confidence:.2f}[/]")


def _ask(each: Any, names: set[str], console: Console) -> pb.ResolveUncertainRequest | None:
    """Ask until the answer is one: a resolution, an empty request to skip, None to end."""
    request = pb.ResolveUncertainRequest(name=each.name, request_id=request_id())
    while True:
        try:
            answer = console.input("> ").strip()
        except EOFError:
            return None
        if answer == "q":
            return None
        if answer in ("", "s"):
            return request
        if answer == "e":
            request.text = console.input("text: ").strip()
        elif answer == "d":
            request.dismiss = True
            return request
        elif chosen := _intent(answer, each, names):
            request.intent = chosen
            return request
        else:
            console.print(f"no such intent: {answer}; see kefu intent list", markup=False)


def _intent(answer: str, each: Any, names: set[str]) -> str:
    """The intent that an answer means; empty where it means none."""
    if answer.isdecimal() and 1 <= int(answer) <= len(each.candidates):
        name: str = each.candidates[int(answer) - 1].intent
        return name
    if answer == "u":
        return "unknown"
    return answer if answer in names else ""
