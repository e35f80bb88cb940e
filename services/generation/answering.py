"""One answer: by the model where there is one, by extraction where no word of it can be given."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import replace

from kefu.errors import KefuError, ModelUnavailable

from services.generation import extractive, grounding, telemetry
from services.generation.chat import Caller, Writing
from services.generation.dialogue import Answer, Event, Finish, Mode, Question, Withheld
from services.generation.failure import Cause, ModelFailure
from services.generation.gateway import Gateway
from services.generation.prompt import Prompt
from services.generation.quota import QuotaExhausted
from services.generation.releasing import Releaser
from services.generation.screening import Checks

# Kept back from the caller's deadline, so that the extractive answer still gets through.
_RESERVE_SECONDS = 0.25

_QUOTA = "quota_exceeded"


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
            Deltas and citations as they arise, each delta a sentence that has passed its checks,
            then one `Answer`. Where not a sentence of a model's can be given, the answer is
            extractive and says why. Where a provider fails later, it ends INTERRUPTED; where a
            later sentence has to be withheld, it ends there and says so.

        Raises:
            ModelUnavailable: No model gave an answer and `require_model` is set.
            QuotaExceeded: A limit is used up and `require_model` is set.
        """
        if self._model is None or not question.passages:
            # Without passages a model could only invent; nobody pays for that.
            for event in self._unaided(question, require_model):
                yield event
            return
        writing = Writing(self._prompt.for_question(question), caller, question.model)
        releaser = Releaser(question, self._prompt, self._checks)
        timer = telemetry.FirstSentence()
        failure: ModelFailure | QuotaExhausted | None = None
        patience = self._model.patience.within(seconds - _RESERVE_SECONDS)
        try:
            # Leaving the loop ends the request: nobody pays for more of what is withheld.
            async with aclosing(self._model.write(writing, patience)) as pieces:
                async for piece in pieces:
                    for event in releaser.feed(piece):
                        timer.stop()
                        yield event
                    if releaser.withheld:
                        break
        except (ModelFailure, QuotaExhausted) as error:
            failure = error
        complete = failure is None and writing.finish is not Finish.LENGTH
        for event in releaser.close(complete=complete):
            timer.stop()
            yield event
        if releaser.text:
            events = self._written(self._model, writing, releaser, failure)
        elif require_model:
            raise _unavailable(self._model, releaser.withheld, failure)
        else:
            events = self._degraded(self._model, question, writing, releaser.withheld, failure)
        for event in events:
            timer.stop()
            yield event

    def _unaided(self, question: Question, require_model: bool) -> Iterator[Event]:
        if require_model and self._model is None:
            raise ModelUnavailable(cause="not_configured")
        yield from extractive.answer(question)

    def _written(
        self,
        model: Gateway,
        writing: Writing,
        releaser: Releaser,
        failure: ModelFailure | QuotaExhausted | None,
    ) -> list[Event]:
        """Return the end of an answer of which the model wrote at least the beginning."""
        rest: list[Event] = [releaser.end_early()] if releaser.withheld else []
        answer = Answer(
            releaser.text,
            Mode.NO_ANSWER if releaser.admits and not releaser.claims else Mode.MODEL,
            tuple(releaser.citations),
            Finish.INTERRUPTED if failure else _finish(writing, releaser),
            degraded_reason=_reason(releaser.withheld, failure) if failure or rest else "",
            grounding=releaser.grounding,
        )
        return [*rest, replace(self._accounted(answer, model, writing), provider=writing.provider)]

    def _degraded(
        self,
        model: Gateway,
        question: Question,
        writing: Writing,
        withheld: Withheld | None,
        failure: ModelFailure | QuotaExhausted | None,
    ) -> list[Event]:
        """Return the extractive answer with the reason for it, and what the attempt cost."""
        *events, end = extractive.answer(question)
        assert isinstance(end, Answer)
        end = replace(
            end,
            degraded_reason=_reason(withheld, failure),
            grounding=grounding.of_extraction(end, withheld) if withheld else None,
        )
        return [*events, self._accounted(end, model, writing)]

    def _accounted(self, answer: Answer, model: Gateway, writing: Writing) -> Answer:
        spent = bool(writing.text or writing.reported)
        return replace(
            answer,
            usage=model.usage(writing) if spent else None,
            prompt_version=self._prompt.version,
            attempts=tuple(writing.attempts),
        )


def _finish(writing: Writing, releaser: Releaser) -> Finish:
    # A request that was broken off here ended as it should.
    return Finish.STOP if releaser.withheld else writing.finish


def _reason(withheld: Withheld | None, failure: ModelFailure | QuotaExhausted | None) -> str:
    if withheld:
        return withheld
    if isinstance(failure, QuotaExhausted):
        return _QUOTA
    return failure.cause if failure else Cause.EMPTY_ANSWER


def _unavailable(
    model: Gateway, withheld: Withheld | None, failure: ModelFailure | QuotaExhausted | None
) -> KefuError:
    if isinstance(failure, QuotaExhausted):
        return failure.error()
    seconds = failure.retry_after_seconds if failure and not withheld else None
    return ModelUnavailable(
        retry_after_seconds=seconds, model=model.name, cause=_reason(withheld, failure)
    )
