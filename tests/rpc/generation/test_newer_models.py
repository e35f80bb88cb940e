"""Models that take other parameters than most: OpenAI's newer ones, through the front door."""

from pathlib import Path
from typing import Any

import pytest
from kefu.generation.v1 import generation_pb2 as pb
from kefu.generation.v1.generation_pb2_grpc import GenerationServiceStub

from services.generation.__main__ import build
from services.generation.settings import Settings
from tests.rpc.generation.samples import SECONDS, TENANT, question, read, with_model
from tests.rpc.generation.tables import entry, serving_table
from tests.stubs.behaviour import Behaviour
from tests.stubs.model_server import ModelServer
from tests.support.mesh import Served, serve

NEWER: dict[str, Any] = {"max_tokens_parameter": "max_completion_tokens", "temperature": None}
CHOICE = pb.ChooseRequest(
    tenant=TENANT, text="别寄了", choices=[pb.Choice(choice="cancel", description="cancel")]
)


@pytest.fixture(autouse=True)
def _newer(model: ModelServer) -> None:
    """The provider's model refuses `max_tokens`, and every temperature but its own."""
    model.default = Behaviour(newer=True)


async def mode(server: Served) -> tuple[int, str]:
    """Who answered a question, and why nobody did."""
    stub = server.stub(GenerationServiceStub, role="session")
    end = (await read(stub.Generate(question(), timeout=SECONDS))).end
    return end.mode, end.degraded_reason


@pytest.mark.parametrize("missing", NEWER)
async def test_a_newer_model_refuses_what_others_want(
    model: ModelServer, tmp_path: Path, missing: str
) -> None:
    """One of the two settings is not enough."""
    settings = {name: value for name, value in NEWER.items() if name != missing}
    async with serving_table(tmp_path, entry(model, "main", **settings)) as server:
        assert await mode(server) == (pb.ANSWER_MODE_EXTRACTIVE, "refused")


async def test_a_provider_may_be_told_how_to_ask(model: ModelServer, tmp_path: Path) -> None:
    """By its entry in the table: the limit has its new name, and no temperature is sent."""
    async with serving_table(tmp_path, entry(model, "main", max_tokens=900, **NEWER)) as server:
        assert await mode(server) == (pb.ANSWER_MODE_MODEL, "")
    body = model.seen[-1].body
    assert body["max_completion_tokens"] == 900
    assert not {"max_tokens", "temperature"} & body.keys()


async def test_the_one_provider_of_the_settings_may_be_told_too(
    model: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty temperature is none."""
    monkeypatch.setenv("KEFU_CHAT_TEMPERATURE", "")
    monkeypatch.setenv("KEFU_CHAT_MAX_TOKENS_PARAMETER", "max_completion_tokens")
    async with serve("generation", build, Settings, **with_model(model)) as server:
        assert await mode(server) == (pb.ANSWER_MODE_MODEL, "")


async def test_who_thinks_before_a_choice_is_left_the_room(
    model: ModelServer, tmp_path: Path
) -> None:
    """What it thinks counts as what it writes, and a number alone has 16 tokens elsewhere."""
    model.default = Behaviour(newer=True, answer="1")
    async with serving_table(tmp_path, entry(model, "main", max_tokens=900, **NEWER)) as server:
        stub = server.stub(GenerationServiceStub, role="intent")
        assert (await stub.Choose(CHOICE, timeout=SECONDS)).choice == "cancel"
    assert model.seen[-1].body["max_completion_tokens"] == 900
    assert "temperature" not in model.seen[-1].body
