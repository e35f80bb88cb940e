"""Embed through the front door: the local model, or a provider's endpoint."""

import asyncio

import numpy as np
import numpy.typing as npt
import pytest
from kefu.errors import InvalidRequest, MethodNotAllowed, ModelUnavailable
from kefu.generation.v1 import generation_pb2 as pb
from kefu.generation.v1.generation_pb2_grpc import GenerationServiceStub

from tests.rpc.generation.limited import generation, replicas, until_under_way
from tests.rpc.generation.samples import KEY, SECONDS, TENANT, question, read
from tests.stubs.behaviour import Behaviour, Fault
from tests.stubs.model_server import ModelServer
from tests.support.mesh import Served, error_of


def texts(
    *texts: str, purpose: pb.EmbedPurpose.ValueType = pb.EMBED_PURPOSE_QUERY
) -> pb.EmbedRequest:
    """A request for vectors."""
    return pb.EmbedRequest(tenant=TENANT, texts=texts, purpose=purpose)


def vectors(response: pb.EmbedResponse) -> npt.NDArray[np.float32]:
    """Read the vectors as callers do: shape (n, dimensions)."""
    return np.stack([np.frombuffer(each.vector, "<f4") for each in response.embeddings])


async def test_the_local_model_gives_unit_vectors_in_order(lonely_server: Served) -> None:
    """One vector a text, 384 long, named after its model, the same for the same text."""
    stub = lonely_server.stub(GenerationServiceStub, role="session")
    response = await stub.Embed(texts("怎么退货", "运费", "怎么退货"), timeout=SECONDS)
    found = vectors(response)
    assert found.shape == (3, 384)
    assert np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-5)
    assert (found[0] == found[2]).all()
    assert {each.model for each in response.embeddings} == {"multilingual-e5-small-int8"}


async def test_query_and_passage_differ(lonely_server: Served) -> None:
    """The purpose reaches the model."""
    stub = lonely_server.stub(GenerationServiceStub, role="knowledge")
    query = await stub.Embed(texts("退货"), timeout=SECONDS)
    passage = await stub.Embed(texts("退货", purpose=pb.EMBED_PURPOSE_PASSAGE), timeout=SECONDS)
    assert query.embeddings[0].vector != passage.embeddings[0].vector


async def test_a_known_text_is_not_computed_again(lonely_server: Served) -> None:
    """A long text takes a while the first time and nothing the second."""
    stub = lonely_server.stub(GenerationServiceStub, role="session")
    loop = asyncio.get_running_loop()
    durations = []
    for _ in range(2):
        started = loop.time()
        await stub.Embed(texts("退款流程说明，" * 60), timeout=SECONDS)
        durations.append(loop.time() - started)
    assert durations[1] < durations[0] / 3


async def test_other_calls_go_on_while_it_computes(lonely_server: Served) -> None:
    """An answer is given while the worker thread is busy with an import."""
    stub = lonely_server.stub(GenerationServiceStub, role="session")
    sections = [f"第{n}段。" + "退款流程说明，" * 20 for n in range(30)]
    importing = asyncio.ensure_future(
        stub.Embed(texts(*sections, purpose=pb.EMBED_PURPOSE_PASSAGE), timeout=SECONDS)
    )
    await read(stub.Generate(question(), timeout=SECONDS))
    assert not importing.done()
    importing.cancel()


async def test_a_provider_s_vectors_are_normalised_and_named(
    server: Served, model: ModelServer
) -> None:
    """The endpoint is asked once for all that is new, with its own key."""
    stub = server.stub(GenerationServiceStub, role="session")
    response = await stub.Embed(texts("怎么退货", "运费"), timeout=SECONDS)
    assert np.linalg.norm(vectors(response), axis=1) == pytest.approx(1, abs=1e-5)
    assert response.embeddings[0].model == "stub-embedding"
    await stub.Embed(texts("运费", "新"), timeout=SECONDS)
    assert [seen.body["input"] for seen in model.seen] == [["怎么退货", "运费"], ["新"]]
    assert model.seen[0].headers["Authorization"] == f"Bearer {KEY}"


async def test_what_vectors_cost_is_told(server: Served, model: ModelServer) -> None:
    """By the provider's own count, and by whom; what is known costs nothing and asks nobody."""
    stub = server.stub(GenerationServiceStub, role="session")
    response = await stub.Embed(texts("怎么退货退款", "运费谁来出"), timeout=SECONDS)
    counted = len("怎么退货退款") // 3 + len("运费谁来出") // 3
    assert response.provider == "default-embedding"
    assert (response.usage.model, response.usage.estimated) == ("stub-embedding", False)
    assert (response.usage.input_tokens, response.usage.output_tokens) == (counted, 0)
    assert (response.usage.price_micros, response.usage.currency_code) == (counted, "CNY")
    response = await stub.Embed(texts("运费谁来出"), timeout=SECONDS)
    assert (response.provider, response.usage.HasField("input_tokens")) == ("", False)
    response = await stub.Embed(texts("运费谁来出", "新的问题来了"), timeout=SECONDS)
    assert response.usage.input_tokens == len("新的问题来了") // 3
    assert model.count == 2


async def test_without_the_provider_s_count_tokens_are_estimated(
    server: Served, model: ModelServer
) -> None:
    """Rather too high than too low, and said to be estimated."""
    model.default = Behaviour(usage=False)
    stub = server.stub(GenerationServiceStub, role="session")
    usage = (await stub.Embed(texts("怎么退货退款"), timeout=SECONDS)).usage
    assert usage.estimated
    assert usage.price_micros == usage.input_tokens >= len("怎么退货退款")


async def test_the_local_model_costs_nothing(lonely_server: Served) -> None:
    """There are no numbers to tell, and no provider."""
    stub = lonely_server.stub(GenerationServiceStub, role="session")
    response = await stub.Embed(texts("怎么退货"), timeout=SECONDS)
    assert (response.provider, response.usage.HasField("input_tokens")) == ("", False)


async def test_callers_at_the_same_time_are_served_together(model: ModelServer) -> None:
    """The first one goes out alone, the others meanwhile together, and a shared text once."""
    model.answering.clear()
    async with replicas(model, embedding_batch_milliseconds=1000) as (server,):
        arrival = model.arrival()
        calls = [generation(server).Embed(texts("0"), timeout=SECONDS)]
        await arrival
        for n in range(1, 9):
            calls.append(generation(server).Embed(texts(f"{n}", "everybody's"), timeout=SECONDS))
        await until_under_way(len(calls))
        model.answering.set()
        responses = [await call for call in calls]
    first, others = [seen.body["input"] for seen in model.seen]
    assert first == ["0"]
    assert sorted(others) == sorted([*map(str, range(1, 9)), "everybody's"])
    assert len({response.embeddings[-1].vector for response in responses[1:]}) == 1


@pytest.mark.parametrize(
    ("behaviour", "cause"),
    [
        (Behaviour(status=429, retry_after_seconds=30), "rate_limited"),
        (Behaviour(status=500), "provider_error"),
        (Behaviour(fault=Fault.BROKEN_JSON), "broken_response"),
    ],
)
async def test_a_failing_endpoint_is_a_typed_error(
    server: Served, model: ModelServer, behaviour: Behaviour, cause: str
) -> None:
    """No vector of another model is given in its place: they never meet in one index."""
    model.default = behaviour
    stub = server.stub(GenerationServiceStub, role="session")
    error = await error_of(stub.Embed(texts("a"), timeout=SECONDS))
    assert isinstance(error, ModelUnavailable)
    assert error.metadata["cause"] == cause
    assert error.retry_after_seconds == behaviour.retry_after_seconds


@pytest.mark.parametrize(
    "request_",
    [
        texts(),
        texts(""),
        texts("a" * 8001),
        texts(*["a"] * 257),
        texts("a", purpose=pb.EMBED_PURPOSE_UNSPECIFIED),
    ],
)
async def test_bad_requests_are_refused(server: Served, request_: pb.EmbedRequest) -> None:
    """Nothing to embed, too much of it, or no purpose."""
    stub = server.stub(GenerationServiceStub, role="session")
    assert isinstance(await error_of(stub.Embed(request_, timeout=SECONDS)), InvalidRequest)


async def test_strangers_are_refused(server: Served) -> None:
    """A channel talks to the session service, never to the models."""
    stub = server.stub(GenerationServiceStub, role="channel")
    assert isinstance(await error_of(stub.Embed(texts("a"), timeout=SECONDS)), MethodNotAllowed)
