"""Generate for many who ask the same: one call to the provider, one account of it."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from kefu.errors import ModelUnavailable
from kefu.generation.v1 import generation_pb2 as pb
from kefu.generation.v1.generation_pb2_grpc import GenerationServiceStub

from services.generation.__main__ import build
from services.generation.settings import Settings
from services.generation.usage import estimate_tokens
from tests.rpc.generation.samples import (
    PASSAGES,
    SECONDS,
    TENANT,
    question,
    read,
    with_model,
)
from tests.rpc.generation.tables import entry, serving_table
from tests.stubs.behaviour import Behaviour, Fault
from tests.stubs.model_server import ModelServer
from tests.support.mesh import Served, error_of, serve

SLOW = Behaviour(first_token_seconds=0.2, token_seconds=0.005)
"""Slow enough for all of a test's calls to meet."""


@pytest.fixture
async def server(model: ModelServer) -> AsyncIterator[Served]:
    """The service, waiting longer for the next word than any test lets it."""
    patient = {"chat_first_token_seconds": 9, "chat_between_tokens_seconds": 9}
    async with serve("generation", build, Settings, **with_model(model, **patient)) as served:
        yield served


async def test_identical_questions_in_flight_are_one_call(
    server: Served, model: ModelServer
) -> None:
    """Each has the whole answer and its citations; one is told the price, the others shared it."""
    model.default = SLOW
    stub = server.stub(GenerationServiceStub, role="session")
    calls = [read(stub.Generate(question(), timeout=SECONDS)) for _ in range(8)]
    answers = await asyncio.gather(*calls)
    assert model.count == 1
    assert len({answer.text for answer in answers}) == 1
    assert all(answer.text == answer.end.text for answer in answers)
    assert all(answer.citations == answers[0].citations for answer in answers)
    assert answers[0].citations
    assert sorted(answer.end.shared for answer in answers) == [False] + [True] * 7
    for answer in answers:
        assert bool(answer.end.usage.input_tokens) is not answer.end.shared
        assert [delta.sequence for delta in answer.deltas] == [*range(1, len(answer.deltas) + 1)]


async def test_who_comes_late_gets_what_was_written_at_once(
    server: Served, model: ModelServer
) -> None:
    """The provider stands still in the middle; the late one has read as much as the first."""
    model.default = Behaviour(fault=Fault.STALL, fault_after=8)
    stub = server.stub(GenerationServiceStub, role="session")
    calls = []
    texts = []
    for _ in range(2):
        call = stub.Generate(question(), timeout=SECONDS)
        calls.append(call)
        response = await call.read()
        texts.append(response.delta.text)
    assert model.count == 1
    assert texts[1].startswith(texts[0])
    for call in calls:
        call.cancel()


async def test_the_last_one_who_leaves_closes_the_request(
    server: Served, model: ModelServer
) -> None:
    """The first who leaves does not, not even the one who asked first."""
    model.default = Behaviour(fault=Fault.STALL, fault_after=8)
    stub = server.stub(GenerationServiceStub, role="session")
    arrival = model.arrival()
    calls = [stub.Generate(question(), timeout=SECONDS) for _ in range(2)]
    for call in calls:
        await call.read()
    seen = await arrival
    calls[0].cancel()
    # Another answer, from beginning to end, is time enough to notice.
    model.default = Behaviour()
    await read(stub.Generate(question("别的问题"), timeout=SECONDS))
    assert not seen.disconnected.is_set()
    calls[1].cancel()
    async with asyncio.timeout(1):
        await seen.disconnected.wait()


async def test_a_failure_reaches_all_of_them(server: Served, model: ModelServer) -> None:
    """And is not remembered."""
    model.default = Behaviour(status=400, headers_seconds=0.2)
    stub = server.stub(GenerationServiceStub, role="session")
    calls = [
        error_of(stub.Generate(question(require_model=True), timeout=SECONDS)) for _ in range(3)
    ]
    errors = await asyncio.gather(*calls)
    assert [type(error) for error in errors] == [ModelUnavailable] * 3
    assert model.count == 1
    model.default = Behaviour()
    answer = await read(stub.Generate(question(require_model=True), timeout=SECONDS))
    assert answer.end.mode == pb.ANSWER_MODE_MODEL


async def test_an_answer_of_a_moment_ago_is_given_again(server: Served, model: ModelServer) -> None:
    """With its words and its citations, for nothing, and it says so."""
    stub = server.stub(GenerationServiceStub, role="session")
    first = await read(stub.Generate(question("怎么退货?"), timeout=SECONDS))
    second = await read(stub.Generate(question("怎么退貨？"), timeout=SECONDS))
    assert model.count == 1
    assert second.cited() == first.cited()
    assert (first.end.shared, second.end.shared) == (False, True)
    assert second.end.usage.input_tokens == 0
    assert second.text == second.end.text == first.text
    assert second.end.finish_reason == pb.GenerationCompleted.FINISH_REASON_STOP
    assert second.end.prompt_version == first.end.prompt_version
    assert ["shared" in event.labels for event in server.spooled()] == [False, True]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"text": "能退货吗?"}, {"text": "不能退货吗?"}),
        ({"text": "买2件包邮吗"}, {"text": "买3件包邮吗"}),
        ({"text": "L码能换吗"}, {"text": "XL码能换吗"}),
        ({"text": "SO20260001能退吗"}, {"text": "SO20260001能退吗"}),
        ({"tenant": "tenants/shop"}, {"tenant": "tenants/bank"}),
        ({"passages": PASSAGES}, {"passages": PASSAGES[::-1]}),
        ({}, {"language_code": "en"}),
        ({}, {"history": [pb.Round(customer="你好", reply="您好")]}),
        (
            {"history": [pb.Round(customer="a", reply="b")]},
            {"history": [pb.Round(customer="a", reply="b")]},
        ),
    ],
)
async def test_what_is_not_the_same_is_asked_again(
    server: Served, model: ModelServer, first: dict[str, object], second: dict[str, object]
) -> None:
    """Another number, size, word, tenant, order, language; and what belongs to one customer."""
    stub = server.stub(GenerationServiceStub, role="session")
    for fields in (first, second):
        answer = await read(stub.Generate(question(**fields), timeout=SECONDS))  # type: ignore[arg-type]
        assert not answer.end.shared
    assert model.count == 2


async def test_a_degraded_answer_is_not_given_again(server: Served, model: ModelServer) -> None:
    """The provider may be well again with the next question."""
    model.next.append(Behaviour(status=400))
    stub = server.stub(GenerationServiceStub, role="session")
    first = await read(stub.Generate(question(), timeout=SECONDS))
    second = await read(stub.Generate(question(), timeout=SECONDS))
    assert [each.end.mode for each in (first, second)] == [
        pb.ANSWER_MODE_EXTRACTIVE,
        pb.ANSWER_MODE_MODEL,
    ]


async def test_answers_are_remembered_as_long_as_the_settings_say(model: ModelServer) -> None:
    """Not at all, here."""
    settings = with_model(model, answer_cache_seconds=0)
    async with serve("generation", build, Settings, **settings) as server:
        stub = server.stub(GenerationServiceStub, role="session")
        for _ in range(2):
            answer = await read(stub.Generate(question(), timeout=SECONDS))
            assert not answer.end.shared
    assert model.count == 2


async def test_the_prompt_stays_under_its_budget(model: ModelServer) -> None:
    """The last passages and the oldest rounds are not sent, and markers still fit."""
    passages = [
        pb.Passage(document=f"d{n}", text=f"第{n}条。" + "很长的话，" * 40) for n in range(10)
    ]
    history = [pb.Round(customer=f"问{n}" + "啊" * 100, reply="好。") for n in range(6)]
    async with serve(
        "generation", build, Settings, **with_model(model, prompt_tokens=1000)
    ) as server:
        stub = server.stub(GenerationServiceStub, role="session")
        request = question("第0条是什么?", passages=passages, history=history)
        answer = await read(stub.Generate(request, timeout=SECONDS))
    data = json.loads(model.seen[0].body["messages"][1]["content"])
    sent = [passage["text"] for passage in data["passages"]]
    assert 0 < len(sent) < 10
    assert sent[0] == passages[0].text
    assert data["conversation"][-1]["customer"] == history[-1].customer
    assert len(data["conversation"]) < 6
    assert sum(map(len, sent)) < 1000
    assert answer.cited()[0][0] == "d0"


async def test_the_prompt_fits_the_smallest_window_of_its_providers(
    model: ModelServer, tmp_path: Path
) -> None:
    """Whoever has to step in can read it, and still has room to write."""
    passages = [pb.Passage(document=f"d{n}", text="很长的话。" * 100) for n in range(5)]
    entries = [entry(model, "large"), entry(model, "small", context_tokens=1700)]
    async with serving_table(tmp_path, *entries) as server:
        stub = server.stub(GenerationServiceStub, role="session")
        await read(stub.Generate(question(passages=passages), timeout=SECONDS))
    sent = model.seen[0].body["messages"]
    tokens = sum(estimate_tokens(message["content"]) for message in sent)
    assert 1000 < tokens <= 1700 - model.seen[0].body["max_tokens"]


async def test_a_long_conversation_is_summarised_once_a_step(
    server: Served, model: ModelServer
) -> None:
    """Four turns use the same summary of the rounds before their window."""
    stub = server.stub(GenerationServiceStub, role="session")
    summaries = []
    for rounds in range(5, 12):
        history = [pb.Round(customer=f"问{n}", reply=f"答{n}") for n in range(rounds)]
        await read(stub.Generate(question(f"还有呢{rounds}", history=history), timeout=SECONDS))
    for seen in model.seen:
        data = json.loads(seen.body["messages"][1]["content"])
        if "summary_language" in data:
            summaries.append(data["conversation"])
        else:
            assert len(data["conversation"]) <= 7
    assert [len(each) for each in summaries] == [4, 8]


async def test_summaries_and_choices_in_flight_are_one_call_too(
    server: Served, model: ModelServer
) -> None:
    """Each gets the same, and one of them the account."""
    model.default = Behaviour(answer="1", first_token_seconds=0.2)
    choose = server.stub(GenerationServiceStub, role="intent").Choose
    summarize = server.stub(GenerationServiceStub, role="session").Summarize
    choice = pb.ChooseRequest(
        tenant=TENANT, text="怎么退货", choices=[pb.Choice(choice="returns", description="退货")]
    )
    summary = pb.SummarizeRequest(tenant=TENANT, rounds=[pb.Round(customer="我要退款")])
    for call, request in ((choose, choice), (summarize, summary)):
        before = model.count
        found = await asyncio.gather(*[call(request, timeout=SECONDS) for _ in range(4)])
        assert model.count == before + 1
        assert sorted(each.usage.input_tokens > 0 for each in found) == [False] * 3 + [True]
    assert {each.summary for each in found} == {"1"}
