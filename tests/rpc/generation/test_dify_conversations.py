"""A Dify app goes on with the conversation that it began for one of ours."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from kefu.generation.v1 import generation_pb2 as pb
from kefu.generation.v1.generation_pb2_grpc import GenerationServiceStub
from redis import Redis

from services.generation.kept_conversations import KEPT_SECONDS
from tests.rpc.generation.limited import redis_url, replicas
from tests.rpc.generation.samples import SECONDS, Streamed, question, read
from tests.rpc.generation.tables import entry, write_table
from tests.stubs.behaviour import Behaviour
from tests.stubs.dify_server import DifyServer, dify_server
from tests.support.mesh import Served

__all__ = ["redis_url"]

A, B = "tenants/shop/sessions/a", "tenants/shop/sessions/b"


@pytest.fixture
async def dify() -> AsyncIterator[DifyServer]:
    """A Dify server with one app."""
    async with dify_server() as running:
        yield running


@asynccontextmanager
async def serving(
    folder: Path, *apps: DifyServer, count: int = 1, redis: str = ""
) -> AsyncIterator[list[Served]]:
    """Replicas of the service with apps as their providers: app-0, app-1, best first."""
    entries = [entry(app, f"app-{place}", kind="dify") for place, app in enumerate(apps)]
    table = write_table(folder, *entries)
    async with replicas(None, count, providers_file=table, redis_url=redis) as served:
        yield served


async def ask(server: Served, text: str, conversation: str = "") -> Streamed:
    """Ask a question in a conversation, and read the whole answer."""
    stub = server.stub(GenerationServiceStub, role="session")
    asked = question(text, conversation=conversation)
    return await read(stub.Generate(asked, timeout=SECONDS))


def sent(dify: DifyServer) -> list[str]:
    """Which of its conversations each request went on with."""
    return [seen.body["conversation_id"] for seen in dify.seen]


async def test_a_conversation_is_gone_on_with(dify: DifyServer, tmp_path: Path) -> None:
    """Its questions have one thread in Dify's logs; other conversations have others."""
    async with serving(tmp_path, dify) as (server,):
        await ask(server, "怎么退货?", A)
        (begun,) = dify.conversations
        await ask(server, "运费谁出?", B)
        await ask(server, "多久退款?", A)
        await ask(server, "能换货吗?")
        await ask(server, "能换色吗?")
    assert sent(dify) == ["", "", begun, "", ""]


async def test_all_replicas_go_on_with_it(dify: DifyServer, tmp_path: Path, redis_url: str) -> None:
    """Redis has its id for as long as a session lives, under a hash."""
    async with serving(tmp_path, dify, count=2, redis=redis_url) as (first, second):
        await ask(first, "怎么退货?", A)
        await ask(second, "多久退款?", A)
    (begun,) = dify.conversations
    assert sent(dify) == ["", begun]
    with Redis.from_url(redis_url) as redis:
        (key,) = redis.keys("kefu:conversation:*")
        assert redis.get(key) == begun.encode()
        assert KEPT_SECONDS - 60 < redis.ttl(key) <= KEPT_SECONDS
        assert not [each for each in redis.keys("*") if b"sessions" in each]


async def test_without_redis_it_begins_anew_and_the_answer_comes(
    dify: DifyServer, tmp_path: Path
) -> None:
    """A thread in Dify's logs is no reason to keep a customer waiting."""
    async with serving(tmp_path, dify, redis="unix:///nonexistent/redis.sock") as (server,):
        for text in ("怎么退货?", "多久退款?"):
            streamed = await ask(server, text, A)
            assert streamed.end.mode == pb.ANSWER_MODE_MODEL
    assert sent(dify) == ["", ""]


async def test_a_conversation_that_was_deleted_in_dify_begins_anew(
    dify: DifyServer, tmp_path: Path
) -> None:
    """Dify's 404 is no failure of the app: the customer has her answer from it."""
    async with serving(tmp_path, dify) as (server,):
        await ask(server, "怎么退货?", A)
        (deleted,) = dify.conversations
        dify.conversations.clear()
        streamed = await ask(server, "多久退款?", A)
        assert list(streamed.end.attempts) == [pb.Attempt(provider="app-0", model="app-0-model")]
        await ask(server, "运费谁出?", A)
    (begun,) = dify.conversations
    assert sent(dify) == ["", deleted, "", begun]


async def test_another_404_is_a_refusal(dify: DifyServer, tmp_path: Path) -> None:
    """Such as an address that is wrong: no more than a new conversation is tried."""
    async with serving(tmp_path, dify) as (server,):
        await ask(server, "怎么退货?", A)
        (begun,) = dify.conversations
        dify.default = Behaviour(status=404)
        for conversation in (A, B):
            streamed = await ask(server, "多久退款?", conversation)
            assert streamed.end.degraded_reason == "refused"
    assert sent(dify) == ["", begun, "", ""]


async def test_each_app_goes_on_with_its_own(dify: DifyServer, tmp_path: Path) -> None:
    """Another app does not know the first one's conversation, and the first one is gone back to."""
    async with AsyncExitStack() as stack:
        other = await stack.enter_async_context(dify_server())
        (server,) = await stack.enter_async_context(serving(tmp_path, dify, other))
        await ask(server, "怎么退货?", A)
        dify.next.append(Behaviour(status=400))
        streamed = await ask(server, "多久退款?", A)
        assert streamed.end.provider == "app-1"
        await ask(server, "运费谁出?", A)
        (begun,) = dify.conversations
        assert sent(dify) == ["", begun, begun]
        assert sent(other) == [""]


async def test_an_app_that_cannot_forget_gets_no_conversation(
    dify: DifyServer, tmp_path: Path
) -> None:
    """Dify's simple chatbots and agents repeat to their model all that was said in one."""
    app = entry(dify, "app", kind="dify", keep_conversations=False)
    async with replicas(None, providers_file=write_table(tmp_path, app)) as (server,):
        await ask(server, "怎么退货?", A)
        await ask(server, "多久退款?", A)
    assert sent(dify) == ["", ""]


async def test_a_shared_answer_keeps_nobody_else_s_conversation(
    dify: DifyServer, tmp_path: Path
) -> None:
    """One call serves both, whoever they are; what follows is in the thread of who asks."""
    dify.default = Behaviour(first_token_seconds=0.2)
    async with serving(tmp_path, dify) as (server,):
        both = await asyncio.gather(ask(server, "怎么退货?", A), ask(server, "怎么退货?", B))
        remembered = await ask(server, "怎么退货?", "tenants/shop/sessions/c")
        assert sorted(each.end.shared for each in both) == [False, True]
        assert remembered.end.shared
        assert dify.count == 1
        (begun,) = dify.conversations
        dify.default = Behaviour()
        for text, conversation in (("多久退款?", A), ("多久到账?", B)):
            await ask(server, text, conversation)
    # Which of the two came first and asked is not said.
    assert sorted(sent(dify)) == ["", "", begun]
