"""The stub of Dify speaks Dify's service API, over real HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.stubs.behaviour import Behaviour, Fault
from tests.stubs.dify_server import CURRENCY, PRICE, DifyServer, dify_server

PROMPT = json.dumps({"passages": [{"marker": "[1]", "text": "七天内可退货。其他"}]})


@pytest.fixture
async def server() -> AsyncIterator[DifyServer]:
    """A running stub."""
    async with dify_server() as running:
        yield running


@pytest.fixture
async def http(server: DifyServer) -> AsyncIterator[aiohttp.ClientSession]:
    """A plain HTTP client of it."""
    async with aiohttp.ClientSession(server.base_url + "/") as session:
        yield session


def message(mode: str = "streaming", **fields: Any) -> dict[str, Any]:
    """A chat message whose query holds a passage behind the instructions."""
    query = f"Answer.\n\n{PROMPT}"
    return {"inputs": {}, "query": query, "response_mode": mode, "user": "u"} | fields


async def events(response: aiohttp.ClientResponse) -> list[dict[str, Any]]:
    """Read a stream's events; pings have no data."""
    return [json.loads(line[6:]) async for line in response.content if line.startswith(b"data: ")]


async def test_a_stream_has_dify_s_events(http: aiohttp.ClientSession) -> None:
    """Workflow, messages, the end with the account, and what may follow it."""
    async with http.post("chat-messages", json=message()) as response:
        assert response.content_type == "text/event-stream"
        begun, *words, end, speech = await events(response)
    assert begun["event"] == "workflow_started"
    assert {each["event"] for each in words} == {"message"}
    assert "".join(each["answer"] for each in words) == "七天内可退货。[1]"
    assert end["event"] == "message_end"
    usage = end["metadata"]["usage"]
    assert (usage["total_price"], usage["currency"]) == (PRICE, CURRENCY)
    assert speech["event"] == "tts_message_end"
    assert len({each["task_id"] for each in (begun, *words, end)}) == 1


async def test_a_conversation_keeps_its_id(http: aiohttp.ClientSession) -> None:
    """A new one gets one, and who names it goes on with it."""
    async with http.post("chat-messages", json=message("blocking")) as response:
        first = (await response.json())["conversation_id"]
    again = message("blocking", conversation_id=first)
    async with http.post("chat-messages", json=again) as response:
        assert (await response.json())["conversation_id"] == first
    async with http.post("chat-messages", json=message("blocking")) as response:
        assert (await response.json())["conversation_id"] != first


@pytest.mark.parametrize("mode", ["blocking", "streaming"])
async def test_a_conversation_that_is_not_there_is_refused(
    server: DifyServer, http: aiohttp.ClientSession, mode: str
) -> None:
    """Somebody has deleted it, or it is another app's; said before anything is streamed."""
    again = message(mode, conversation_id="a5e1b0c0-0000-4000-8000-000000000000")
    async with http.post("chat-messages", json=again) as response:
        assert response.status == 404
        error = await response.json()
    assert (error["code"], error["message"]) == ("not_found", "Conversation Not Exists.")


async def test_a_completion_takes_its_query_from_the_inputs(http: aiohttp.ClientSession) -> None:
    """And has no conversation."""
    body = message("blocking", inputs={"query": PROMPT})
    async with http.post("completion-messages", json=body) as response:
        answer = await response.json()
    assert answer["answer"] == "七天内可退货。[1]"
    assert "conversation_id" not in answer
    async with http.post("completion-messages", json=message()) as response:
        assert response.status == 400


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "invalid_param"), (429, "too_many_requests"), (500, "internal_server_error")],
)
async def test_errors_are_dify_s(
    server: DifyServer, http: aiohttp.ClientSession, status: int, code: str
) -> None:
    """Code, message and status in one object."""
    server.default = Behaviour(status=status)
    async with http.post("chat-messages", json=message()) as response:
        assert response.status == status
        assert (await response.json())["code"] == code


async def test_an_error_in_a_stream_is_an_event(
    server: DifyServer, http: aiohttp.ClientSession
) -> None:
    """After the words that came before it."""
    server.default = Behaviour(fault=Fault.ERROR, fault_after=1)
    async with http.post("chat-messages", json=message()) as response:
        *_, word, error = await events(response)
    assert word["event"] == "message"
    assert (error["event"], error["code"]) == ("error", "completion_request_error")


async def test_a_task_can_be_stopped(server: DifyServer, http: aiohttp.ClientSession) -> None:
    """Whoever asks has to say which user's it is."""
    async with http.post("chat-messages/some-task/stop", json={}) as response:
        assert response.status == 400
    async with http.post("chat-messages/some-task/stop", json={"user": "u"}) as response:
        assert await response.json() == {"result": "success"}
    async with asyncio.timeout(1):
        await server.stopping.wait()
    assert server.stopped == ["some-task"]


async def test_agent_apps_refuse_to_answer_in_one_piece(
    server: DifyServer, http: aiohttp.ClientSession
) -> None:
    """As Dify does."""
    server.blocking_allowed = False
    async with http.post("chat-messages", json=message("blocking")) as response:
        assert response.status == 400
