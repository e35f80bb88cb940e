"""The answer cache in Redis: FAQ answers by question, dead as soon as the knowledge changes.

Each knowledge base has one hash: the field `version` and a field for each question, named by a
digest. A look-up is one HMGET. An answer counts only if it was made of the version that the hash
names, so an import kills all of them with one write of the version, and what a slower search of
the version before puts in afterwards counts for nothing. The hash lives for a minute from its
first write: an import that could not reach Redis is noticed that soon, and memory is bounded.

The cache is never needed. While Redis does not answer, searches go to PostgreSQL, and Redis is
left alone for a few seconds so that they do not wait for it each time.
"""

import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

import structlog
from prometheus_client import Counter
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.knowledge.catalog import BaseName, FaqHit, HitReason, Wanted
from services.knowledge.indexing import QuestionHashes
from services.language import Language
from services.mesh import names, redis_client

LIFETIME_SECONDS = 60
"""How long a knowledge base's answers live at the most."""

REST_SECONDS = 5.0
"""How long Redis is left alone after it failed."""

TIMEOUT_SECONDS = 0.5
"""Longest wait for Redis, which answers within a millisecond. PostgreSQL would be sooner, but a
process that has the processor taken away for a moment must not think Redis down, and then rest."""

_VERSION = "version"

_LOOKUPS = Counter(names.FAQ_CACHE, "Questions looked up in the FAQ answer cache.", ["result"])


class AnswerStore:
    """FAQ answers that were given in the last minute."""

    def __init__(self, client: Redis) -> None:
        """Use a client from `open_client`."""
        self._client = client
        self._resting_until = 0.0

    async def get(
        self, base: BaseName, hashes: QuestionHashes, language: Language
    ) -> tuple[int, FaqHit, int] | None:
        """Return version, answer and revision of a question that was asked before, if they hold.

        Args:
            base: Which knowledge base.
            hashes: The question.
            language: In which an answer is preferred; another may have another answer.
        """
        if hashes.exact is None:
            return None
        field = _field(hashes, language)
        found = await self._run(lambda: self._client.hmget(_key(base), [_VERSION, field]))
        if found is None:
            _LOOKUPS.labels("down").inc()
            return None
        version, value = found
        kept: dict[str, Any] = json.loads(value) if version and value else {_VERSION: None}
        if kept.pop(_VERSION) != int(version or 0):
            _LOOKUPS.labels("miss").inc()
            return None
        until = kept.pop("valid_until")
        if until is not None and until <= time.time():
            _LOOKUPS.labels("miss").inc()
            return None
        _LOOKUPS.labels("hit").inc()
        revision = kept.pop("live")
        hit = FaqHit(**kept | {"reason": HitReason(kept["reason"]), "cached": True})
        return int(version), hit, revision

    async def put(
        self,
        wanted: Wanted,
        hashes: QuestionHashes,
        language: Language,
        version: int,
        hit: FaqHit,
    ) -> None:
        """Keep an answer that was made of a version of the knowledge base."""
        until = hit.valid_until.timestamp() if hit.valid_until else None
        more = {_VERSION: version, "live": wanted.revision, "valid_until": until}
        value = json.dumps(asdict(hit) | more)
        key = _key(wanted.base)
        async with self._client.pipeline(transaction=True) as pipeline:
            # Not over the version of an import that was faster than this search.
            pipeline.hsetnx(key, _VERSION, version)
            pipeline.hset(key, _field(hashes, language), value)
            pipeline.expire(key, LIFETIME_SECONDS, nx=True)
            await self._run(pipeline.execute)

    async def kill(self, base: BaseName, version: int) -> None:
        """Forget all answers of a knowledge base, whose version is now this one."""
        key = _key(base)
        async with self._client.pipeline(transaction=True) as pipeline:
            pipeline.delete(key)
            pipeline.hset(key, _VERSION, version)
            pipeline.expire(key, LIFETIME_SECONDS)
            await self._run(pipeline.execute)

    async def _run(self, command: Callable[[], Awaitable[list[Any]]]) -> list[Any] | None:
        """Send a command; None where Redis did not answer, now or a moment ago."""
        if time.monotonic() < self._resting_until:
            return None
        try:
            return await command()
        except (RedisError, OSError) as error:
            self._resting_until = time.monotonic() + REST_SECONDS
            cause = type(error).__name__
            structlog.get_logger("knowledge").warning("answer_cache_down", cause=cause)
            return None


def open_client(url: str) -> Redis:
    """Return a client for `AnswerStore`; it connects when it is first used."""
    return redis_client.open_client(url, TIMEOUT_SECONDS)


def _key(base: BaseName) -> str:
    # The 2 is the form of the values: another release's are not read.
    return f"kefu:knowledge:2:{base.tenant}/{base.base}"


def _field(hashes: QuestionHashes, language: Language) -> str:
    digest = hashes.exact.hex() if hashes.exact else ""
    return f"{language}:{digest}"
