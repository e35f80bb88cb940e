"""`kefu intent review`: what customers said and the model did not understand, one by one."""

import asyncio
from pathlib import Path
from typing import Any

import typer
from kefu.errors import IntentNotFound, InvalidRequest, KefuError
from kefu.intent.v1 import training_pb2 as pb
from rich.console import Console
from rich.text import Text

from services.cli.intent.calls import request_id, training_service
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
from services.local.lists import everything

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
    uncertain = asyncio.run(_uncertain(home, tenant))
    if as_json:
        for each in uncertain:
            print(message_json(each))
        return
    _walk(home, uncertain, terminal())


async def _uncertain(home: Path, tenant: str) -> list[Any]:
    request = pb.ListUncertainRequest(parent=f"tenants/{tenant}", page_size=100)
    async with training_service(home) as stub:
        return await everything(stub.ListUncertain, request, "utterances")


def _walk(home: Path, uncertain: list[Any], console: Console) -> None:
    """Show one utterance after the other and do what is answered.

    No event loop runs while a question is open, so that Ctrl-C ends the command at once.
    """
    if not uncertain:
        console.print("nothing to review: the model was sure of everything it was asked")
        return
    console.print(HELP)
    added = 0
    for number, each in enumerate(uncertain, 1):
        _show(each, f"{number}/{len(uncertain)}", console)
        answer = _answered(home, each, console)
        if answer is None:
            break
        added += answer.WhichOneof("resolution") == "intent"
    console.print(f"{added} added to the draft" + ("; kefu intent train --activate" * (added > 0)))


def _answered(home: Path, each: Any, console: Console) -> pb.ResolveUncertainRequest | None:
    """Ask about an utterance until the service took the answer; None ends the walk."""
    text = ""
    while True:
        answer = _ask(each, text, console)
        if answer is None or not answer.WhichOneof("resolution"):
            return answer
        try:
            asyncio.run(_resolve(home, answer))
            return answer
        except KefuError as error:
            said = f"{answer.intent or 'not dismissed'}: {error.message}"
            console.print(said, style="yellow", markup=False)
            if not isinstance(error, IntentNotFound | InvalidRequest):
                # Another reviewer may have been faster; what comes behind it is still there.
                return pb.ResolveUncertainRequest()
            text = answer.text


async def _resolve(home: Path, request: pb.ResolveUncertainRequest) -> None:
    async with training_service(home) as stub:
        await stub.ResolveUncertain(request, timeout=CALL_SECONDS)


def _show(each: Any, place: str, console: Console) -> None:
    times = f", {each.count} times" if each.count > 1 else ""
    console.print(Text.assemble(f"\n{place}  ", (each.text, "bold"), (times, "dim")))
    for other in each.similar:
        console.print(Text(f"     like  {other}", "dim"))
    for number, candidate in enumerate(each.candidates, 1):
        console.print(f"  {number}  {candidate.intent} [dim]{candidate.confidence:.2f}[/]")


def _ask(each: Any, text: str, console: Console) -> pb.ResolveUncertainRequest | None:
    """Ask until the answer is one: a resolution, an empty request to skip, None to end.

    Args:
        each: the uncertain utterance.
        text: what its reviewer made of its text before; empty: as it is.
        console: where the answers come from.
    """
    request = pb.ResolveUncertainRequest(name=each.name, request_id=request_id(), text=text)
    while True:
        try:
            answer = console.input("> ").strip()
            if answer == "e":
                request.text = console.input("text: ").strip()
                continue
        except EOFError:
            return None
        if answer == "q":
            return None
        if answer == "d":
            request.dismiss = True
        elif answer not in ("", "s"):
            request.intent = _intent(answer, each)
        return request


def _intent(answer: str, each: Any) -> str:
    """The intent that an answer means; the service knows whether it exists."""
    if answer.isdecimal() and 1 <= int(answer) <= len(each.candidates):
        name: str = each.candidates[int(answer) - 1].intent
        return name
    return "unknown" if answer == "u" else answer
