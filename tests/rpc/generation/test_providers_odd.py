"""Providers that keep to no protocol: what they send, or do not, costs nobody an answer."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from kefu.generation.v1 import generation_pb2 as pb
from kefu.generation.v1.generation_pb2_grpc import GenerationServiceStub

from tests.rpc.generation.limited import usage
from tests.rpc.generation.samples import SECONDS, Streamed, question, read
from tests.rpc.generation.tables import entry, serving_table
from tests.stubs.behaviour import Behaviour, Fault
from tests.stubs.dify_server import dify_server
from tests.stubs.model_server import SSE_HEADERS, ModelServer, model_server
from tests.support.mesh import Served

ANSWER = "自签收之日起7天内可无理由退货[1]。"

# Longer than a test waits for an answer that is complete.
PATIENT = {"first_token": 8, "between_tokens": 8}


class Verbatim(ModelServer):
    """A provider that sends just these bytes, and then keeps the connection open."""

    def __init__(self, behaviour: Behaviour) -> None:
        super().__init__(behaviour)
        self.headers: dict[str, str] = {}
        self.sent = b""
        self.ends = False

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        await self.begin(request)
        response = web.StreamResponse(headers=SSE_HEADERS | self.headers)
        await response.prepare(request)
        await response.write(self.sent)
        if not self.ends:
            await asyncio.Event().wait()
        return response


def events(*chunks: dict[str, Any]) -> bytes:
    """Events of a stream."""
    return b"".join(b"data: " + json.dumps(each).encode() + b"\n\n" for each in chunks)


def words(text: str, reason: str | None = None) -> dict[str, Any]:
    """An event with words."""
    return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": reason}]}


def account() -> dict[str, Any]:
    """An event that tells what the answer cost."""
    return {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 7}}


@pytest.fixture
async def odd() -> AsyncIterator[Verbatim]:
    """The preferred provider."""
    async with model_server(kind=Verbatim) as server:
        assert isinstance(server, Verbatim)
        yield server


async def asked(server: Served, text: str = "怎么退货?", seconds: float = SECONDS) -> Streamed:
    """Ask a question and read the whole answer."""
    stub = server.stub(GenerationServiceStub, role="session")
    return await read(stub.Generate(question(text), timeout=seconds))


def attempts(streamed: Streamed) -> list[tuple[str, str]]:
    """Return who was asked and why that gave no answer."""
    return [(each.provider, each.cause) for each in streamed.end.attempts]


@pytest.mark.parametrize(
    ("headers", "sent"),
    [
        ({"Content-Encoding": "gzip"}, events(words(ANSWER, "stop"))),
        ({}, b"data: " + b"[" * 100_000 + b'"\\ud83d"\n\n'),
        ({}, b"data: " + b'{"choices": ' * 100_000 + b"\n\n"),
    ],
    ids=["not compressed as it says", "nested with half an emoji", "nested"],
)
async def test_what_cannot_be_read_is_a_broken_response(
    odd: Verbatim, second: ModelServer, tmp_path: Path, headers: dict[str, str], sent: bytes
) -> None:
    """The next provider answers, and nobody hears of an internal error."""
    odd.headers, odd.sent, odd.ends = headers, sent, True
    async with serving_table(tmp_path, entry(odd, "odd"), entry(second, "second")) as server:
        streamed = await asked(server)
    assert attempts(streamed) == [("odd", "broken_response"), ("second", "")]
    assert streamed.end.mode == pb.ANSWER_MODE_MODEL


@pytest.mark.parametrize("told", ["true", "-1", '"7"', "7.5", "1" + "0" * 5000, "[[]]"])
async def test_an_account_that_is_none_is_replaced_by_an_estimate(
    odd: Verbatim, tmp_path: Path, told: str
) -> None:
    """Whatever stands where tokens and price should; the answer is as good as ever."""
    sums = f'"prompt_tokens": 3, "completion_tokens": {told}, "total_price": {told}'
    last = f'data: {{"choices": [], "usage": {{{sums}, "currency": "CNY"}}}}\n\n'
    odd.sent = events(words(ANSWER, "stop")) + last.encode()
    async with serving_table(tmp_path, entry(odd, "odd")) as server:
        streamed = await asked(server)
    assert streamed.end.mode == pb.ANSWER_MODE_MODEL
    assert streamed.end.usage.estimated


@pytest.mark.parametrize(
    ("sent", "estimated"),
    [
        (events(words(ANSWER), words("", "stop"), account()), False),
        (events(words(ANSWER), account() | words("", "stop")), False),
        (events(words(ANSWER), words("", "stop")), True),
    ],
    ids=["account behind the end", "account with the end", "no account"],
)
async def test_a_complete_answer_is_not_held_for_what_does_not_come(
    odd: Verbatim, tmp_path: Path, sent: bytes, estimated: bool
) -> None:
    """Neither for [DONE] nor for the end of the connection; for the account half a second."""
    odd.sent = sent
    async with serving_table(tmp_path, entry(odd, "odd", timeouts=PATIENT)) as server:
        streamed = await asyncio.wait_for(asked(server), timeout=4)
    assert streamed.end.finish_reason == pb.GenerationCompleted.FINISH_REASON_STOP
    assert streamed.end.usage.estimated is estimated
    assert streamed.end.degraded_reason == ""


async def test_a_model_that_never_ends_is_broken_off(model: ModelServer, tmp_path: Path) -> None:
    """Far above the longest answer, which it was told; what came of it is counted."""
    model.default = Behaviour(answer=ANSWER, chunk_characters=len(ANSWER), chunks=100_000)
    arrival = model.arrival()
    longest = 100
    async with serving_table(tmp_path, entry(model, "odd", max_tokens=longest)) as server:
        streamed = await asyncio.wait_for(asked(server), timeout=4)
        seen = await arrival
        async with asyncio.timeout(1):
            await seen.disconnected.wait()
        (row,) = (await usage(server)).rows
    assert streamed.text == "自签收之日起7天内可无理由退货。"
    assert streamed.end.finish_reason == pb.GenerationCompleted.FINISH_REASON_LENGTH
    assert streamed.end.usage.estimated
    assert 4 * longest < streamed.end.usage.output_tokens < 20 * longest
    assert row.output_tokens == streamed.end.usage.output_tokens
    assert seen.chunks_sent < 100_000


async def test_a_dify_app_that_never_ends_is_stopped(tmp_path: Path) -> None:
    """Closing the connection is not enough: it would write on."""
    endless = Behaviour(answer=ANSWER, chunk_characters=len(ANSWER), chunks=100_000)
    async with dify_server(endless) as dify:
        app = entry(dify, "app", kind="dify", max_tokens=100)
        async with serving_table(tmp_path, app) as server:
            streamed = await asyncio.wait_for(asked(server), timeout=4)
            async with asyncio.timeout(2):
                await dify.stopping.wait()
    assert streamed.end.finish_reason == pb.GenerationCompleted.FINISH_REASON_LENGTH
    assert dify.stopped == [dify.last_task]


@pytest.fixture
def unaccepting() -> Iterator[str]:
    """Where nobody accepts connections, and nobody refuses them either."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        port = listening.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        yield f"http://127.0.0.1:{port}/v1"
        for each in waiting:
            each.close()


@asynccontextmanager
async def unreachable(
    tmp_path: Path, url: str, model: ModelServer, *others: dict[str, Any]
) -> AsyncIterator[Served]:
    """The service with a provider that takes no connections, and perhaps others."""
    timeouts = {"connect": 0.2, "first_token": 2, "between_tokens": 2}
    gone = entry(model, "gone", input_price=2, output_price=8, timeouts=timeouts)
    gone["base_url"] = url
    vectors = {"name": "vectors", "kind": "openai", "model": "m", "base_url": model.base_url}
    use = {"chat": ["gone", *(each["name"] for each in others)]}
    async with serving_table(tmp_path, gone, *others, vectors, use=use) as server:
        yield server


async def test_who_takes_no_connection_costs_nothing(
    unaccepting: str, second: ModelServer, tmp_path: Path
) -> None:
    """Nothing was sent: it is as if the connection had been refused."""
    other = entry(second, "second")
    async with unreachable(tmp_path, unaccepting, second, other) as server:
        streamed = await asked(server)
    assert attempts(streamed) == [("gone", "unreachable"), ("second", "")]
    assert not streamed.end.usage.estimated, "of the second alone"


async def test_who_takes_no_connection_is_asked_again(
    unaccepting: str, second: ModelServer, tmp_path: Path
) -> None:
    """A moment later it may: SYNs get lost."""
    async with unreachable(tmp_path, unaccepting, second) as server:
        streamed = await asked(server)
        rows = (await usage(server)).rows
    assert attempts(streamed) == [("gone", "unreachable")] * 3
    assert not streamed.end.usage.HasField("input_tokens")
    assert [row.price_micros for row in rows] == [0]


@pytest.mark.parametrize("seconds", [0.15, 0.24, 0.28])
async def test_no_time_no_request(model: ModelServer, tmp_path: Path, seconds: float) -> None:
    """One that would be broken off at once would be paid for; the customer has her passages."""
    async with serving_table(tmp_path, entry(model, "only")) as server:
        await asked(server)
        model.default = Behaviour(fault=Fault.STALL, fault_after=0)
        before = (await usage(server)).rows[0]
        streamed = await asked(server, "多久退款?", seconds)
        assert (await usage(server)).rows[0] == before
    assert streamed.end.degraded_reason == "timeout"
    assert not streamed.end.attempts
    assert model.count == 1
