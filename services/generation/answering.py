"""One answer: by the model where there is one, by extraction where it fails before a word came."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from kefu.errors import ModelUnavailable

from services.generation import extractive
from services.generation.chat import ChatModel, Writing
from services.generation.citations import CitationReader
from services.generation.dialogue import Answer, Event, Finish, Mode, Question
from services.generation.failure import Cause, ModelFailure
from services.generation.prompt import Prompt

# Kept back from the caller's deadline, so that the extractive answer still gets through.
_RESERVE_SECONDS = 0.25

# A model that wrote nothing but markers.
_EMPTY = ModelFailure(Cause.EMPTY_ANSWER)


class Answerer:
    """Writes answers with one chat model, or without any."""

    def __init__(self, model: ChatModel | None, prompt: Prompt) -> None:
        self._model = model
        self._prompt = prompt

    async def answer(
        self, question: Question, *, seconds: float, require_model: bool
    ) -> AsyncGenerator[Event, None]:
        """Answer a question from its passages.

        Args:
            question: What is asked, and what may be answered from.
            seconds: Time until the caller gives up.
            require_model: Fail rather than answer without a model.

        Yields:
            Deltas and citations as they arise, then one `Answer`. A failure before the first
            delta is answered by extraction and named; after it the answer ends INTERRUPTED.

        Raises:
            ModelUnavailable: The model did not answer and `require_model` is set.
        """
        if self._model is None or not question.passages:
            # Without passages a model could only invent; nobody pays for that.
            if require_model and self._model is None:
                raise ModelUnavailable(cause="not_configured")
            for event in extractive.answer(question):
                yield event
            return
        writing = Writing(self._prompt.for_question(question))
        reader = CitationReader(question.passages)
        failure = None
        patience = self._model.patience.within(seconds - _RESERVE_SECONDS)
        try:
            async with aclosing(self._model.write(writing, patience)) as pieces:
                async for piece in pieces:
                    for released in reader.feed(piece):
                        yield released
        except ModelFailure as error:
            failure = error
        if reader.text:
            events = self._written(self._model, writing, reader, failure)
        elif require_model:
            raise _unavailable(self._model, failure or _EMPTY)
        else:
            events = self._degraded(self._model, question, writing, failure or _EMPTY)
        for event in events:
            yield event

    def _written(
        self,
        model: ChatModel,
        writing: Writing,
        reader: CitationReader,
        failure: ModelFailure | None,
    ) -> list[Event]:
        """Return the end of an answer that the model wrote, wholly or up to its failure."""
        rest = reader.close()
        end = Answer(
            reader.text,
            Mode.MODEL,
            tuple(reader.citations),
            Finish.INTERRUPTED if failure else writing.finish,
            model.usage(writing),
            failure.cause if failure else "",
            self._prompt.version,
        )
        return [*rest, end]

    def _degraded(
        self, model: ChatModel, question: Question, writing: Writing, failure: ModelFailure
    ) -> list[Event]:
        """Return the extractive answer with the reason for it, and what the failure cost."""
        events = list(extractive.answer(question))
        end = events[-1]
        assert isinstance(end, Answer)
        events[-1] = replace(
            end,
            degraded_reason=failure.cause,
            usage=model.usage(writing) if writing.reported else None,
            prompt_version=self._prompt.version,
        )
        return events


def _unavailable(model: ChatModel, failure: ModelFailure) -> ModelUnavailable:
    return ModelUnavailable(
        retry_after_seconds=failure.retry_after_seconds, model=model.name, cause=failure.cause
    )
