"""Model versions in PostgreSQL, and the stack of those that were put into service.

What moves the stack of a tenant takes turns, under a lock that ends with the transaction.
"""

import asyncio
import json
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

from kefu.errors import IntentModelNotFound, RequestIdReused
from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row

from services.intent.quality import Quality
from services.intent.values import IntentType
from services.intent.versions.version import LIVE, IntentSummary, ModelVersion, Product
from services.mesh.database import Pool, storage_errors
from services.mesh.operations.operation import Operation, new_id
from services.mesh.operations.operation_store import SUCCEED

KEPT_VERSIONS = 20
"""Newest versions of a tenant that can be put into service; so can those next below."""

KEPT_ACTIVATIONS = 5
"""Versions at the top of the stack that can come back, however old they are."""

_KEPT_REQUESTS = "1 day"
"""How long a request_id is remembered: longer than any client retries."""

_SELECT = """
SELECT m.tenant, m.id, m.data_hash, m.embedding_model, m.intents, m.utterance_count, m.quality,
    m.train_seconds, m.create_time, l.model IS NOT NULL AS live,
    coalesce(octet_length(m.artefact), 0) AS size_bytes
FROM models m LEFT JOIN live_models l ON l.tenant = m.tenant AND l.model = m.id
WHERE m.tenant = %(tenant)s"""

_INSERT = """
INSERT INTO models (tenant, id, data_hash, embedding_model, intents, utterance_count, quality,
    train_seconds, artefact, judged)
VALUES (%(tenant)s, %(model)s, %(data_hash)s, %(embedding_model)s, %(intents)s,
    %(utterance_count)s, %(quality)s, %(train_seconds)s, %(artefact)s, %(judged)s)"""

_PUSH = """
WITH pushed AS (
    INSERT INTO activations (tenant, model, parent)
    SELECT %(tenant)s, %(model)s,
        (SELECT activation FROM live_models WHERE tenant = %(tenant)s)
    RETURNING id
)
INSERT INTO live_models (tenant, activation, model) SELECT %(tenant)s, id, %(model)s FROM pushed
ON CONFLICT (tenant) DO UPDATE SET activation = EXCLUDED.activation, model = EXCLUDED.model"""

# Back to the one below, if it can still be put into service.
_POP = """
UPDATE live_models l SET activation = below.id, model = below.model
FROM activations top JOIN activations below ON below.tenant = top.tenant AND below.id = top.parent
JOIN models m ON m.tenant = below.tenant AND m.id = below.model AND m.artefact IS NOT NULL
WHERE l.tenant = %(tenant)s AND top.tenant = l.tenant AND top.id = l.activation
RETURNING l.model"""

# The activations at the top of the stack, the live one first.
_STACK = """
WITH RECURSIVE stack AS (
    SELECT a.tenant, a.model, a.parent, 1 AS depth FROM activations a
    JOIN live_models l ON l.tenant = a.tenant AND l.activation = a.id
    WHERE a.tenant = %(tenant)s
    UNION ALL
    SELECT a.tenant, a.model, a.parent, depth + 1 FROM activations a
    JOIN stack ON a.tenant = stack.tenant AND a.id = stack.parent WHERE depth < %(activations)s
)"""

_PRUNE = f"""
{_STACK}
UPDATE models SET artefact = NULL, judged = NULL
WHERE tenant = %(tenant)s AND artefact IS NOT NULL
AND id NOT IN (SELECT model FROM stack)
AND id NOT IN (
    SELECT id FROM models WHERE tenant = %(tenant)s ORDER BY id DESC LIMIT %(versions)s
)"""

Check = Callable[[str, bytes], Awaitable[None]]
"""Looks at a version, by its name and its bytes; raises where it must not go into service."""


class ModelStore:
    """The tables `models`, `activations`, `live_models` and `model_requests`."""

    def __init__(self, pool: Pool) -> None:
        """Use a pool of connections to a migrated database."""
        self._pool = pool

    async def finish(self, operation: Operation, product: Product, activate: bool) -> bool:
        """End an operation with the model that it made, all or nothing.

        Args:
            operation: The training.
            product: What it made.
            activate: Whether to put the model into service.

        Returns:
            False where the operation had ended already, such as by being cancelled: then nothing
            was stored.
        """
        # In a thread: of 100,000 utterances this is a second's work.
        values = await asyncio.to_thread(_row, operation, product)
        async with self._transaction() as connection:
            await _lock(connection, operation.tenant)
            if not (await connection.execute(SUCCEED.encode(), values)).rowcount:
                return False
            await connection.execute(_INSERT, values)
            if activate:
                await connection.execute(_PUSH, values)
            await connection.execute(_PRUNE, values)
        return True

    async def get(self, tenant: str, model: str) -> ModelVersion:
        """Return a version; `model` may be `LIVE`.

        Raises:
            IntentModelNotFound: there is none of this name, or none is live.
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with storage_errors(), self._pool.connection() as connection:
            return await _load(connection, tenant, model)

    async def list_versions(self, tenant: str, before: str, limit: int) -> list[ModelVersion]:
        """Return up to `limit` versions, newest first, from the one before `before`."""
        statement = _SELECT + (" AND m.id < %(before)s" if before else "")
        statement += " ORDER BY m.id DESC LIMIT %(limit)s"
        values = {"tenant": tenant, "before": before, "limit": limit}
        return [_version(row) for row in await self._all(statement, values)]

    async def activate(
        self, tenant: str, model: str, request_id: str, check: Check
    ) -> ModelVersion:
        """Put a version into service if `check` lets it; a repeat of the request changes nothing.

        Raises:
            IntentModelNotFound: there is none of this name, or only its record is kept.
            KefuError: as `check` says.
            RequestIdReused: the request_id was used for something else.
            StorageUnavailable: PostgreSQL does not answer.
        """
        subject = f"activate {model}"
        async with self._transaction() as connection:
            await _lock(connection, tenant)
            first = await _first(connection, tenant, request_id, subject)
            if first:
                return await _load(connection, tenant, first)
            found = await _load(connection, tenant, model)
            if not found.size_bytes:
                raise _gone(found.name)
            await _checked(connection, tenant, found.id, check)
            # Once more what is live already would only make a rollback do nothing.
            if not found.live:
                await connection.execute(_PUSH, {"tenant": tenant, "model": found.id})
            await _remember(connection, tenant, request_id, subject, found.id)
            return await _load(connection, tenant, found.id)

    async def rollback(self, tenant: str, request_id: str, check: Check) -> ModelVersion:
        """Put the version into service that the live one took the place of, if `check` lets it.

        Raises:
            IntentModelNotFound: there is none, or only its record is kept.
            KefuError: as `check` says.
            RequestIdReused: the request_id was used for something else.
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with self._transaction() as connection:
            await _lock(connection, tenant)
            first = await _first(connection, tenant, request_id, "rollback")
            if first:
                return await _load(connection, tenant, first)
            row = await (await connection.execute(_POP, {"tenant": tenant})).fetchone()
            if row is None:
                raise IntentModelNotFound(
                    "no version was live before this one that can still be put into service; "
                    "ListModels names those that there are",
                    tenant=f"tenants/{tenant}",
                )
            await _checked(connection, tenant, row[0], check)
            await _remember(connection, tenant, request_id, "rollback", row[0])
            return await _load(connection, tenant, row[0])

    async def live(self) -> dict[str, str]:
        """Return the id of every tenant's live version, by tenant."""
        rows = await self._all("SELECT tenant, model FROM live_models", {})
        return {row["tenant"]: row["model"] for row in rows}

    async def below(self, tenant: str) -> list[str]:
        """Return the ids of the versions that were live before the live one, the last one first.

        At most those next below that are kept, and some of them may be gone.
        """
        rows = await self._all(
            f"{_STACK} SELECT model FROM stack WHERE depth > 1 ORDER BY depth",
            {"tenant": tenant, "activations": KEPT_ACTIVATIONS},
        )
        return list(dict.fromkeys(row["model"] for row in rows))

    async def artefact(self, tenant: str, model: str) -> bytes:
        """Return a version as `TrainedModel.from_bytes` reads it.

        Raises:
            IntentModelNotFound: there is none of this id, or only its record is kept.
            StorageUnavailable: PostgreSQL does not answer.
        """
        return await self._kept("artefact", tenant, model)

    async def judged(self, version: ModelVersion) -> Quality:
        """Return what a version said of each utterance while it had not seen it.

        Raises:
            IntentModelNotFound: only its record is kept.
            StorageUnavailable: PostgreSQL does not answer.
        """
        packed = await self._kept("judged", version.tenant, version.id)
        # In a thread: of 100,000 utterances this is a second's work.
        return await asyncio.to_thread(_with_judged, version.quality, packed)

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncConnection]:
        async with (
            storage_errors(),
            self._pool.connection() as connection,
            connection.transaction(),
        ):
            yield connection

    async def _kept(self, column: str, tenant: str, model: str) -> bytes:
        rows = await self._all(
            f"SELECT {column} AS kept FROM models WHERE tenant = %(tenant)s AND id = %(model)s",
            {"tenant": tenant, "model": model},
        )
        if not rows or rows[0]["kept"] is None:
            raise _gone(f"tenants/{tenant}/models/{model}")
        return bytes(rows[0]["kept"])

    async def _all(self, statement: str, values: dict[str, Any]) -> list[DictRow]:
        async with storage_errors(), self._pool.connection() as connection:
            return await _rows(connection, statement, values)


def _row(operation: Operation, product: Product) -> dict[str, Any]:
    """Return the values of a new model's row and of its operation's end."""
    quality = product.quality.to_json()
    texts = json.dumps(quality.pop("judged"), ensure_ascii=False)
    model = new_id()
    return {
        "tenant": operation.tenant, "operation": operation.id, "model": model,
        "result": f"tenants/{operation.tenant}/models/{model}",
        "data_hash": product.data_hash, "embedding_model": product.embedding_model,
        "intents": json.dumps([asdict(each) for each in product.intents]),
        "utterance_count": product.utterance_count, "quality": json.dumps(quality),
        "train_seconds": product.train_seconds, "artefact": product.artefact,
        "judged": zlib.compress(texts.encode()),
        "versions": KEPT_VERSIONS, "activations": KEPT_ACTIVATIONS,
    }  # fmt: skip


def _with_judged(quality: Quality, packed: bytes) -> Quality:
    return Quality.from_json(quality.to_json() | {"judged": json.loads(zlib.decompress(packed))})


def _gone(name: str) -> IntentModelNotFound:
    return IntentModelNotFound(
        f"there is no such model, or only the record of it is kept: the newest {KEPT_VERSIONS} "
        "can be used; train again",
        model=name,
    )


async def _load(connection: AsyncConnection, tenant: str, model: str) -> ModelVersion:
    which = "l.model IS NOT NULL" if model == LIVE else "m.id = %(model)s"
    rows = await _rows(connection, f"{_SELECT} AND {which}", {"tenant": tenant, "model": model})
    if not rows:
        raise IntentModelNotFound(model=f"tenants/{tenant}/models/{model}")
    return _version(rows[0])


async def _checked(connection: AsyncConnection, tenant: str, model: str, check: Check) -> None:
    """Have a version looked at before it goes into service; what `check` raises undoes the rest."""
    cursor = await connection.execute(
        "SELECT artefact FROM models WHERE tenant = %s AND id = %s", (tenant, model)
    )
    [artefact] = await cursor.fetchone() or [b""]
    await check(f"tenants/{tenant}/models/{model}", bytes(artefact))


async def _lock(connection: AsyncConnection, tenant: str) -> None:
    """Let nobody else move the stack of a tenant until the transaction ends."""
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"models {tenant}",)
    )


async def _first(
    connection: AsyncConnection, tenant: str, request_id: str, subject: str
) -> str | None:
    """Return the model that this request led to before; None where it is new."""
    cursor = await connection.execute(
        "SELECT subject, model FROM model_requests WHERE tenant = %s AND request_id = %s",
        (tenant, request_id),
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    if row[0] != subject:
        raise RequestIdReused(request_id=request_id)
    return str(row[1])


async def _remember(
    connection: AsyncConnection, tenant: str, request_id: str, subject: str, model: str
) -> None:
    await connection.execute(
        "DELETE FROM model_requests WHERE create_time < now() - %s::interval", (_KEPT_REQUESTS,)
    )
    await connection.execute(
        "INSERT INTO model_requests (tenant, request_id, subject, model) VALUES (%s, %s, %s, %s)",
        (tenant, request_id, subject, model),
    )


async def _rows(
    connection: AsyncConnection, statement: str, values: dict[str, Any]
) -> list[DictRow]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(statement.encode(), values)
        return await cursor.fetchall()


def _version(row: DictRow) -> ModelVersion:
    intents = tuple(
        IntentSummary(
            each["name"], IntentType(each["type"]), each["description"], each["language_counts"],
            tuple(each["examples"]),
        )
        for each in row["intents"]
    )  # fmt: skip
    quality = Quality.from_json(row["quality"])
    return ModelVersion(**{**row, "intents": intents, "quality": quality})
