"""Ids of providers' conversations: one suite for both places, so that they cannot differ."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from services.generation import kept_conversations
from services.generation.conversation_store import ConversationStore
from services.generation.kept_conversations import (
    KEPT_SECONDS,
    Conversations,
    LocalConversations,
    key_of,
)
from services.generation.quota_store import open_client
from tests.unit.generation.meters import Clock

KEY = key_of("dify", "shop", "tenants/shop/sessions/a")


@pytest.fixture(params=["local", "redis"])
async def conversations(
    request: pytest.FixtureRequest, redis_url: str
) -> AsyncIterator[Conversations]:
    """An empty place of either kind."""
    if request.param == "local":
        yield LocalConversations()
        return
    async with open_client(redis_url) as client:
        await client.flushdb()
        yield ConversationStore(client)


async def test_what_is_kept_is_found(conversations: Conversations) -> None:
    """The last one; who keeps nothing finds nothing."""
    assert await conversations.find(KEY) == ""
    await conversations.keep(KEY, "one")
    await conversations.keep(KEY, "two")
    assert await conversations.find(KEY) == "two"
    assert await conversations.find(key_of("dify", "bank", "tenants/shop/sessions/a")) == ""


def test_a_key_is_of_provider_tenant_and_conversation() -> None:
    """All three tell them apart, and none can be read from it."""
    keys = {
        KEY,
        key_of("other", "shop", "tenants/shop/sessions/a"),
        key_of("dify", "shop", "tenants/shop/sessions/b"),
        key_of("dify", "shop'", "tenants/shop/sessions/a"),
        key_of("difys", "hop", "tenants/shop/sessions/a"),
    }
    assert len(keys) == 5
    assert {len(key) for key in keys} == {32}


async def test_an_id_outlives_its_last_use_by_a_session() -> None:
    """Each answer keeps it anew."""
    clock = Clock()
    conversations = LocalConversations(clock)
    await conversations.keep(KEY, "one")
    clock.now += KEPT_SECONDS - 1
    await conversations.keep(KEY, "one")
    clock.now += KEPT_SECONDS - 1
    assert await conversations.find(KEY) == "one"
    clock.now += 1
    assert await conversations.find(KEY) == ""


async def test_a_process_keeps_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who was not heard of for the longest time is forgotten first."""
    monkeypatch.setattr(kept_conversations, "_KEPT", 2)
    conversations = LocalConversations()
    for key in ("a", "b", "a", "c"):
        await conversations.keep(key, key)
    assert [await conversations.find(key) for key in "abc"] == ["a", "", "c"]


async def test_redis_is_left_alone_for_a_moment_when_it_has_failed(
    redis_url: str, tmp_path: Path
) -> None:
    """Not every answer waits for it; then it is asked again."""
    clock, place = Clock(), urlsplit(redis_url)
    socket = tmp_path / "valkey.sock"
    away = place._replace(path=str(socket)).geturl()
    async with open_client(redis_url) as there, open_client(away) as client:
        await ConversationStore(there).keep(KEY, "one")
        conversations = ConversationStore(client, clock)
        assert await conversations.find(KEY) == ""
        socket.symlink_to(place.path)
        await conversations.keep(KEY, "two")
        assert await conversations.find(KEY) == ""
        clock.now += 2
        assert await conversations.find(KEY) == "one"
