"""What the other services found out about one message, in the words of the dialogue."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from services.session.grounding import Grounding


class IntentType(StrEnum):
    """The kind of thing that a customer wants (kefu.type.v1.IntentType)."""

    QUERY = "query"
    OPERATION = "operation"
    CHIT_CHAT = "chit_chat"
    HUMAN = "human"
    END = "end"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Candidate:
    """An intent with the belief in it; `confidence` in [0, 1]."""

    intent: str
    type: IntentType
    confidence: float


@dataclass(frozen=True, slots=True)
class Entity:
    """Something recognised in the message; `start` and `end` in code points."""

    type: str
    text: str
    value: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Request:
    """One of several requests in a message; `start` and `end` in code points."""

    candidate: Candidate
    start: int
    end: int

    def of(self, text: str) -> str:
        """Its words in the message."""
        return text[self.start : self.end].strip()

    def holds(self, entity: Entity) -> bool:
        """Whether an entity stands in it."""
        return self.start <= entity.start and entity.end <= self.end


@dataclass(frozen=True, slots=True)
class Understanding:
    """What the message asks for.

    Attributes:
        best: the best intent; None where intent could not be classified.
        alternatives: up to five others, most likely first.
        ambiguous: the best two are too close to choose.
        entities: in order of their place, never overlapping.
        requests: where there are several, each with its place, in order; empty for one.
        wants_embedding: words alone leave doubt that the message's vector may remove.
    """

    best: Candidate | None = None
    alternatives: Sequence[Candidate] = ()
    ambiguous: bool = False
    entities: Sequence[Entity] = ()
    requests: Sequence[Request] = ()
    wants_embedding: bool = False

    @property
    def spans(self) -> list[tuple[int, int]]:
        """Places of the entities, (start, end) in code points, in order."""
        return [(each.start, each.end) for each in self.entities]

    def values(self, entity_type: str) -> list[str]:
        """The values of a type, in order, without repeats."""
        return list(dict.fromkeys(e.value for e in self.entities if e.type == entity_type))

    def only(self, request: Request) -> "Understanding":
        """The message as if it held one of its requests alone.

        A value in another request belongs to that one, unless it is the only one of its type: in
        "cancel SO1, and when does SO2 come" SO2 is not to be cancelled, and in "when does SO1 come?
        else cancel it" SO1 is.
        """
        own = {each.type for each in self.entities if request.holds(each)}
        entities = [
            each
            for each in self.entities
            if request.holds(each) or (each.type not in own and len(self.values(each.type)) == 1)
        ]
        return Understanding(request.candidate, entities=entities)


class Emotion(StrEnum):
    """What moves a customer (kefu.type.v1.Emotion)."""

    NONE = "none"
    ANGER = "anger"
    DISAPPOINTMENT = "disappointment"
    WORRY = "worry"
    GRATITUDE = "gratitude"


NOT_RECOVERED = 4
"""Escalation.REASON_NOT_RECOVERED: nothing new happened, the anger of before lasts."""

_URGENT = 0.4
"""From here on a message says that it cannot wait: on own utterances that were held out, nine in
ten of those beyond it need an answer at once, by words alone as with the vector."""


@dataclass(frozen=True, slots=True)
class Mood:
    """The mood of the message and of the conversation (kefu.sentiment.v1).

    Attributes:
        compound: in [-1, 1]; None where it was not measured.
        label: number of kefu.type.v1.SentimentLabel.
        escalate: a person should be told; `reason` is the number of Escalation.Reason.
        trend: decayed mean over the conversation, in [-1, 1].
        emotion: what moves the customer; None where the method does not tell.
        urgency: in [0, 1], from any time to at once; None where the method does not tell.
    """

    compound: float | None = None
    label: int = 0
    confidence: float | None = None
    method: str = ""
    escalate: bool = False
    reason: int = 0
    trend: float = 0.0
    emotion: Emotion | None = None
    urgency: float | None = None

    @property
    def alarms(self) -> bool:
        """Whether this very message calls for a person, and not the anger of an earlier one."""
        return self.escalate and self.reason != NOT_RECOVERED

    @property
    def presses(self) -> bool:
        """Whether people should look at the matter before others."""
        return self.escalate or (self.urgency is not None and self.urgency >= _URGENT)


class Verdict(StrEnum):
    """What the evidence of a search is worth."""

    ANSWERABLE = "answerable"
    WEAK = "weak"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of knowledge; `start` and `end` are code points of its document."""

    document: str
    revision: str
    title: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Faq:
    """An FAQ with the same question."""

    document: str
    revision: str
    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a search found.

    Attributes:
        lexical_only: no vector took part though passages were wanted.
    """

    faq: Faq | None = None
    passages: Sequence[Passage] = ()
    verdict: Verdict = Verdict.NONE
    lexical_only: bool = False


@dataclass(frozen=True, slots=True)
class Citation:
    """A passage that supports a part of a reply; spans in code points, (start, end)."""

    index: int
    document: str
    revision: str
    title: str
    document_span: tuple[int, int]
    answer_span: tuple[int, int]
    snippet: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What a reply cost; None where no model was asked or the provider has no price."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    price_micros: int | None = None
    currency_code: str = ""
    estimated: bool = False
    model: str = ""

    def plus(self, other: "Usage") -> "Usage":
        """Both together; prices in two currencies cannot be added and are left out."""
        currencies = {self.currency_code, other.currency_code} - {""}
        price = _total(self.price_micros, other.price_micros) if len(currencies) < 2 else None
        return Usage(
            input_tokens=_total(self.input_tokens, other.input_tokens),
            output_tokens=_total(self.output_tokens, other.output_tokens),
            cached_tokens=_total(self.cached_tokens, other.cached_tokens),
            price_micros=price,
            currency_code="".join(currencies) if len(currencies) < 2 else "",
            estimated=self.estimated or other.estimated,
            model=other.model or self.model,
        )


def _total(one: int | None, other: int | None) -> int | None:
    return (one or 0) + (other or 0) if (one, other) != (None, None) else None


class ReplyMode(StrEnum):
    """How a reply came about (kefu.session.v1.ReplyMode)."""

    FAQ = "faq"
    MODEL = "model"
    EXTRACTIVE = "extractive"
    NO_ANSWER = "no_answer"
    ACTION = "action"
    FIXED = "fixed"


@dataclass(frozen=True, slots=True)
class Answer:
    """The end of a generated answer.

    Attributes:
        grounding: how far the passages support it; None where nobody judged.
        complete: False where the provider broke off after the first words.
        degraded: a model was wanted and did not write it.
    """

    text: str
    citations: Sequence[Citation] = ()
    mode: ReplyMode = ReplyMode.EXTRACTIVE
    usage: Usage = field(default_factory=Usage)
    complete: bool = True
    degraded: bool = False
    grounding: Grounding | None = None
