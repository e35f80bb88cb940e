"""`kefu audit`: who did what, and the proof that nothing of it was changed."""

import asyncio
import json
from typing import Annotated

import typer
from kefu.audit.v1 import audit_pb2 as pb
from kefu.audit.v1.audit_pb2_grpc import AuditServiceStub
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.cli.options import DEFAULT_HOME, DEFAULT_TENANT, HomeOption, JsonOption, terminal
from services.cli.words import message_json, word
from services.local import home as home_module
from services.local import operator
from services.local.home import Home

LIST_SECONDS = 10.0
"""Deadline of one page."""

VERIFY_SECONDS = 300.0
"""Deadline of a walk: some 100,000 records a second."""

NO_TENANT = "-"
"""Chain of the events that belong to no tenant, such as a refused stranger."""

audit = typer.Typer(help="Who did what, and its proof.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(audit, name="audit")


@audit.command("list")
def list_events(
    tenant: Annotated[
        str, typer.Option(help="Whose chain; '-' for events of no tenant.")
    ] = DEFAULT_TENANT,
    count: Annotated[int, typer.Option(min=1, help="Events at the most, newest first.")] = 20,
    method: Annotated[str, typer.Option(help="Only this method, by full name.")] = "",
    identity: Annotated[str, typer.Option(help="Only this caller, a SPIFFE URI.")] = "",
    outcome: Annotated[str, typer.Option(help="Only this code, such as PERMISSION_DENIED.")] = "",
    trace: Annotated[str, typer.Option(help="Only this trace id.")] = "",
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """List events, newest first."""
    wanted = pb.EventFilter(method=method, identity=identity, outcome=outcome, trace_id=trace)
    events = asyncio.run(_list(Home.at(home), tenant, count, wanted))
    if as_json:
        print(f"[{', '.join(message_json(each) for each in events)}]")
        return
    shown = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("#", "time", "caller", "method", "resource", "outcome", "ms"):
        shown.add_column(column, overflow="fold")
    for each in events:
        event = each.event
        milliseconds = event.latency.ToMicroseconds() / 1000
        shown.add_row(
            str(each.sequence),
            f"{event.time.ToDatetime():%m-%d %H:%M:%S}",
            event.identity.rpartition("/")[2] or "unknown",
            event.method.rpartition(".")[2],
            event.resource,
            Text(event.reason or event.outcome, "red" * bool(event.reason)),
            f"{milliseconds:.1f}",
        )
    terminal().print(shown)


async def _list(
    home: Home, tenant: str, count: int, wanted: pb.EventFilter
) -> list[pb.ChainedEvent]:
    request = pb.ListEventsRequest(parent=f"tenants/{tenant}", filter=wanted)
    events: list[pb.ChainedEvent] = []
    async with operator.channel(home, "audit") as channel:
        stub = AuditServiceStub(channel)
        while len(events) < count:
            request.page_size = count - len(events)
            page = await stub.ListEvents(request, timeout=LIST_SECONDS)
            events.extend(page.events)
            request.page_token = page.next_page_token
            if not page.next_page_token:
                break
    return events


@audit.command()
def verify(
    tenant: Annotated[
        list[str] | None, typer.Option(help="Whose chain; may be given several times.")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Walk the chains and name the first altered, missing or reordered record.

    The head that a walk finds in order is kept in the home, and the next walk has to meet it: cut
    records at the end of a chain are noticed, too. Exit status 1 if a chain is not in order.
    """
    tenants = tenant or [DEFAULT_TENANT, NO_TENANT]
    answers = asyncio.run(verify_chains(Home.at(home), tenants))
    if as_json:
        print(json.dumps({n: json.loads(message_json(a)) for n, a in answers.items()}, indent=2))
    else:
        show_verification(answers, terminal())
    raise typer.Exit(0 if all(each.ok for each in answers.values()) else 1)


def show_verification(answers: dict[str, pb.VerifyEventsResponse], console: Console) -> None:
    """Print one line for each chain."""
    for name, answer in answers.items():
        if answer.ok:
            console.print(
                f"[green]verified[/] tenants/{name}: {answer.verified} records, "
                f"head {answer.checkpoint.hash.hex()[:16]}"
            )
        else:
            problem = answer.problem
            kind = word(pb.Problem.Kind, problem.kind).lower()
            console.print(
                Text(
                    f"BROKEN tenants/{name}: record {problem.sequence} {kind}: "
                    f"{problem.description}",
                    "bold red",
                )
            )


async def verify_chains(home: Home, tenants: list[str]) -> dict[str, pb.VerifyEventsResponse]:
    """Verify chains against the heads kept in the home, and keep the new heads.

    Raises:
        Problem: no mesh runs on the home.
        KefuError: of the class that the service raised.
    """
    answers = {}
    async with operator.channel(home, "audit") as channel:
        stub = AuditServiceStub(channel)
        for tenant in tenants:
            kept = home.checkpoint_file(tenant)
            request = pb.VerifyEventsRequest(parent=f"tenants/{tenant}")
            if kept.exists():
                request.known_checkpoint.ParseFromString(kept.read_bytes())
            answers[tenant] = await stub.VerifyEvents(request, timeout=VERIFY_SECONDS)
            if answers[tenant].ok:
                home_module.write(kept, answers[tenant].checkpoint.SerializeToString())
    return answers
