"""Uncertain utterances in PostgreSQL: clustered as they are written, resolved once."""

import asyncio
import hashlib
import json
from collections.abc import Container, Iterable, Sequence
from typing import Any

import numpy as np
from kefu.errors import IntentNotFound, RequestIdReused, UncertainUtteranceNotFound
from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row

from services.intent.drafts.checks import ImportedUtterance, checked
from services.intent.drafts.draft_store import (
    adopt_base,
    draft_transaction,
    known_intents,
    lock,
    rows_of,
    write_utterance,
)
from services.intent.review.clusters import Clusters, Member, Vector, terms
from services.intent.review.uncertain import Cluster, Met, Resolution, Settled
from services.intent.values import UNKNOWN, Candidate, IntentType
from services.mesh.database import Pool

_KEPT_DAYS = 30
"""How long an utterance is kept after it was met last."""

_KEPT_REQUESTS = "1 day"
"""How long a request_id is remembered: longer than any client retries."""

MAX_SIMILAR = 5
"""Most others of a cluster that are shown, as in the contract."""

_ID_CHARACTERS = 64

_LEADERS = """
SELECT * FROM (
    SELECT DISTINCT ON (cluster) cluster, terms, vector, embedding_model
    FROM uncertain_utterances WHERE tenant = %s ORDER BY cluster, count DESC, key
) leaders WHERE terms && %s"""

_JUDGED = """
SELECT key FROM settled_utterances WHERE tenant = %s AND key = ANY(%s)
UNION SELECT key FROM draft_utterances WHERE tenant = %s AND key = ANY(%s)"""

_THERE = "SELECT key FROM uncertain_utterances WHERE tenant = %s AND key = ANY(%s)"

_WRITE = """
INSERT INTO uncertain_utterances AS u (tenant, key, cluster, text, language, terms, candidates,
    doubt, count, vector, embedding_model)
VALUES (%(tenant)s, %(key)s, %(cluster)s, %(text)s, %(language)s, %(terms)s, %(candidates)s,
    %(doubt)s, %(count)s, %(vector)s, %(embedding_model)s)
ON CONFLICT (tenant, key) DO UPDATE SET candidates = EXCLUDED.candidates, doubt = EXCLUDED.doubt,
    count = u.count + EXCLUDED.count, last_time = now()"""

# What could be learnt from an utterance halves with each week in which nobody says it.
_TRIM = """
DELETE FROM uncertain_utterances WHERE tenant = %(tenant)s AND key IN (
    SELECT key FROM uncertain_utterances WHERE tenant = %(tenant)s
    ORDER BY count::float8 * doubt
        * power(0.5, extract(epoch FROM now() - last_time) / 604800) DESC, key
    OFFSET %(most)s)"""

_CLUSTERS = """
WITH ranked AS (
    SELECT cluster, sum(count) AS met, sum(count::bigint * doubt)::bigint AS worth,
        max(last_time) AS last_time
    FROM uncertain_utterances
    WHERE tenant = %(tenant)s AND last_time > now() - make_interval(days => %(days)s)
    GROUP BY cluster
), page AS (
    SELECT * FROM ranked
    WHERE %(worth)s::bigint IS NULL OR (worth, cluster) < (%(worth)s, %(cluster)s)
    ORDER BY worth DESC, cluster DESC LIMIT %(limit)s
), members AS (
    SELECT u.*, row_number() OVER (
        PARTITION BY cluster ORDER BY count DESC, doubt DESC, key) AS nth
    FROM uncertain_utterances u
    WHERE tenant = %(tenant)s AND cluster IN (SELECT cluster FROM page)
)
SELECT p.cluster, p.met, p.worth, p.last_time, m.key, m.text, m.language, m.candidates,
    ARRAY(SELECT o.text FROM members o WHERE o.cluster = p.cluster AND o.nth > 1
        ORDER BY o.nth LIMIT %(similar)s) AS similar
FROM page p JOIN members m ON m.cluster = p.cluster AND m.nth = 1
ORDER BY p.worth DESC, p.cluster DESC"""

_SETTLE = """
WITH gone AS (
    DELETE FROM uncertain_utterances WHERE tenant = %(tenant)s AND cluster = %(cluster)s
    RETURNING key)
INSERT INTO settled_utterances (tenant, key) SELECT %(tenant)s, key FROM gone
ON CONFLICT DO NOTHING"""


class UncertainStore:
    """What the live models of all tenants are unsure of."""

    def __init__(self, pool: Pool) -> None:
        """Use a pool of connections to a migrated database."""
        self._pool = pool

    async def write(self, tenant: str, met: Sequence[Met], most: int) -> None:
        """Add utterances, or count them where they are there; those that were judged are left out.

        Args:
            tenant: The tenant's id.
            met: The utterances, each once.
            most: How many are kept of the tenant; the oldest and surest leave first.

        Raises:
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with draft_transaction(self._pool) as connection:
            await lock(connection, tenant)
            keys = [each.key for each in met]
            judged = {key for [key] in await rows_of(connection, _JUDGED, *[tenant, keys] * 2)}
            there = {key for [key] in await rows_of(connection, _THERE, tenant, keys)}
            fresh = [each for each in met if each.key not in judged]
            members = await asyncio.to_thread(_members, fresh)
            new = {each.cluster for each in members} - there
            about = sorted({term for each in members if each.cluster in new for term in each.terms})
            leaders = await rows_of(connection, _LEADERS, tenant, about) if new else []
            rows = await asyncio.to_thread(_rows, tenant, fresh, members, there, leaders)
            async with connection.cursor() as cursor:
                await cursor.executemany(_WRITE, rows)
            await connection.execute(_TRIM, {"tenant": tenant, "most": most})

    async def purge(self) -> None:
        """Forget what nobody has said for 30 days, and requests that nobody repeats any more.

        Raises:
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with draft_transaction(self._pool) as connection:
            await connection.execute(
                "DELETE FROM uncertain_utterances"
                " WHERE last_time <= now() - make_interval(days => %s)",
                (_KEPT_DAYS,),
            )
            await connection.execute(
                "DELETE FROM uncertain_requests WHERE create_time < now() - %s::interval",
                (_KEPT_REQUESTS,),
            )

    async def clusters(
        self, tenant: str, after: tuple[int, str] | None, limit: int
    ) -> list[Cluster]:
        """Return clusters, the largest and most doubtful first.

        Args:
            tenant: The tenant's id.
            after: Rank of the last one that was seen; None: from the first.
            limit: Most clusters.

        Raises:
            StorageUnavailable: PostgreSQL does not answer.
        """
        worth, cluster = after or (None, "")
        values = {
            "tenant": tenant, "days": _KEPT_DAYS, "worth": worth, "cluster": _key(cluster),
            "limit": limit, "similar": MAX_SIMILAR,
        }  # fmt: skip
        async with (
            draft_transaction(self._pool) as connection,
            connection.cursor(row_factory=dict_row) as cursor,
        ):
            await cursor.execute(_CLUSTERS, values)
            return [_cluster(row) for row in await cursor.fetchall()]

    async def resolve(self, resolution: Resolution, request_id: str) -> Settled | None:
        """Add an utterance to the draft, or dismiss it, and let its cluster go; see `Review`.

        Raises:
            UncertainUtteranceNotFound, IntentNotFound, RequestIdReused: As `Review` says.
            StorageUnavailable: PostgreSQL does not answer.
        """
        tenant = resolution.tenant
        async with draft_transaction(self._pool) as connection:
            await lock(connection, tenant)
            first = await _first_result(connection, resolution, request_id)
            if first:
                return _settled(*first)
            cluster, text = await _find(connection, resolution)
            settled = None
            if resolution.intent:
                settled = await _add(connection, resolution, text)
            await connection.execute(_SETTLE, {"tenant": tenant, "cluster": cluster})
            await connection.execute(
                "INSERT INTO uncertain_requests"
                " (tenant, request_id, fingerprint, intent, language, text)"
                " VALUES (%s, %s, %s, %s, %s, %s)",
                (tenant, request_id, _fingerprint(resolution), *_columns(settled)),
            )
        return settled


async def _first_result(
    connection: AsyncConnection, resolution: Resolution, request_id: str
) -> tuple[str, str, str] | None:
    """Return what this request led to before; None where it is new."""
    rows = await rows_of(
        connection,
        "SELECT fingerprint, intent, language, text FROM uncertain_requests"
        " WHERE tenant = %s AND request_id = %s",
        resolution.tenant, request_id,
    )  # fmt: skip
    if not rows:
        return None
    [(fingerprint, *settled)] = rows
    if fingerprint != _fingerprint(resolution):
        raise RequestIdReused(request_id=request_id)
    return settled[0], settled[1], settled[2]


async def _find(connection: AsyncConnection, resolution: Resolution) -> tuple[bytes, str]:
    """Return an utterance's cluster and text."""
    rows = await rows_of(
        connection,
        "SELECT cluster, text FROM uncertain_utterances WHERE tenant = %s AND key = %s",
        resolution.tenant, _key(resolution.utterance),
    )  # fmt: skip
    if not rows:
        name = f"tenants/{resolution.tenant}/uncertainUtterances/{resolution.utterance}"
        raise UncertainUtteranceNotFound(uncertain_utterance=name)
    [(cluster, text)] = rows
    return cluster, text


async def _add(connection: AsyncConnection, resolution: Resolution, text: str) -> Settled:
    """Add an utterance to the draft under an intent that the draft or the service has."""
    tenant, intent = resolution.tenant, resolution.intent
    known = intent == UNKNOWN or intent in await known_intents(connection, tenant)
    if not known and not await adopt_base(connection, tenant, [intent]):
        raise IntentNotFound(intent=intent)
    utterance = checked(ImportedUtterance(resolution.text or text, intent, ""))
    await write_utterance(connection, tenant, utterance)
    return Settled(utterance.text, intent, utterance.language)


def _key(identifier: str) -> bytes:
    """Read the id of an utterance; one that cannot be an id is nobody's."""
    try:
        return bytes.fromhex(identifier) if len(identifier) == _ID_CHARACTERS else b""
    except ValueError:
        return b""


def _fingerprint(resolution: Resolution) -> bytes:
    asked = [resolution.utterance, resolution.intent, resolution.text]
    return hashlib.sha256(json.dumps(asked).encode()).digest()


def _columns(settled: Settled | None) -> tuple[str, str, str]:
    return (settled.intent, settled.language, settled.text) if settled else ("", "", "")


def _settled(intent: str, language: str, text: str) -> Settled | None:
    return Settled(text, intent, language) if intent else None


def _leader(cluster: bytes, about: list[str], vector: bytes, embedding_model: str) -> Member:
    values: Vector | None = None
    if vector:
        values = np.frombuffer(vector, dtype=np.float16).astype(np.float32)
    return Member(cluster, frozenset(about), values, embedding_model)


def _members(met: Iterable[Met]) -> list[Member]:
    """Prepare utterances for clustering, each as the first of a cluster of its own."""
    return [Member(each.key, terms(each.text), each.vector, each.embedding_model) for each in met]


def _rows(
    tenant: str, met: Iterable[Met], members: Iterable[Member], there: Container[bytes],
    leaders: Iterable[Any],
) -> list[dict[str, Any]]:  # fmt: skip
    """Return the columns of utterances, and find the clusters of those that have none yet."""
    clusters = Clusters(_leader(*row) for row in leaders)
    rows: list[dict[str, Any]] = []
    for each, member in zip(met, members, strict=True):
        candidates = [[one.intent, one.type.value, one.confidence] for one in each.candidates]
        rows.append({
            "tenant": tenant, "key": each.key, "text": each.text, "language": each.language,
            "cluster": each.key if each.key in there else clusters.place(member),
            "terms": sorted(member.terms),
            "candidates": json.dumps(candidates), "doubt": each.doubt, "count": each.count,
            "vector": b"" if each.vector is None else each.vector.astype(np.float16).tobytes(),
            "embedding_model": each.embedding_model,
        })  # fmt: skip
    return rows


def _candidates(column: Iterable[Any]) -> tuple[Candidate, ...]:
    return tuple(
        Candidate(intent, IntentType(kind), confidence) for intent, kind, confidence in column
    )


def _cluster(row: DictRow) -> Cluster:
    return Cluster(
        id=row["key"].hex(),
        text=row["text"],
        language=row["language"],
        candidates=_candidates(row["candidates"]),
        count=row["met"],
        similar=tuple(row["similar"]),
        last_time=row["last_time"],
        rank=(row["worth"], row["cluster"].hex()),
    )
