"""A turn in the making: what it has said, cited and done so far."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from services.session.actions import ActionResult
from services.session.conversation import State
from services.session.grounding import Grounding
from services.session.ports import Vector
from services.session.understanding import Citation, Faq, Mood, ReplyMode, Understanding, Usage

_MAX_CITATIONS = 100
"""What a turn of the contract holds."""


class Degradation(StrEnum):
    """A part of a turn that had to be left out (kefu.session.v1.Degradation)."""

    NO_SENTIMENT = "no_sentiment"
    NO_INTENT = "no_intent"
    LEXICAL_ONLY = "lexical_only"
    EXTRACTIVE = "extractive"
    FAQ_ONLY = "faq_only"
    APOLOGY = "apology"
    NO_TICKET = "no_ticket"


class MatchType(StrEnum):
    """What the message was taken for (kefu.session.v1.Match.Type)."""

    INTENT = "intent"
    SLOT = "slot"
    CONFIRMATION = "confirmation"
    FAQ = "faq"
    KNOWLEDGE = "knowledge"
    NO_MATCH = "no_match"
    AMBIGUOUS = "ambiguous"
    HUMAN_OWNED = "human_owned"


@dataclass(frozen=True, slots=True)
class TurnRequest:
    """One message of the customer.

    Attributes:
        turn: resource name of the turn; made from the request_id, so that a repeat has the same.
        text: NFC.
        language: `zh` or `en` to answer in; empty: the language of the message.
        end_user: the customer as the caller's signed token names her; empty: unknown.
        digest: of text and language; the same request_id with another digest is refused.
    """

    turn: str
    request_id: str
    text: str
    language: str
    digest: bytes
    trace_id: str
    created: datetime
    end_user: str = ""


class Audience(Protocol):
    """Who hears of a turn while it happens."""

    def delta(self, text: str) -> None:
        """Words were added to the reply."""

    def citation(self, citation: Citation) -> None:
        """A passage supports the reply."""

    def action(self, result: ActionResult) -> None:
        """An action ended."""


@dataclass(slots=True)
class Draft:
    """Collects the turn and tells its audience each part once.

    Attributes:
        language: of the reply, `zh` or `en`.
        faq: the FAQ with the same question, where one was found before anything else was done.
        grounding: of all answers from passages so far; None: there was none.
        interrupted: the reply broke off; what was said is kept.
        vectors: by text, each asked for once; None where that failed.
    """

    request: TurnRequest
    audience: Audience
    language: str
    understanding: Understanding = field(default_factory=Understanding)
    mood: Mood = field(default_factory=Mood)
    faq: Faq | None = None
    match: MatchType = MatchType.INTENT
    mode: ReplyMode = ReplyMode.FIXED
    citations: list[Citation] = field(default_factory=list)
    grounding: Grounding | None = None
    actions: list[ActionResult] = field(default_factory=list)
    degraded: list[Degradation] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    ticket: str = ""
    interrupted: bool = False
    vectors: dict[str, Vector | None] = field(default_factory=dict)
    _said: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Everything said so far."""
        return "".join(self._said)

    @property
    def _gap(self) -> str:
        return "\n" if self._said and not self._said[-1].endswith("\n") else ""

    def say(self, text: str) -> int:
        """Add a sentence, on a line of its own; where it begins in the reply, in code points."""
        gap = self._gap if text else ""
        self.stream(gap + text)
        return len(self.text) - len(text)

    def set_apart(self) -> int:
        """Begin a new line for words that will be streamed; where it begins, in code points."""
        self.stream(self._gap)
        return len(self.text)

    def stream(self, text: str) -> None:
        """Add words as they come.

        NUL, which no store of text takes and a model or another system may send, is replaced
        rather than removed: citations count code points.
        """
        if text:
            text = text.replace("\x00", "\ufffd")
            self._said.append(text)
            self.audience.delta(text)

    def cite(self, citation: Citation) -> None:
        """Add a passage that supports the reply, numbered through all of its answers."""
        if len(self.citations) < _MAX_CITATIONS:
            citation = replace(citation, index=len(self.citations) + 1)
            self.citations.append(citation)
            self.audience.citation(citation)

    def ground(self, grounding: Grounding, start: int) -> None:
        """Add how far an answer is supported that begins at `start` of the reply."""
        moved = grounding.moved(start)
        self.grounding = self.grounding.plus(moved) if self.grounding else moved

    def did(self, result: ActionResult) -> None:
        """Add the end of an action."""
        self.actions.append(result)
        self.audience.action(result)

    def degrade(self, *parts: Degradation) -> None:
        """Note what had to be left out, once each."""
        self.degraded += [part for part in parts if part not in self.degraded]


@dataclass(frozen=True, slots=True)
class TurnResult:
    """A finished turn, as it is stored and returned."""

    request: TurnRequest
    index: int
    text: str
    language: str
    understanding: Understanding
    match: MatchType
    mode: ReplyMode
    mood: Mood
    citations: Sequence[Citation]
    grounding: Grounding | None
    actions: Sequence[ActionResult]
    degraded: Sequence[Degradation]
    usage: Usage
    ticket: str
    state: State
    interrupted: bool
    completed: datetime
