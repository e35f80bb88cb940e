"""A turn without consequences, to say what a message would do.

It is the same runner with ports that read and do nothing else, so that what it says is what the
turn would do, and not a second opinion.
"""

from collections.abc import AsyncGenerator, Sequence

from services.session.actions import Action, ActionOutcome, ActionResult, Catalogue
from services.session.conversation import Conversation, Round
from services.session.ports import (
    ActionServers,
    Generator,
    Knowledge,
    NewTicket,
    Readers,
    Vector,
)
from services.session.turn import TurnRunner
from services.session.understanding import Answer, Citation, Passage


def rehearsal(
    readers: Readers, knowledge: Knowledge, generator: Generator, servers: ActionServers
) -> TurnRunner:
    """A runner whose turns open no ticket, carry nothing out and let no model write."""
    return TurnRunner(
        readers, knowledge, _SilentGenerator(generator), _IdleServers(servers), _ClosedDesk()
    )


class _SilentGenerator:
    def __init__(self, generator: Generator) -> None:
        self._generator = generator

    async def embed(self, tenant: str, text: str) -> Vector:
        """The vector, as in a real turn: what is found depends on it."""
        return await self._generator.embed(tenant, text)

    async def answer(
        self, conversation: Conversation, question: str, passages: Sequence[Passage], language: str
    ) -> AsyncGenerator[str | Citation | Answer, None]:
        """No words."""
        yield Answer("")

    async def summarise(self, tenant: str, rounds: Sequence[Round], language: str) -> str:
        """No summary."""
        return ""


class _IdleServers:
    def __init__(self, servers: ActionServers) -> None:
        self._servers = servers

    async def catalogue(self, tenant: str) -> Catalogue:
        """The actions, as in a real turn."""
        return await self._servers.catalogue(tenant)

    async def execute(
        self,
        conversation: Conversation,
        action: Action,
        request_id: str,
        language: str,
        end_user: str,
    ) -> ActionResult:
        """Nothing is carried out."""
        return ActionResult(
            action.action, ActionOutcome.SUCCEEDED, conversation.slots, request_id, action.name
        )


class _ClosedDesk:
    async def open_ticket(self, conversation: Conversation, ticket: NewTicket) -> str:
        """No ticket."""
        return ""


class NoAudience:
    """Nobody hears of a rehearsal."""

    def delta(self, text: str) -> None:
        """Words were added."""

    def citation(self, citation: Citation) -> None:
        """A passage was cited."""

    def action(self, result: ActionResult) -> None:
        """An action ended."""
