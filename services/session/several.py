"""Several requests in one message: none of them is lost.

Its questions are answered and its first operation is begun. Of what is left the customer hears that
it was understood and may come next.
"""

from collections.abc import Sequence

from services.session import phrases
from services.session.actions import Action, Catalogue
from services.session.answering import Answering
from services.session.conversation import Conversation, Operation, State
from services.session.dialogue import is_sure
from services.session.draft import Degradation, Draft, MatchType
from services.session.operating import Operating
from services.session.plain_answers import asks
from services.session.slots import said_values
from services.session.understanding import IntentType, ReplyMode, Request

_MAX_ANSWERS = 3
"""Questions that one turn answers: each costs a search and perhaps a model."""
_MAX_QUOTE = 60


def parts_of(draft: Draft) -> list[Request]:
    """The requests of a message that can be worked on, in order; greetings and thanks are none.

    None where the message holds one request only, and where a person is asked for, who sees it all.
    """
    text, found = draft.request.text, draft.understanding
    asked = [each.candidate.type for each in found.requests]
    if IntentType.HUMAN in asked or is_sure(found, IntentType.HUMAN):
        return []
    return [
        each
        for each in found.requests
        if each.of(text)
        and (
            each.candidate.type in (IntentType.QUERY, IntentType.OPERATION)
            or (each.candidate.type is IntentType.UNKNOWN and asks(each.of(text)))
        )
    ]


class Several:
    """Works through the requests of one message."""

    def __init__(self, answering: Answering, operating: Operating) -> None:
        self._answering = answering
        self._operating = operating

    async def do(
        self,
        draft: Draft,
        conversation: Conversation,
        catalogue: Catalogue,
        parts: Sequence[Request],
    ) -> None:
        """Answer, mention what is left, and begin: what the customer is asked comes last."""
        conversation.misunderstood = 0
        if conversation.state is State.CLARIFYING:
            conversation.state = State.IDLE
        operations = [each for each in parts if _action(each, catalogue)]
        questions = [each for each in parts if not _action(each, catalogue)]
        alone = len(parts) == 1
        answered = await self._answer(draft, conversation, questions, alone)
        left = [each for each in parts if each in operations[1:] or each in questions[answered:]]
        if left:
            comma = "、" if draft.language == "zh" else ", "
            others = comma.join(_name(draft, each, catalogue) for each in left)
            draft.say(phrases.ALSO.in_language(draft.language).replace("{others}", others))
        if operations:
            await self._begin(draft, conversation, catalogue, operations[0])

    async def _answer(
        self, draft: Draft, conversation: Conversation, questions: Sequence[Request], alone: bool
    ) -> int:
        """Answer questions one by one; how many were, before one failed or the limit was reached.

        One that stands `alone` in its message is searched for with the whole of it.
        """
        came_to: list[tuple[MatchType, ReplyMode]] = []
        for each in questions[:_MAX_ANSWERS]:
            question = draft.request.text if alone else each.of(draft.request.text)
            if not alone:
                about = phrases.ABOUT.in_language(draft.language)
                draft.say(about.replace("{part}", _shortened(question)))
            await self._answering.answer(draft, conversation, question)
            came_to.append((draft.match, draft.mode))
            if draft.interrupted or Degradation.APOLOGY in draft.degraded:
                break
        # One good answer makes the turn one that answered.
        found = [each for each in came_to if each[0] is not MatchType.NO_MATCH]
        if found:
            draft.match, draft.mode = found[0]
        return len(came_to)

    async def _begin(
        self, draft: Draft, conversation: Conversation, catalogue: Catalogue, request: Request
    ) -> None:
        """Begin an operation with the values that belong to it."""
        whole = draft.understanding
        draft.understanding, draft.match = whole.only(request), MatchType.INTENT
        await self._operating.operate(draft, conversation, catalogue)
        draft.understanding = whole


def _action(request: Request, catalogue: Catalogue) -> Action | None:
    """What a request would carry out; None for a question."""
    operates = request.candidate.type is IntentType.OPERATION
    return catalogue.get(request.candidate.intent) if operates else None


def _name(draft: Draft, request: Request, catalogue: Catalogue) -> str:
    """An operation by the company's name for it, with its values; a question by its words."""
    action = _action(request, catalogue)
    if action is None:
        quoted = _shortened(request.of(draft.request.text))
        return f"“{quoted}”" if draft.language == "zh" else f'"{quoted}"'
    blank = Operation(action.action, action.intent)
    values = said_values(action, blank, draft.understanding.only(request)).values()
    return " ".join([action.name.in_language(draft.language) or action.action, *values])


def _shortened(words: str) -> str:
    return words if len(words) <= _MAX_QUOTE else words[: _MAX_QUOTE - 1] + "…"
