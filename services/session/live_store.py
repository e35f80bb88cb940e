"""The live context and the turn lease of a session, in Redis.

A turn costs two round trips: `claim` takes the lease and reads the context, `settle` writes the
context and gives the lease back. The lease is short and renewed while the turn runs, so that a
process that dies holds a session for seconds at most; and since a paused process may wake up after
its lease passed on, PostgreSQL decides at the commit (see `store.commit`). It also has the turn
count that tells whether the context here is the newest.
"""

import json
import uuid
from dataclasses import dataclass

import redis.asyncio
from kefu.errors import TurnInProgress

from services.mesh import redis_client
from services.mesh.database import storage_errors
from services.session.conversation import Conversation

LEASE_SECONDS = 4.0
"""Life of a lease without renewal: what a customer waits at most after a crash."""

# A healthy server answers within a millisecond; a turn has seconds.
_TIMEOUT_SECONDS = 2.0

_CLAIM = """
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
  return {1, redis.call('GET', KEYS[2])}
end
return {0, redis.call('PTTL', KEYS[1])}
"""
_SETTLE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
  if ARGV[2] ~= '' then
    redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[3])
  else
    redis.call('DEL', KEYS[2])
  end
  return 1
end
return 0
"""
_RENEW = """
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 0
"""


def open_client(url: str) -> redis.asyncio.Redis:
    """A client for `LiveStore`; it connects when it is first used."""
    return redis_client.open_client(url, _TIMEOUT_SECONDS)


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to run a session's turn.

    Attributes:
        token: proves that the lease is still ours.
        conversation: the live context; None where Redis has none and PostgreSQL must be asked.
    """

    tenant: str
    session: str
    token: str
    conversation: Conversation | None


class LiveStore:
    """Keys `kefu:lease:{tenant/session}` and `kefu:context:{tenant/session}`.

    The braces make both keys of a session live on one node of a Redis cluster.
    """

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._claim = client.register_script(_CLAIM)
        self._settle = client.register_script(_SETTLE)
        self._renew = client.register_script(_RENEW)
        self._client = client

    async def claim(self, tenant: str, session: str) -> Lease:
        """Take the session's turn.

        Raises:
            TurnInProgress: somebody else has it, with the time until it would run out.
        """
        token = uuid.uuid4().hex
        async with storage_errors():
            won, found = await self._claim(
                keys=_keys(tenant, session), args=[token, int(LEASE_SECONDS * 1000)]
            )
        if not won:
            wait = max(int(found), 50) / 1000
            name = f"tenants/{tenant}/sessions/{session}"
            # A running turn usually ends long before its lease would.
            raise TurnInProgress(session=name, retry_after_seconds=min(wait, 0.5))
        context = Conversation.from_json(json.loads(found)) if found else None
        return Lease(tenant, session, token, context)

    async def renew(self, lease: Lease) -> bool:
        """Keep the lease; False where it passed on to somebody else."""
        async with storage_errors():
            return bool(
                await self._renew(
                    keys=_keys(lease.tenant, lease.session),
                    args=[lease.token, int(LEASE_SECONDS * 1000)],
                )
            )

    async def is_claimed(self, tenant: str, session: str) -> bool:
        """Whether somebody runs a turn of the session."""
        async with storage_errors():
            return bool(await self._client.exists(_keys(tenant, session)[0]))

    async def settle(self, lease: Lease, conversation: Conversation | None) -> None:
        """Give the lease back with the context after the turn.

        None removes the context, where the session is over or nobody knows how the turn ended; the
        next turn asks PostgreSQL.
        """
        context = json.dumps(conversation.to_json(), ensure_ascii=False) if conversation else ""
        ttl = conversation.ttl_seconds if conversation else 0
        async with storage_errors():
            await self._settle(
                keys=_keys(lease.tenant, lease.session), args=[lease.token, context, ttl]
            )

    async def forget(self, tenant: str, session: str) -> None:
        """Remove the live context of a session that is over."""
        async with storage_errors():
            await self._client.delete(_keys(tenant, session)[1])


def _keys(tenant: str, session: str) -> list[str]:
    tag = f"{{{tenant}/{session}}}"
    return [f"kefu:lease:{tag}", f"kefu:context:{tag}"]
