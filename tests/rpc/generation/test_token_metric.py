"""The metric of tokens has every request that was settled, whatever it was for."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from kefu.generation.v1 import generation_pb2 as pb
from kefu.generation.v1.generation_pb2_grpc import GenerationServiceStub
from kefu.type.v1.understanding_pb2 import Usage
from prometheus_client import REGISTRY

from services.mesh import names
from tests.rpc.generation.samples import SECONDS, TENANT, question, read
from tests.rpc.generation.tables import entry, serving_table
from tests.stubs.behaviour import Behaviour, Fault
from tests.stubs.model_server import ModelServer
from tests.support.mesh import Served


def tokens(provider: str) -> tuple[float, float]:
    """Tokens of a provider's so far, in and out."""
    model = "stub-embedding" if provider == "vectors" else f"{provider}-model"
    into, out = (
        REGISTRY.get_sample_value(
            f"{names.TOKENS}_total", {"provider": provider, "model": model, "direction": direction}
        )
        for direction in ("input", "output")
    )
    return into or 0, out or 0


async def generate(server: Served) -> Usage:
    """Ask for an answer."""
    stub = server.stub(GenerationServiceStub, role="session")
    return (await read(stub.Generate(question(), timeout=SECONDS))).end.usage


async def summarize(server: Served) -> Usage:
    """Ask for a summary."""
    rounds = [pb.Round(customer="我的订单还没到", reply="正在查询。")]
    request = pb.SummarizeRequest(tenant=TENANT, rounds=rounds)
    stub = server.stub(GenerationServiceStub, role="session")
    return (await stub.Summarize(request, timeout=SECONDS)).usage


async def choose(server: Served) -> Usage:
    """Ask for a choice."""
    choices = [pb.Choice(choice="cancel", description="cancel")]
    request = pb.ChooseRequest(tenant=TENANT, text="别寄了", choices=choices)
    stub = server.stub(GenerationServiceStub, role="intent")
    return (await stub.Choose(request, timeout=SECONDS)).usage


@pytest.mark.parametrize("ask", [generate, summarize, choose])
async def test_what_each_method_used_is_counted_once(
    model: ModelServer, tmp_path: Path, ask: Callable[[Served], Awaitable[Usage]]
) -> None:
    """As much as the result says, of the provider that wrote."""
    model.default = Behaviour(answer="1")
    async with serving_table(tmp_path, entry(model, "counted")) as server:
        before = tokens("counted")
        usage = await ask(server)
        after = tokens("counted")
    assert usage.input_tokens > 0
    assert (after[0] - before[0], after[1] - before[1]) == (usage.input_tokens, usage.output_tokens)


async def test_vectors_are_counted(model: ModelServer, tmp_path: Path) -> None:
    """What is read costs, though nothing is written."""
    async with serving_table(tmp_path, entry(model, "counted")) as server:
        before = tokens("vectors")
        request = pb.EmbedRequest(tenant=TENANT, purpose=pb.EMBED_PURPOSE_QUERY, texts=["怎么退货"])
        stub = server.stub(GenerationServiceStub, role="session")
        await stub.Embed(request, timeout=SECONDS)
        after = tokens("vectors")
    assert after[0] > before[0]
    assert after[1] == before[1]


async def test_a_failed_attempt_is_counted_where_it_cost(
    model: ModelServer, tmp_path: Path
) -> None:
    """Who was kept waiting without a word may have been worked for; who was refused was not."""
    model.next.extend([Behaviour(fault=Fault.STALL, fault_after=0), Behaviour(status=500)])
    table = [entry(model, name) for name in ("slow", "broken", "counted")]
    async with serving_table(tmp_path, *table) as server:
        before = {name: tokens(name) for name in ("slow", "broken", "counted")}
        await generate(server)
        after = {name: tokens(name) for name in before}
    assert after["slow"][0] > before["slow"][0]
    assert after["broken"] == before["broken"]
    assert after["counted"][1] > before["counted"][1]
