"""`kefu knowledge imports | cancel`: imports that run, or that have ended."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from kefu.type.v1.operation_pb2 import Operation
from rich.text import Text

from services.cli.options import (
    DEFAULT_HOME,
    DEFAULT_TENANT,
    HomeOption,
    TenantOption,
    terminal,
)
from services.cli.tables import STATE_STYLES, columns
from services.cli.words import word
from services.local import operator
from services.local.home import Home
from services.local.knowledge_upload import cancel as cancel_import
from services.local.knowledge_upload import operations


def register(knowledge: typer.Typer) -> None:
    """Add the commands of this module."""
    knowledge.command("imports")(imports)
    knowledge.command("cancel")(cancel)


def imports(tenant: TenantOption = DEFAULT_TENANT, home: HomeOption = DEFAULT_HOME) -> None:
    """Show the imports of the last 30 days, the newest first, and why one failed."""
    shown = columns("operation", "knowledge base", "begun", "state", "stage", "")
    for each in asyncio.run(_imports(home, tenant)):
        state = word(Operation.State, each.state).lower()
        shown.add_row(
            each.name,
            each.subject.rpartition("/")[2],
            f"{each.create_time.ToDatetime():%Y-%m-%d %H:%M:%S}",
            Text(state, STATE_STYLES.get(state, "")),
            f"{each.stage} {each.progress:.0%}" if state == "running" else "",
            Text(each.problem),
        )
    terminal().print(shown)


async def _imports(home: Path, tenant: str) -> list[Operation]:
    async with operator.channel(Home.at(home), "knowledge") as channel:
        return await operations(channel, tenant)


def cancel(
    operation: Annotated[str, typer.Argument(help="Name of the operation, as `imports` shows.")],
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """End a running import after its current file; what is done stays in the draft."""
    ended = asyncio.run(_cancel(home, operation))
    terminal().print(f"{ended.name}: {word(Operation.State, ended.state).lower()}", markup=False)


async def _cancel(home: Path, operation: str) -> Operation:
    async with operator.channel(Home.at(home), "knowledge") as channel:
        return await cancel_import(channel, operation)
