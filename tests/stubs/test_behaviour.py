"""What else the stub of a provider can be told: each status, slowness, silence about tokens."""

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.stubs.behaviour import Behaviour
from tests.stubs.model_server import ModelServer, model_server

QUESTION = {
    "model": "stub",
    "stream": True,
    "stream_options": {"include_usage": True},
    "messages": [{"role": "user", "content": "Hello?"}],
}


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    """A running stub."""
    async with model_server() as running:
        yield running


async def arrivals(server: ModelServer, **changes: Any) -> list[tuple[float, Any]]:
    """What a stream holds, each with the seconds after which it came; without `[DONE]`."""
    found: list[tuple[float, Any]] = []
    began = time.perf_counter()
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{server.base_url}/chat/completions", json=QUESTION | changes) as response,
    ):
        async for line in response.content:
            if line.startswith(b"data: {"):
                found.append((time.perf_counter() - began, json.loads(line[6:])))
    return found


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 409, 422, 429, 500, 502, 503, 504])
async def test_each_status_comes_with_an_error_as_openai_writes_it(
    server: ModelServer, status: int
) -> None:
    """Whether an answer or a stream was asked for."""
    server.default = Behaviour(status=status)
    for stream in (True, False):
        body = QUESTION | {"stream": stream}
        async with (
            aiohttp.ClientSession() as http,
            http.post(f"{server.base_url}/chat/completions", json=body) as response,
        ):
            assert response.status == status
            assert "Retry-After" not in response.headers
            assert (await response.json())["error"].keys() >= {"message", "type", "code"}


async def test_it_can_be_slow_to_begin_and_between_words(server: ModelServer) -> None:
    """The headers come at once, as a provider's that thinks."""
    server.default = Behaviour(answer="abcdefgh", first_token_seconds=0.1, token_seconds=0.1)
    (first, _), (second, _), *_ = await arrivals(server)
    assert first >= 0.1
    assert second - first >= 0.05, "the second piece may have waited in a buffer, not come early"


async def test_it_can_keep_silent_about_tokens(server: ModelServer) -> None:
    """As some providers do, asked or not."""
    assert any("usage" in chunk for _, chunk in await arrivals(server))
    server.default = Behaviour(usage=False)
    assert not any("usage" in chunk for _, chunk in await arrivals(server))


async def test_only_who_asks_for_tokens_in_a_stream_is_told(server: ModelServer) -> None:
    """So a client that forgets to ask is noticed."""
    assert not any("usage" in chunk for _, chunk in await arrivals(server, stream_options={}))
