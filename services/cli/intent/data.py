"""`kefu intent import | list`: the draft that a model is trained on."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer
from kefu.intent.v1 import training_pb2 as pb
from kefu.type.v1 import understanding_pb2
from rich.text import Text

from services.cli.intent.calls import training_service
from services.cli.options import (
    DEFAULT_HOME,
    DEFAULT_TENANT,
    HomeOption,
    JsonOption,
    TenantOption,
    terminal,
)
from services.cli.tables import columns
from services.cli.words import message_json, word
from services.local import operator
from services.local.home import Home
from services.local.intent_training import import_file
from services.local.lists import everything

SHOWN_PROBLEMS = 30
"""Of an import's report; where a file has more, one cause has most of them."""

LANGUAGES = ("zh", "en", "mixed", "und")
"""Of utterances, as columns; `und`, undetermined, is what has no words, such as emoji and codes."""


def register(intent: typer.Typer) -> None:
    """Add the commands of this module."""
    intent.command("import")(import_)
    intent.command("list")(list_)


def import_(
    path: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="A .yaml, .csv or .tsv file.")
    ],
    replace: Annotated[
        bool, typer.Option("--replace", help="Make the draft this file and nothing else.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would happen and change nothing.")
    ] = False,
    tenant: TenantOption = DEFAULT_TENANT,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Import intents, utterances and entity types into the draft. Exit status 1 if refused."""
    header = pb.TrainingDataHeader
    mode = header.MODE_REPLACE if replace else header.MODE_MERGE
    report = asyncio.run(_import(Home.at(home), tenant, path, mode, dry_run))
    if as_json:
        print(message_json(report))
    else:
        _show_report(report, dry_run)
    refused = any(each.severity == pb.DataProblem.SEVERITY_ERROR for each in report.problems)
    raise typer.Exit(1 if refused else 0)


async def _import(
    home: Home, tenant: str, path: Path, mode: pb.TrainingDataHeader.Mode.ValueType, dry_run: bool
) -> pb.ImportTrainingDataResponse:
    async with operator.channel(home, "intent") as channel:
        return await import_file(channel, tenant, path, mode, dry_run)


def _show_report(report: pb.ImportTrainingDataResponse, dry_run: bool) -> None:
    console = terminal()
    for each in report.problems[:SHOWN_PROBLEMS]:
        severity = word(pb.DataProblem.Severity, each.severity).lower()
        style = "red" if each.severity == pb.DataProblem.SEVERITY_ERROR else "yellow"
        console.print(Text.assemble((f"{severity} ", style), each.message))
    if more := report.problem_count - min(len(report.problems), SHOWN_PROBLEMS):
        console.print(f"... and {more} more")
    console.print(
        f"{report.intent_count} intents, {report.utterance_count} utterances;"
        f" {report.added_count} added, {report.removed_count} removed, {report.moved_count} moved"
    )
    if not report.imported:
        console.print("nothing was changed" + (" (dry run)" if dry_run else ""))


def list_(
    name: Annotated[str, typer.Argument(help="Show the utterances of this intent.")] = "",
    tenant: TenantOption = DEFAULT_TENANT,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Show the intents of the draft, or the utterances of one."""
    console = terminal()
    if name:
        for each in asyncio.run(_utterances(home, tenant, name)):
            console.print(f"{each.language_code:6}{each.text}", markup=False)
        return
    shown = columns("intent", "type", *LANGUAGES, "description")
    for each in asyncio.run(_intents(home, tenant)):
        kind = word(understanding_pb2.IntentType, each.type).lower()
        counts = [str(each.language_counts.get(code, 0) or "") for code in LANGUAGES]
        shown.add_row(each.intent, kind, *counts, Text(each.description))
    console.print(shown)


async def _intents(home: Path, tenant: str) -> list[Any]:
    request = pb.ListIntentsRequest(parent=f"tenants/{tenant}", page_size=100)
    async with training_service(home) as stub:
        return await everything(stub.ListIntents, request, "intents")


async def _utterances(home: Path, tenant: str, name: str) -> list[Any]:
    request = pb.ListUtterancesRequest(parent=f"tenants/{tenant}", intent=name, page_size=100)
    async with training_service(home) as stub:
        return await everything(stub.ListUtterances, request, "utterances")
