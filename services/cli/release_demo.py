"""An act of `kefu demo`: knowledge is released like code, and taken back like code."""

import uuid
from dataclasses import dataclass

import grpc
from kefu.client import Client
from kefu.knowledge.v1.import_pb2 import ImportedFile
from kefu.knowledge.v1.release_pb2 import RollbackKnowledgeBaseRequest
from kefu.knowledge.v1.release_pb2_grpc import KnowledgeReleaseServiceStub
from kefu.session.v1.turn_pb2 import Turn
from rich.console import Console
from rich.text import Text

from services.cli.conversation import open_session, say
from services.local import operator
from services.local.folder import LARGEST_BYTES, Fate, look_through
from services.local.home import Home
from services.local.knowledge_upload import Listener, follow, results, upload
from services.local.publishing import publish, until_embedded
from services.local.sample import KNOWLEDGE_BASE, SHOP, TENANT

_CALL_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked before and after the campaign is taken back.

    Attributes:
        text: the customer's words.
        source: the file whose words the answer must rest on, as the id of its document.
        words: what the answer must say; and must not say when the file is not live.
    """

    text: str
    source: str
    words: str


QUESTIONS = (
    Question("企业团购满多少件可以打折？", "group-orders.docx", "20 件"),
    Question("How much is it to rent a two-person tent for a week?", "rental.pdf", "300 yuan"),
    Question("夏季促销从哪天开始", "campaign-faqs.xlsx", "6 月 1 日"),
)


async def play(place: Home, kefu: Client, console: Console) -> list[str]:
    """Import a PDF, a Word file and a sheet, publish, ask, go back, ask again.

    Returns:
        What did not come out as it should, for people.
    """
    missed = []
    console.print("\n[bold]A PDF, a Word file and an Excel sheet go live, and are taken back[/]")
    async with operator.channel(place, "knowledge") as channel:
        missed += await _bring(channel, console)
        await until_embedded(channel, KNOWLEDGE_BASE)
        live = (await publish(channel, KNOWLEDGE_BASE, description="summer campaign")).revision
        console.print(f"revision {live.number} is live: {live.document_count} documents")
        missed += await _ask(kefu, console, known=True)
        request = RollbackKnowledgeBaseRequest(name=KNOWLEDGE_BASE, request_id=str(uuid.uuid4()))
        stub = KnowledgeReleaseServiceStub(channel)
        back = await stub.RollbackKnowledgeBase(request, timeout=_CALL_SECONDS)
        console.print(f"\n[bold]revision {back.revision.number} is live again[/]")
        missed += await _ask(kefu, console, known=False)
    return missed


async def _bring(channel: grpc.aio.Channel, console: Console) -> list[str]:
    """Import the campaign's files; return what failed."""
    found = look_through(SHOP / "campaign", LARGEST_BYTES)
    files = [each for each in found if each.fate is Fate.READY]
    operation = await upload(channel, KNOWLEDGE_BASE, files, Listener())
    operation = await follow(channel, operation, Listener())
    failed = []
    for each in await results(channel, operation.name):
        console.print(f"  {each.path}: {each.passage_count} passages, {each.faq_count} FAQs")
        if each.outcome != ImportedFile.OUTCOME_IMPORTED:
            failed.append(f"{each.path} should be imported, not: {each.problem}")
    return failed


async def _ask(kefu: Client, console: Console, known: bool) -> list[str]:
    """Ask all questions in a conversation of their own; return what was not as it should be."""
    session = await open_session(kefu, TENANT, "")
    missed = []
    for question in QUESTIONS:
        console.print(Text.assemble(("\nCustomer  ", "bold blue"), question.text))
        console.print(Text("Kefu      ", "bold green"), end="")
        turn = await say(kefu, session, question.text, console)
        if _answers(turn, question) is not known:
            wanted = f"rest on {question.source}" if known else f"not know {question.source}"
            missed.append(f"{question.text} should {wanted}")
    return missed


def _answers(turn: Turn, question: Question) -> bool:
    """Say whether a reply says what the file says, and names it."""
    sources = {each.document.rpartition("/")[2] for each in turn.citations}
    return question.words in turn.text and question.source in sources
