"""A conversation in at most 300 code points, for the colleague who takes over."""

import re
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from services.generation.budget import newest
from services.generation.canary import repeats
from services.generation.chat import Caller, Writing
from services.generation.coalescing import Flights
from services.generation.dialogue import Attempt, Mode, Round, Usage, Withheld
from services.generation.failure import ModelFailure
from services.generation.gateway import Gateway
from services.generation.hiding import LOST
from services.generation.prompt import Prompt
from services.generation.quota import QuotaExhausted
from services.language import Language, sentences

LIMIT = 300
"""Longest summary, in code points; the contract's limit."""

# Shares of the limit, so that a long request does not push the facts out.
_REQUEST_LIMIT = 110
_REPLY_LIMIT = 70
_FACTS = 5

# Order numbers, product codes, amounts, phone numbers: what a colleague would ask for again.
_FACT = re.compile(r"(?<![0-9A-Za-z])[A-Za-z]{0,5}-?\d[\dA-Za-z-]{2,20}(?![0-9A-Za-z])")

_RESERVE_SECONDS = 0.25

_LABELS = {
    Language.ZH: ("客户要求：", "此前提到：", "关键信息：", "最近答复："),
    Language.EN: ("Customer wants: ", "Asked before: ", "Facts: ", "Last reply: "),
}
_JOINT = {Language.ZH: "；", Language.EN: "; "}


@dataclass(frozen=True, slots=True)
class Summary:
    """A summary and how it was made."""

    text: str
    mode: Mode
    """MODEL or EXTRACTIVE."""
    usage: Usage | None = None
    """None where nothing was spent, or where the same was being summarised already."""
    provider: str = ""
    """Who wrote, as it is named in the settings; empty where no model did."""
    attempts: tuple[Attempt, ...] = ()
    """Providers that were asked, in order."""
    degraded_reason: str = ""
    """Why a model was wanted and did not write; empty where nothing went wrong."""
    prompt_version: str = ""
    """Of the prompt; empty where no model was asked."""


class Summarizer:
    """Writes summaries with one chat model, or without any."""

    def __init__(self, model: Gateway | None, prompt: Prompt, prompt_tokens: int) -> None:
        """Make a summarizer.

        Args:
            model: None: summaries are extractive.
            prompt: Asks for them.
            prompt_tokens: Most estimated tokens of the rounds; the oldest ones are left out.
        """
        self._prompt_tokens = prompt_tokens
        self._model = model
        self._prompt = prompt
        self._flights: Flights[Summary] = Flights()

    async def summarize(
        self, rounds: Sequence[Round], language: Language, *, caller: Caller, seconds: float
    ) -> Summary:
        """Summarise a conversation; a model that fails or may not be asked is replaced.

        Who asks for the same at the same time gets the same, by one call.

        Args:
            rounds: Oldest first, at least one.
            language: ZH or EN.
            caller: Who pays.
            seconds: Time until the caller gives up.
        """
        summary, fresh = await self._flights.once(
            (caller.tenant, tuple(rounds), language),
            seconds,
            lambda: self._write(rounds, language, caller, seconds),
        )
        return summary if fresh else replace(summary, usage=None, attempts=())

    async def _write(
        self, rounds: Sequence[Round], language: Language, caller: Caller, seconds: float
    ) -> Summary:
        if self._model is None:
            return Summary(extract(rounds, language), Mode.EXTRACTIVE)
        told = newest(rounds, self._prompt_tokens)
        writing = Writing(self._prompt.for_summary(told, language), caller)
        patience = self._model.patience.within(seconds - _RESERVE_SECONDS)
        reason = ""
        try:
            async with aclosing(self._model.write(writing, patience)) as pieces:
                async for _ in pieces:
                    pass
        except (ModelFailure, QuotaExhausted) as failure:
            reason = str(failure.cause)
        text = shorten(writing.text.replace(LOST, ""), LIMIT)
        if not reason and repeats(self._prompt.text, text):
            # Somebody in the conversation asked for the prompt.
            reason = Withheld.PROMPT
        return Summary(
            extract(rounds, language) if reason else text,
            Mode.EXTRACTIVE if reason else Mode.MODEL,
            self._model.usage(writing) if writing.spent else None,
            provider="" if reason else writing.provider,
            attempts=tuple(writing.attempts),
            degraded_reason=reason,
            prompt_version=self._prompt.version,
        )


def extract(rounds: Sequence[Round], language: Language) -> str:
    """Summarise without a model: the last request, the first one, the facts, the last reply."""
    said = [round_.customer for round_ in rounds if round_.customer.strip()]
    replies = [round_.reply for round_ in rounds if round_.reply.strip()]
    facts = dict.fromkeys(match for text in reversed(said) for match in _FACT.findall(text))
    wants, before, key, reply = _LABELS[language]
    parts = []
    if said:
        parts.append(wants + shorten(said[-1], _REQUEST_LIMIT))
    if facts:
        parts.append(key + ", ".join(list(facts)[:_FACTS]))
    if replies:
        parts.append(reply + shorten(replies[-1], _REPLY_LIMIT))
    if len(said) > 1:
        used = len(_JOINT[language].join(parts)) + len(_JOINT[language]) + len(before)
        if LIMIT - used >= _REPLY_LIMIT / 2:
            parts.insert(1, before + shorten(said[0], min(_REQUEST_LIMIT, LIMIT - used)))
    return shorten(_JOINT[language].join(parts), LIMIT)


def shorten(text: str, limit: int) -> str:
    """Return text of at most `limit` code points on one line, cut behind a sentence if it can be.

    A cut inside a sentence, or before half of the limit is used, is shown by an ellipsis.
    """
    text = " ".join(text.split())
    if len(text) <= limit:
        return text
    whole = [span.end for span in sentences(text) if limit / 2 <= span.end <= limit]
    return text[: whole[-1]] if whole else text[: limit - 1].rstrip() + "…"
