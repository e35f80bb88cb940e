"""A stand-in for an OpenAI-compatible provider: real HTTP and SSE, scripted, fast.

In a test: `async with model_server() as server:` and use `server.base_url`. As a process of its
own, for the bench: `python -m tests.stubs.model_server --port 0`, which prints its base URL.

What it does with a request is a `Behaviour`: the default one, the next of a queue, or one named
in the request's model (`stub?status=429&retry_after_seconds=2`). `POST /control` sets the first
two from another process, `GET /control` tells what was seen.
"""

import argparse
import asyncio
import base64
import hashlib
import json
import signal
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Any

import numpy as np
from aiohttp import web

from tests.stubs.behaviour import Behaviour, Fault, changed, from_model_name

DIMENSIONS = 384
"""Length of the vectors that /v1/embeddings returns; the same text always gets the same one."""

QUOTED_PASSAGES = 2
"""So many of the prompt's passages are quoted, each with its marker, when no answer is set."""

_REMEMBERED = 1000
# Well above what any client keeps of one line.
_ENDLESS = 4 * 1024 * 1024
SSE_HEADERS = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
_STATUS_TYPES = {401: "authentication_error", 429: "rate_limit_error", 404: "not_found_error"}


@dataclass(slots=True, eq=False)
class Seen:
    """One request that arrived."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]
    chunks_sent: int = 0
    completed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the whole answer has been handed to the socket."""
    disconnected: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the client hung up before the answer was complete."""


class ModelServer:
    """The stub's state and its handlers; see the module's text for how to script it."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.default = behaviour
        self.next: deque[Behaviour] = deque()
        self.seen: deque[Seen] = deque(maxlen=_REMEMBERED)
        self.count = 0
        self.base_url = ""
        self.answering = asyncio.Event()
        """Requests for vectors wait until it is set, as it is at first."""
        self.answering.set()
        self._arrivals: deque[asyncio.Future[Seen]] = deque()

    def application(self) -> web.Application:
        """Return the aiohttp application with every route of the stub."""
        app = web.Application(client_max_size=16 * 1024 * 1024)
        app.add_routes(
            [
                web.post("/v1/chat/completions", self._chat),
                web.post("/v1/embeddings", self._embeddings),
                web.get("/v1/models", self._models),
                web.post("/control", self._set_control),
                web.get("/control", self._get_control),
            ]
        )
        return app

    def arrival(self) -> "asyncio.Future[Seen]":
        """Return a future of the next request that arrives; ask before it is sent."""
        future = asyncio.get_running_loop().create_future()
        self._arrivals.append(future)
        return future

    async def begin(self, request: web.Request) -> tuple[Seen, Behaviour]:
        """Note a request and return what is to be done with it."""
        body = await request.json()
        seen = Seen(request.path, dict(request.headers), body)
        self.seen.append(seen)
        self.count += 1
        while self._arrivals:
            waiting = self._arrivals.popleft()
            if not waiting.done():
                waiting.set_result(seen)
        behaviour = self.next.popleft() if self.next else self.default
        behaviour = from_model_name(behaviour, str(body.get("model", "")))
        try:
            await asyncio.sleep(behaviour.headers_seconds)
        except asyncio.CancelledError:
            seen.disconnected.set()
            raise
        return seen, behaviour

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        seen, behaviour = await self.begin(request)
        if behaviour.status != 200:
            return _error(behaviour)
        if behaviour.newer and (refused := _unsupported(seen.body)):
            return web.json_response({"error": refused}, status=400)
        try:
            if seen.body.get("stream"):
                return await _stream(request, seen, behaviour)
            return await _blocking(request, seen, behaviour)
        except (asyncio.CancelledError, ConnectionError):
            seen.disconnected.set()
            raise

    async def _embeddings(self, request: web.Request) -> web.StreamResponse:
        seen, behaviour = await self.begin(request)
        if behaviour.status != 200:
            return _error(behaviour)
        if behaviour.fault is Fault.BROKEN_JSON:
            return web.Response(text='{"data": [', content_type="application/json")
        await self.answering.wait()
        await asyncio.sleep(behaviour.first_token_seconds)
        texts = seen.body["input"]
        texts = [texts] if isinstance(texts, str) else texts
        packed = seen.body.get("encoding_format") == "base64"
        data = [
            {"object": "embedding", "index": index, "embedding": _vector(text, packed)}
            for index, text in enumerate(texts)
        ]
        payload: dict[str, Any] = {"object": "list", "data": data, "model": seen.body["model"]}
        if behaviour.usage:
            tokens = sum(map(_tokens, texts))
            payload["usage"] = {"prompt_tokens": tokens, "total_tokens": tokens}
        seen.completed.set()
        return web.json_response(payload)

    async def _models(self, request: web.Request) -> web.Response:
        return web.json_response(
            {"object": "list", "data": [{"id": "stub", "object": "model", "owned_by": "kefu"}]}
        )

    async def _set_control(self, request: web.Request) -> web.Response:
        wanted = await request.json()
        try:
            self.default = changed(self.default, wanted.get("default", {}))
            self.next.extend(changed(self.default, values) for values in wanted.get("next", []))
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)
        return await self._get_control(request)

    async def _get_control(self, request: web.Request) -> web.Response:
        return web.json_response(
            {
                "requests": self.count,
                "disconnected": sum(seen.disconnected.is_set() for seen in self.seen),
                "queued": len(self.next),
            }
        )


def _error(behaviour: Behaviour) -> web.Response:
    headers = {}
    if behaviour.retry_after_seconds is not None:
        headers["Retry-After"] = f"{behaviour.retry_after_seconds:g}"
    kind = _STATUS_TYPES.get(behaviour.status, "server_error")
    error = {"message": "scripted by the stub", "type": kind, "code": None, "param": None}
    return web.json_response({"error": error}, status=behaviour.status, headers=headers)


def _unsupported(body: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the error with which OpenAI's newer models refuse a request, word for word."""
    error = {"type": "invalid_request_error"}
    if "max_tokens" in body:
        message = (
            "Unsupported parameter: 'max_tokens' is not supported with this model. "
            "Use 'max_completion_tokens' instead."
        )
        return error | {"message": message, "param": "max_tokens", "code": "unsupported_parameter"}
    if body.get("temperature", 1) != 1:
        message = (
            f"Unsupported value: 'temperature' does not support {body['temperature']} with this "
            "model. Only the default (1) value is supported."
        )
        return error | {"message": message, "param": "temperature", "code": "unsupported_value"}
    return None


async def _stream(request: web.Request, seen: Seen, behaviour: Behaviour) -> web.StreamResponse:
    response = web.StreamResponse(headers=SSE_HEADERS)
    await response.prepare(request)
    pieces = pieces_of(seen.body, behaviour)
    # By the clock: a model does not write more slowly because sending takes long.
    clock = asyncio.get_running_loop().time
    due = clock() + behaviour.first_token_seconds
    for piece in pieces:
        if behaviour.fault is not Fault.NONE and seen.chunks_sent == behaviour.fault_after:
            return await misbehave(request, response, behaviour.fault)
        if (wait := due - clock()) > 0:
            await asyncio.sleep(wait)
        due += behaviour.token_seconds
        await response.write(_chunk(seen.body, {"content": piece}))
        seen.chunks_sent += 1
    await response.write(_chunk(seen.body, {}, behaviour.finish_reason))
    if behaviour.fault is not Fault.NONE and seen.chunks_sent == behaviour.fault_after:
        return await misbehave(request, response, behaviour.fault)
    if behaviour.usage and seen.body.get("stream_options", {}).get("include_usage"):
        await response.write(_chunk(seen.body, None, usage=_usage(seen.body, pieces)))
    await response.write(b"data: [DONE]\n\n")
    await response.write_eof()
    seen.completed.set()
    return response


async def misbehave(
    request: web.Request, response: web.StreamResponse, fault: Fault
) -> web.StreamResponse:
    """Show a fault in a stream that has begun."""
    if fault is Fault.STALL:
        await asyncio.Event().wait()
    if fault is Fault.CLOSE:
        assert request.transport is not None
        request.transport.close()
    elif fault is Fault.BROKEN_JSON:
        await response.write(b'data: {"choices": [{"delta": \n\n')
    elif fault is Fault.ERROR:
        await response.write(b'data: {"error": {"message": "overloaded", "code": 503}}\n\n')
    elif fault is Fault.ERROR_PAGE:
        await response.write(b"<html><body>502 Bad Gateway</body></html>\r\n")
    elif fault is Fault.ENDLESS_LINE:
        await response.write(b"data: " + b"x" * _ENDLESS)
    return response


async def _blocking(request: web.Request, seen: Seen, behaviour: Behaviour) -> web.StreamResponse:
    await asyncio.sleep(behaviour.first_token_seconds)
    if behaviour.fault is Fault.STALL:
        await asyncio.Event().wait()
    if behaviour.fault is Fault.CLOSE:
        assert request.transport is not None
        request.transport.close()
    if behaviour.fault is Fault.BROKEN_JSON:
        return web.Response(text='{"choices": [', content_type="application/json")
    if behaviour.fault is Fault.ERROR:
        return web.json_response({"error": {"message": "overloaded", "code": 503}})
    pieces = pieces_of(seen.body, behaviour)
    message = {"role": "assistant", "content": "".join(pieces)}
    choice = {"index": 0, "message": message, "finish_reason": behaviour.finish_reason}
    payload = {"id": "stub", "object": "chat.completion", "model": seen.body["model"]}
    payload["choices"] = [choice]
    if behaviour.usage:
        payload["usage"] = _usage(seen.body, pieces)
    seen.completed.set()
    return web.json_response(payload)


def _chunk(
    body: Mapping[str, Any],
    delta: dict[str, str] | None,
    finish_reason: str | None = None,
    usage: dict[str, Any] | None = None,
) -> bytes:
    choices = [{"index": 0, "delta": delta, "finish_reason": finish_reason}]
    payload = {
        "id": "stub",
        "object": "chat.completion.chunk",
        "model": body.get("model"),
        "choices": [] if delta is None else choices,
    }
    if usage is not None:
        payload["usage"] = usage
    return b"data: " + json.dumps(payload).encode() + b"\n\n"


def pieces_of(body: Mapping[str, Any], behaviour: Behaviour) -> list[str]:
    """Return the answer to a request in the pieces that it is streamed in."""
    answer = behaviour.answer if behaviour.answer is not None else _quote(body)
    for word, other in (behaviour.reworded or {}).items():
        answer = answer.replace(word, other)
    size = behaviour.chunk_characters
    pieces = [answer[start : start + size] for start in range(0, len(answer), size)]
    if behaviour.chunks is None:
        return pieces
    return list(islice(cycle(pieces), behaviour.chunks))


def _quote(body: Mapping[str, Any]) -> str:
    """Answer as an obedient model would: the first sentence of each passage and its marker."""
    for message in reversed(body.get("messages", [])):
        try:
            passages: Iterable[dict[str, str]] = json.loads(message["content"])["passages"]
        except (ValueError, KeyError, TypeError):
            continue
        quotes = [
            passage["text"].replace("。", "。\n").splitlines()[0] + passage["marker"]
            for passage in islice(passages, QUOTED_PASSAGES)
        ]
        if quotes:
            return " ".join(quotes)
    return "The stub has nothing to quote."


def _usage(body: Mapping[str, Any], pieces: list[str]) -> dict[str, Any]:
    prompt = sum(_tokens(message["content"]) for message in body.get("messages", []))
    return {
        "prompt_tokens": prompt,
        "completion_tokens": len(pieces),
        "total_tokens": prompt + len(pieces),
        "prompt_tokens_details": {"cached_tokens": prompt // 2},
    }


def _tokens(text: str) -> int:
    return max(1, len(text) // 3)


def _vector(text: str, packed: bool) -> str | list[float]:
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
    vector = np.random.default_rng(seed).standard_normal(DIMENSIONS).astype("<f4")
    return base64.b64encode(vector.tobytes()).decode() if packed else vector.tolist()


@asynccontextmanager
async def model_server(
    behaviour: Behaviour | None = None, *, port: int = 0, kind: type[ModelServer] = ModelServer
) -> AsyncIterator[ModelServer]:
    """Serve on 127.0.0.1 in the running event loop until the context is left.

    Args:
        behaviour: What is done with requests unless told otherwise; None answers well and fast.
        port: 0 picks a free one; `base_url` of the yielded server names it.
        kind: What is served; a subclass may speak more protocols.
    """
    server = kind(behaviour or Behaviour())
    # handler_cancellation: the handler hears at once that the client hung up.
    runner = web.AppRunner(
        server.application(), handler_cancellation=True, access_log=None, shutdown_timeout=0.1
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        server.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        yield server
    finally:
        await runner.cleanup()


async def _serve(port: int, behaviour: Behaviour) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with model_server(behaviour, port=port) as server:
        print(server.base_url, flush=True)
        await stop.wait()


def main() -> None:
    """Run the stub as a process; it prints its base URL on one line and ends on SIGTERM."""
    parser = argparse.ArgumentParser(description="Stub of an OpenAI-compatible model server.")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free port")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="a field of the default behaviour, such as token_seconds=0.01; may be repeated",
    )
    options = parser.parse_args()
    try:
        behaviour = changed(Behaviour(), dict(item.split("=", 1) for item in options.set))
    except ValueError as error:
        parser.error(str(error))
    asyncio.run(_serve(options.port, behaviour))


if __name__ == "__main__":
    main()
