"""What a turn needs from outside, as the domain names it. `peers.py` and the stores provide it."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.session.actions import Action, ActionResult, Catalogue
from services.session.conversation import Conversation, Round
from services.session.understanding import (
    Answer,
    Citation,
    Evidence,
    Mood,
    Passage,
    Understanding,
)

Vector = object
"""An embedding, passed from the service that made it to those that use it, never looked at here."""


class Readers(Protocol):
    """The services that read a message; without its vector on words alone."""

    async def classify(
        self, tenant: str, text: str, vector: Vector | None = None, *, final: bool = False
    ) -> Understanding:
        """What the message asks for; `final` without a vector: none will come. Raises KefuError."""

    async def mood(
        self, tenant: str, text: str, history: Sequence[float], vector: Vector | None = None
    ) -> Mood:
        """The mood of message and conversation. Raises KefuError."""


class Knowledge(Protocol):
    """The company's knowledge."""

    async def faq(self, conversation: Conversation, question: str) -> Evidence:
        """The FAQ with the same question, if any. Raises KefuError."""

    async def search(
        self, conversation: Conversation, question: str, vector: Vector | None, language: str
    ) -> Evidence:
        """Ranked passages. Raises KefuError."""


class Generator(Protocol):
    """The model gateway."""

    async def embed(self, tenant: str, text: str) -> Vector:
        """The vector of a question. Raises KefuError."""

    def answer(
        self,
        conversation: Conversation,
        question: str,
        passages: Sequence[Passage],
        language: str,
    ) -> AsyncGenerator[str | Citation | Answer, None]:
        """Words and citations as they come, then one Answer. Raises KefuError."""

    async def summarise(self, tenant: str, rounds: Sequence[Round], language: str) -> str:
        """The matter in at most 300 code points. Raises KefuError."""


class ActionServers(Protocol):
    """The company's own systems."""

    async def catalogue(self, tenant: str) -> Catalogue:
        """The actions that can be had now; empty where no system answers."""

    async def execute(
        self,
        conversation: Conversation,
        action: Action,
        request_id: str,
        language: str,
        end_user: str,
    ) -> ActionResult:
        """Carry out an action with the operation's slots. Raises KefuError."""


@dataclass(frozen=True, slots=True)
class NewTicket:
    """Something that a person is to do.

    Attributes:
        reason: of kefu.desk.v1.Ticket.Reason, in small letters without its prefix.
        request_id: its idempotency key.
        presses: it is to be looked at before others.
        moods: `compound` of the customer's messages, oldest first, the current one included.
    """

    reason: str
    summary: str
    request_id: str
    language: str
    presses: bool
    moods: Sequence[float]


class Desk(Protocol):
    """Tickets."""

    async def open_ticket(self, conversation: Conversation, ticket: NewTicket) -> str:
        """Name of the ticket: a new one, or the open one of the same reason. Raises KefuError."""
