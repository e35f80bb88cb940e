"""The ports of a turn in memory: what each service says is scripted, and each can be broken."""

import re
import uuid
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from kefu.errors import KefuError, ServiceUnavailable

from services.session.actions import (
    Action,
    ActionOutcome,
    ActionResult,
    Catalogue,
    Localized,
    Slot,
)
from services.session.conversation import Conversation, Round
from services.session.draft import TurnRequest, TurnResult
from services.session.ports import NewTicket, Vector
from services.session.turn import TurnRunner
from services.session.understanding import (
    Answer,
    Candidate,
    Citation,
    Entity,
    Evidence,
    Faq,
    IntentType,
    Mood,
    Passage,
    ReplyMode,
    Request,
    Understanding,
    Verdict,
)

ORDER = Slot("order_number", "order_number", Localized("请问订单号是多少？", "Which order?"))
CANCEL = Action(
    "cancel_order", "cancel_order", Localized("取消订单", "Cancel an order"), [ORDER],
    Localized("确认取消订单 {order_number} 吗？", "Shall I cancel {order_number}?"), 5, "shop",
)  # fmt: skip
ADDRESS = Action(
    "change_address", "change_address", Localized("修改地址", "Change the address"),
    [ORDER, Slot("new_address", "", Localized("请告诉我新地址。", "Which address?"))],
    Localized("把 {order_number} 改送到“{new_address}”？", "Send {order_number} to {new_address}?"),
    5, "shop",
)  # fmt: skip
LOOKUP = Action(
    "order_lookup", "order_lookup", Localized("查询订单", "Look up an order"), [ORDER], None, 5,
    "shop",
)  # fmt: skip
CATALOGUE = {each.intent: each for each in (CANCEL, ADDRESS, LOOKUP)}
"""What the company's system offers: with a confirmation, with a free-text slot, at once."""

DOCUMENT = "tenants/shop/knowledgeBases/shop/documents/d"
PASSAGE = Passage(DOCUMENT, "r1", "退货", "15 天内可退货。", 3, 12)


def meant(
    intent: str = "unknown",
    kind: IntentType = IntentType.UNKNOWN,
    confidence: float = 0.95,
    *,
    order: str = "",
    text: str = "",
) -> Understanding:
    """A classification; `order` names the order number in `text`, space separated if several."""
    entities = [
        Entity("order_number", number, number, text.index(number), text.index(number) + len(number))
        for number in order.split()
    ]
    return Understanding(Candidate(intent, kind, confidence), entities=entities)


def holding(text: str, *parts: tuple[str, str, IntentType]) -> Understanding:
    """A classification of several requests, (words, intent, type), and of every SO number."""
    requests = [
        Request(Candidate(intent, kind, 0.9), text.index(words), text.index(words) + len(words))
        for words, intent, kind in parts
    ]
    entities = [
        Entity("order_number", each[0], each[0], *each.span())
        for each in re.finditer(r"SO\d", text)
    ]
    return Understanding(requests[0].candidate, entities=entities, requests=requests)


QUERY = meant("returns", IntentType.QUERY)
CANCELLING = meant("cancel_order", IntentType.OPERATION)
HUMAN = meant("human", IntentType.HUMAN)
BYE = meant("goodbye", IntentType.END)
THANKS = meant("thanks", IntentType.CHIT_CHAT)
UNKNOWN = meant()
CHANGING = meant("change_address", IntentType.OPERATION)
UNSURE = Understanding(Candidate("returns", IntentType.QUERY, 0.4), wants_embedding=True)
FURIOUS = Mood(-0.9, 1, 0.9, "test", escalate=True, reason=1, trend=-0.9)
CALM = Mood(0.1, 2, 0.9, "test")


@dataclass
class World:
    """Every service that a turn asks, and what came of it.

    Attributes:
        understood: what each text is taken for; others are unknown.
        moods: by text; others are calm.
        surely: what each text is taken for once its vector is known; others as without.
        felt: moods by text once the vector is known; others as without.
        evidence: what a search finds; `faqs` by text come before.
        found: what a search finds by text; others find the evidence.
        answer: parts of a generated answer; an exception among them is raised.
        outcome: of executions.
        broken: names of methods that fail.
        executed: idempotency keys of executions.
        tickets: (session, reason) of tickets that were opened, once each, as the desk does.
        wanted: every ticket that was asked for.
        calls: every call in order, by name.
        searched: texts and vectors of searches.
    """

    understood: dict[str, Understanding] = field(default_factory=dict)
    moods: dict[str, Mood] = field(default_factory=dict)
    surely: dict[str, Understanding] = field(default_factory=dict)
    felt: dict[str, Mood] = field(default_factory=dict)
    faqs: dict[str, Evidence] = field(default_factory=dict)
    evidence: Evidence = field(default_factory=Evidence)
    found: dict[str, Evidence] = field(default_factory=dict)
    answer_parts: Sequence[str | Citation | Answer | KefuError] = (
        "可以", "退货。", Answer("可以退货。", mode=ReplyMode.MODEL),
    )  # fmt: skip
    actions: Catalogue = field(default_factory=lambda: dict(CATALOGUE))
    outcome: ActionOutcome = ActionOutcome.SUCCEEDED
    broken: set[str] = field(default_factory=set)
    executed: list[str] = field(default_factory=list)
    tickets: list[tuple[str, str]] = field(default_factory=list)
    wanted: list[NewTicket] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    searched: list[tuple[str, Vector | None]] = field(default_factory=list)

    def runner(self) -> TurnRunner:
        """A runner on these services."""
        return TurnRunner(self, self, self, self, self)

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if name in self.broken:
            raise ServiceUnavailable(service=name)

    async def classify(
        self, tenant: str, text: str, vector: Vector | None = None, *, final: bool = False
    ) -> Understanding:
        self._called(
            "classify finally" if final else "classify" if vector is None else "classify again"
        )
        known = vector is not None and text in self.surely
        return self.surely[text] if known else self.understood.get(text, UNKNOWN)

    async def mood(
        self, tenant: str, text: str, history: Sequence[float], vector: Vector | None = None
    ) -> Mood:
        self._called("mood" if vector is None else "mood again")
        known = vector is not None and text in self.felt
        return self.felt[text] if known else self.moods.get(text, CALM)

    async def faq(self, conversation: Conversation, question: str) -> Evidence:
        self._called("faq")
        return self.faqs.get(question, Evidence())

    async def search(
        self, conversation: Conversation, question: str, vector: Vector | None, language: str
    ) -> Evidence:
        self.searched.append((question, vector))
        self._called("search")
        found = self.found.get(question, self.evidence)
        return Evidence(found.faq, found.passages, found.verdict, lexical_only=vector is None)

    async def embed(self, tenant: str, text: str) -> Vector:
        self._called("embed")
        return f"vector of {text}"

    async def answer(
        self, conversation: Conversation, question: str, passages: Sequence[Passage], language: str
    ) -> AsyncGenerator[str | Citation | Answer, None]:
        self._called("answer")
        for part in self.answer_parts:
            if isinstance(part, KefuError):
                raise part
            yield part

    async def summarise(self, tenant: str, rounds: Sequence[Round], language: str) -> str:
        self._called("summarise")
        return "summary"

    async def catalogue(self, tenant: str) -> Catalogue:
        return self.actions

    async def execute(
        self,
        conversation: Conversation,
        action: Action,
        request_id: str,
        language: str,
        end_user: str,
    ) -> ActionResult:
        self._called("execute")
        self.executed.append(request_id)
        told = Localized(f"{action.name.zh}：已办理。", f"{action.name.en}: done.")
        return ActionResult(action.action, self.outcome, conversation.slots, request_id, told)

    async def open_ticket(self, conversation: Conversation, ticket: NewTicket) -> str:
        self._called("open_ticket")
        self.wanted.append(ticket)
        key = (conversation.session, ticket.reason)
        if key not in self.tickets:
            self.tickets.append(key)
        return f"tenants/shop/tickets/T{self.tickets.index(key) + 1}"


class Listener:
    """An audience that writes down what it hears."""

    def __init__(self) -> None:
        self.deltas: list[str] = []
        self.citations: list[Citation] = []
        self.results: list[ActionResult] = []

    def delta(self, text: str) -> None:
        self.deltas.append(text)

    def citation(self, citation: Citation) -> None:
        self.citations.append(citation)

    def action(self, result: ActionResult) -> None:
        self.results.append(result)


def conversation(**values: object) -> Conversation:
    """A fresh conversation of the shop."""
    defaults = {"tenant": "shop", "session": "s1", "knowledge_base": "shop", "ttl_seconds": 1800}
    return Conversation(**(defaults | values))  # type: ignore[arg-type]


def request(text: str, language: str = "", request_id: str = "") -> TurnRequest:
    """A message of the customer."""
    return TurnRequest(
        turn=f"tenants/shop/sessions/s1/turns/{request_id or 't1'}",
        request_id=request_id or str(uuid.uuid4()),
        text=text,
        language=language,
        digest=b"",
        trace_id="0" * 32,
        created=datetime.now(UTC),
    )


async def say(
    world: World, talk: Conversation, *texts: str, listener: Listener | None = None
) -> TurnResult:
    """Run a turn for each text; the result of the last."""
    for text in texts:
        result = await world.runner().run(talk, request(text), listener or Listener())
    return result


FOUND = Evidence(passages=[PASSAGE], verdict=Verdict.ANSWERABLE)
FAQ = Evidence(faq=Faq(DOCUMENT, "r1", "几天内可以退货？", "签收后 15 天内。"))


def shop(**values: object) -> World:
    """A world that understands the phrases of the tests of turns."""
    understood = {
        "退货政策": QUERY, "return policy": QUERY, "取消订单": CANCELLING, "改地址": CHANGING,
        "转人工": HUMAN, "再见": BYE, "谢谢": THANKS, "你好": THANKS,
    }  # fmt: skip
    for order in ("SO1", "SO2"):
        understood[order] = meant(order=order, text=order)
    for text, intent in (("查一下SO2到哪了", "order_lookup"), ("我要取消SO1", "cancel_order")):
        order = "SO2" if "SO2" in text else "SO1"
        understood[text] = meant(intent, IntentType.OPERATION, order=order, text=text)
    text = "不是SO1，是SO2"
    understood[text] = meant(order="SO1 SO2", text=text)
    return World(understood=understood, **values)  # type: ignore[arg-type]


def cited(text: str, citation: Citation) -> str:
    """The words of a reply that a citation supports."""
    start, end = citation.answer_span
    return text[start:end]
