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
from rich.text import Text

from services.cli.knowledge.options import KbOption
from services.cli.options import (
    DEFAULT_HOME,
    DEFAULT_TENANT,
    HomeOption,
    JsonOption,
    TenantOption,
    terminal,
)
from services.cli.words import message_json, word
from services.local import operator
from services.local.home import Home

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
    tenant: TenantOption = DEFAULT_TENANT,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Show the FAQ that answers and the best passages, with their scores and ranks."""
    found = asyncio.run(_search(Home.at(home), tenant, kb, text, count))
    if as_json:
        print(message_json(found))
        return
    console = terminal()
    console.print(
        f"[dim]{word(pb.SearchResponse.Verdict, found.verdict).lower()}"
        f"{', by words only' if found.lexical_only else ''}[/]"
    )
    if found.HasField("faq"):
        reason = word(pb.FaqHit.Reason, found.faq.reason).lower()
        console.print(Text.assemble((f"FAQ ({reason}) ", "green"), found.faq.question))
        console.print(Text(f"  {found.faq.answer}"))
    for number, each in enumerate(found.passages, 1):
        ranks = f"words #{each.lexical_rank or '-'}, meaning #{each.dense_rank or '-'}"
        console.print(
            Text.assemble(
                f"{number}. ", (f"{each.score:.3f} ", "bold"), each.title, (f"  {ranks}", "dim")
            )
        )
        console.print(Text(f"   {' '.join(each.text.split())[:SHOWN_CHARACTERS]}", "dim"))


async def _search(home: Home, tenant: str, kb: str, text: str, count: int) -> pb.SearchResponse:
    """Embed the question and search; by words only where there is no fitting vector."""
    request = pb.SearchRequest(
        parent=f"tenants/{tenant}/knowledgeBases/{kb}",
        query=text,
        page_size=count,
        scope=pb.SEARCH_SCOPE_ALL,
    )
    embed = generation_pb2.EmbedRequest(
        tenant=f"tenants/{tenant}", texts=[text], purpose=generation_pb2.EMBED_PURPOSE_QUERY
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
