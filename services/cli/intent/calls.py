"""What the commands share: the service's stub, lists to their end, tables."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from kefu.intent.v1.training_pb2_grpc import IntentTrainingServiceStub
from rich.table import Table

from services.local import operator
from services.local.home import Home
from services.local.intent_training import CALL_SECONDS


@asynccontextmanager
async def training_service(home: Path) -> AsyncIterator[Any]:
    """The stub of the training service of the mesh that runs on a home.

    Raises:
        Problem: no mesh runs there.
        KefuError: a call inside the block failed.
    """
    async with operator.channel(Home.at(home), "intent") as channel:
        yield IntentTrainingServiceStub(channel)


async def everything(
    method: Any, request: Any, field: str, seconds: float = CALL_SECONDS
) -> list[Any]:
    """Return every row of a list, read page by page.

    Args:
        method: a list method of a stub.
        request: its request, asking for large pages; its `page_token` is changed.
        field: of the response that holds the rows.
        seconds: deadline of one page.
    """
    rows: list[Any] = []
    while True:
        page = await method(request, timeout=seconds)
        rows += getattr(page, field)
        if not page.next_page_token:
            return rows
        request.page_token = page.next_page_token


def request_id() -> str:
    """Return a new id for a call that changes something."""
    return str(uuid.uuid4())


def columns(*names: str) -> Table:
    """Return an empty table in the style of the other commands."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in names:
        table.add_column(name)
    return table
