"""What the model gateway adds: an answer through it, and the provider asked directly.

Both are asked in turn by the same client stack, the openai SDK over aiohttp with our reading of
its stream. The difference is the gateway: mutual TLS, the chain, limits, checks, citations, the
account. The provider is the stub, which quotes its passages as fast as it can; then it does so in
other words, which takes the checks longer, and then as a model writes: piece by piece, so that a
sentence is checked while the next one is written.
"""

import itertools
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from kefu.client.channel import open_channel
from kefu.generation.v1 import generation_pb2 as pb
from kefu.generation.v1.generation_pb2_grpc import GenerationServiceStub
from pydantic import SecretStr

from services.generation.provider import Endpoint, Provider
from services.local import operator
from services.local.home import Home
from services.mesh.tls import KeyPair
from tests.bench.load import drive
from tests.bench.mesh import Mesh
from tests.bench.plan import Plan
from tests.bench.processes import cpu_seconds
from tests.bench.stats import Spread, percentile, spread
from tests.stubs.behaviour import Behaviour

TENANT = "tenants/shop"
"""The sample company."""

SHOPS = 60
"""Shops with terms of their own: passages come again, as those of a knowledge base do, but no
sentence of an answer does before two hundred others."""

CALL_SECONDS = 10.0
"""Deadline of a call."""

PACED = "as a model writes"
"""The way of writing in which the stub takes its time."""

WAYS: Mapping[str, Mapping[str, Any]] = {
    "reworded": {
        "reworded": {"takes": "needs", "over": "above", "may": "can", "delivered": "brought"}
    },
    # A quick model: five hundred pieces of four characters a second.
    PACED: {"first_token_seconds": 0.1, "token_seconds": 0.002},
}
"""Other ways of writing, and how the stub's behaviour differs in them."""

WARM_CALLS = 60
"""Calls of either kind before anything is measured: as many as there are shops."""

# As long as the gateway's own instructions, so that both send the provider the same amount.
_INSTRUCTIONS = "Answer from the passages only, and cite each one that you use. " * 22


@dataclass(frozen=True, slots=True)
class Times:
    """Percentiles of one time, in milliseconds."""

    p50_ms: float
    p99_ms: float

    def minus(self, other: "Times") -> "Times":
        """How much longer this is, percentile by percentile."""
        return Times(self.p50_ms - other.p50_ms, self.p99_ms - other.p99_ms)


@dataclass(frozen=True, slots=True)
class GatewayCell:
    """Answers at one concurrency, over all repeats.

    Attributes:
        concurrency: answers that are written at a time, on one connection.
        way: how the provider wrote, see `WAYS`; empty: word for word, as fast as it can.
        answers: answers of all repeats through the gateway.
        strayed: those of them that no model wrote, or that an earlier call had paid for.
        answers_per_second: through the gateway, over the repeats.
        direct_first, direct_end: to the first words and to the end, asked directly.
        first, end: the same through the gateway.
        added_first, added_end: what the gateway adds.
        server_cpu_ms: CPU of the generation service per answer, over the repeats.
        deltas: pieces in which an answer came through the gateway.
    """

    concurrency: int
    way: str
    answers: int
    strayed: int
    answers_per_second: Spread
    direct_first: Times
    direct_end: Times
    first: Times
    end: Times
    added_first: Times
    added_end: Times
    server_cpu_ms: Spread
    deltas: float


@dataclass(frozen=True, slots=True)
class Written:
    """One answer, as its caller saw it.

    Attributes:
        first_seconds: to the first words.
        end_seconds: to the end.
        deltas: pieces in which it came.
        held: whether a model wrote it for this very call.
    """

    first_seconds: float
    end_seconds: float
    deltas: int
    held: bool = True


@dataclass(frozen=True, slots=True)
class Repeat:
    """One repeat at one concurrency.

    Attributes:
        direct: answers of the provider itself.
        through: answers through the gateway.
        seconds: how long the latter took together.
        server_cpu: CPU seconds of the generation service meanwhile.
    """

    direct: Sequence[Written]
    through: Sequence[Written]
    seconds: float
    server_cpu: float


Ask = Callable[[], Awaitable[Written]]


async def measure(running: Mesh, base_url: str, plan: Plan) -> list[GatewayCell]:
    """Measure both ways at every concurrency, in turn, the repeats interleaved.

    Args:
        running: a mesh whose model is the stub.
        base_url: of the stub.
        plan: how long and how often.
    """
    numbers = itertools.count(1)
    async with _direct(base_url, numbers) as direct, _through(running.home, numbers) as through:
        for ask in (direct, through):
            for _ in range(WARM_CALLS):
                await ask()
        pid = running.processes["generation"]
        found: dict[int, list[Repeat]] = {each: [] for each in plan.concurrencies}
        written: dict[str, list[Repeat]] = {way: [] for way in WAYS}
        for _ in range(plan.repeats):
            for concurrency, repeats in found.items():
                repeats.append(
                    await _repeat(direct, through, concurrency, plan.gateway_seconds, plan, pid)
                )
            for way, repeats in written.items():
                seconds = plan.paced_seconds if way == PACED else plan.gateway_seconds
                async with _writing(base_url, WAYS[way]):
                    repeats.append(await _repeat(direct, through, 1, seconds, plan, pid))
    fast = [gateway_cell(concurrency, repeats) for concurrency, repeats in found.items()]
    return [*fast, *(gateway_cell(1, repeats, way) for way, repeats in written.items())]


@asynccontextmanager
async def _writing(base_url: str, way: Mapping[str, Any]) -> AsyncIterator[None]:
    """Let the stub write in a way while the block runs."""
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        control = base_url.removesuffix("/v1") + "/control"
        await session.post(control, json={"default": way})
        try:
            yield
        finally:
            usual = {name: getattr(Behaviour(), name) for name in way}
            await session.post(control, json={"default": usual})


def question(number: int) -> str:
    """Question of which no two are the same, so that each is paid for."""
    return f"How long does delivery take, and what does it cost? This is question {number}."


def texts(number: int) -> tuple[str, str]:
    """Two passages of a shop's delivery terms; the stub quotes them whole, five sentences."""
    shop = number % SHOPS + 1
    return (
        f"Standard delivery takes {shop} to {shop + 2} working days in cities and up to "
        f"{shop + 5} working days elsewhere. Islands and mountain villages may take {shop + 9} "
        f"days longer; the courier calls {shop} hours before it comes.",
        f"Orders over {shop * 9} yuan are delivered free of charge, smaller ones cost {shop} yuan. "
        f"Parcels over {shop + 19} kg are brought by a haulier, who agrees on the day with the "
        "customer.",
    )


@asynccontextmanager
async def _direct(base_url: str, numbers: Iterator[int]) -> AsyncIterator[Ask]:
    """Asks the provider as the gateway does."""
    provider = Provider(Endpoint(base_url, SecretStr(""), CALL_SECONDS))

    async def ask() -> Written:
        began = time.perf_counter()
        first, pieces = 0.0, 0
        async with aclosing(provider.stream("/chat/completions", _body(next(numbers)))) as events:
            async for payloads in events:
                words = [_words(json.loads(payload)) for payload in payloads]
                if any(words):
                    pieces += 1
                    first = first or time.perf_counter() - began
        return Written(first, time.perf_counter() - began, pieces)

    try:
        yield ask
    finally:
        await provider.close()


@asynccontextmanager
async def _through(home: Home, numbers: Iterator[int]) -> AsyncIterator[Ask]:
    """Asks the gateway as the session service does."""
    keys = KeyPair(home.cert_file("session"), home.key_file("session"), home.ca_file)
    address = operator.address(home, "generation")
    async with open_channel(address, keys.channel_credentials()) as channel:
        stub = GenerationServiceStub(channel)

        async def ask() -> Written:
            number = next(numbers)
            request = pb.GenerateRequest(
                tenant=TENANT,
                question=question(number),
                passages=_passages(number),
                require_model=True,
            )
            began = time.perf_counter()
            first, pieces = 0.0, 0
            async for response in stub.Generate(request, timeout=CALL_SECONDS):
                if response.HasField("delta"):
                    pieces += 1
                    first = first or time.perf_counter() - began
            return Written(first, time.perf_counter() - began, pieces, _held(response.completed))

        yield ask


def _body(number: int) -> dict[str, Any]:
    """The request that the gateway would make of a question."""
    passages = [
        {"marker": f"[{place}]", "title": "Delivery", "text": text}
        for place, text in enumerate(texts(number), start=1)
    ]
    asked = question(number)
    data = {"passages": passages, "customer_question": asked, "answer_language": "English"}
    return {
        "model": "stub",
        "messages": [
            {"role": "system", "content": _INSTRUCTIONS},
            {"role": "user", "content": json.dumps(data)},
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def _passages(number: int) -> list[pb.Passage]:
    document = f"{TENANT}/knowledgeBases/shop/documents/delivery"
    return [pb.Passage(document=document, title="Delivery", text=text) for text in texts(number)]


def _words(chunk: dict[str, Any]) -> str:
    choices = chunk.get("choices")
    return (choices[0]["delta"] or {}).get("content", "") if choices else ""


def _held(end: pb.GenerationCompleted) -> bool:
    wrote = end.mode == pb.ANSWER_MODE_MODEL and not end.degraded_reason
    return wrote and not end.shared


async def _repeat(
    direct: Ask, through: Ask, concurrency: int, seconds: float, plan: Plan, pid: int
) -> Repeat:
    """Ask directly, then through the gateway, for the same time each."""
    asked, _ = await drive(concurrency, seconds, plan.most_calls, lambda _: direct())
    before = cpu_seconds({"service": pid})["service"]
    answered, took = await drive(concurrency, seconds, plan.most_calls, lambda _: through())
    return Repeat(asked, answered, took, cpu_seconds({"service": pid})["service"] - before)


def gateway_cell(concurrency: int, repeats: Sequence[Repeat], way: str = "") -> GatewayCell:
    """Put the repeats at one concurrency together."""
    direct = [each for repeat in repeats for each in repeat.direct]
    through = [each for repeat in repeats for each in repeat.through]
    direct_first, first = (_times([e.first_seconds for e in way]) for way in (direct, through))
    direct_end, end = (_times([e.end_seconds for e in way]) for way in (direct, through))
    return GatewayCell(
        concurrency=concurrency,
        way=way,
        answers=len(through),
        strayed=sum(not each.held for each in through),
        answers_per_second=spread([len(each.through) / each.seconds for each in repeats]),
        direct_first=direct_first,
        direct_end=direct_end,
        first=first,
        end=end,
        added_first=first.minus(direct_first),
        added_end=end.minus(direct_end),
        server_cpu_ms=spread([e.server_cpu * 1000 / len(e.through) for e in repeats]),
        deltas=sum(each.deltas for each in through) / len(through),
    )


def _times(seconds: Sequence[float]) -> Times:
    milliseconds = [each * 1000 for each in seconds]
    return Times(percentile(milliseconds, 0.5), percentile(milliseconds, 0.99))
