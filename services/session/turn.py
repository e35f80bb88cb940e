"""One turn, from the customer's message to the result that is stored."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from services.language import Language, detect, words
from services.session import phrases
from services.session.actions import Catalogue
from services.session.answering import Answering
from services.session.conversation import Conversation, State
from services.session.dialogue import Effect, Signal, asks_faq, effect_of, read_signal
from services.session.draft import Audience, Draft, MatchType, TurnRequest, TurnResult
from services.session.handover import Handover
from services.session.operating import Operating
from services.session.ports import ActionServers, Desk, Generator, Knowledge, Readers
from services.session.reading import Reading, nothing, or_none
from services.session.several import Several, parts_of
from services.session.understanding import (
    Evidence,
    IntentType,
    ReplyMode,
    Request,
    Understanding,
    Verdict,
)

_MAX_MISUNDERSTOOD = 2
"""Turns in a row without an understanding; at this one a person takes over."""

_OPEN = (State.IDLE, State.CLARIFYING)
"""States in which the next message may be about anything."""

Step = Callable[[Draft, Conversation, Catalogue], Awaitable[None]]


class TurnRunner:
    """Runs turns. It changes the conversation that it is given; storing both is the caller's."""

    def __init__(
        self,
        readers: Readers,
        knowledge: Knowledge,
        generator: Generator,
        servers: ActionServers,
        desk: Desk,
    ) -> None:
        self._reading = Reading(readers, generator)
        self._knowledge = knowledge
        self._servers = servers
        self._handover = Handover(desk, generator)
        self._answering = Answering(knowledge, generator, self._handover)
        self._operating = Operating(servers, self._handover)
        self._several = Several(self._answering, self._operating)
        self._steps: dict[Effect, Step] = {
            Effect.ANSWER: self._answer,
            Effect.OPERATE: self._operate,
            Effect.EXECUTE: self._execute,
            Effect.ABANDON: self._abandon,
            Effect.ASK_AGAIN: self._ask_again,
            Effect.CHAT: self._chat,
            Effect.CLARIFY: self._clarify,
            Effect.HAND_OVER: self._hand_over,
            Effect.HOLD: self._hold,
            Effect.CLOSE: self._close,
        }

    async def run(
        self, conversation: Conversation, request: TurnRequest, audience: Audience
    ) -> TurnResult:
        """Answer one message.

        The turn always ends in a reply: what fails is left out and named in `degraded`.
        """
        language = reply_language(request, conversation)
        draft = Draft(request, audience, language)
        conversation.language = language
        if conversation.state is State.HANDED_OVER:
            await self._quietly(draft, conversation)
        else:
            await self._converse(draft, conversation)
        conversation.remember(request.text, draft.text, draft.mood.compound)
        return _result(draft, conversation)

    async def _converse(self, draft: Draft, conversation: Conversation) -> None:
        """A turn that is Kefu's: read the message, and do what the table says."""
        _, catalogue, evidence = await asyncio.gather(
            self._reading.read(draft, conversation),
            self._servers.catalogue(conversation.tenant),
            or_none(self._knowledge.faq(conversation, draft.request.text))
            if conversation.state in _OPEN
            else nothing(),
        )
        signal, parts = _taken_for(draft, conversation, catalogue, evidence)
        # A message of several requests is never clear as a whole; its parts are.
        if not parts and self._reading.leaves_doubt(draft, signal):
            await self._reading.read_again(draft, conversation)
            signal, parts = _taken_for(draft, conversation, catalogue, evidence)
        elif draft.mood.alarms:
            await self._reading.listen_again(draft, conversation)
        draft.match = _match_of(signal, draft.understanding)
        effect = effect_of(conversation.state, signal)
        if draft.mood.escalate and not conversation.ticket:
            await self._handover.soothe(draft, conversation)
            vents = effect in (Effect.CLARIFY, Effect.CHAT, Effect.ASK_AGAIN) and not parts
            if vents and draft.mood.alarms:
                # An angry customer who asked for nothing in particular has had her answer.
                self._go_on(draft, conversation, catalogue)
                return
        if parts:
            await self._several.do(draft, conversation, catalogue, parts)
        else:
            await self._steps[effect](draft, conversation, catalogue)

    async def _quietly(self, draft: Draft, conversation: Conversation) -> None:
        """A turn that belongs to a person: only mood and a goodbye are looked at."""
        await self._reading.read(draft, conversation)
        draft.match = MatchType.HUMAN_OWNED
        signal = read_signal(conversation, draft.request.text, draft.understanding, {})
        await self._steps[effect_of(conversation.state, signal)](draft, conversation, {})

    def _go_on(self, draft: Draft, conversation: Conversation, catalogue: Catalogue) -> None:
        """After something that was understood: back to what is open, if anything is."""
        conversation.misunderstood = 0
        if conversation.state is State.CLARIFYING:
            conversation.state = State.IDLE
        self._operating.remind(draft, conversation, catalogue)

    async def _answer(self, draft: Draft, conversation: Conversation, catalogue: Catalogue) -> None:
        if draft.faq is not None:
            self._answering.tell_faq(draft, draft.faq)
        else:
            await self._answering.answer(draft, conversation, draft.request.text)
        self._go_on(draft, conversation, catalogue)

    async def _operate(
        self, draft: Draft, conversation: Conversation, catalogue: Catalogue
    ) -> None:
        conversation.misunderstood = 0
        await self._operating.operate(draft, conversation, catalogue)

    async def _execute(
        self, draft: Draft, conversation: Conversation, catalogue: Catalogue
    ) -> None:
        conversation.misunderstood = 0
        assert conversation.operation is not None
        action = catalogue[conversation.operation.intent]
        await self._operating.execute(draft, conversation, action)

    async def _abandon(self, draft: Draft, conversation: Conversation, _: Catalogue) -> None:
        conversation.misunderstood = 0
        self._operating.abandon(draft, conversation)

    async def _ask_again(
        self, draft: Draft, conversation: Conversation, catalogue: Catalogue
    ) -> None:
        if await self._gave_up(draft, conversation):
            return
        draft.say(phrases.ASK_AGAIN.in_language(draft.language))
        self._operating.remind(draft, conversation, catalogue)

    async def _chat(self, draft: Draft, conversation: Conversation, catalogue: Catalogue) -> None:
        best = draft.understanding.best
        sentence = phrases.SMALL_TALK_BY_INTENT.get(best.intent if best else "", phrases.SMALL_TALK)
        draft.say(sentence.in_language(draft.language))
        self._go_on(draft, conversation, catalogue)

    async def _clarify(
        self, draft: Draft, conversation: Conversation, catalogue: Catalogue
    ) -> None:
        """What no intent explains may still stand in the knowledge; else ask, then hand over."""
        text = draft.request.text
        evidence = await or_none(self._answering.search(draft, conversation, text)) or Evidence()
        if evidence.faq is not None or evidence.verdict is Verdict.ANSWERABLE:
            await self._answering.tell(draft, conversation, evidence, text)
            self._go_on(draft, conversation, catalogue)
            return
        if await self._gave_up(draft, conversation):
            return
        conversation.state = State.CLARIFYING
        draft.say(_clarification(draft, catalogue))

    async def _hand_over(self, draft: Draft, conversation: Conversation, _: Catalogue) -> None:
        await self._handover.hand_over(draft, conversation, "human_requested")

    async def _hold(self, draft: Draft, conversation: Conversation, _: Catalogue) -> None:
        draft.say(phrases.HOLD.in_language(draft.language))

    async def _close(self, draft: Draft, conversation: Conversation, _: Catalogue) -> None:
        conversation.state, conversation.operation = State.CLOSED, None
        draft.say(phrases.GOODBYE.in_language(draft.language))

    async def _gave_up(self, draft: Draft, conversation: Conversation) -> bool:
        """Count a message that was not understood; the second in a row goes to a person."""
        conversation.misunderstood += 1
        if conversation.misunderstood < _MAX_MISUNDERSTOOD:
            return False
        await self._handover.hand_over(draft, conversation, "not_understood")
        return True


def reply_language(request: TurnRequest, conversation: Conversation) -> str:
    """`zh` or `en`: as asked, else that of the message, else that of the last one.

    One English word does not change the language of a conversation: Chinese customers write OK.
    """
    if request.language:
        return request.language
    found = detect(request.text)
    lonely = found is Language.EN and conversation.turn_count > 0 and len(words(request.text)) == 1
    if found is Language.UNKNOWN or lonely:
        return conversation.language
    return "en" if found is Language.EN else "zh"


def _taken_for(
    draft: Draft, conversation: Conversation, catalogue: Catalogue, evidence: Evidence | None
) -> tuple[Signal, list[Request]]:
    """What the message is, and its requests where nothing is open and it holds several.

    An FAQ with the same question decides where a question may be meant.
    """
    text = draft.request.text
    signal = read_signal(conversation, text, draft.understanding, catalogue)
    if evidence is not None and evidence.faq is not None and asks_faq(signal, text):
        draft.faq = evidence.faq
        return Signal.QUESTION, []
    return signal, parts_of(draft) if conversation.state in _OPEN else []


def _clarification(draft: Draft, catalogue: Catalogue) -> str:
    """The question back: between the operations that come into question, else an open one."""
    best = draft.understanding.best
    candidates = [*([best] if best else []), *draft.understanding.alternatives]
    names = [
        catalogue[each.intent].name.in_language(draft.language)
        for each in candidates[:3]
        if each.type is IntentType.OPERATION and each.intent in catalogue
    ]
    if draft.understanding.ambiguous and len(names) > 1:
        choices = (" 还是 " if draft.language == "zh" else ", or ").join(names)
        return phrases.CLARIFY_BETWEEN.in_language(draft.language).replace("{choices}", choices)
    return phrases.CLARIFY.in_language(draft.language)


def _match_of(signal: Signal, understanding: Understanding) -> MatchType:
    if signal is Signal.SLOT:
        return MatchType.SLOT
    if signal in (Signal.YES, Signal.NO):
        return MatchType.CONFIRMATION
    if signal is Signal.UNCLEAR:
        return MatchType.AMBIGUOUS if understanding.ambiguous else MatchType.NO_MATCH
    return MatchType.INTENT


def _result(draft: Draft, conversation: Conversation) -> TurnResult:
    mode = ReplyMode.ACTION if draft.actions else draft.mode
    return TurnResult(
        request=draft.request,
        index=conversation.turn_count,
        text=draft.text,
        language=draft.language,
        understanding=draft.understanding,
        match=draft.match,
        mode=mode,
        mood=draft.mood,
        citations=tuple(draft.citations),
        grounding=draft.grounding,
        actions=tuple(draft.actions),
        degraded=tuple(draft.degraded),
        usage=draft.usage,
        ticket=draft.ticket,
        state=conversation.state,
        interrupted=draft.interrupted,
        completed=datetime.now(UTC),
    )
