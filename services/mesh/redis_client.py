"""The client of Redis or Valkey, as every store that has one uses it."""

from redis.asyncio import BlockingConnectionPool, Redis

_CONNECTIONS = 32
"""Most at once; a command takes a fraction of a millisecond, and the others wait for their turn."""

_WAIT_SECONDS = 2.0
"""Longest wait for that turn. A burst of hundreds takes a tenth of it, and half a second where the
processor is busy: that is our own haste, and must not pass for a Redis that is down."""


def open_client(url: str, timeout_seconds: float) -> Redis:
    """A client that connects when it is first used.

    It tries no command again: that would eat the deadline of a caller who can try again herself.

    Args:
        url: `redis://`, `rediss://` or `unix://`.
        timeout_seconds: longest wait for a connection to open, and for an answer.
    """
    # The other kind of pool fails above its limit, which would pass for an outage.
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=_CONNECTIONS,
        timeout=_WAIT_SECONDS,
        socket_timeout=timeout_seconds,
        socket_connect_timeout=timeout_seconds,
        retry=None,
    )
    return Redis.from_pool(pool)
