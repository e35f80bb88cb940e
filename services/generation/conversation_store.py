"""Ids of providers' conversations in Redis, where all replicas see them."""

import time
from collections.abc import Callable

from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.generation.kept_conversations import KEPT_SECONDS

_REST_SECONDS = 2.0
"""How long Redis is left alone after it failed, so that not every answer waits for it."""


class ConversationStore:
    """Keys `kefu:conversation:{hash}`.

    While it is down every answer begins a new conversation, which costs a provider's logs their
    thread and no customer anything: what was said before stands in each request.

    Args:
        client: from `quota_store.open_client`.
        clock: Seconds, never going back.
    """

    def __init__(self, client: Redis, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._rests_until = 0.0

    async def find(self, key: str) -> str:
        """See `Conversations.find`."""
        if self._clock() < self._rests_until:
            return ""
        try:
            found = await self._client.get(_name(key))
        except (RedisError, OSError):
            self._rests_until = self._clock() + _REST_SECONDS
            return ""
        return found.decode() if isinstance(found, bytes) else ""

    async def keep(self, key: str, conversation_id: str) -> None:
        """See `Conversations.keep`."""
        if self._clock() < self._rests_until:
            return
        try:
            await self._client.set(_name(key), conversation_id, ex=KEPT_SECONDS)
        except (RedisError, OSError):
            self._rests_until = self._clock() + _REST_SECONDS


def _name(key: str) -> str:
    return f"kefu:conversation:{key}"
