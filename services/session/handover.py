"""Brings people in: tickets, with a summary, once per reason."""

import uuid

from kefu.errors import KefuError

from services.session import phrases
from services.session.conversation import MAX_MOODS, Conversation, Round, State
from services.session.draft import Degradation, Draft
from services.session.ports import Desk, Generator, NewTicket
from services.session.understanding import NOT_RECOVERED

_MAX_SUMMARY = 2000
_PRESSING = ("anger", "human_requested")
"""Reasons of tickets for which somebody waits, whatever her words sound like."""


class Handover:
    """Opens tickets and gives the conversation to people."""

    def __init__(self, desk: Desk, generator: Generator) -> None:
        self._desk = desk
        self._generator = generator

    async def open(self, draft: Draft, conversation: Conversation, reason: str) -> None:
        """Open a ticket, or find the open one of the same reason; note it where neither works."""
        rounds = [*conversation.rounds, Round(draft.request.text, "")]
        try:
            summary = await self._generator.summarise(conversation.tenant, rounds, draft.language)
        except KefuError:
            summary = "\n".join(each.customer for each in rounds)[-_MAX_SUMMARY:]
        # Made of the turn, so that a repeat of a turn that was cut off finds its own ticket.
        key = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{draft.request.turn}/ticket/{reason}"))
        mood = draft.mood
        moods = [*conversation.moods, *([] if mood.compound is None else [mood.compound])]
        presses = mood.presses or reason in _PRESSING
        ticket = NewTicket(reason, summary, key, draft.language, presses, moods[-MAX_MOODS:])
        try:
            draft.ticket = await self._desk.open_ticket(conversation, ticket)
        except KefuError:
            draft.degrade(Degradation.NO_TICKET)

    async def soothe(self, draft: Draft, conversation: Conversation) -> None:
        """Apologise to an angry customer and open the one ticket for it.

        While her anger lasts and the desk was down before, the ticket is tried again, and only its
        number is worth another apology.
        """
        await self.open(draft, conversation, "anger")
        conversation.ticket = draft.ticket
        if draft.mood.reason == NOT_RECOVERED and not draft.ticket:
            return
        draft.say(
            phrases.with_ticket(
                phrases.SORRY_ANGER, phrases.SORRY_ANGER_NO_TICKET, draft.ticket, draft.language
            )
        )

    async def hand_over(self, draft: Draft, conversation: Conversation, reason: str) -> None:
        """Give the conversation to a person; Kefu keeps silent from now on.

        A customer who was angry before has a ticket already, and one is enough.
        """
        if conversation.ticket:
            draft.ticket = conversation.ticket
        else:
            await self.open(draft, conversation, reason)
        conversation.state = State.HANDED_OVER
        conversation.operation = None
        draft.say(
            phrases.with_ticket(
                phrases.HANDED_OVER, phrases.HANDED_OVER_NO_TICKET, draft.ticket, draft.language
            )
        )

    async def apologise(self, draft: Draft, conversation: Conversation) -> None:
        """Say that nothing can be said, and leave the customer's message with a person."""
        draft.degrade(Degradation.APOLOGY)
        await self.open(draft, conversation, "failure")
        draft.say(
            phrases.with_ticket(
                phrases.APOLOGY, phrases.APOLOGY_NO_TICKET, draft.ticket, draft.language
            )
        )
