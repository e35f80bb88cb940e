"""Having a chat model choose which of some meanings a text has."""

import re
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from kefu.errors import ModelUnavailable

from services.generation import telemetry
from services.generation.chat import Caller, Writing
from services.generation.coalescing import Flights
from services.generation.dialogue import Attempt, Choice, Usage
from services.generation.failure import Cause, ModelFailure
from services.generation.gateway import Gateway
from services.generation.prompt import Prompt
from services.generation.quota import QuotaExhausted

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
    usage: Usage | None
    """None where the same was being chosen already; who asked first has paid for it."""
    provider: str = ""
    """Who chose, as it is named in the settings."""
    attempts: tuple[Attempt, ...] = ()
    """Providers that were asked, in order."""
    prompt_version: str = ""
    """Of the prompt."""


class Chooser:
    """Chooses with one chat model."""

    def __init__(self, model: Gateway | None, prompt: Prompt) -> None:
        self._model = model and model.terse(_MAX_TOKENS)
        self._prompt = prompt
        self._flights: Flights[Chosen] = Flights()

    async def choose(
        self, text: str, choices: Sequence[Choice], *, caller: Caller, seconds: float
    ) -> Chosen:
        """Ask the model which choice a text means.

        The choices are numbered in the prompt and the model may answer with a number only: what a
        customer writes cannot make it return anything but one of the caller's own choices. Who
        asks the same at the same time gets the same, by one call.

        Args:
            text: What the customer wrote.
            choices: At least one.
            caller: Who pays.
            seconds: Time until the caller gives up.

        Raises:
            ModelUnavailable: No model is configured, it failed, or it did not answer with a number
                of the list (cause `broken_response`).
            QuotaExceeded: The tenant has used up a limit.
        """
        if self._model is None:
            raise ModelUnavailable(cause="not_configured")
        model = self._model
        chosen, fresh = await self._flights.once(
            (caller.tenant, text, tuple(choices)),
            seconds,
            lambda: self._ask(model, text, choices, caller, seconds),
        )
        return chosen if fresh else replace(chosen, usage=None, attempts=())

    async def _ask(
        self, model: Gateway, text: str, choices: Sequence[Choice], caller: Caller, seconds: float
    ) -> Chosen:
        writing = Writing(self._prompt.for_choice(text, choices), caller)
        patience = model.patience.within(seconds - _RESERVE_SECONDS)
        try:
            async with aclosing(model.write(writing, patience)) as pieces:
                async for _ in pieces:
                    pass
            usage = model.usage(writing) if writing.spent else None
            # It is paid for, whatever was answered.
            if usage is not None:
                telemetry.record_usage(usage, writing.finish)
            return Chosen(
                _choice(writing.text, choices),
                usage,
                writing.provider,
                tuple(writing.attempts),
                self._prompt.version,
            )
        except QuotaExhausted as exhausted:
            raise exhausted.error() from None
        except ModelFailure as failure:
            raise ModelUnavailable(
                retry_after_seconds=failure.retry_after_seconds,
                model=model.name,
                cause=failure.cause,
            ) from None


def _choice(written: str, choices: Sequence[Choice]) -> str:
    found = _NUMBER.fullmatch(written)
    number = int(found[1]) if found else -1
    if not 0 <= number <= len(choices):
        raise ModelFailure(Cause.BROKEN_RESPONSE)
    return choices[number - 1].name if number else ""
