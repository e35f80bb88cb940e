"""`kefu knowledge publish|rollback|revisions|reset|status`: the draft goes live, or back."""

import asyncio
import uuid
from contextlib import suppress
from typing import Annotated, Any

import grpc
import typer
from kefu.client.status import from_rpc_error
from kefu.errors import PublishRefused
from kefu.knowledge.v1 import release_pb2 as pb
from kefu.knowledge.v1.release_pb2_grpc import KnowledgeReleaseServiceStub
from rich.console import Console
from rich.text import Text

from services.cli.knowledge.options import KbOption, base_name
from services.cli.knowledge.testing import show_report
from services.cli.options import (
    DEFAULT_HOME,
    DEFAULT_TENANT,
    HomeOption,
    JsonOption,
    TenantOption,
    terminal,
)
from services.cli.tables import columns
from services.cli.words import message_json
from services.local import operator
from services.local.home import Home
from services.local.lists import everything
from services.local.publishing import knowledge_base, publish, until_embedded

VECTORS_SECONDS = 600.0
"""Longest wait for the vectors of a draft: some seventy thousand passages on two cores."""

_CALL_SECONDS = 10.0


def register(knowledge: typer.Typer) -> None:
    """Add the commands of this module."""
    knowledge.command("publish")(publish_)
    knowledge.command()(rollback)
    knowledge.command()(revisions)
    knowledge.command()(reset)
    knowledge.command()(status)


def publish_(
    kb: KbOption,
    description: Annotated[str, typer.Option("-m", "--message", help="Why, for people.")] = "",
    validate_only: Annotated[
        bool, typer.Option("--validate-only", help="Ask the test questions; change nothing.")
    ] = False,
    now: Annotated[bool, typer.Option("--now", help="Do not wait for the last vectors.")] = False,
    tenant: TenantOption = DEFAULT_TENANT,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Make the draft a revision and put it live, if its test questions allow it.

    Waits until every text of the draft has its vector. Exit status 1 if it is refused.
    """
    name = base_name(tenant, kb)
    refused = asyncio.run(_publish(Home.at(home), name, description, validate_only, now))
    raise typer.Exit(1 if refused else 0)


async def _publish(home: Home, name: str, description: str, validate_only: bool, now: bool) -> bool:
    """Publish; return whether it was, or would be, refused."""
    console = terminal()
    async with operator.channel(home, "knowledge") as channel:
        if not now:
            await _vectors(channel, name)
        if validate_only:
            return await _validate(channel, name, console)
        try:
            done = await publish(channel, name, description=description)
        except grpc.RpcError as error:
            if not isinstance(from_rpc_error(error, "knowledge"), PublishRefused):
                raise
            await _validate(channel, name, console)
            return True
        if done.HasField("report"):
            show_report(done.report, console, problems_only=True)
        revision = done.revision
        console.print(
            f"revision {revision.number} is live: {revision.document_count} documents,"
            f" {revision.passage_count} passages"
        )
        return False


async def _vectors(channel: grpc.aio.Channel, name: str) -> None:
    """Wait for the vectors, and say how many are to come."""
    said = Console(stderr=True, highlight=False)
    with said.status("looking at the draft") as line, suppress(TimeoutError):
        async with asyncio.timeout(VECTORS_SECONDS):
            await until_embedded(
                channel, name, lambda waiting: line.update(f"{waiting} texts wait for vectors")
            )


async def _validate(channel: grpc.aio.Channel, name: str, console: Console) -> bool:
    answer = await publish(channel, name, validate_only=True)
    if not answer.HasField("report"):
        console.print("there are no test questions; give some: kefu knowledge questions FILE")
        return False
    show_report(answer.report, console, problems_only=True)
    console.print("[red]refused[/]" if answer.refused else "[green]may be published[/]")
    return answer.refused


def rollback(
    kb: KbOption,
    revision: Annotated[
        int | None, typer.Argument(min=1, help="Which; the one before what is live.")
    ] = None,
    tenant: TenantOption = DEFAULT_TENANT,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Put an earlier revision live again, at once; the draft stays as it is."""
    request = pb.RollbackKnowledgeBaseRequest(
        name=base_name(tenant, kb), request_id=str(uuid.uuid4()), revision=revision
    )
    live = asyncio.run(_call(Home.at(home), "RollbackKnowledgeBase", request)).revision
    terminal().print(f"revision {live.number} is live again")


def reset(
    kb: KbOption, tenant: TenantOption = DEFAULT_TENANT, home: HomeOption = DEFAULT_HOME
) -> None:
    """Undo all edits of the draft: it is then what the newest revision is."""
    request = pb.ResetDraftRequest(name=base_name(tenant, kb), request_id=str(uuid.uuid4()))
    now = asyncio.run(_call(Home.at(home), "ResetDraft", request)).knowledge_base
    terminal().print(f"the draft is what revision {now.draft_revision - 1} is")


def revisions(
    kb: KbOption,
    tenant: TenantOption = DEFAULT_TENANT,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """List revisions, the newest first, and which one is live."""
    request = pb.ListRevisionsRequest(parent=base_name(tenant, kb), page_size=100)
    found = asyncio.run(_revisions(Home.at(home), request))
    if as_json:
        print(message_json(pb.ListRevisionsResponse(revisions=found)))
        return
    table = columns("revision", "", "published", "documents", "passages", "tests", "why", "by")
    for each in found:
        table.add_row(
            str(each.number),
            Text("live" if each.live else "", "green"),
            f"{each.create_time.ToDatetime():%Y-%m-%d %H:%M}",
            str(each.document_count),
            str(each.passage_count),
            f"{each.passed_share:.0%}" if each.HasField("passed_share") else "",
            Text(each.description),
            each.publisher.rpartition("/")[2],
        )
    terminal().print(table)


async def _revisions(home: Home, request: pb.ListRevisionsRequest) -> list[pb.Revision]:
    async with operator.channel(home, "knowledge") as channel:
        stub = KnowledgeReleaseServiceStub(channel)
        return await everything(stub.ListRevisions, request, "revisions")


def status(
    kb: KbOption,
    tenant: TenantOption = DEFAULT_TENANT,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Show what is live, whether the draft differs, and what waits for its vector."""
    now = asyncio.run(_status(Home.at(home), base_name(tenant, kb)))
    if as_json:
        print(message_json(now))
        return
    live = f"revision {now.live_revision}" if now.HasField("live_revision") else "nothing"
    draft = "edited" if now.draft_changed else "as the newest revision"
    terminal().print(
        f"live: {live}\ndraft: {draft}; it becomes revision {now.draft_revision}\n"
        f"waiting for vectors: {now.waiting_texts}"
    )


async def _status(home: Home, name: str) -> Any:
    async with operator.channel(home, "knowledge") as channel:
        return await knowledge_base(channel, name)


async def _call(home: Home, method: str, request: Any) -> Any:
    async with operator.channel(home, "knowledge") as channel:
        stub = KnowledgeReleaseServiceStub(channel)
        return await getattr(stub, method)(request, timeout=_CALL_SECONDS)
