"""One answer: by the model where there is one, by extraction where no word of it can be given."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace

from kefu.errors import KefuError, ModelUnavailable

from services.generation import extractive, telemetry
from services.generation.chat import Caller, Patience, Writing
from services.generation.dialogue import Answer, Event, Finish, Mode, Question
from services.generation.failure import Cause, ModelFailure
from services.generation.gateway import Gateway
from services.generation.prompt import Prompt
from services.generation.quota import QuotaExhausted
from services.generation.releasing import Releaser
from services.generation.screening import Checks

# Kept back from the caller's deadline, so that the extractive answer still gets through.
_RESERVE_SECONDS = 0.25


@dataclass(slots=True)
class _Draft:
    """A model's answer while it is written, and how that ended."""

    writing: Writing
    releaser: Releaser
    """Of who writes now."""
    failure: ModelFailure | QuotaExhausted | None = None

    @property
    def reason(self) -> str:
        """Why it is not, or not all of, an answer."""
        if self.releaser.withheld:
            return self.releaser.withheld
        return self.failure.cause if self.failure else Cause.EMPTY_ANSWER

    @property
    def finish(self) -> Finish:
        """Why it ended. A request that was broken off here ended as it should."""
        if self.failure:
            return Finish.INTERRUPTED
        return Finish.STOP if self.releaser.withheld else self.writing.finish


class Answerer:
    """Writes answers with the chat models, or without any."""

    def __init__(self, model: Gateway | None, prompt: Prompt, checks: Checks | None = None) -> None:
        """Make an answerer.

        Args:
            model: None: answers are extractive.
            prompt: With the place of the canary in it.
            checks: What the model's words have to pass; None: all checks as they are by default.
        """
        self._model = model
        self._checks = checks or Checks()
        self._prompt = self._checks.canary.put_into(prompt)

    async def answer(
        self,
        question: Question,
        *,
        caller: Caller,
        seconds: float,
        require_model: bool = False,
    ) -> AsyncGenerator[Event, None]:
        """Answer a question from its passages.

        Args:
            question: What is asked, and what may be answered from.
            caller: Who pays.
            seconds: Time until the caller gives up.
            require_model: Fail rather than answer without a model.

        Yields:
            Deltas as they arise, each a sentence that has passed its checks, then one `Answer`.
            Where not a sentence of a model's can be given, the answer is extractive and says why.
            Where a provider fails later, it ends INTERRUPTED; where a later sentence has to be
            withheld, it ends there and says so.

        Raises:
            ModelUnavailable: No model gave an answer and `require_model` is set.
            QuotaExceeded: A limit is used up and `require_model` is set.
        """
        if self._model is None or not question.passages:
            # Without passages a model could only invent; nobody pays for that.
            for event in self._unaided(question, require_model):
                yield event
            return
        writing = Writing(
            self._prompt.for_question(question),
            caller,
            question.model,
            conversation=question.conversation,
        )
        draft = _Draft(writing, Releaser(question, self._prompt, self._checks))
        timer = telemetry.FirstSentence()
        patience = self._model.patience.within(seconds - _RESERVE_SECONDS)
        async with aclosing(self._released(self._model, draft, question, patience)) as released:
            async for event in released:
                timer.stop()
                yield event
        if draft.releaser.text:
            events = self._written(self._model, draft)
        elif require_model:
            raise _unavailable(self._model, draft)
        else:
            events = self._degraded(self._model, question, draft)
        for event in events:
            timer.stop()
            yield event

    async def _released(
        self, model: Gateway, draft: _Draft, question: Question, patience: Patience
    ) -> AsyncGenerator[Event, None]:
        """Yield what of a model's words may be shown; `draft` tells how they ended."""
        writing = draft.writing
        # While the model is waited for.
        preparing = asyncio.create_task(draft.releaser.prepare())
        try:
            # Leaving the loop ends the request: nobody pays for more of what is withheld.
            async with aclosing(model.write(writing, patience)) as pieces:
                async for piece in pieces:
                    if writing.text == piece and draft.releaser.begun:
                        # Who wrote before has failed and was seen by nobody.
                        draft.releaser = Releaser(question, self._prompt, self._checks)
                    for event in draft.releaser.feed(piece):
                        writing.shown = True
                        yield event
                    if draft.releaser.withheld:
                        break
        except (ModelFailure, QuotaExhausted) as error:
            draft.failure = error
            if not writing.shown:
                return
        finally:
            preparing.cancel()
        complete = draft.failure is None and writing.finish is not Finish.LENGTH
        for event in draft.releaser.close(complete=complete):
            yield event

    def _unaided(self, question: Question, require_model: bool) -> Iterator[Event]:
        if require_model and self._model is None:
            raise ModelUnavailable(cause="not_configured")
        yield from extractive.answer(question)

    def _written(self, model: Gateway, draft: _Draft) -> list[Event]:
        """Return the end of an answer of which the model wrote at least the beginning."""
        writing, releaser = draft.writing, draft.releaser
        rest: list[Event] = [releaser.end_early()] if releaser.withheld else []
        answer = Answer(
            releaser.text,
            Mode.NO_ANSWER if releaser.admits and not releaser.claims else Mode.MODEL,
            tuple(releaser.citations),
            draft.finish,
            degraded_reason=draft.reason if draft.failure or rest else "",
            grounding=releaser.grounding,
        )
        return [*rest, replace(self._accounted(answer, model, writing), provider=writing.provider)]

    def _degraded(self, model: Gateway, question: Question, draft: _Draft) -> list[Event]:
        """Return the extractive answer with the reason for it, and what the attempt cost."""
        *events, end = extractive.answer(question)
        assert isinstance(end, Answer)
        end = replace(
            end,
            degraded_reason=draft.reason,
            grounding=end.grounding and replace(end.grounding, withheld=draft.releaser.withheld),
        )
        return [*events, self._accounted(end, model, draft.writing)]

    def _accounted(self, answer: Answer, model: Gateway, writing: Writing) -> Answer:
        return replace(
            answer,
            usage=model.usage(writing) if writing.spent else None,
            prompt_version=self._prompt.version,
            attempts=tuple(writing.attempts),
        )


def _unavailable(model: Gateway, draft: _Draft) -> KefuError:
    failure = draft.failure
    if isinstance(failure, QuotaExhausted):
        return failure.error()
    seconds = failure.retry_after_seconds if failure and not draft.releaser.withheld else None
    return ModelUnavailable(retry_after_seconds=seconds, model=model.name, cause=draft.reason)
