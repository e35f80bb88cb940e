"""What models were used for, in Redis: a hash for each tenant and day.

Its fields are the account (caller, provider, model, currency) and the name of a count, as JSON;
its values whole numbers that every replica adds to. It expires `KEPT_DAYS` after its last write.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields

from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.generation.accounts import KEPT_DAYS, Account, Counts, Rows
from services.generation.limits import DAY_SECONDS
from services.generation.quota_store import failure_of
from services.mesh.database import storage_errors

_COUNTS = frozenset(each.name for each in fields(Counts))


class UsageStore:
    """Keys `kefu:usage:{tenant}:{day}`.

    Args:
        client: from `quota_store.open_client`.
    """

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def add(self, tenant: str, rows: Mapping[Account, Counts]) -> None:
        """Add to the rows of a tenant, in one round trip.

        Raises:
            Unreachable: nobody knows whether they were added.
            Defective: Redis will not add them, or not all.
        """
        async with self._client.pipeline(transaction=True) as pipeline:
            for account, counts in rows.items():
                key = _key(tenant, account.day)
                for name, count in asdict(counts).items():
                    if count:
                        pipeline.hincrby(key, _field(account, name), count)
                pipeline.expire(key, KEPT_DAYS * DAY_SECONDS)
            try:
                await pipeline.execute()
            except (RedisError, OSError) as error:
                raise failure_of(error) from None

    async def rows(self, tenant: str, days: Sequence[str]) -> Rows:
        """Return a tenant's rows of some days, in one round trip.

        Raises:
            StorageUnavailable: Redis does not answer.
        """
        async with storage_errors(), self._client.pipeline(transaction=False) as pipeline:
            for day in days:
                pipeline.hgetall(_key(tenant, day))
            found = await pipeline.execute()
        rows: Rows = {}
        for day, kept in zip(days, found, strict=True):
            for field, count in kept.items():
                *parts, name = json.loads(field)
                # A newer release may count more.
                if name in _COUNTS:
                    counts = rows.setdefault(Account(day, *parts), Counts())
                    setattr(counts, name, int(count))
        return rows


def _key(tenant: str, day: str) -> str:
    return f"kefu:usage:{tenant}:{day}"


def _field(account: Account, name: str) -> str:
    parts = (account.identity, account.provider, account.model, account.currency, name)
    return json.dumps(parts, separators=(",", ":"))
