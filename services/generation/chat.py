"""A chat model behind an OpenAI-compatible provider: text pieces, how it ended, what it cost."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from services.generation.dialogue import Attempt, Finish, Usage
from services.generation.failure import Cause, ModelFailure
from services.generation.prompt import Message
from services.generation.provider_entry import MaxTokensParameter
from services.generation.usage import Price, estimate_tokens, usage

if TYPE_CHECKING:
    from services.generation.provider import Provider

_PATH = "/chat/completions"
_FINISH = {"length": Finish.LENGTH, "content_filter": Finish.FILTERED}

# How long is waited behind the end of an answer for the account of it, which some providers never
# send, and behind that for [DONE], without which the connection cannot serve the next request. Both
# come at once where they come at all.
_ACCOUNT_SECONDS = 0.5
_DONE_SECONDS = 0.05

# A model that writes so many times its longest answer ignores that limit. Estimates are up to twice
# too high, and lines of blanks or dashes have few tokens for their length.
_RUNAWAY = 4

# PostgreSQL stores no NUL, and no other control character belongs into an answer.
_CONTROL = dict.fromkeys(code for code in range(32) if chr(code) not in "\n\t")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a model is waited for, in seconds."""

    first_token: float
    """From the request to the first word."""
    between_tokens: float
    """From one chunk to the next."""
    total: float
    """From the request to the end."""

    def within(self, seconds: float) -> "Patience":
        """Return the same with nothing longer than `seconds`."""
        return Patience(
            min(self.first_token, seconds),
            min(self.between_tokens, seconds),
            min(self.total, seconds),
        )

    def after(self, seconds: float) -> "Patience":
        """Return what is left of it when `seconds` have passed without a word."""
        return Patience(
            max(0.0, self.first_token - seconds),
            self.between_tokens,
            max(0.0, self.total - seconds),
        )


@dataclass(frozen=True, slots=True)
class ChatSettings:
    """What is asked of the model with every request."""

    model: str
    temperature: float | None
    """None: not sent."""
    max_tokens: int
    patience: Patience
    price: Price | None
    max_tokens_parameter: MaxTokensParameter = "max_tokens"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a model call is made for, and counted to."""

    tenant: str = ""
    """Id of the tenant, such as `shop`."""
    identity: str = ""
    """SPIFFE identity of the service or system that called."""


@dataclass(slots=True)
class Writing:
    """A running or finished answer of a model; filled while its pieces are read."""

    messages: list[Message]
    caller: Caller = Caller()
    wanted: str = ""
    """Name of the model that shall write; empty: whichever the settings prefer."""
    text: str = ""
    """What the model has written, with its markers."""
    shown: bool = False
    """Set by the reader as soon as words of it have been passed on: from then on nobody else may
    write it."""
    finish: Finish = Finish.INTERRUPTED
    reported: dict[str, Any] | None = None
    """The provider's `usage` object."""
    accounted: bool = False
    """Whether that came with the end of the answer, or behind it: some send one all along."""
    provider: str = ""
    """Name of the provider that writes; empty while none does."""
    model: str = ""
    """Name of the model that writes."""
    attempts: list[Attempt] = field(default_factory=list)
    """Providers that were asked, in order."""
    spent: list[Usage] = field(default_factory=list)
    """What each of them cost that may have worked on it."""
    conversation: str = ""
    """What the caller calls the conversation. A provider that keeps conversations goes on with the
    one that it began under this name; empty: it begins a new one."""
    conversation_id: str = ""
    """The provider's own id of it; empty where it keeps none, or has not told yet."""


TextOf = Callable[[dict[str, Any], Writing], str]
"""Reads one event of a stream into the account and returns its text; any error of reading is the
provider's."""


async def read(
    arrivals: AsyncGenerator[list[bytes], None],
    text_of: TextOf,
    writing: Writing,
    patience: Patience,
    max_tokens: int,
) -> AsyncGenerator[str, None]:
    """Yield the text of a provider's events piece by piece; `writing` keeps the account.

    However it ends, the events are closed. A complete answer is not held back for what a provider
    does not send behind it, and one that is far longer than it may be ends as too long: what came
    of it is in `writing`, for it is paid for.

    Args:
        arrivals: The events, as they arrive.
        text_of: Reads one of them.
        writing: Is filled.
        patience: How long they are waited for.
        max_tokens: Longest answer that was asked for.

    Raises:
        ModelFailure: The stream broke, is not what it should be, or ended without an answer.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + patience.total
    limit = loop.time() + patience.first_token
    room = _Room(max_tokens)
    async with aclosing(arrivals):
        while True:
            try:
                payloads = await _next(arrivals, min(limit, end))
            except ModelFailure:
                if writing.finish is Finish.INTERRUPTED:
                    raise
                # The answer was complete; only the account of it is lost.
                break
            if payloads is None:
                break
            piece, failure = _take(payloads, text_of, writing)
            if piece:
                writing.text += piece
                if not room.holds(writing.text):
                    # What it has said of the cost until now is not all of it.
                    writing.finish, writing.reported = Finish.LENGTH, None
                    yield piece[: room.tokens]
                    break
                yield piece
            if failure and writing.finish is Finish.INTERRUPTED:
                raise failure
            if failure:
                break
            if writing.finish is not Finish.INTERRUPTED:
                wait = _DONE_SECONDS if writing.accounted else _ACCOUNT_SECONDS
                limit = end = min(end, loop.time() + wait)
            elif writing.text:
                limit = loop.time() + patience.between_tokens
    if writing.finish is Finish.INTERRUPTED:
        raise ModelFailure(Cause.UNREACHABLE)
    if not writing.text.strip():
        raise ModelFailure(Cause.EMPTY_ANSWER)


class _Room:
    """How much a model may write before it is broken off."""

    def __init__(self, max_tokens: int) -> None:
        self.tokens = _RUNAWAY * max_tokens
        # A code point is estimated as one token at the most.
        self._length = self.tokens

    def holds(self, text: str) -> bool:
        """Whether there is room for an answer; reads it only where its length leaves a doubt."""
        if len(text) <= self._length:
            return True
        left = self.tokens - estimate_tokens(text)
        self._length = len(text) + left
        return left >= 0


async def _next(arrivals: AsyncGenerator[list[bytes], None], deadline: float) -> list[bytes] | None:
    try:
        async with asyncio.timeout_at(deadline):
            return await anext(arrivals, None)
    except TimeoutError:
        raise ModelFailure(Cause.TIMEOUT) from None


def _take(
    payloads: list[bytes], text_of: TextOf, writing: Writing
) -> tuple[str, ModelFailure | None]:
    """Read chunks into the account; return their text and the failure that ended it, if any."""
    text = ""
    try:
        for payload in payloads:
            text += text_of(_parsed(payload), writing)
    except ModelFailure as failure:
        return clean(text), failure
    except (ValueError, AttributeError, TypeError, LookupError, RecursionError):
        return clean(text), ModelFailure(Cause.BROKEN_RESPONSE)
    return clean(text), None


def _parsed(payload: bytes) -> Any:
    """Parse JSON, four times as fast as the standard library does it.

    Raises:
        ValueError: It is no JSON, or deeper than any answer is.
        RecursionError: The same, with an emoji cut in two.
    """
    try:
        return from_json(payload)
    except ValueError:
        if rb"\ud" not in payload.lower():
            raise
        # Where a provider cuts an emoji in two, each half is one that only the library reads.
        return json.loads(payload)


class ChatModel:
    """One model behind an OpenAI-compatible endpoint."""

    system = "openai"

    def __init__(self, provider: "Provider", settings: ChatSettings) -> None:
        self._provider = provider
        self._settings = settings

    @property
    def name(self) -> str:
        """The model's name, as the provider knows it."""
        return self._settings.model

    @property
    def max_tokens(self) -> int:
        """Longest answer."""
        return self._settings.max_tokens

    def terse(self, max_tokens: int) -> "ChatModel":
        """Return the same model, asked for the likeliest answer of at most so many tokens."""
        given = self._settings
        if given.max_tokens_parameter == "max_completion_tokens":
            # It holds for what the model thinks, too, which is far more than a terse answer.
            max_tokens = given.max_tokens
        temperature = None if given.temperature is None else 0.0
        settings = replace(given, temperature=temperature, max_tokens=max_tokens)
        return ChatModel(self._provider, settings)

    @property
    def patience(self) -> Patience:
        """How long this model is waited for where nobody is in a hurry."""
        return self._settings.patience

    def usage(self, writing: Writing) -> Usage:
        """Return what an answer cost, also where it was interrupted."""
        return usage(
            self.name, self._settings.price, writing.reported, writing.messages, writing.text
        )

    def write(self, writing: Writing, patience: Patience) -> AsyncGenerator[str, None]:
        """Ask for an answer and yield its text piece by piece; `writing` keeps the account.

        Closing the iterator or cancelling its reader closes the HTTP request at once.

        Raises:
            ModelFailure: The model did not answer, or not to the end.
        """
        arrivals = self._provider.stream(_PATH, self._body(writing))
        return read(arrivals, _text_of, writing, patience, self.max_tokens)

    def _body(self, writing: Writing) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._settings.model,
            "messages": writing.messages,
            self._settings.max_tokens_parameter: self._settings.max_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if self._settings.temperature is not None:
            body["temperature"] = self._settings.temperature
        return body


def _text_of(chunk: dict[str, Any], writing: Writing) -> str:
    if chunk.get("error"):
        raise ModelFailure(Cause.PROVIDER_ERROR)
    text = ""
    if chunk.get("choices"):
        choice = chunk["choices"][0]
        if reason := choice.get("finish_reason"):
            writing.finish = _FINISH.get(reason, Finish.STOP)
        text = (choice.get("delta") or {}).get("content") or ""
    if chunk.get("usage"):
        writing.reported = chunk["usage"]
        writing.accounted = writing.finish is not Finish.INTERRUPTED
    return text


def clean(text: str) -> str:
    """Take out what a message of the contract cannot hold."""
    text = text.translate(_CONTROL)
    return _LONE_SURROGATE.sub("\ufffd", text) if not text.isascii() else text
