"""Carries an operation from its first word to its result: slots, confirmation, execution."""

import uuid

from kefu.errors import KefuError

from services.session import phrases
from services.session.actions import Action, ActionOutcome, ActionResult, Catalogue, Slot
from services.session.conversation import Conversation, Operation, State
from services.session.draft import Draft, MatchType
from services.session.handover import Handover
from services.session.plain_answers import is_bare
from services.session.ports import ActionServers
from services.session.slots import adds, said_values
from services.session.understanding import ReplyMode


class Operating:
    """Fills, confirms and executes operations."""

    def __init__(self, servers: ActionServers, handover: Handover) -> None:
        self._servers = servers
        self._handover = handover

    async def operate(self, draft: Draft, conversation: Conversation, catalogue: Catalogue) -> None:
        """Take the message's slots and go as far as they allow."""
        action = self._action(draft, conversation, catalogue)
        fill(draft, conversation, action)
        draft.mode = ReplyMode.ACTION
        missing = action.missing(conversation.slots)
        if missing is not None:
            self.ask(draft, conversation, missing)
        elif action.confirmation is not None:
            self.confirm(draft, conversation, action)
        else:
            await self.execute(draft, conversation, action)

    def ask(self, draft: Draft, conversation: Conversation, slot: Slot) -> None:
        """Ask for a slot."""
        assert conversation.operation is not None
        conversation.operation.asked = slot.slot
        conversation.state = State.FILLING
        draft.say(slot.prompt.in_language(draft.language) or slot.slot)

    def confirm(self, draft: Draft, conversation: Conversation, action: Action) -> None:
        """Ask for the customer's yes, naming what will be done."""
        conversation.state = State.CONFIRMING
        text = action.confirmation_text(conversation.slots, draft.language)
        draft.say(text or action.name.in_language(draft.language))

    def remind(self, draft: Draft, conversation: Conversation, catalogue: Catalogue) -> None:
        """After something else was answered: repeat what is still open."""
        operation = conversation.operation
        action = catalogue.get(operation.intent) if operation else None
        if operation is None or action is None:
            return
        if conversation.state is State.CONFIRMING:
            self.confirm(draft, conversation, action)
        elif slot := action.missing(operation.filled):
            self.ask(draft, conversation, slot)

    async def execute(self, draft: Draft, conversation: Conversation, action: Action) -> None:
        """Carry the action out, once however often the turn is tried, and tell the result."""
        # Made of the turn, so that a repeat of a turn that was cut off does not act twice.
        key = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{draft.request.turn}/{action.action}"))
        try:
            result = await self._servers.execute(
                conversation, action, key, draft.language, draft.request.end_user
            )
        except KefuError:
            slots = conversation.slots
            result = ActionResult(action.action, ActionOutcome.FAILED, slots, key)
        draft.mode = ReplyMode.ACTION
        draft.did(result)
        if result.outcome is ActionOutcome.FAILED:
            await self._handover.open(draft, conversation, "failure")
            draft.say(
                phrases.with_ticket(
                    phrases.ACTION_FAILED, phrases.APOLOGY_NO_TICKET, draft.ticket, draft.language
                )
            )
        else:
            told = result.message.in_language(draft.language)
            draft.say(told or action.name.in_language(draft.language))
        conversation.operation = None
        conversation.state = State.IDLE

    def abandon(self, draft: Draft, conversation: Conversation) -> None:
        """Drop what was begun; nothing was done yet."""
        draft.match, draft.mode = MatchType.CONFIRMATION, ReplyMode.ACTION
        conversation.operation = None
        conversation.state = State.IDLE
        draft.say(phrases.ABANDONED.in_language(draft.language))

    @staticmethod
    def _action(draft: Draft, conversation: Conversation, catalogue: Catalogue) -> Action:
        """The action that goes on, or the one that the message starts."""
        best = draft.understanding.best
        wanted = catalogue.get(best.intent) if best else None
        running = catalogue.get(conversation.operation.intent) if conversation.operation else None
        if running is not None and (draft.match is MatchType.SLOT or wanted is None):
            return running
        assert wanted is not None, "the signal OPERATION means that the catalogue has the intent"
        if running is None or wanted.action != running.action:
            conversation.operation = Operation(wanted.action, wanted.intent)
        return wanted


def fill(draft: Draft, conversation: Conversation, action: Action) -> None:
    """Put what the message says into the action's slots; a later value corrects an earlier one."""
    operation = conversation.operation
    assert operation is not None
    text, found = draft.request.text, draft.understanding
    values = said_values(action, operation, found)
    asked = action.slot(operation.asked)
    free = asked is not None and not asked.entity_type and draft.match is MatchType.SLOT
    # "No, it is SO20260002" in answer to "which address?" corrects the order and is no address.
    # Of an address only what fills slots is cut out: a product or a date in it is part of it.
    kinds = {slot.entity_type for slot in action.slots}
    spans = [(each.start, each.end) for each in found.entities if each.type in kinds]
    corrects = adds(values, operation) and is_bare(text, spans)
    operation.filled.update(values)
    if asked is not None and free and not corrects:
        operation.filled[asked.slot] = text.strip()
    operation.asked = ""
