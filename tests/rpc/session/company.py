"""The services behind a turn, as one real gRPC server with scripted answers.

A test says what each of them answers, makes one fail or wait, and reads what was asked.
"""

import asyncio
import re
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import Message
from kefu.action.v1 import action_pb2, action_pb2_grpc
from kefu.desk.v1 import desk_pb2, desk_pb2_grpc
from kefu.errors import KefuError
from kefu.generation.v1 import generation_pb2, generation_pb2_grpc
from kefu.intent.v1 import intent_pb2, intent_pb2_grpc
from kefu.knowledge.v1 import knowledge_pb2, knowledge_pb2_grpc
from kefu.sentiment.v1 import sentiment_pb2, sentiment_pb2_grpc
from kefu.type.v1 import text_pb2, understanding_pb2
from kefu.type.v1.understanding_pb2 import Grounding, SentenceSupport

from services.mesh.server import Registration
from tests.support.mesh import answering

DOCUMENT = "tenants/shop/knowledgeBases/shop/documents/returns"
VECTOR = text_pb2.Embedding(model="stub", vector=b"\0\0\x80?")
TYPES = {
    "returns": understanding_pb2.INTENT_TYPE_QUERY,
    "cancel_order": understanding_pb2.INTENT_TYPE_OPERATION,
    "change_address": understanding_pb2.INTENT_TYPE_OPERATION,
    "thanks": understanding_pb2.INTENT_TYPE_CHIT_CHAT,
    "human": understanding_pb2.INTENT_TYPE_HUMAN,
    "goodbye": understanding_pb2.INTENT_TYPE_END,
    "unknown": understanding_pb2.INTENT_TYPE_UNKNOWN,
}
CANCEL = action_pb2.Action(
    action="cancel_order",
    intent="cancel_order",
    display_name=text_pb2.LocalizedText(zh="取消订单", en="Cancel an order"),
    slots=[
        action_pb2.Slot(
            slot="order_number",
            entity_type="order_number",
            prompt=text_pb2.LocalizedText(zh="请问订单号是多少？", en="Which order?"),
        )
    ],
    confirmation=text_pb2.LocalizedText(
        zh="确认取消订单 {order_number} 吗？", en="Shall I cancel {order_number}?"
    ),
)
MOVE = action_pb2.Action(
    action="change_address",
    intent="change_address",
    display_name=text_pb2.LocalizedText(zh="修改地址", en="Change the address"),
    slots=CANCEL.slots,
)
INTENTS = {
    "我想退货": "returns",
    "取消订单": "cancel_order",
    "谢谢": "thanks",
    "转人工": "human",
    "再见": "goodbye",
}
"""Intent of each text; all others are unknown."""

SUPPORTED = SentenceSupport.SUPPORT_SUPPORTED


def judged(
    verdict: Grounding.Verdict.ValueType,
    *sentences: tuple[str, str, SentenceSupport.Support.ValueType],
    withheld: str = "",
) -> Grounding:
    """A grounding; of each sentence the answer that it stands in, its words and their worth."""
    return Grounding(
        verdict=verdict,
        sentences=[
            SentenceSupport(
                answer_span=text_pb2.TextSpan(
                    start=answer.index(words), end=answer.index(words) + len(words)
                ),
                support=worth,
                overlap=0.5,
            )
            for answer, words, worth in sentences
        ],
        withheld_reason=withheld,
    )


def _candidate(intent: str) -> understanding_pb2.IntentCandidate:
    return understanding_pb2.IntentCandidate(intent=intent, type=TYPES[intent], confidence=0.95)


@dataclass
class Company:
    """What the services answer, and what they were asked.

    Attributes:
        furious: texts that escalate, with `/vector` behind them only those with a vector.
        doubtful: intents that only a vector tells surely; words alone say `unknown`, and want one.
        several: requests by text, (words, intent) each.
        known: further texts that the knowledge has a passage for.
        faqs: answers by question.
        words: deltas of a generated answer.
        grounded: how far the answer to a question is supported; others are, as one sentence.
        told: what an action says.
        fails: error by method, such as `Search`, `Search/faq` or `Classify/vector`.
        asked: every request by method, in order, with a vector or without.
        executed: idempotency keys of executions.
    """

    furious: set[str] = field(default_factory=set)
    doubtful: dict[str, str] = field(default_factory=dict)
    several: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    faqs: dict[str, str] = field(default_factory=dict)
    words: list[str] = field(default_factory=lambda: ["签收后 15 天内", "可以退货。"])
    grounded: dict[str, Grounding] = field(default_factory=dict)
    told: str = "订单已取消。"
    fails: dict[str, KefuError] = field(default_factory=dict)
    asked: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    executed: list[str] = field(default_factory=list)
    _gates: dict[str, asyncio.Event] = field(default_factory=dict)
    _arrivals: dict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))

    def reset(self) -> None:
        """Forget what a test before scripted, and let go of what it held."""
        for gate in self._gates.values():
            gate.set()
        self.__init__()  # type: ignore[misc]

    def hold(self, method: str) -> asyncio.Event:
        """Make a method wait before it answers, until the event is set."""
        self._gates[method] = asyncio.Event()
        return self._gates[method]

    async def arrived(self, method: str) -> None:
        """Wait until a method was called."""
        await asyncio.wait_for(self._arrivals[method].wait(), 5)

    async def _enter(self, method: str, request: Message) -> None:
        self.asked[method.removesuffix("/vector")].append(request)
        self._arrivals[method].set()
        if method in self._gates:
            await self._gates[method].wait()
        if method in self.fails:
            raise self.fails[method]

    async def classify(self, request: Any, _: Any) -> intent_pb2.ClassifyResponse:
        """The scripted intent, and every order number."""
        vector = request.HasField("embedding")
        await self._enter("Classify/vector" if vector else "Classify", request)
        return intent_pb2.ClassifyResponse(classification=self._found(request.text, vector))

    async def batch_classify(self, request: Any, _: Any) -> intent_pb2.BatchClassifyResponse:
        """The same for each text."""
        vector = bool(request.embeddings)
        await self._enter("BatchClassify/vector" if vector else "BatchClassify", request)
        found = [self._found(each, vector) for each in request.texts]
        return intent_pb2.BatchClassifyResponse(classifications=found)

    def _found(self, text: str, vector: bool) -> intent_pb2.Classification:
        doubt = text in self.doubtful and not vector
        intent = INTENTS.get(text, "unknown")
        if text in self.doubtful and vector:
            intent = self.doubtful[text]
        return intent_pb2.Classification(
            best=_candidate(intent),
            entities=[
                text_pb2.Entity(
                    type="order_number", text=each[0], value=each[0],
                    span=text_pb2.TextSpan(start=each.start(), end=each.end()),
                )
                for each in re.finditer(r"SO2026\d{4}", text)
            ],
            requests=[
                intent_pb2.IntentRequest(
                    candidate=_candidate(wanted),
                    span=text_pb2.TextSpan(
                        start=text.index(words), end=text.index(words) + len(words)
                    ),
                )
                for words, wanted in self.several.get(text, ())
            ],
            wants_embedding=doubt,
        )  # fmt: skip

    async def analyze(self, request: Any, _: Any) -> sentiment_pb2.AnalyzeResponse:
        """Calm, unless scripted, and a little calmer with a vector."""
        vector = request.HasField("embedding")
        await self._enter("Analyze/vector" if vector else "Analyze", request)
        furious = request.text in self.furious
        furious |= vector and f"{request.text}/vector" in self.furious
        mood = understanding_pb2.Sentiment(
            compound=-0.9 if furious else 0.3 if vector else 0.2,
            label=understanding_pb2.SENTIMENT_LABEL_NEGATIVE
            if furious
            else understanding_pb2.SENTIMENT_LABEL_POSITIVE,
            emotion=understanding_pb2.EMOTION_ANGER if furious else understanding_pb2.EMOTION_NONE,
            urgency=0.9 if furious else 0.3,
        )
        escalation = understanding_pb2.Escalation(
            escalate=furious, reason=int(furious), trend=mood.compound
        )
        return sentiment_pb2.AnalyzeResponse(
            analysis=sentiment_pb2.Analysis(sentiment=mood), escalation=escalation
        )

    async def search(self, request: Any, _: Any) -> knowledge_pb2.SearchResponse:
        """The scripted FAQ; one passage for every other question."""
        only_faq = request.scope == knowledge_pb2.SEARCH_SCOPE_FAQ
        await self._enter("Search/faq" if only_faq else "Search", request)
        if request.query in self.faqs:
            hit = knowledge_pb2.FaqHit(
                document=DOCUMENT, question=request.query, answer=self.faqs[request.query]
            )
            return knowledge_pb2.SearchResponse(faq=hit)
        if only_faq:
            return knowledge_pb2.SearchResponse(verdict=knowledge_pb2.SearchResponse.VERDICT_NONE)
        passage = knowledge_pb2.ScoredPassage(document=DOCUMENT, title="退货", text="15 天内可退。")
        known = request.query in INTENTS or request.query in self.known
        return knowledge_pb2.SearchResponse(
            passages=[passage] if known else [],
            verdict=knowledge_pb2.SearchResponse.VERDICT_ANSWERABLE
            if known
            else knowledge_pb2.SearchResponse.VERDICT_NONE,
            lexical_only=not request.HasField("embedding"),
        )

    async def embed(self, request: Any, _: Any) -> generation_pb2.EmbedResponse:
        """One vector."""
        await self._enter("Embed", request)
        return generation_pb2.EmbedResponse(embeddings=[VECTOR])

    async def generate(
        self, request: Any, _: Any
    ) -> AsyncIterator[generation_pb2.GenerateResponse]:
        """The scripted words, the first before `Generate` waits; the last cite for them all."""
        *others, last = self.words
        text = "".join(self.words)
        citation = understanding_pb2.Citation(
            index=1, document=DOCUMENT, answer_span=text_pb2.TextSpan(end=len(text))
        )
        deltas = [generation_pb2.GenerationDelta(text=word) for word in others]
        deltas.append(generation_pb2.GenerationDelta(text=last, citations=[citation]))
        yield generation_pb2.GenerateResponse(delta=deltas[0])
        await self._enter("Generate", request)
        for delta in deltas[1:]:
            yield generation_pb2.GenerateResponse(delta=delta)
        supported = judged(Grounding.VERDICT_SUPPORTED, (text, text, SUPPORTED))
        done = generation_pb2.GenerationCompleted(
            text=text, mode=generation_pb2.ANSWER_MODE_MODEL,
            grounding=self.grounded.get(request.question, supported),
        )  # fmt: skip
        yield generation_pb2.GenerateResponse(completed=done)

    async def summarize(self, request: Any, _: Any) -> generation_pb2.SummarizeResponse:
        """A summary."""
        await self._enter("Summarize", request)
        return generation_pb2.SummarizeResponse(summary="summary")

    async def create_ticket(self, request: Any, _: Any) -> desk_pb2.CreateTicketResponse:
        """A ticket with a number."""
        await self._enter("CreateTicket", request)
        number = len(self.asked["CreateTicket"])
        ticket = desk_pb2.Ticket(name=f"{request.parent}/tickets/T{number}")
        return desk_pb2.CreateTicketResponse(ticket=ticket)

    async def list_actions(self, request: Any, _: Any) -> action_pb2.ListActionsResponse:
        """What the company offers."""
        await self._enter("ListActions", request)
        return action_pb2.ListActionsResponse(actions=[CANCEL, MOVE])

    async def execute(self, request: Any, _: Any) -> action_pb2.ExecuteResponse:
        """Done; a repeat with the same key does nothing."""
        await self._enter("Execute", request)
        if request.request_id not in self.executed:
            self.executed.append(request.request_id)
        return action_pb2.ExecuteResponse(
            outcome=action_pb2.ExecuteResponse.OUTCOME_SUCCEEDED,
            message=text_pb2.LocalizedText(zh=self.told),
        )

    def registrations(self) -> list[Registration]:
        """All of it, to be served."""
        return [
            (
                intent_pb2_grpc.add_IntentServiceServicer_to_server,
                answering(
                    intent_pb2_grpc.IntentServiceServicer,
                    Classify=self.classify, BatchClassify=self.batch_classify,
                ),
            ),
            (
                sentiment_pb2_grpc.add_SentimentServiceServicer_to_server,
                answering(sentiment_pb2_grpc.SentimentServiceServicer, Analyze=self.analyze),
            ),
            (
                knowledge_pb2_grpc.add_KnowledgeServiceServicer_to_server,
                answering(knowledge_pb2_grpc.KnowledgeServiceServicer, Search=self.search),
            ),
            (
                generation_pb2_grpc.add_GenerationServiceServicer_to_server,
                answering(
                    generation_pb2_grpc.GenerationServiceServicer,
                    Embed=self.embed, Generate=self.generate, Summarize=self.summarize,
                ),
            ),
            (
                desk_pb2_grpc.add_DeskServiceServicer_to_server,
                answering(desk_pb2_grpc.DeskServiceServicer, CreateTicket=self.create_ticket),
            ),
            (
                action_pb2_grpc.add_ActionServiceServicer_to_server,
                answering(
                    action_pb2_grpc.ActionServiceServicer,
                    ListActions=self.list_actions, Execute=self.execute,
                ),
            ),
        ]  # fmt: skip
