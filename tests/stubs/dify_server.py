"""A stand-in for a Dify server with one app behind one key: its service API over real HTTP and SSE.

In a test: `async with dify_server() as server:`. It is scripted like the stub of OpenAI's protocol,
whose server it extends, by `Behaviour`. Events and errors are those of Dify 1.x as its service API
documents them.
"""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from tests.stubs.behaviour import Behaviour, Fault
from tests.stubs.model_server import (
    SSE_HEADERS,
    ModelServer,
    Seen,
    misbehave,
    model_server,
    pieces_of,
)

PRICE = "0.0012"
"""What Dify says that each answer costs, in `CURRENCY`."""
CURRENCY = "USD"

_CODES = {
    400: "invalid_param",
    401: "unauthorized",
    404: "not_found",
    429: "too_many_requests",
}


class DifyServer(ModelServer):
    """The stub of OpenAI's protocol, and Dify's beside it."""

    def __init__(self, behaviour: Behaviour) -> None:
        super().__init__(behaviour)
        self.stopped: list[str] = []
        """Tasks that were stopped."""
        self.stopping = asyncio.Event()
        """Set when the first one was."""
        self.last_task = ""
        self.error_code = "completion_request_error"
        """Of errors inside a stream; this one says that the app's own model failed."""
        self.conversations: set[str] = set()
        """Those that it has begun; who names another one is refused."""
        self.blocking_allowed = True
        """Agent apps serve streams only."""

    def application(self) -> web.Application:
        """Return the aiohttp application with Dify's routes as well."""
        app = super().application()
        for path in ("/v1/chat-messages", "/v1/completion-messages"):
            app.router.add_post(path, self._send)
            app.router.add_post(path + "/{task}/stop", self._stop)
        return app

    async def _send(self, request: web.Request) -> web.StreamResponse:
        seen, behaviour = await self.begin(request)
        if behaviour.status != 200:
            return _refused(behaviour.status, behaviour.retry_after_seconds)
        wanted = "query" in (seen.body if seen.path.endswith("chat-messages") else _inputs(seen))
        if not wanted or not seen.body.get("user"):
            return _refused(400)
        if not self._knows(seen.body.get("conversation_id")):
            return _refused(404, message="Conversation Not Exists.")
        self.last_task = str(uuid.uuid4())
        try:
            if seen.body.get("response_mode") == "streaming":
                return await self._stream(request, seen, behaviour)
            return await self._blocking(seen, behaviour)
        except (asyncio.CancelledError, ConnectionError):
            seen.disconnected.set()
            raise

    async def _stream(
        self, request: web.Request, seen: Seen, behaviour: Behaviour
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers=SSE_HEADERS)
        await response.prepare(request)
        facts = self._facts(seen)
        await response.write(b"event: ping\n\n")
        await response.write(_event(facts, "workflow_started", data={}))
        delay = behaviour.first_token_seconds
        pieces = pieces_of(_as_chat(seen), behaviour)
        for piece in pieces:
            if behaviour.fault is not Fault.NONE and seen.chunks_sent == behaviour.fault_after:
                if behaviour.fault is not Fault.ERROR:
                    return await misbehave(request, response, behaviour.fault)
                error = {"status": 400, "code": self.error_code, "message": "scripted by the stub"}
                await response.write(_event(facts, "error", **error))
                return response
            await asyncio.sleep(delay)
            delay = behaviour.token_seconds
            await response.write(_event(facts, "message", answer=piece))
            seen.chunks_sent += 1
        if behaviour.finish_reason == "content_filter":
            await response.write(_event(facts, "message_replace", answer="Withheld."))
        await response.write(_event(facts, "message_end", metadata=_metadata(behaviour, pieces)))
        if behaviour.fault is not Fault.NONE and seen.chunks_sent == behaviour.fault_after:
            return await misbehave(request, response, behaviour.fault)
        await response.write(_event(facts, "tts_message_end", audio=""))
        await response.write_eof()
        seen.completed.set()
        return response

    async def _blocking(self, seen: Seen, behaviour: Behaviour) -> web.StreamResponse:
        if not self.blocking_allowed:
            return _refused(400)
        await asyncio.sleep(behaviour.first_token_seconds)
        if behaviour.fault is Fault.STALL:
            await asyncio.Event().wait()
        if behaviour.fault is Fault.BROKEN_JSON:
            return web.Response(text='{"event": ', content_type="application/json")
        pieces = pieces_of(_as_chat(seen), behaviour)
        answer = {"event": "message", "answer": "".join(pieces), "mode": "chat"}
        metadata = {"metadata": _metadata(behaviour, pieces)}
        seen.completed.set()
        return web.json_response(self._facts(seen) | answer | metadata)

    async def _stop(self, request: web.Request) -> web.Response:
        if not (await request.json()).get("user"):
            return _refused(400)
        self.stopped.append(request.match_info["task"])
        self.stopping.set()
        return web.json_response({"result": "success"})

    def _facts(self, seen: Seen) -> dict[str, Any]:
        facts = {"task_id": self.last_task, "message_id": str(uuid.uuid4()), "created_at": 1}
        if seen.path.endswith("chat-messages"):
            facts["conversation_id"] = seen.body.get("conversation_id") or str(uuid.uuid4())
            self.conversations.add(facts["conversation_id"])
        return facts

    def _knows(self, conversation: str | None) -> bool:
        return not conversation or conversation in self.conversations


def _inputs(seen: Seen) -> dict[str, str]:
    inputs: dict[str, str] = seen.body.get("inputs", {})
    return inputs


def _as_chat(seen: Seen) -> dict[str, Any]:
    """Return the request as OpenAI's protocol has it: what was asked is the query's last part."""
    query = seen.body.get("query") or _inputs(seen).get("query", "")
    return {"messages": [{"role": "user", "content": query.rpartition("\n\n")[2]}]}


def _event(facts: dict[str, Any], event: str, **values: Any) -> bytes:
    return b"data: " + json.dumps({"event": event} | facts | values).encode() + b"\n\n"


def _metadata(behaviour: Behaviour, pieces: list[str]) -> dict[str, Any]:
    if not behaviour.usage:
        return {}
    tokens = {"prompt_tokens": 100, "completion_tokens": len(pieces)}
    return {"usage": tokens | {"total_price": PRICE, "currency": CURRENCY, "latency": 0.1}}


def _refused(
    status: int, retry_after_seconds: float | None = None, message: str = "scripted by the stub"
) -> web.Response:
    code = _CODES.get(status, "internal_server_error")
    headers = {} if retry_after_seconds is None else {"Retry-After": f"{retry_after_seconds:g}"}
    error = {"code": code, "message": message, "status": status}
    return web.json_response(error, status=status, headers=headers)


@asynccontextmanager
async def dify_server(behaviour: Behaviour | None = None) -> AsyncIterator[DifyServer]:
    """Serve on 127.0.0.1 in the running event loop until the context is left."""
    async with model_server(behaviour, kind=DifyServer) as server:
        assert isinstance(server, DifyServer)
        yield server
