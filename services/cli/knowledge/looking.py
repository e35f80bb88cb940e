"""`kefu knowledge chunks|dictionary`: what documents were cut into, and the company's own words."""

import asyncio
import uuid
from pathlib import Path
from typing import Annotated

import typer
from kefu.knowledge.v1 import knowledge_pb2 as pb
from kefu.knowledge.v1 import release_pb2
from kefu.knowledge.v1.knowledge_pb2_grpc import KnowledgeServiceStub
from kefu.knowledge.v1.release_pb2_grpc import KnowledgeReleaseServiceStub
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
from services.cli.words import message_json
from services.local import operator
from services.local.home import Home
from services.local.lists import everything
from services.local.problem import Problem

_CALL_SECONDS = 10.0


def register(knowledge: typer.Typer) -> None:
    """Add the commands of this module."""
    knowledge.command()(chunks)
    knowledge.command()(dictionary)


def chunks(
    document: Annotated[str, typer.Argument(help="Path as imported, or the document's id.")],
    kb: KbOption,
    revision: RevisionOption = "draft",
    tenant: TenantOption = DEFAULT_TENANT,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Show the passages, or wordings of FAQs, that a document was cut into."""
    found = asyncio.run(_chunks(Home.at(home), base_name(tenant, kb), document, revision))
    if as_json:
        print(message_json(pb.ListPassagesResponse(passages=found)))
        return
    console = terminal()
    for number, each in enumerate(found, 1):
        about = f"  {each.span.start}-{each.span.end}, {each.tokens} tokens, {each.language_code}"
        vector = "" if each.embedded else ", no vector yet"
        heading = each.heading or f"FAQ {each.faq_id}"
        console.print(Text.assemble(f"{number}. ", (heading, "bold"), (f"{about}{vector}", "dim")))
        console.print(Text(f"{each.text}\n"))
    console.print(f"{len(found)} passages")


async def _chunks(home: Home, base: str, document: str, revision: str) -> list[pb.Passage]:
    async with operator.channel(home, "knowledge") as channel:
        stub = KnowledgeServiceStub(channel)
        listing = pb.ListDocumentsRequest(parent=base, page_size=100, revision=revision)
        listed = await everything(stub.ListDocuments, listing, "documents")
        wanted = {f"{base}/documents/{document}"} | {
            each.name for each in listed if each.path == document
        }
        names = [each.name for each in listed if each.name in wanted]
        if not names:
            raise Problem(
                f"the {revision} revision of {base} has no document {document}",
                f"it has {', '.join(each.path for each in listed[:10]) or 'none'}",
            )
        request = pb.ListPassagesRequest(parent=names[0], page_size=100, revision=revision)
        return await everything(stub.ListPassages, request, "passages")


def dictionary(
    kb: KbOption,
    file: Annotated[
        Path | None,
        typer.Argument(exists=True, dir_okay=False, help="A word a line; replaces the draft's."),
    ] = None,
    revision: RevisionOption = "draft",
    tenant: TenantOption = DEFAULT_TENANT,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """List the company's own words, or replace them; they are found whole (三码, brand names)."""
    place, base = Home.at(home), base_name(tenant, kb)
    if file is None:
        for each in asyncio.run(_words(place, base, revision)):
            print(each)
        return
    words = list(filter(None, map(str.strip, file.read_text("utf-8-sig").splitlines())))
    count = asyncio.run(_replace(place, base, words))
    terminal().print(f"{count} words in the draft; put it live: kefu knowledge publish --kb {kb}")


async def _words(home: Home, base: str, revision: str) -> list[str]:
    request = release_pb2.ListDictionaryRequest(parent=base, page_size=100, revision=revision)
    async with operator.channel(home, "knowledge") as channel:
        stub = KnowledgeReleaseServiceStub(channel)
        return await everything(stub.ListDictionary, request, "words")


async def _replace(home: Home, base: str, words: list[str]) -> int:
    request = release_pb2.ReplaceDictionaryRequest(
        parent=base, request_id=str(uuid.uuid4()), words=words
    )
    async with operator.channel(home, "knowledge") as channel:
        stub = KnowledgeReleaseServiceStub(channel)
        response = await stub.ReplaceDictionary(request, timeout=_CALL_SECONDS)
    return int(response.word_count)
