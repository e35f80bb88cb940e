"""Having a chat model choose which of some meanings a text has."""

import re
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass

from kefu.errors import ModelUnavailable

from services.generation import telemetry
from services.generation.chat import ChatModel, Writing
from services.generation.dialogue import Choice, Usage
from services.generation.failure import Cause, ModelFailure
from services.generation.prompt import Prompt

# Kept back from the caller's deadline, so that the failure still gets through.
_RESERVE_SECONDS = 0.1

# A number of two digits, and what may stand around it.
_MAX_TOKENS = 16

# A number alone, with what talkative models put around it. A sentence is no choice: it may quote
# a number from the message.
_NUMBER = re.compile(r"[\s*_#\"'.()\[\]]*(\d{1,2})[\s*_#\"'.()\[\]]*")


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the model chose."""

    choice: str
    """Id of the choice; empty where the model said that none fits."""
    usage: Usage


class Chooser:
    """Chooses with one chat model."""

    def __init__(self, model: ChatModel | None, prompt: Prompt) -> None:
        self._model = model and model.terse(_MAX_TOKENS)
        self._prompt = prompt

    async def choose(self, text: str, choices: Sequence[Choice], seconds: float) -> Chosen:
        """Ask the model which choice a text means.

        The choices are numbered in the prompt and the model may answer with a number only: what a
        customer writes cannot make it return anything but one of the caller's own choices.

        Args:
            text: What the customer wrote.
            choices: At least one.
            seconds: Time until the caller gives up.

        Raises:
            ModelUnavailable: No model is configured, it failed, or it did not answer with a number
                of the list (cause `broken_response`).
        """
        if self._model is None:
            raise ModelUnavailable(cause="not_configured")
        writing = Writing(self._prompt.for_choice(text, choices))
        patience = self._model.patience.within(seconds - _RESERVE_SECONDS)
        try:
            async with aclosing(self._model.write(writing, patience)) as pieces:
                async for _ in pieces:
                    pass
            usage = self._model.usage(writing)
            # It is paid for, whatever was answered.
            telemetry.record_usage(usage, writing.finish)
            return Chosen(_choice(writing.text, choices), usage)
        except ModelFailure as failure:
            raise ModelUnavailable(
                retry_after_seconds=failure.retry_after_seconds,
                model=self._model.name,
                cause=failure.cause,
            ) from None


def _choice(written: str, choices: Sequence[Choice]) -> str:
    found = _NUMBER.fullmatch(written)
    number = int(found[1]) if found else -1
    if not 0 <= number <= len(choices):
        raise ModelFailure(Cause.BROKEN_RESPONSE)
    return choices[number - 1].name if number else ""
