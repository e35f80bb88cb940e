"""The client of Redis: a burst waits for its turn, and nobody waits long for a silent server."""

import asyncio
import time

import pytest
import redis
from redis.exceptions import RedisError

from services.mesh.redis_client import open_client
from tests.support.valkey import redis_url

__all__ = ["redis_url"]

BURST = 300
CONNECTIONS = 32


async def test_a_burst_is_served_over_few_connections(redis_url: str) -> None:
    """All of it, and nobody else on the server has to make room for it."""
    async with open_client(redis_url, 5) as client:
        counts = await asyncio.gather(*(client.incr("burst") for _ in range(BURST)))
        with redis.Redis.from_url(redis_url) as outside:
            own = outside.client_info()["db"]
            opened = [each for each in outside.client_list() if each["db"] == str(own)]
    assert sorted(counts) == list(range(1, BURST + 1))
    assert len(opened) == CONNECTIONS + 1, "and the one that looks from outside"


async def test_a_silent_server_is_an_error_soon() -> None:
    """It accepts connections and says nothing, as one does that hangs; nothing is tried twice."""
    connected = 0

    async def keep_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connected
        connected += 1
        await reader.read()
        writer.close()

    async with await asyncio.start_server(keep_silent, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        begun = time.monotonic()
        async with open_client(f"redis://127.0.0.1:{port}", 0.1) as client:
            with pytest.raises(RedisError):
                await client.get("key")
        assert time.monotonic() - begun < 2
    assert connected == 1
