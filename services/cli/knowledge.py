"""`kefu knowledge`: files in, ranked passages out."""

import asyncio
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import grpc
import typer
from kefu.generation.v1 import generation_pb2
from kefu.generation.v1.generation_pb2_grpc import GenerationServiceStub
from kefu.knowledge.v1 import knowledge_pb2 as pb
from kefu.knowledge.v1.knowledge_pb2_grpc import KnowledgeServiceStub
from rich.text import Text

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
from services.local.knowledge_files import collect, import_files

CALL_SECONDS = 10.0
"""Deadline of a search; a busy machine embeds a question in well under one."""

SHOWN_CHARACTERS = 160
"""Of each passage; the rest is in `--json`."""

knowledge = typer.Typer(help="The company's knowledge.", no_args_is_help=True)
KbOption = Annotated[str, typer.Option("--kb", help="Id of the knowledge base.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(knowledge, name="knowledge")


@knowledge.command("import")
def import_(
    path: Annotated[Path, typer.Argument(exists=True, help="A file, or a directory of files.")],
    kb: KbOption,
    tenant: TenantOption = DEFAULT_TENANT,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Import documents and FAQ files; unchanged ones are skipped.

    Documents are Markdown, text, HTML, PDF, Word (.docx), Excel (.xlsx) and CSV. FAQ files are
    JSON Lines, CSV and Excel with the columns question and answer.

    Unchanged files are skipped. The knowledge base is made if there is none. Exit status 1 if a
    file was refused.
    """
    results = asyncio.run(_import(Home.at(home), tenant, kb, path))
    console = terminal()
    for result in results:
        outcome = word(pb.ImportResult.Outcome, result.outcome).lower()
        document = result.document
        detail = result.problem or f"{document.passage_count} passages, {document.faq_count} FAQs"
        console.print(f"{outcome:10}{result.path}: {detail}", markup=False)
    counts = Counter(word(pb.ImportResult.Outcome, each.outcome).lower() for each in results)
    console.print(", ".join(f"{count} {name}" for name, count in sorted(counts.items())))
    raise typer.Exit(1 if counts["failed"] else 0)


async def _import(home: Home, tenant: str, kb: str, path: Path) -> list[pb.ImportResult]:
    files = collect(path)
    async with operator.channel(home, "knowledge") as channel:
        return await import_files(channel, tenant, kb, files)


@knowledge.command()
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
