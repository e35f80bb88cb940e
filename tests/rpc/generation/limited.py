"""Replicas of the generation service with limits, and what their callers are told."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc.aio import AioRpcError
from kefu.client.status import DETAILS_KEY
from kefu.generation.v1 import generation_pb2
from kefu.generation.v1 import usage_pb2 as pb
from kefu.generation.v1.generation_pb2_grpc import GenerationServiceStub
from kefu.generation.v1.usage_pb2_grpc import GenerationUsageServiceStub
from prometheus_client import REGISTRY

from services.generation.__main__ import build
from services.generation.settings import Settings
from services.mesh import names
from tests.rpc.generation.samples import SECONDS, TENANT, Streamed, question, read, with_model
from tests.stubs.model_server import ModelServer, Seen
from tests.support.mesh import Served, serve
from tests.support.valkey import fresh_redis

TOKENS = "kefu-quota-tokens-per-minute-remaining"
MONEY = "kefu-quota-money-per-day-remaining"
CALLER = "kefu-quota-caller-requests-per-second-remaining"

_numbers = itertools.count()


@pytest.fixture
def redis_url() -> Iterator[str]:
    """An empty Redis for each test: limits that one used up are not another's."""
    with fresh_redis() as url:
        yield url


@asynccontextmanager
async def replicas(
    model: ModelServer | None, count: int = 1, /, **settings: Any
) -> AsyncIterator[list[Served]]:
    """So many replicas of the service, with one provider unless the settings name others."""
    async with AsyncExitStack() as stack:
        served: list[Served] = []
        for _ in range(count):
            beside = served[0] if served else None
            values = with_model(model, **settings) if model else settings
            replica = serve("generation", build, Settings, beside=beside, **values)
            served.append(await stack.enter_async_context(replica))
        yield served


async def until_under_way(count: int) -> None:
    """Wait until so many calls for vectors are being served in this process."""
    method = {"method": "kefu.generation.v1.GenerationService/Embed"}
    async with asyncio.timeout(SECONDS):
        while (REGISTRY.get_sample_value(names.IN_FLIGHT, method) or 0) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.001)  # a gauge has no event


def generation(server: Served, role: str = "session") -> Any:
    """The service as another one calls it."""
    return server.stub(GenerationServiceStub, role=role)


async def ask(server: Served, **fields: Any) -> tuple[Streamed, dict[str, str]]:
    """Ask something that nobody asked before; the answer, and the trailing metadata."""
    # The same question after something else: no answer from memory, and none of anybody else's.
    before = [generation_pb2.Round(customer=f"你好{next(_numbers)}", reply="您好")]
    asked = question("多久能退款?", history=before, **fields)
    call = generation(server).Generate(asked, timeout=SECONDS)
    return await read(call), dict(await call.trailing_metadata())


async def refusal(call: Any) -> tuple[status_pb2.Status, dict[str, Any]]:
    """The status of a call that is refused, and its trailing metadata."""
    with pytest.raises(AioRpcError) as refused:
        await (read(call) if hasattr(call, "__aiter__") else call)
    trailers = dict(refused.value.trailing_metadata())
    return status_pb2.Status.FromString(trailers[DETAILS_KEY]), trailers


def detail(status: status_pb2.Status, kind: type) -> Any:
    """The detail of a kind in a status; fails the test where there is none."""
    message = kind()
    assert [each for each in status.details if each.Unpack(message)]
    return message


def violation(status: status_pb2.Status) -> tuple[str, str, int]:
    """Whose limit a refusal names, which, and how much."""
    (found,) = detail(status, error_details_pb2.QuotaFailure).violations
    return found.subject, found.quota_metric, found.quota_value


def retry_seconds(status: status_pb2.Status) -> float:
    """When a refusal says to come back."""
    delay = detail(status, error_details_pb2.RetryInfo).retry_delay
    return float(delay.ToMilliseconds() / 1000)


async def usage(server: Served, **fields: Any) -> pb.GetUsageResponse:
    """The usage of the shop, as an operator sees it."""
    stub = server.stub(GenerationUsageServiceStub, role="operator")
    request = pb.GetUsageRequest(parent=TENANT, **fields)
    answer: pb.GetUsageResponse = await stub.GetUsage(request, timeout=SECONDS)
    return answer


async def one_estimate_is_paid(server: Served, seen: Seen) -> None:
    """Wait until a call whose caller left counts once, estimated, and its price is gone."""
    async with asyncio.timeout(5):
        await seen.disconnected.wait()
        while not (answer := await usage(server)).rows:
            pass
    (row,) = answer.rows
    assert (row.calls, row.estimated_calls) == (1, 1)
    async with asyncio.timeout(5):
        while 1_000_000 - row.price_micros not in [
            each.remaining for each in (await usage(server)).quotas
        ]:
            pass
