"""What intent and sentiment take: one call at a time and several, with the vector and without."""

import itertools
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from kefu.generation.v1 import generation_pb2
from kefu.generation.v1.generation_pb2_grpc import GenerationServiceStub
from kefu.intent.v1 import intent_pb2
from kefu.intent.v1.intent_pb2_grpc import IntentServiceStub
from kefu.sentiment.v1 import sentiment_pb2
from kefu.sentiment.v1.sentiment_pb2_grpc import SentimentServiceStub

from services.local import operator
from tests.bench.load import drive
from tests.bench.mesh import Mesh
from tests.bench.plan import Plan
from tests.bench.processes import cpu_seconds
from tests.bench.stats import Spread, percentile, spread
from tests.bench.workloads import LOOKUPS, ORDERS, QUESTIONS_EN, QUESTIONS_ZH

TENANT = "tenants/shop"
"""The sample company, whose model has its vectors by the time this is measured."""

COMPLAINTS = (
    "等了三个星期还没到，你们效率真高",
    "the second pair arrived broken as well and nobody answers the phone",
    "味道不错，就是送得太慢了",
    "thanks, that was quick!",
)
"""What moods are measured of, beside the questions."""

CALL_SECONDS = 10.0
"""Deadline of a call."""

WARM_CALLS = 50
"""Calls before anything is measured."""

_TEXTS = (
    *QUESTIONS_ZH,
    *QUESTIONS_EN,
    *COMPLAINTS,
    *(text.format(order=order) for text, order in zip(LOOKUPS, ORDERS, strict=False)),
)


@dataclass(frozen=True, slots=True)
class UnderstandingCell:
    """One kind of call at one concurrency, over all repeats.

    Attributes:
        kind: method, and whether the vector comes with the request.
        concurrency: calls open at a time, on one connection.
        calls: calls of all repeats.
        calls_per_second: over the repeats.
        p50_ms, p99_ms: of all calls, as their caller sees it; the floor of a call is in it.
        server_cpu_ms: CPU of the service per call, over the repeats.
    """

    kind: str
    concurrency: int
    calls: int
    calls_per_second: Spread
    p50_ms: float
    p99_ms: float
    server_cpu_ms: Spread


@dataclass(frozen=True, slots=True)
class _Repeat:
    latencies: list[float]
    seconds: float
    server_cpu: float


async def measure(running: Mesh, plan: Plan) -> list[UnderstandingCell]:
    """Measure every kind of call at every concurrency, the repeats interleaved."""
    home = running.home
    async with (
        operator.channel(home, "generation") as generation,
        operator.channel(home, "intent") as intent,
        operator.channel(home, "sentiment") as sentiment,
    ):
        vectors = await _vectors(GenerationServiceStub(generation))
        kinds = _kinds(IntentServiceStub(intent), SentimentServiceStub(sentiment), vectors)
        for ask, _ in kinds.values():
            for _ in range(WARM_CALLS):
                await ask()
        found: dict[tuple[str, int], list[_Repeat]] = {}
        for _ in range(plan.repeats):
            for kind, (ask, service) in kinds.items():
                for concurrency in plan.concurrencies:
                    repeat = await _repeat(ask, concurrency, plan, running.processes[service])
                    found.setdefault((kind, concurrency), []).append(repeat)
    return [_cell(*key, repeats) for key, repeats in found.items()]


async def _vectors(stub: Any) -> dict[str, Any]:
    request = generation_pb2.EmbedRequest(
        tenant=TENANT, texts=_TEXTS, purpose=generation_pb2.EMBED_PURPOSE_QUERY
    )
    made = await stub.Embed(request, timeout=CALL_SECONDS * 3)
    return dict(zip(_TEXTS, made.embeddings, strict=True))


def _kinds(
    intent: Any, sentiment: Any, vectors: dict[str, Any]
) -> dict[str, tuple[Callable[[], Awaitable[float]], str]]:
    """For each kind of call: what makes one and returns its seconds, and whose CPU it uses."""

    def classifying(vector: bool) -> Callable[[], Awaitable[float]]:
        requests = itertools.cycle(
            intent_pb2.ClassifyRequest(
                tenant=TENANT, text=text, embedding=vectors[text] if vector else None
            )
            for text in _TEXTS
        )
        return lambda: _timed(intent.Classify, next(requests))

    def analyzing(vector: bool) -> Callable[[], Awaitable[float]]:
        requests = itertools.cycle(
            sentiment_pb2.AnalyzeRequest(
                tenant=TENANT, text=text, embedding=vectors[text] if vector else None
            )
            for text in _TEXTS
        )
        return lambda: _timed(sentiment.Analyze, next(requests))

    return {
        "Classify, vector given": (classifying(True), "intent"),
        "Classify, words only": (classifying(False), "intent"),
        "Analyze, vector given": (analyzing(True), "sentiment"),
        "Analyze, words only": (analyzing(False), "sentiment"),
    }


async def _timed(method: Any, request: Any) -> float:
    began = time.perf_counter()
    await method(request, timeout=CALL_SECONDS)
    return time.perf_counter() - began


async def _repeat(
    ask: Callable[[], Awaitable[float]], concurrency: int, plan: Plan, pid: int
) -> _Repeat:
    before = cpu_seconds({"service": pid})["service"]
    latencies, seconds = await drive(
        concurrency, plan.understanding_seconds, plan.most_calls, lambda _: ask()
    )
    return _Repeat(latencies, seconds, cpu_seconds({"service": pid})["service"] - before)


def _cell(kind: str, concurrency: int, repeats: list[_Repeat]) -> UnderstandingCell:
    pooled = [latency * 1000 for repeat in repeats for latency in repeat.latencies]
    return UnderstandingCell(
        kind=kind,
        concurrency=concurrency,
        calls=len(pooled),
        calls_per_second=spread([len(each.latencies) / each.seconds for each in repeats]),
        p50_ms=percentile(pooled, 0.5),
        p99_ms=percentile(pooled, 0.99),
        server_cpu_ms=spread([e.server_cpu * 1000 / len(e.latencies) for e in repeats]),
    )
