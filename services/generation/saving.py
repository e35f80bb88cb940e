"""Answers with as few model calls as can be, each as small as can be.

What was answered a moment ago is answered again from memory, what is being answered now is listened
to, and what has to be asked is asked with the most useful passages and rounds only.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace

from services.generation import telemetry
from services.generation.answer_cache import AnswerCache
from services.generation.answering import Answerer
from services.generation.budget import fit
from services.generation.chat import Caller
from services.generation.coalescing import Flights
from services.generation.dialogue import (
    MAX_DELTA,
    Answer,
    Citation,
    Delta,
    Event,
    Question,
    Usage,
)
from services.generation.earlier import Earlier
from services.language import fold


class SavingAnswerer:
    """An answerer that asks its model no more than it must."""

    def __init__(
        self, answerer: Answerer, earlier: Earlier, cache: AnswerCache, prompt_tokens: int
    ) -> None:
        """Put the savings before an answerer.

        Args:
            answerer: Asks the model.
            earlier: Shortens long conversations.
            cache: Answers of the last minutes.
            prompt_tokens: Most estimated tokens of question, rounds and passages.
        """
        self._answerer = answerer
        self._earlier = earlier
        self._cache = cache
        self._prompt_tokens = prompt_tokens
        self._flights: Flights[Event] = Flights()

    async def answer(
        self,
        question: Question,
        *,
        caller: Caller,
        seconds: float,
        require_model: bool = False,
    ) -> AsyncGenerator[Event, None]:
        """Answer a question as `Answerer.answer` does.

        Of several who ask the same, one is told what the answer cost, and the others that theirs
        was shared. What a summary cost is told with the first answer that needed it.
        """
        end = asyncio.get_running_loop().time() + seconds
        paid = None
        # Without passages no model is asked, and nobody needs a summary for it.
        if question.passages:
            question, paid = await self._earlier.shorten(question, caller=caller, seconds=seconds)
            seconds = end - asyncio.get_running_loop().time()
        question = fit(question, self._prompt_tokens)
        key = key_of(caller.tenant, question)
        if known := self._cache.find(key, question):
            telemetry.record_shared("memory")
            for event in known:
                yield _billed(event, paid) if isinstance(event, Answer) else event
            return

        async def ask() -> AsyncGenerator[Event, None]:
            answer = self._answerer.answer(
                question, caller=caller, seconds=seconds, require_model=require_model
            )
            async with aclosing(answer) as events:
                async for event in events:
                    yield event
                    # Who asked has it by now, and does not wait for it to be kept.
                    if isinstance(event, Answer):
                        self._cache.keep(key, question, event)

        events = self._flights.join((key, require_model), seconds, ask)
        async with aclosing(events) as arrivals:
            async for new in arrivals:
                deltas = [event for event, _ in new if isinstance(event, Delta)]
                # What came while the caller took what came before goes out together.
                for delta in joined(deltas):
                    yield delta
                for event, fresh in new:
                    if isinstance(event, Answer):
                        yield _billed(event if fresh else _shared(event), paid)


def joined(deltas: Sequence[Delta]) -> Iterator[Delta]:
    """Put deltas together as far as one may be long."""
    words, citations = "", tuple[Citation, ...]()
    for each in deltas:
        if words and len(words) + len(each.text) > MAX_DELTA:
            yield Delta(words, citations)
            words, citations = "", ()
        words += each.text
        citations += each.citations
    if words:
        yield Delta(words, citations)


def _shared(answer: Answer) -> Answer:
    telemetry.record_shared("flight")
    return replace(answer, usage=None, attempts=(), shared=True)


def _billed(answer: Answer, paid: Usage | None) -> Answer:
    """Return an answer that tells what was paid for it beforehand, too."""
    if paid is None:
        return answer
    return replace(answer, usage=paid + answer.usage if answer.usage else paid)


def key_of(tenant: str, question: Question) -> bytes:
    """Return what two requests have in common that one answer serves.

    That is the tenant and everything the answer is made from, letter for letter, passages with
    their revisions; of the question only its writing is unified: width, case, traditional and
    simplified characters. In which conversation it is asked makes no difference. A hash, so that no
    words are kept.
    """
    asked = replace(question, text=fold(question.text), conversation="")
    told = repr((tenant, asked))
    return hashlib.blake2b(told.encode(), digest_size=16).digest()
