"""Personal data never leaves the mesh, and the customer reads it all the same."""

import json
from pathlib import Path

import pytest
from kefu.generation.v1 import generation_pb2 as pb
from kefu.generation.v1.generation_pb2_grpc import GenerationServiceStub
from prometheus_client import REGISTRY, generate_latest

from services.generation.__main__ import build
from services.generation.settings import Settings
from tests.rpc.generation.samples import KEY, SECONDS, TENANT, question, read, with_model
from tests.rpc.generation.tables import entry, serving_table
from tests.stubs.behaviour import Behaviour
from tests.stubs.dify_server import dify_server
from tests.stubs.model_server import ModelServer, model_server
from tests.support.mesh import Served, serve

MOBILE = "13800138000"
PERSONAL = {
    "ID": "11010519491231002X",
    "MOBILE": MOBILE,
    "CARD": "6222 0230 7418 5296 300",
    "EMAIL": "li.lei@example.com",
    "ADDRESS": "北京市朝阳区建国路88号",
    "NAME": "李雷",
}
ALL_OF_IT = f"收件人：{PERSONAL['NAME']}，寄到{PERSONAL['ADDRESS']}，证件{PERSONAL['ID']}，" + (
    f"电话{MOBILE}，卡号{PERSONAL['CARD']}，邮箱{PERSONAL['EMAIL']}，怎么退货?"
)
SERVICE_LINE = pb.Passage(
    document=f"{TENANT}/knowledgeBases/help/documents/line",
    revision="c" * 64,
    title="电话",
    text=f"退货请拨打{MOBILE}。",
)


def seen(model: ModelServer) -> str:
    """All that a provider was ever sent."""
    return json.dumps([each.body for each in model.seen], ensure_ascii=False)


async def test_an_outside_provider_gets_placeholders(server: Served, model: ModelServer) -> None:
    """In the question, in earlier rounds and in passages; one value has one of them."""
    stub = server.stub(GenerationServiceStub, role="session")
    history = [pb.Round(customer=f"我的电话是{MOBILE}", reply=f"已记下{MOBILE}。")]
    await read(
        stub.Generate(
            question(ALL_OF_IT, history=history, passages=[SERVICE_LINE]), timeout=SECONDS
        )
    )
    for value in PERSONAL.values():
        assert value not in seen(model)
    data = json.loads(model.seen[-1].body["messages"][1]["content"])
    assert data["conversation"] == [
        {"customer": "我的电话是⟦MOBILE_1⟧", "reply": "已记下⟦MOBILE_1⟧。"}
    ]
    assert data["customer_question"] == (
        "收件人：⟦NAME_1⟧，寄到⟦ADDRESS_1⟧，证件⟦ID_1⟧，电话⟦MOBILE_1⟧，卡号⟦CARD_1⟧，邮箱⟦EMAIL_1⟧，怎么退货?"
    )
    assert data["passages"][0]["text"] == "退货请拨打⟦MOBILE_1⟧。"
    assert data["passages"][0]["marker"] == "[1]"


@pytest.mark.parametrize("characters", [1, 4, 1000])
async def test_the_customer_gets_the_value_back(
    server: Served, model: ModelServer, characters: int
) -> None:
    """However the answer is cut into pieces; its citation is of the words with the value."""
    model.default = Behaviour(chunk_characters=characters)
    stub = server.stub(GenerationServiceStub, role="session")
    streamed = await read(
        stub.Generate(question("退货打哪个电话?", passages=[SERVICE_LINE]), timeout=SECONDS)
    )
    assert MOBILE not in seen(model)
    assert streamed.text == streamed.end.text == f"退货请拨打{MOBILE}。"
    assert streamed.end.mode == pb.ANSWER_MODE_MODEL
    assert streamed.cited() == [("line", f"退货请拨打{MOBILE}。", f"退货请拨打{MOBILE}。")]


async def test_variants_are_understood(server: Served, model: ModelServer) -> None:
    """The customer sees no placeholder, whatever the model makes of it."""
    model.default = Behaviour(answer="退货请拨打 [mobile\\_1][1]。", chunk_characters=3)
    stub = server.stub(GenerationServiceStub, role="session")
    streamed = await read(
        stub.Generate(question("退货打哪个电话?", passages=[SERVICE_LINE]), timeout=SECONDS)
    )
    assert streamed.text == f"退货请拨打 {MOBILE}。"


async def test_a_sentence_whose_placeholder_is_lost_is_withheld(
    server: Served, model: ModelServer
) -> None:
    """What would be left of it, 退货请拨打, looks whole."""
    model.default = Behaviour(answer="退货请拨打⟦MOBILE_7⟧[1]。", chunk_characters=3)
    stub = server.stub(GenerationServiceStub, role="session")
    streamed = await read(
        stub.Generate(question("退货打哪个电话?", passages=[SERVICE_LINE]), timeout=SECONDS)
    )
    assert streamed.end.degraded_reason == "personal_data"
    assert streamed.text == f"您好，为您查到：退货请拨打{MOBILE}。"


async def test_a_customer_s_placeholder_is_only_text(server: Served, model: ModelServer) -> None:
    """It stands for itself, not for the value that it names."""
    stub = server.stub(GenerationServiceStub, role="session")
    await read(
        stub.Generate(question("⟦MOBILE_1⟧是谁的?", passages=[SERVICE_LINE]), timeout=SECONDS)
    )
    data = json.loads(model.seen[-1].body["messages"][1]["content"])
    assert data["customer_question"] == "⟦TEXT_1⟧是谁的?"


async def test_an_internal_provider_gets_the_text_itself(model: ModelServer) -> None:
    """Where the model runs in the company, nothing has to be hidden from it."""
    async with serve("generation", build, Settings, **with_model(model, chat_internal=True)) as own:
        stub = own.stub(GenerationServiceStub, role="session")
        await read(stub.Generate(question(ALL_OF_IT), timeout=SECONDS))
    for value in PERSONAL.values():
        assert value in seen(model)
    assert "⟦" not in model.seen[-1].body["messages"][1]["content"]


async def test_each_provider_gets_what_it_may_get(tmp_path: Path, model: ModelServer) -> None:
    """The outside one fails and has seen placeholders; the internal one answers from the text."""
    model.default = Behaviour(status=500)
    async with (
        model_server() as internal,
        serving_table(
            tmp_path, entry(model, "outside"), entry(internal, "inside", internal=True)
        ) as served,
    ):
        stub = served.stub(GenerationServiceStub, role="session")
        asked = question("退货打哪个电话?", passages=[SERVICE_LINE])
        streamed = await read(stub.Generate(asked, timeout=SECONDS))
    assert MOBILE not in seen(model)
    assert "⟦MOBILE_1⟧" in seen(model)
    assert MOBILE in seen(internal)
    assert streamed.text == f"退货请拨打{MOBILE}。"


async def test_a_dify_app_gets_placeholders_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The query is a text for it, with the same document inside."""
    monkeypatch.setenv("DIFY_APP_KEY", KEY)
    async with dify_server() as dify:
        app = entry(dify, "app", kind="dify", api_key_env="DIFY_APP_KEY")
        async with serving_table(tmp_path, app) as served:
            stub = served.stub(GenerationServiceStub, role="session")
            asked = question(ALL_OF_IT, passages=[SERVICE_LINE])
            streamed = await read(stub.Generate(asked, timeout=SECONDS))
        sent = seen(dify)
    assert not [value for value in PERSONAL.values() if value in sent]
    assert "⟦CARD_1⟧" in sent
    assert streamed.text == f"退货请拨打{MOBILE}。"


async def test_summaries_and_choices_are_made_without_values(
    server: Served, model: ModelServer
) -> None:
    """The colleague who takes over reads the number; the model never did."""
    model.default = Behaviour(answer="客户留了电话⟦MOBILE_1⟧⟦EMAIL_1⟧。")
    stub = server.stub(GenerationServiceStub, role="session")
    rounds = [pb.Round(customer=f"打{MOBILE}", reply="好的。")]
    summary = await stub.Summarize(
        pb.SummarizeRequest(tenant=TENANT, rounds=rounds), timeout=SECONDS
    )
    assert summary.summary == f"客户留了电话{MOBILE}。"
    model.default = Behaviour(answer="1")
    chosen = await server.stub(GenerationServiceStub, role="intent").Choose(
        pb.ChooseRequest(
            tenant=TENANT,
            text=f"打{MOBILE}",
            choices=[pb.Choice(choice="call", description="call")],
        ),
        timeout=SECONDS,
    )
    assert chosen.choice == "call"
    assert MOBILE not in seen(model)


async def test_vectors_are_made_without_values(server: Served, model: ModelServer) -> None:
    """Texts of vectors go to a provider as well; nothing comes back that could be restored."""
    stub = server.stub(GenerationServiceStub, role="session")
    request = pb.EmbedRequest(
        tenant=TENANT, texts=[f"打{MOBILE}", "怎么退货"], purpose=pb.EMBED_PURPOSE_QUERY
    )
    response = await stub.Embed(request, timeout=SECONDS)
    assert len(response.embeddings) == 2
    assert model.seen[-1].body["input"] == ["打⟦MOBILE_1⟧", "怎么退货"]


async def test_order_numbers_are_hidden_by_the_patterns_of_the_settings(
    model: ModelServer,
) -> None:
    """No form of them is everybody's."""
    text = "订单SO20261234怎么退货?"
    for patterns, sent in ((["SO[0-9]{8}"], "订单⟦ORDER_1⟧怎么退货?"), ([], text)):
        settings = with_model(model, order_number_patterns=patterns)
        async with serve("generation", build, Settings, **settings) as served:
            stub = served.stub(GenerationServiceStub, role="session")
            await read(stub.Generate(question(text), timeout=SECONDS))
        data = json.loads(model.seen[-1].body["messages"][1]["content"])
        assert data["customer_question"] == sent


async def test_no_value_stands_in_metrics_or_audit_records(
    server: Served, model: ModelServer
) -> None:
    """What is counted and recorded of a call holds none of its text."""
    stub = server.stub(GenerationServiceStub, role="session")
    await read(stub.Generate(question(ALL_OF_IT), timeout=SECONDS))
    assert model.seen
    written = generate_latest(REGISTRY).decode() + str(server.spooled())
    for value in PERSONAL.values():
        assert value not in written
