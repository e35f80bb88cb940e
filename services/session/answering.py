"""Answers a question from the company's knowledge, and degrades in a stated order.

Vectors fail: words alone. The model fails: sentences of the passages (the generation service does
that itself). Generation fails: the best passage as it stands. Knowledge fails: an apology.
"""

from contextlib import aclosing, suppress
from dataclasses import replace

from kefu.errors import EmbeddingMismatch, KefuError, KnowledgeBaseNotFound

from services.language import sentences
from services.session import phrases
from services.session.conversation import Conversation
from services.session.draft import Degradation, Draft, MatchType
from services.session.grounding import MAX_SENTENCES, Grounding, SentenceSupport, Support
from services.session.handover import Handover
from services.session.ports import Generator, Knowledge
from services.session.reading import vector_of
from services.session.understanding import (
    Answer,
    Citation,
    Evidence,
    Faq,
    Passage,
    ReplyMode,
    Verdict,
)

_MAX_SNIPPET = 500

_UNJUDGED = Grounding(Support.WEAK)
"""Of words whose verdict never came: what is unsupported is not released, more is not known."""


class Answering:
    """Finds and tells what the knowledge says."""

    def __init__(self, knowledge: Knowledge, generator: Generator, handover: Handover) -> None:
        self._knowledge = knowledge
        self._generator = generator
        self._handover = handover

    async def answer(self, draft: Draft, conversation: Conversation, question: str) -> None:
        """Answer a question: the message, or one of several in it."""
        try:
            evidence = await self.search(draft, conversation, question)
        except KnowledgeBaseNotFound:
            # Nothing was set up: that is no outage, and no reason for a ticket each time.
            evidence = Evidence()
        except KefuError:
            await self._handover.apologise(draft, conversation)
            return
        await self.tell(draft, conversation, evidence, question)

    async def search(self, draft: Draft, conversation: Conversation, question: str) -> Evidence:
        """Evidence for a question, by meaning and words, or by words alone.

        Raises:
            KefuError: the knowledge service does not answer.
        """
        vector = await vector_of(question, draft, self._generator, conversation.tenant)
        try:
            evidence = await self._knowledge.search(conversation, question, vector, draft.language)
        except EmbeddingMismatch:
            # The knowledge base still has vectors of the model before; its words are as good.
            evidence = await self._knowledge.search(conversation, question, None, draft.language)
        if evidence.lexical_only:
            draft.degrade(Degradation.LEXICAL_ONLY)
        return evidence

    async def tell(
        self, draft: Draft, conversation: Conversation, evidence: Evidence, question: str
    ) -> None:
        """Say what the evidence answers, or that it answers nothing."""
        if evidence.faq is not None:
            self.tell_faq(draft, evidence.faq)
        elif evidence.verdict is Verdict.NONE or not evidence.passages:
            draft.match, draft.mode = MatchType.NO_MATCH, ReplyMode.NO_ANSWER
            draft.say(phrases.NO_ANSWER.in_language(draft.language))
        else:
            draft.match = MatchType.KNOWLEDGE
            await self._generate(draft, conversation, evidence, question)

    def tell_faq(self, draft: Draft, faq: Faq) -> None:
        """Say an FAQ's answer with its source."""
        draft.match, draft.mode = MatchType.FAQ, ReplyMode.FAQ
        start = draft.say(faq.answer)
        draft.cite(
            Citation(1, faq.document, faq.revision, faq.question, (0, 0),
                     (start, start + len(faq.answer)), faq.answer[:_MAX_SNIPPET])
        )  # fmt: skip

    async def _generate(
        self, draft: Draft, conversation: Conversation, evidence: Evidence, question: str
    ) -> None:
        """Tell a generated answer; the best passage where not a word of one arrives."""
        start, before = draft.set_apart(), draft.grounding
        draft.mode, draft.interrupted = ReplyMode.MODEL, True
        answer = self._generator.answer(conversation, question, evidence.passages, draft.language)
        with suppress(KefuError):
            async with aclosing(answer) as parts:
                async for part in parts:
                    _take(draft, part, start)
        if len(draft.text) == start:
            draft.interrupted = False
            draft.degrade(Degradation.FAQ_ONLY)
            _quote(draft, evidence.passages[0])
        elif draft.mode is ReplyMode.MODEL and draft.grounding is before:
            draft.ground(_UNJUDGED, start)


def _take(draft: Draft, part: str | Citation | Answer, start: int) -> None:
    """Pass one part of a generated answer on; it begins at `start` of the reply."""
    if isinstance(part, str):
        draft.stream(part)
    elif isinstance(part, Citation):
        first, last = part.answer_span
        draft.cite(replace(part, answer_span=(start + first, start + last)))
    else:
        draft.mode, draft.usage = part.mode, draft.usage.plus(part.usage)
        draft.interrupted = not part.complete
        if part.grounding is not None:
            draft.ground(part.grounding, start)
        if part.degraded:
            draft.degrade(Degradation.EXTRACTIVE)


def _quote(draft: Draft, passage: Passage) -> None:
    """Give a passage as it stands: the last resort before an apology."""
    draft.mode = ReplyMode.EXTRACTIVE
    start = draft.say(passage.text)
    draft.cite(
        Citation(1, passage.document, passage.revision, passage.title,
                 (passage.start, passage.end), (start, start + len(passage.text)),
                 passage.text[:_MAX_SNIPPET])
    )  # fmt: skip
    spans = sentences(passage.text)[:MAX_SENTENCES]
    quoted = (SentenceSupport(each.start, each.end, Support.SUPPORTED, 1.0) for each in spans)
    draft.ground(Grounding(Support.SUPPORTED, tuple(quoted)), start)
