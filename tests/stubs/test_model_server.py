"""The stub of a provider does what it is told, over real HTTP, also as a process of its own."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.stubs.behaviour import Behaviour, Fault, changed, from_model_name
from tests.stubs.model_server import DIMENSIONS, ModelServer, model_server

PROMPT = json.dumps(
    {
        "passages": [
            {"marker": "[1]", "text": "七天内可退货。其他"},
            {"marker": "[2]", "text": "Ok."},
        ]
    }
)


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    """A running stub."""
    async with model_server() as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A plain HTTP client."""
    async with aiohttp.ClientSession() as session:
        yield session


def chat(model: str = "stub", stream: bool = True) -> dict[str, Any]:
    """A chat request whose prompt holds two passages."""
    return {
        "model": model,
        "stream": stream,
        "stream_options": {"include_usage": True},
        "messages": [
            {"role": "system", "content": "Answer."},
            {"role": "user", "content": PROMPT},
        ],
    }


async def events(response: aiohttp.ClientResponse) -> list[Any]:
    """Read a stream's payloads; `[DONE]` stays a string."""
    payloads = [line[6:].strip() async for line in response.content if line.startswith(b"data: ")]
    return [item.decode() if item == b"[DONE]" else json.loads(item) for item in payloads]


async def test_quotations_can_be_reworded(server: ModelServer, http: aiohttp.ClientSession) -> None:
    """A model seldom keeps to every word of its sources."""
    server.default = changed(Behaviour(), {"reworded": {"七天": "一周"}})
    async with http.post(f"{server.base_url}/chat/completions", json=chat(stream=False)) as answer:
        found = await answer.json()
    assert found["choices"][0]["message"]["content"] == "一周内可退货。[1] Ok.[2]"


async def test_a_stream_quotes_the_passages_with_their_markers(
    server: ModelServer, http: aiohttp.ClientSession
) -> None:
    """Chunks, a finish reason, the usage and [DONE], as OpenAI sends them."""
    async with http.post(f"{server.base_url}/chat/completions", json=chat()) as response:
        assert response.content_type == "text/event-stream"
        *chunks, finish, usage, done = await events(response)
    text = "".join(chunk["choices"][0]["delta"]["content"] for chunk in chunks)
    assert text == "七天内可退货。[1] Ok.[2]"
    assert finish["choices"][0]["finish_reason"] == "stop"
    assert (usage["choices"], usage["usage"]["completion_tokens"]) == ([], len(chunks))
    assert done == "[DONE]"


async def test_a_blocking_answer_says_the_same(
    server: ModelServer, http: aiohttp.ClientSession
) -> None:
    """Without `stream` it is one JSON object."""
    body = chat(stream=False)
    async with http.post(f"{server.base_url}/chat/completions", json=body) as response:
        answer = await response.json()
    assert answer["choices"][0]["message"]["content"] == "七天内可退货。[1] Ok.[2]"
    assert answer["usage"]["total_tokens"] > 0


async def test_vectors_are_the_same_for_the_same_text(
    server: ModelServer, http: aiohttp.ClientSession
) -> None:
    """Tests can tell texts apart by their vectors."""
    body = {"model": "stub", "input": ["a", "b", "a"]}
    async with http.post(f"{server.base_url}/embeddings", json=body) as response:
        first, second, third = [item["embedding"] for item in (await response.json())["data"]]
    assert len(first) == DIMENSIONS
    assert first == third != second


async def test_models_are_listed(server: ModelServer, http: aiohttp.ClientSession) -> None:
    """There is one."""
    async with http.get(f"{server.base_url}/models") as response:
        assert [model["id"] for model in (await response.json())["data"]] == ["stub"]


async def test_a_request_can_script_itself_by_its_model_s_name(
    server: ModelServer, http: aiohttp.ClientSession
) -> None:
    """No control call is needed, so parallel tests do not disturb each other."""
    body = chat("stub?status=429&retry_after_seconds=2.5")
    async with http.post(f"{server.base_url}/chat/completions", json=body) as response:
        assert response.status == 429
        assert response.headers["Retry-After"] == "2.5"
        assert (await response.json())["error"]["type"] == "rate_limit_error"


@pytest.mark.parametrize(
    ("parameters", "param", "code"),
    [
        ({"max_tokens": 9}, "max_tokens", "unsupported_parameter"),
        ({"temperature": 0.3, "max_completion_tokens": 9}, "temperature", "unsupported_value"),
    ],
)
async def test_a_newer_model_refuses_older_parameters(
    server: ModelServer,
    http: aiohttp.ClientSession,
    parameters: dict[str, object],
    param: str,
    code: str,
) -> None:
    """With the error object of OpenAI's."""
    body = chat("stub?newer=1") | parameters
    async with http.post(f"{server.base_url}/chat/completions", json=body) as response:
        assert response.status == 400
        error = (await response.json())["error"]
    assert (error["type"], error["param"], error["code"]) == ("invalid_request_error", param, code)
    body = chat("stub?newer=1") | {"temperature": 1, "max_completion_tokens": 9}
    async with http.post(f"{server.base_url}/chat/completions", json=body) as response:
        assert response.status == 200


async def test_behaviours_are_queued_from_outside(
    server: ModelServer, http: aiohttp.ClientSession
) -> None:
    """The queue is used up first, then the default holds; a wrong name is refused."""
    control = server.base_url.removesuffix("/v1") + "/control"
    wanted = {"default": {"answer": "ok"}, "next": [{"status": 500}]}
    async with http.post(control, json=wanted) as response:
        assert (await response.json())["queued"] == 1
    statuses = []
    for _ in range(2):
        async with http.post(f"{server.base_url}/chat/completions", json=chat()) as response:
            statuses.append(response.status)
    assert statuses == [500, 200]
    async with http.post(control, json={"default": {"mood": "bad"}}) as response:
        assert response.status == 400
    async with http.get(control) as response:
        assert (await response.json())["requests"] == 2


async def test_it_sees_the_client_leave(server: ModelServer, http: aiohttp.ClientSession) -> None:
    """A hang-up is noticed at once, also while nothing is being sent."""
    arrival = server.arrival()
    body = chat("stub?fault=stall&fault_after=1")
    response = await http.post(f"{server.base_url}/chat/completions", json=body)
    seen = await arrival
    await response.content.readline()
    assert not seen.disconnected.is_set()
    response.close()
    async with asyncio.timeout(1):
        await seen.disconnected.wait()
    assert not seen.completed.is_set()


@pytest.mark.parametrize("fault", [Fault.BROKEN_JSON, Fault.ERROR, Fault.SILENT_END, Fault.CLOSE])
async def test_faults_come_after_the_wanted_chunks(
    server: ModelServer, http: aiohttp.ClientSession, fault: Fault
) -> None:
    """Two good chunks, then the fault, and no [DONE]."""
    server.default = Behaviour(fault=fault, fault_after=2)
    lines = []
    try:
        async with http.post(f"{server.base_url}/chat/completions", json=chat()) as response:
            async for line in response.content:
                lines.append(line)
    except aiohttp.ClientPayloadError:
        assert fault is Fault.CLOSE
    assert sum(b'"content"' in line for line in lines) == 2
    assert not any(b"[DONE]" in line for line in lines)


def test_values_come_as_json_or_as_text() -> None:
    """The control call sends JSON, the model's name and the command line send text."""
    assert changed(Behaviour(), {"usage": "false", "chunks": "3"}) == Behaviour(
        usage=False, chunks=3
    )
    assert from_model_name(Behaviour(), "stub?fault=stall").fault is Fault.STALL
    with pytest.raises(ValueError, match="mood"):
        changed(Behaviour(), {"mood": "bad"})


async def test_it_runs_as_a_process(http: aiohttp.ClientSession) -> None:
    """It prints its base URL, answers, and ends on SIGTERM with 0."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.stubs.model_server", "--set", "answer=ok"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        base_url = (await process.stdout.readline()).decode().strip()
        async with http.post(f"{base_url}/chat/completions", json=chat(stream=False)) as response:
            assert (await response.json())["choices"][0]["message"]["content"] == "ok"
    finally:
        process.terminate()
        assert await process.wait() == 0


async def test_a_stream_can_turn_into_a_page_of_html(
    server: ModelServer, http: aiohttp.ClientSession
) -> None:
    """As a proxy's does when the provider behind it dies."""
    server.default = Behaviour(fault=Fault.ERROR_PAGE, fault_after=1)
    async with http.post(f"{server.base_url}/chat/completions", json=chat()) as response:
        lines = [line async for line in response.content]
    assert lines[-1].startswith(b"<html>")


async def test_the_status_line_can_be_late(
    server: ModelServer, http: aiohttp.ClientSession
) -> None:
    """The connection stands and nothing comes; a hang-up is noticed all the same."""
    server.default = Behaviour(headers_seconds=30)
    arrival = server.arrival()
    asking = asyncio.ensure_future(http.post(f"{server.base_url}/chat/completions", json=chat()))
    seen = await arrival
    assert not asking.done()
    asking.cancel()
    async with asyncio.timeout(1):
        await seen.disconnected.wait()
