"""`kefu knowledge search`: a question, and what answers it."""

import asyncio
from contextlib import suppress
from typing import Annotated

import grpc
import typer
from kefu.generation.v1 import generation_pb2
from kefu.generation.v1.generation_pb2_grpc import GenerationServiceStub
from kefu.knowledge.v1 import knowledge_pb2 as pb
from kefu.knowledge.v1.knowledge_pb2_grpc import KnowledgeServiceStub
from rich.table import Table
from rich.text import Text

from services.cli.knowledge.options import KbOption, RevisionOption, base_name
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
from services.local.problem import Problem

CALL_SECONDS = 10.0
"""Deadline of a search; a busy machine embeds a question in well under one."""

SHOWN_CHARACTERS = 160
"""Of each passage; the rest is in `--json`."""


def register(knowledge: typer.Typer) -> None:
    """Add the command of this module."""
    knowledge.command()(search)


def search(
    text: Annotated[str, typer.Argument(help="The question.")],
    kb: KbOption,
    count: Annotated[int, typer.Option(min=1, max=20, help="Passages at the most.")] = 5,
    revision: RevisionOption = "live",
    filters: Annotated[
        list[str] | None,
        typer.Option("--filter", metavar="KEY=VALUE", help="Metadata, or tag=...; may repeat."),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show ranks and what each score is made of.")
    ] = False,
    tenant: TenantOption = DEFAULT_TENANT,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Show the FAQ that answers and the best passages, with their scores and ranks."""
    request = pb.SearchRequest(
        parent=base_name(tenant, kb),
        query=text,
        page_size=count,
        scope=pb.SEARCH_SCOPE_ALL,
        revision=revision,
        filters=_filters(filters or []),
        explain=explain,
    )
    found = asyncio.run(_search(Home.at(home), tenant, request))
    if as_json:
        print(message_json(found))
        return
    console = terminal()
    if not found.revision:
        console.print(f"nothing is live; publish the draft: kefu knowledge publish --kb {kb}")
        return
    console.print(
        f"[dim]{word(pb.SearchResponse.Verdict, found.verdict).lower()}"
        f"{', by words only' if found.lexical_only else ''}, revision {found.revision}[/]"
    )
    if found.HasField("faq"):
        reason = word(pb.FaqHit.Reason, found.faq.reason).lower()
        console.print(Text.assemble((f"FAQ ({reason}) ", "green"), found.faq.question))
        console.print(Text(f"  {found.faq.answer}"))
    if explain:
        console.print(_explained(found))
        return
    for number, each in enumerate(found.passages, 1):
        ranks = f"words #{each.lexical_rank or '-'}, meaning #{each.dense_rank or '-'}"
        console.print(
            Text.assemble(
                f"{number}. ", (f"{each.score:.3f} ", "bold"), each.title, (f"  {ranks}", "dim")
            )
        )
        console.print(Text(f"   {' '.join(each.text.split())[:SHOWN_CHARACTERS]}", "dim"))


def _filters(given: list[str]) -> list[pb.MetadataFilter]:
    """Read filters; values of one key are alternatives.

    Raises:
        Problem: one is not of the form KEY=VALUE.
    """
    found: dict[str, list[str]] = {}
    for each in given:
        key, equals, value = each.partition("=")
        if not (key and equals and value):
            raise Problem(f"{each!r} is no filter", "write KEY=VALUE, such as region=eu")
        found.setdefault(key, []).append(value)
    return [pb.MetadataFilter(key=key, values=values) for key, values in found.items()]


def _explained(found: pb.SearchResponse) -> Table:
    """Return the ranks of each passage and the evidence that its score is made of."""
    names = list(dict.fromkeys(part.name for each in found.passages for part in each.evidence))
    table = columns("fused", "score", "words", "meaning", "cosine", *names, "passage")
    for number, each in enumerate(found.passages, 1):
        parts = {part.name: f"{part.contribution:+.2f}" for part in each.evidence}
        table.add_row(
            f"#{number}",
            f"{each.score:.3f}",
            f"#{each.lexical_rank or '-'}",
            f"#{each.dense_rank or '-'}",
            f"{each.cosine:.3f}" if each.HasField("cosine") else "-",
            *(parts.get(name, "") for name in names),
            Text(f"{each.title}: {' '.join(each.text.split())}"[:SHOWN_CHARACTERS]),
        )
    return table


async def _search(home: Home, tenant: str, request: pb.SearchRequest) -> pb.SearchResponse:
    """Embed the question and search; by words only where there is no fitting vector."""
    embed = generation_pb2.EmbedRequest(
        tenant=f"tenants/{tenant}",
        texts=[request.query],
        purpose=generation_pb2.EMBED_PURPOSE_QUERY,
    )
    async with (
        operator.channel(home, "generation") as generation,
        operator.channel(home, "knowledge") as channel,
    ):
        with suppress(grpc.RpcError):
            answer = await GenerationServiceStub(generation).Embed(embed, timeout=CALL_SECONDS)
            request.embedding.CopyFrom(answer.embeddings[0])
        stub = KnowledgeServiceStub(channel)
        found: pb.SearchResponse = await stub.Search(request, timeout=CALL_SECONDS)
    return found
