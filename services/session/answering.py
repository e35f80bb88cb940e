"""Answers a question from the company's knowledge, and degrades in a stated order.

Vectors fail: words alone. The model fails: sentences of the passages (the generation service does
that itself). Generation fails: the best passage as it stands. Knowledge fails: the caller of this
module apologises.
"""

from contextlib import aclosing

from kefu.errors import KefuError

from services.session import phrases
from services.session.conversation import Conversation
from services.session.draft import Degradation, Draft, MatchType
from services.session.ports import Generator, Knowledge
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


class Answering:
    """Finds and tells what the knowledge says."""

    def __init__(self, knowledge: Knowledge, generator: Generator) -> None:
        self._knowledge = knowledge
        self._generator = generator

    async def search(self, draft: Draft, conversation: Conversation) -> Evidence:
        """Evidence for the message, by meaning and words, or by words alone.

        Raises:
            KefuError: the knowledge service does not answer.
        """
        text = draft.request.text
        try:
            vector = await self._generator.embed(conversation.tenant, text)
        except KefuError:
            vector = None
        evidence = await self._knowledge.search(conversation, text, vector, draft.language)
        if evidence.lexical_only:
            draft.degrade(Degradation.LEXICAL_ONLY)
        return evidence

    async def tell(self, draft: Draft, conversation: Conversation, evidence: Evidence) -> None:
        """Say what the evidence answers, or that it answers nothing."""
        if evidence.faq is not None:
            self.tell_faq(draft, evidence.faq)
        elif evidence.verdict is Verdict.NONE or not evidence.passages:
            draft.match, draft.mode = MatchType.NO_MATCH, ReplyMode.NO_ANSWER
            draft.say(phrases.NO_ANSWER.in_language(draft.language))
        else:
            draft.match = MatchType.KNOWLEDGE
            await self._generate(draft, conversation, evidence)

    def tell_faq(self, draft: Draft, faq: Faq) -> None:
        """Say an FAQ's answer with its source."""
        draft.match, draft.mode = MatchType.FAQ, ReplyMode.FAQ
        draft.say(faq.answer)
        end = len(draft.text)
        draft.cite(
            Citation(1, faq.document, faq.revision, faq.question, (0, 0),
                     (end - len(faq.answer), end), faq.answer[:_MAX_SNIPPET])
        )

    async def _generate(
        self, draft: Draft, conversation: Conversation, evidence: Evidence
    ) -> None:
        before = len(draft.text)
        try:
            async with aclosing(
                self._generator.answer(
                    conversation, draft.request.text, evidence.passages, draft.language
                )
            ) as parts:
                async for part in parts:
                    _take(draft, part, before)
        except KefuError:
            if len(draft.text) > before:
                draft.mode = ReplyMode.MODEL
                draft.interrupted = True
                return
            draft.degrade(Degradation.FAQ_ONLY)
            _quote(draft, evidence.passages[0])


def _take(draft: Draft, part: str | Citation | Answer, before: int) -> None:
    """Pass one part of a generated answer on."""
    if isinstance(part, str):
        if before and len(draft.text) == before:
            part = f"\n{part}"
        draft.stream(part)
    elif isinstance(part, Citation):
        draft.cite(_shifted(part, before + 1 if before else 0))
    else:
        draft.mode, draft.usage = part.mode, part.usage
        draft.interrupted = not part.complete
        if part.degraded:
            draft.degrade(Degradation.EXTRACTIVE)


def _shifted(citation: Citation, by: int) -> Citation:
    """A citation of the answer alone, moved to the answer's place in the reply."""
    start, end = citation.answer_span
    return Citation(
        citation.index, citation.document, citation.revision, citation.title,
        citation.document_span, (start + by, end + by), citation.snippet,
    )


def _quote(draft: Draft, passage: Passage) -> None:
    """Give a passage as it stands: the last resort before an apology."""
    draft.mode = ReplyMode.EXTRACTIVE
    draft.say(passage.text)
    end = len(draft.text)
    draft.cite(
        Citation(1, passage.document, passage.revision, passage.title,
                 (passage.start, passage.end), (end - len(passage.text), end),
                 passage.text[:_MAX_SNIPPET])
    )
