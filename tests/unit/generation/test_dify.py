"""A Dify app's conversation, and its account of itself."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from services.generation.chat import Caller, Writing
from services.generation.connections import Connections
from services.generation.dialogue import Finish
from services.generation.gateway import Gateway
from services.generation.provider_table import Use, load
from tests.stubs.behaviour import Behaviour
from tests.stubs.dify_server import DifyServer, dify_server

MESSAGES = [{"role": "system", "content": "Answer."}, {"role": "user", "content": "{}"}]


@pytest.fixture
async def dify() -> AsyncIterator[DifyServer]:
    """A Dify server with one app."""
    async with dify_server(Behaviour(answer="Yes.")) as running:
        yield running


@pytest.fixture
async def gateway(dify: DifyServer, tmp_path: Path) -> AsyncIterator[Gateway]:
    """The gateway with the app as its only provider."""
    app = {"name": "app", "kind": "dify", "base_url": dify.base_url, "model": "helpdesk"}
    path = tmp_path / "providers.yaml"
    path.write_text(yaml.safe_dump({"providers": [app]}))
    connections = Connections(load(path))
    found = connections.gateway(Use.CHAT)
    assert found is not None
    yield found
    await connections.close()


async def written(gateway: Gateway, conversation: str = "", tenant: str = "shop") -> Writing:
    """Have an answer written, in a conversation where one is named."""
    writing = Writing(MESSAGES, Caller(tenant, ""), conversation=conversation)
    pieces = [piece async for piece in gateway.write(writing, gateway.patience)]
    assert "".join(pieces) == writing.text == "Yes."
    return writing


def sent(dify: DifyServer) -> list[str]:
    """Which conversation each request went on with."""
    return [seen.body["conversation_id"] for seen in dify.seen]


@pytest.mark.parametrize("terse", [False, True])
async def test_a_conversation_begins_and_is_gone_on_with(
    gateway: Gateway, dify: DifyServer, terse: bool
) -> None:
    """The app names it with its answer, and takes its own name with the next question."""
    gateway = gateway.terse(16) if terse else gateway
    await written(gateway, "sessions/a")
    await written(gateway, "sessions/a")
    begun, gone_on = sent(dify)
    assert begun == ""
    assert uuid.UUID(gone_on)


async def test_others_do_not_get_into_it(gateway: Gateway, dify: DifyServer) -> None:
    """Neither another tenant's of the same name, nor who names none: nobody reads another's."""
    await written(gateway, "sessions/a")
    await written(gateway, "sessions/a", tenant="bank")
    await written(gateway, "sessions/b")
    await written(gateway)
    await written(gateway)
    assert sent(dify) == [""] * 5


@pytest.mark.parametrize("terse", [False, True])
async def test_a_conversation_that_was_deleted_in_dify_begins_anew(
    gateway: Gateway, dify: DifyServer, terse: bool
) -> None:
    """Once, and that one is gone on with."""
    gateway = gateway.terse(16) if terse else gateway
    await written(gateway, "sessions/a")
    (deleted,) = dify.conversations
    dify.conversations.clear()
    await written(gateway, "sessions/a")
    await written(gateway, "sessions/a")
    (kept,) = dify.conversations
    assert sent(dify) == ["", deleted, "", kept]


@pytest.mark.parametrize("terse", [False, True])
async def test_the_end_and_the_account_are_read(gateway: Gateway, terse: bool) -> None:
    """However the answer comes."""
    gateway = gateway.terse(16) if terse else gateway
    writing = await written(gateway)
    assert writing.finish is Finish.STOP
    usage = gateway.usage(writing)
    assert (usage.model, usage.input_tokens, usage.price_micros) == ("helpdesk", 100, 1200)
