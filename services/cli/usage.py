"""`kefu usage`: what models were used for, what it cost, and what may still be used."""

import asyncio
import json
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

import typer
from kefu.generation.v1 import usage_pb2 as pb
from kefu.generation.v1.usage_pb2_grpc import GenerationUsageServiceStub
from rich.table import Table

from services.cli.options import (
    DEFAULT_HOME,
    DEFAULT_TENANT,
    HomeOption,
    JsonOption,
    TenantOption,
    terminal,
)
from services.cli.tables import columns
from services.local import operator
from services.local.home import Home

_CALL_SECONDS = 10.0


class By(StrEnum):
    """What rows can be told apart by."""

    DAY = "day"
    IDENTITY = "identity"
    PROVIDER = "provider"


_DIMENSIONS = {
    By.DAY: pb.GetUsageRequest.DIMENSION_DAY,
    By.IDENTITY: pb.GetUsageRequest.DIMENSION_IDENTITY,
    By.PROVIDER: pb.GetUsageRequest.DIMENSION_PROVIDER,
}
_SHOWN = {By.DAY: ("day",), By.IDENTITY: ("caller",), By.PROVIDER: ("provider", "model")}


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(usage)


def usage(
    first: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="First day, UTC. Today if not given."),
    ] = None,
    last: Annotated[
        datetime | None,
        typer.Option("--to", formats=["%Y-%m-%d"], help="Last day, UTC. Today if not given."),
    ] = None,
    by: Annotated[
        list[By] | None,
        typer.Option("--by", help="What rows are told apart by; may be given several times."),
    ] = None,
    tenant: TenantOption = DEFAULT_TENANT,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Show what models were used for, and what may still be used today."""
    wanted = [each for each in By if each in (by or [By.DAY, By.PROVIDER])]
    request = pb.GetUsageRequest(
        parent=f"tenants/{tenant}",
        start_day=f"{first:%Y-%m-%d}" if first else "",
        end_day=f"{last:%Y-%m-%d}" if last else "",
        dimensions=[_DIMENSIONS[each] for each in wanted],
        page_size=100,
    )
    answer = asyncio.run(_usage(Home.at(home), request))
    if as_json:
        print(json.dumps(_plain(answer), ensure_ascii=False, indent=2))
        return
    terminal().print(_rows(answer, wanted) if answer.rows else "no model was asked")
    if answer.quotas:
        terminal().print()
        terminal().print(_quotas(answer))


async def _usage(home: Home, request: pb.GetUsageRequest) -> pb.GetUsageResponse:
    """All pages as one."""
    async with operator.channel(home, "generation") as channel:
        stub = GenerationUsageServiceStub(channel)
        answer: pb.GetUsageResponse = await stub.GetUsage(request, timeout=_CALL_SECONDS)
        while answer.next_page_token:
            request.page_token = answer.next_page_token
            page = await stub.GetUsage(request, timeout=_CALL_SECONDS)
            answer.rows.extend(page.rows)
            answer.next_page_token = page.next_page_token
    return answer


def _plain(answer: pb.GetUsageResponse) -> dict[str, list[dict[str, Any]]]:
    """As the contract names it; every row has every field, and numbers are numbers."""
    return {
        part: [
            {field.name: getattr(row, field.name) for field in row.DESCRIPTOR.fields}
            for row in getattr(answer, part)
        ]
        for part in ("rows", "quotas")
    }


def _rows(answer: pb.GetUsageResponse, wanted: list[By]) -> Table:
    heads = [head for each in wanted for head in _SHOWN[each]]
    table = columns(*heads, "calls", "estimated", "input", "cached", "output", "price")
    for row in answer.rows:
        told = {
            "day": row.day,
            "caller": row.identity.rpartition("/")[2],
            "provider": row.provider,
            "model": row.model,
        }
        tokens = (row.input_tokens, row.cached_tokens, row.output_tokens)
        counts = (row.calls, row.estimated_calls, *tokens)
        price = f"{_money(row.price_micros)} {row.currency_code}" if row.currency_code else "-"
        table.add_row(*(told[head] for head in heads), *(f"{each:,}" for each in counts), price)
    return table


def _quotas(answer: pb.GetUsageResponse) -> Table:
    table = columns("limit", "of it left", "in all")
    for each in answer.quotas:
        money = each.metric == "money_per_day"
        left, limit = (
            _money(value) if money else f"{value:,}" for value in (each.remaining, each.limit)
        )
        table.add_row(each.metric.replace("_", " "), left, limit)
    return table


def _money(micros: int) -> str:
    """In units of the currency; to a hundredth of a cent, since one answer costs about that."""
    return f"{Decimal(micros) / 1_000_000:,.4f}"
