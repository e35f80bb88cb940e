"""The services that a turn calls, as the domain's ports."""

from collections.abc import AsyncGenerator, Sequence

from kefu.desk.v1 import desk_pb2
from kefu.generation.v1 import generation_pb2
from kefu.intent.v1 import intent_pb2
from kefu.knowledge.v1 import knowledge_pb2
from kefu.sentiment.v1 import sentiment_pb2
from kefu.type.v1.text_pb2 import Embedding

from services.mesh.calls import current
from services.mesh.client import Peer
from services.session import messages
from services.session.conversation import Conversation, Round
from services.session.ports import NewTicket, Vector
from services.session.understanding import (
    Answer,
    Citation,
    Evidence,
    Mood,
    Passage,
    Understanding,
)

# What each step may take: so many seconds, and so much of the time that the turn has left, lest one
# that hangs leaves nothing to those behind it.
_READ = (1.5, 0.4)
# With the vector: there is an answer already, which stands where this one does not come in time.
_READ_AGAIN = (1.5, 0.3)
_EMBED = (3.0, 0.3)
_SEARCH = (3.0, 0.5)
_ANSWER = (25.0, 0.8)
_SUMMARY = (5.0, 0.5)
_TICKET = (3.0, 0.9)

# What the contracts of the others take: a slot of a ticket, a reply in a history, code points.
_MAX_TICKET_SLOT = 1000
_MAX_REPLY = 8000


class ReaderPeers:
    """Intent and sentiment."""

    def __init__(self, intent: Peer, sentiment: Peer) -> None:
        self._intent = intent
        self._sentiment = sentiment

    async def classify(
        self, tenant: str, text: str, vector: Vector | None = None, *, final: bool = False
    ) -> Understanding:
        """What the message asks for."""
        first = vector is None and not final
        request = intent_pb2.ClassifyRequest(
            tenant=f"tenants/{tenant}", text=text, embedding=_embedding(vector),
            embedding_follows=first,
        )  # fmt: skip
        limit = _READ if first else _READ_AGAIN
        response = await self._intent.unary("Classify", request, _seconds(*limit))
        return messages.understanding(response.classification)

    async def mood(
        self, tenant: str, text: str, history: Sequence[float], vector: Vector | None = None
    ) -> Mood:
        """The mood of message and conversation."""
        request = sentiment_pb2.AnalyzeRequest(
            tenant=f"tenants/{tenant}", text=text, history=history, embedding=_embedding(vector)
        )
        limit = _READ if vector is None else _READ_AGAIN
        return messages.mood(await self._sentiment.unary("Analyze", request, _seconds(*limit)))


class TrialReaderPeers(ReaderPeers):
    """Intent and sentiment for a message that nobody has sent yet."""

    async def classify(
        self, tenant: str, text: str, vector: Vector | None = None, *, final: bool = False
    ) -> Understanding:
        """What the message asks for, by the local model alone.

        A batch is kept for nobody's labelling and put to no model provider.
        """
        request = intent_pb2.BatchClassifyRequest(
            tenant=f"tenants/{tenant}", texts=[text],
            embeddings=[vector] if isinstance(vector, Embedding) else [],
        )  # fmt: skip
        limit = _READ if vector is None else _READ_AGAIN
        response = await self._intent.unary("BatchClassify", request, _seconds(*limit))
        return messages.understanding(response.classifications[0])


class KnowledgePeer:
    """Knowledge."""

    def __init__(self, knowledge: Peer) -> None:
        self._knowledge = knowledge

    async def faq(self, conversation: Conversation, question: str) -> Evidence:
        """The FAQ with the same question, if any."""
        request = knowledge_pb2.SearchRequest(
            parent=_parent(conversation), query=question, scope=knowledge_pb2.SEARCH_SCOPE_FAQ
        )
        return messages.evidence(await self._knowledge.unary("Search", request, _seconds(*_READ)))

    async def search(
        self, conversation: Conversation, question: str, vector: Vector | None, language: str
    ) -> Evidence:
        """Ranked passages."""
        request = knowledge_pb2.SearchRequest(
            parent=_parent(conversation), query=question, language_code=language,
            scope=knowledge_pb2.SEARCH_SCOPE_ALL, embedding=_embedding(vector),
        )  # fmt: skip
        return messages.evidence(await self._knowledge.unary("Search", request, _seconds(*_SEARCH)))


class GenerationPeer:
    """The model gateway."""

    def __init__(self, generation: Peer) -> None:
        self._generation = generation

    async def embed(self, tenant: str, text: str) -> Vector:
        """The vector of a question."""
        request = generation_pb2.EmbedRequest(
            tenant=f"tenants/{tenant}", texts=[text], purpose=generation_pb2.EMBED_PURPOSE_QUERY
        )
        response = await self._generation.unary("Embed", request, _seconds(*_EMBED))
        vector: Vector = response.embeddings[0]
        return vector

    async def answer(
        self, conversation: Conversation, question: str, passages: Sequence[Passage], language: str
    ) -> AsyncGenerator[str | Citation | Answer, None]:
        """Words and citations as they come, then one Answer."""
        request = generation_pb2.GenerateRequest(
            tenant=f"tenants/{conversation.tenant}", question=question, language_code=language,
            passages=[messages.passage_to_proto(each) for each in passages],
            history=_rounds(conversation.rounds), conversation=conversation.name,
        )  # fmt: skip
        async for response in self._generation.stream("Generate", request, _seconds(*_ANSWER)):
            for part in messages.generation_parts(response):
                yield part

    async def summarise(self, tenant: str, rounds: Sequence[Round], language: str) -> str:
        """The matter in at most 300 code points."""
        request = generation_pb2.SummarizeRequest(
            tenant=f"tenants/{tenant}", rounds=_rounds(rounds), language_code=language
        )
        response = await self._generation.unary("Summarize", request, _seconds(*_SUMMARY))
        summary: str = response.summary
        return summary


class DeskPeer:
    """Tickets."""

    def __init__(self, desk: Peer) -> None:
        self._desk = desk

    async def open_ticket(self, conversation: Conversation, ticket: NewTicket) -> str:
        """Name of the ticket: a new one, or the open one of the same reason."""
        priority = "PRIORITY_HIGH" if ticket.presses else "PRIORITY_NORMAL"
        wanted = desk_pb2.Ticket(
            session=conversation.name,
            reason=desk_pb2.Ticket.Reason.Value(f"REASON_{ticket.reason.upper()}"),
            priority=desk_pb2.Ticket.Priority.Value(priority),
            summary=ticket.summary or "-",
            language_code=ticket.language,
            slots={slot: text[:_MAX_TICKET_SLOT] for slot, text in conversation.slots.items()},
            sentiment_trend=ticket.moods,
        )
        request = desk_pb2.CreateTicketRequest(
            parent=f"tenants/{conversation.tenant}", ticket=wanted, request_id=ticket.request_id
        )
        response = await self._desk.unary("CreateTicket", request, _seconds(*_TICKET))
        name: str = response.ticket.name
        return name


def _seconds(most: float, share: float) -> float:
    """The time for a call: at most so long, and no more than a share of what the turn has left."""
    return min(most, current().remaining_seconds * share)


def _embedding(vector: Vector | None) -> Embedding | None:
    """A vector as its maker sent it; None where there is none."""
    return vector if isinstance(vector, Embedding) else None


def _parent(conversation: Conversation) -> str:
    return f"tenants/{conversation.tenant}/knowledgeBases/{conversation.knowledge_base}"


def _rounds(rounds: Sequence[Round]) -> list[generation_pb2.Round]:
    return [
        generation_pb2.Round(customer=each.customer, reply=each.reply[:_MAX_REPLY])
        for each in rounds
    ]
