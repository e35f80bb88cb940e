"""The floor: what one call of the mesh costs, with the production chain and without it."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
from kefu.intent.v1 import intent_pb2
from kefu.intent.v1.intent_pb2_grpc import IntentServiceStub

from services.mesh.tls import KeyPair
from tests.bench import mesh
from tests.bench.load import drive
from tests.bench.plan import Plan
from tests.bench.processes import cpu_seconds
from tests.bench.stats import Spread, percentile, spread

REQUEST = intent_pb2.ClassifyRequest(tenant="tenants/shop", text="mesh " * 58)
"""About 300 bytes each way, the size of a customer's message with its envelope."""

CALL_SECONDS = 10.0
"""Deadline of a call."""

WARM_CALLS = 50
"""Calls before anything is measured: the connection is there and every code path was taken."""

KINDS = ("plain", "chain")
"""grpc.aio over mutual TLS alone, and the same behind the production chain."""


@dataclass(frozen=True, slots=True)
class EchoCell:
    """One kind of server at one concurrency, over all repeats.

    Attributes:
        kind: see `KINDS`.
        concurrency: calls open at a time, on one connection.
        calls: calls of all repeats.
        calls_per_second: over the repeats.
        p50_ms: of all calls.
        p99_ms: of all calls.
        server_cpu_ms: CPU of the server per call, over the repeats.
        client_cpu_ms: CPU of this process per call, over the repeats.
    """

    kind: str
    concurrency: int
    calls: int
    calls_per_second: Spread
    p50_ms: float
    p99_ms: float
    server_cpu_ms: Spread
    client_cpu_ms: Spread


@dataclass(frozen=True, slots=True)
class _Repeat:
    latencies: list[float]
    seconds: float
    server_cpu: float
    client_cpu: float


async def measure(directory: Path, plan: Plan) -> list[EchoCell]:
    """Measure every kind at every concurrency, the repeats interleaved.

    Args:
        directory: for the server's log.
        plan: how long and how often.
    """
    async with mesh.echo_server(directory) as (line, pid):
        place = json.loads(line)
        async with _stubs(place) as stubs:
            found: dict[tuple[str, int], list[_Repeat]] = {}
            for _ in range(plan.repeats):
                for kind in KINDS:
                    for concurrency in plan.concurrencies:
                        repeat = await _repeat(stubs[kind], concurrency, plan, pid)
                        found.setdefault((kind, concurrency), []).append(repeat)
    return [_cell(*key, repeats) for key, repeats in found.items()]


@asynccontextmanager
async def _stubs(place: dict[str, str]) -> AsyncIterator[dict[str, IntentServiceStub]]:
    """A stub of each kind, connected and warm."""
    keys = KeyPair(Path(place["cert"]), Path(place["key"]), Path(place["ca"]))
    credentials = keys.channel_credentials()
    channels = {kind: grpc.aio.secure_channel(place[kind], credentials) for kind in KINDS}
    try:
        stubs = {kind: IntentServiceStub(channel) for kind, channel in channels.items()}
        for stub in stubs.values():
            for _ in range(WARM_CALLS):
                await _ask(stub)
        yield stubs
    finally:
        for channel in channels.values():
            await channel.close()


async def _ask(stub: IntentServiceStub) -> float:
    """Call once; the seconds that it took."""
    began = time.perf_counter()
    await stub.Classify(REQUEST, timeout=CALL_SECONDS)
    return time.perf_counter() - began


async def _repeat(stub: IntentServiceStub, concurrency: int, plan: Plan, pid: int) -> _Repeat:
    server, client = cpu_seconds({"echo": pid})["echo"], time.process_time()
    latencies, seconds = await drive(
        concurrency, plan.echo_seconds, plan.most_calls, lambda _: _ask(stub)
    )
    client_cpu = time.process_time() - client
    return _Repeat(latencies, seconds, cpu_seconds({"echo": pid})["echo"] - server, client_cpu)


def _cell(kind: str, concurrency: int, repeats: list[_Repeat]) -> EchoCell:
    pooled = [latency * 1000 for repeat in repeats for latency in repeat.latencies]
    return EchoCell(
        kind=kind,
        concurrency=concurrency,
        calls=len(pooled),
        calls_per_second=spread([len(each.latencies) / each.seconds for each in repeats]),
        p50_ms=percentile(pooled, 0.5),
        p99_ms=percentile(pooled, 0.99),
        server_cpu_ms=spread([e.server_cpu * 1000 / len(e.latencies) for e in repeats]),
        client_cpu_ms=spread([e.client_cpu * 1000 / len(e.latencies) for e in repeats]),
    )
