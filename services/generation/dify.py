"""A Dify app as a chat model: its own protocol, over the same connection as the others'.

Source: Dify's service API, docs.dify.ai, "Send Chat Message" and "Send Completion Message".
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from services.generation.chat import ChatSettings, Patience, Writing, clean, read
from services.generation.dialogue import Finish, Usage
from services.generation.failure import Cause, ModelFailure, NotFound
from services.generation.kept_conversations import Conversations, key_of
from services.generation.provider_entry import App
from services.generation.usage import usage

if TYPE_CHECKING:
    from services.generation.provider import Provider

_CHAT_PATH, _COMPLETION_PATH = "/chat-messages", "/completion-messages"
_TEXT_EVENTS = ("message", "agent_message")

# Of errors in a stream. What a customer wrote may be the reason of the first.
_CAUSES = {
    "invalid_param": Cause.REFUSED,
    "too_many_requests": Cause.RATE_LIMITED,
    "rate_limit_error": Cause.RATE_LIMITED,
}

# Stopping spares tokens of a request that is closed already; nobody waits for it.
_STOP_SECONDS = 2.0

# How an answer ends of which Dify has not said that it is over: it is too long, if not interrupted.
_STOPPED = (Finish.INTERRUPTED, Finish.LENGTH)

# Dify's ids are UUIDs, 36 characters.
_LONGEST_ID = 64


@dataclass(frozen=True, slots=True)
class DifyApp:
    """What kind of app it is."""

    provider: str
    """As it is named in the settings."""
    kind: App
    instructions_variable: str = ""
    """Variable that takes the instructions; empty: they lead the query."""
    keep_conversations: bool = True
    """Whether conversations are gone on with."""

    @property
    def path(self) -> str:
        """Where messages are sent to."""
        return _COMPLETION_PATH if self.kind is App.COMPLETION else _CHAT_PATH


@dataclass(slots=True)
class _Task:
    """A running answer, as Dify names it."""

    id: str = ""

    def text_of(self, event: dict[str, Any], writing: Writing) -> str:
        self.id = event.get("task_id") or self.id
        writing.conversation_id = _conversation_id(event) or writing.conversation_id
        match event.get("event"):
            case kind if kind in _TEXT_EVENTS:
                return event["answer"] or ""
            case "message_end":
                writing.reported = event.get("metadata", {}).get("usage")
                if writing.finish is Finish.INTERRUPTED:
                    writing.finish = Finish.STOP
            case "message_replace":
                # Dify's moderation takes the answer back. What was sent cannot be; no more is.
                writing.finish = Finish.FILTERED
            case "error":
                raise ModelFailure(_CAUSES.get(event.get("code", ""), Cause.PROVIDER_ERROR))
        return ""


class DifyModel:
    """A Dify app. Its model, temperature and longest answer are set inside Dify."""

    system = "dify"

    def __init__(
        self,
        provider: "Provider",
        settings: ChatSettings,
        app: DifyApp,
        conversations: Conversations,
        *,
        blocking: bool = False,
    ) -> None:
        self._provider = provider
        self._settings = settings
        self._app = app
        self._conversations = conversations
        self._blocking = blocking
        self._stopping: set[asyncio.Task[None]] = set()

    @property
    def name(self) -> str:
        """The name that the settings give it."""
        return self._settings.model

    @property
    def max_tokens(self) -> int:
        """Longest answer that is counted with."""
        return self._settings.max_tokens

    @property
    def patience(self) -> Patience:
        """How long this app is waited for where nobody is in a hurry."""
        return self._settings.patience

    def terse(self, max_tokens: int) -> "DifyModel":
        """Return the same app, asked for its answer in one piece where it gives that."""
        settings = replace(self._settings, max_tokens=max_tokens)
        blocking = self._app.kind is not App.AGENT
        return DifyModel(
            self._provider, settings, self._app, self._conversations, blocking=blocking
        )

    def usage(self, writing: Writing) -> Usage:
        """Return what an answer cost, also where it was interrupted."""
        return usage(
            self.name, self._settings.price, writing.reported, writing.messages, writing.text
        )

    async def write(self, writing: Writing, patience: Patience) -> AsyncGenerator[str, None]:
        """Ask for an answer and yield its text piece by piece; `writing` keeps the account.

        Where `writing` names a conversation, the app goes on with the one that it began under that
        name, or begins anew where that was deleted in Dify.

        Closing the iterator or cancelling its reader closes the HTTP request at once, and tells
        Dify, which would write on.

        Raises:
            ModelFailure: The app did not answer, or not to the end.
        """
        now = asyncio.get_running_loop().time
        begun = now()
        key = self._key(writing)
        known = await self._conversations.find(key) if key else ""
        try:
            for writing.conversation_id in (known, "") if known else ("",):
                try:
                    answer = self._written(writing, patience.after(now() - begun))
                    async with aclosing(answer) as pieces:
                        async for piece in pieces:
                            yield piece
                    break
                except NotFound:
                    if not writing.conversation_id:
                        raise
        finally:
            if key and writing.conversation_id:
                await self._conversations.keep(key, writing.conversation_id)

    def _key(self, writing: Writing) -> str:
        """Return what the conversation's id is kept by; empty where each request has its own."""
        app = self._app
        if not (writing.conversation and app.keep_conversations) or app.kind is App.COMPLETION:
            return ""
        return key_of(self._app.provider, writing.caller.tenant, writing.conversation)

    async def _written(self, writing: Writing, patience: Patience) -> AsyncGenerator[str, None]:
        """Yield the answer to one request."""
        if self._blocking:
            yield await self._whole(writing, patience)
            return
        task = _Task()
        try:
            events = self._events(writing)
            answer = read(events, task.text_of, writing, patience, self.max_tokens)
            async with aclosing(answer) as pieces:
                async for piece in pieces:
                    yield piece
        finally:
            if task.id and writing.finish in _STOPPED:
                stopping = asyncio.create_task(self._stop(task.id, writing))
                self._stopping.add(stopping)
                stopping.add_done_callback(self._stopping.discard)

    async def _events(self, writing: Writing) -> AsyncGenerator[list[bytes], None]:
        """Yield events up to the answer's end; after it Dify may send more, such as speech."""
        stream = self._provider.stream(self._app.path, self._body(writing, "streaming"))
        async with aclosing(stream) as arrivals:
            async for payloads in arrivals:
                yield payloads
                if writing.finish is not Finish.INTERRUPTED:
                    return

    async def _whole(self, writing: Writing, patience: Patience) -> str:
        """Return an answer that comes in one piece."""
        path, body = self._app.path, self._body(writing, "blocking")
        try:
            async with asyncio.timeout(min(patience.first_token, patience.total)):
                answer = await self._provider.call(path, body)
        except TimeoutError:
            raise ModelFailure(Cause.TIMEOUT) from None
        try:
            writing.text = clean(answer["answer"])
            writing.reported = answer.get("metadata", {}).get("usage")
            writing.conversation_id = _conversation_id(answer)
        except (AttributeError, TypeError, LookupError):
            raise ModelFailure(Cause.BROKEN_RESPONSE) from None
        writing.finish = Finish.STOP
        if not writing.text.strip():
            raise ModelFailure(Cause.EMPTY_ANSWER)
        return writing.text

    def _body(self, writing: Writing, mode: str) -> dict[str, Any]:
        inputs: dict[str, str] = {}
        said = [message["content"] for message in writing.messages]
        if variable := self._app.instructions_variable:
            inputs[variable] = said.pop(0)
        query = "\n\n".join(said)
        body = {"inputs": inputs, "response_mode": mode, "user": _user(writing)}
        if self._app.kind is App.COMPLETION:
            inputs["query"] = query
            return body
        # Dify has a model invent a name for each conversation unless it is told not to.
        named = {"query": query, "auto_generate_name": False}
        return body | named | {"conversation_id": writing.conversation_id}

    async def _stop(self, task: str, writing: Writing) -> None:
        with suppress(ModelFailure, TimeoutError):
            async with asyncio.timeout(_STOP_SECONDS):
                path = f"{self._app.path}/{task}/stop"
                await self._provider.call(path, {"user": _user(writing)})


def _conversation_id(said: dict[str, Any]) -> str:
    """Return the conversation that an event or an answer belongs to; empty where it names none."""
    found = said.get("conversation_id")
    return found if isinstance(found, str) and len(found) <= _LONGEST_ID else ""


def _user(writing: Writing) -> str:
    """Return whom Dify counts the answer to; who the customer is does not leave the mesh."""
    return f"kefu-{writing.caller.tenant}"
