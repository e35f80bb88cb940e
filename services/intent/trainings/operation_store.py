"""Operations in PostgreSQL: whoever sets `end_time` first has decided how one ended."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from kefu.errors import OperationNotFound, RequestIdReused, TrainingInProgress
from psycopg import AsyncConnection

from services.intent.trainings.operation import (
    MAX_PROBLEM,
    TRAIN_MODEL,
    Operation,
    State,
    Wish,
    new_id,
)
from services.mesh.database import Pool, storage_errors

_COLUMNS = (
    "tenant, id, state, stage, progress, result, problem, reason, trace_id, create_time, end_time"
)

_BEGIN = f"""
INSERT INTO operations (tenant, id, method, request_id, fingerprint, state, trace_id)
VALUES (%(tenant)s, %(id)s, %(method)s, %(request_id)s, %(fingerprint)s, 'pending', %(trace_id)s)
ON CONFLICT DO NOTHING RETURNING {_COLUMNS}"""

_FIRST = f"""
SELECT fingerprint, {_COLUMNS} FROM operations
WHERE tenant = %(tenant)s AND request_id = %(request_id)s"""

_END = """
UPDATE operations SET state = %(state)s, reason = %(reason)s, problem = %(problem)s,
    end_time = now() WHERE tenant = %(tenant)s AND id = %(id)s AND end_time IS NULL"""

_END_STALE = """
UPDATE operations SET state = 'failed', reason = %s, problem = %s, end_time = now()
WHERE end_time IS NULL AND heartbeat < now() - make_interval(secs => %s) RETURNING tenant, id"""


class OperationStore:
    """The table `operations`."""

    def __init__(self, pool: Pool) -> None:
        """Use a pool of connections to a migrated database."""
        self._pool = pool

    async def first(self, tenant: str, request_id: str, wish: Wish) -> Operation | None:
        """Return the operation that this request began before; None where it is new.

        Raises:
            RequestIdReused: the id began another operation.
            StorageUnavailable: PostgreSQL does not answer.
        """
        values = _key(tenant, request_id, wish)
        async with storage_errors(), self._pool.connection() as connection:
            return await _first(connection, values)

    async def begin(
        self, tenant: str, request_id: str, wish: Wish, trace_id: str
    ) -> tuple[Operation, bool]:
        """Accept an operation, unless the same request has begun it already.

        Returns:
            The operation, and whether it is new.

        Raises:
            RequestIdReused: the id began another operation.
            TrainingInProgress: another operation of this tenant has not ended.
            StorageUnavailable: PostgreSQL does not answer.
        """
        values = _key(tenant, request_id, wish)
        values |= {"id": new_id(), "method": TRAIN_MODEL, "trace_id": trace_id}
        async with storage_errors(), self._pool.connection() as connection:
            begun = await (await connection.execute(_BEGIN.encode(), values)).fetchone()
            if begun is not None:
                return _operation(begun), True
            first = await _first(connection, values)
        if first is None:
            raise TrainingInProgress(tenant=f"tenants/{tenant}", retry_after_seconds=5)
        return first, False

    async def get(self, tenant: str, operation: str) -> Operation:
        """Return an operation.

        Raises:
            OperationNotFound: there is none of this name, or it is too old.
            StorageUnavailable: PostgreSQL does not answer.
        """
        found = await self._rows(
            f"SELECT {_COLUMNS} FROM operations WHERE tenant = %s AND id = %s", (tenant, operation)
        )
        if not found:
            raise OperationNotFound(operation=f"tenants/{tenant}/operations/{operation}")
        return found[0]

    async def list_operations(self, tenant: str, before: str, limit: int) -> list[Operation]:
        """Return up to `limit` operations, newest first, from the one before `before`."""
        return await self._rows(
            f"SELECT {_COLUMNS} FROM operations WHERE tenant = %(tenant)s"
            + (" AND id < %(before)s" if before else "")
            + " ORDER BY id DESC LIMIT %(limit)s",
            {"tenant": tenant, "before": before, "limit": limit},
        )

    async def beat(self, operation: Operation, stage: str, progress: float) -> bool:
        """Say that the work goes on, and how far it is; without a stage it waits for its turn.

        Returns:
            False where the operation has ended meanwhile: the work is for nothing.
        """
        state = State.RUNNING if stage else State.PENDING
        found = await self._rows(
            "UPDATE operations SET heartbeat = now(), stage = %s, state = %s,"
            " progress = greatest(progress, %s) WHERE tenant = %s AND id = %s"
            f" AND end_time IS NULL RETURNING {_COLUMNS}",
            (stage, state, progress, operation.tenant, operation.id),
        )
        return bool(found)

    async def fail(self, operation: Operation, reason: str, problem: str) -> bool:
        """End an operation that could not be finished; False where it had ended already."""
        return await self._end(operation.tenant, operation.id, State.FAILED, reason, problem)

    async def cancel(self, tenant: str, operation: str) -> Operation:
        """End an operation, unless it has ended, and return it.

        Raises:
            OperationNotFound: there is none of this name, or it is too old.
            StorageUnavailable: PostgreSQL does not answer.
        """
        await self._end(tenant, operation, State.CANCELLED, "", "")
        return await self.get(tenant, operation)

    async def end_stale(self, seconds: float, reason: str, problem: str) -> list[str]:
        """Fail what no process has worked at for so many seconds.

        Returns:
            The names of the operations that this call ended.
        """
        async with storage_errors(), self._pool.connection() as connection:
            cursor = await connection.execute(_END_STALE, (reason, problem, seconds))
            return [f"tenants/{tenant}/operations/{id_}" for tenant, id_ in await cursor.fetchall()]

    async def remove_old(self, days: int) -> None:
        """Forget operations that ended so many days ago."""
        async with storage_errors(), self._pool.connection() as connection:
            await connection.execute(
                "DELETE FROM operations WHERE end_time < now() - make_interval(days => %s)", (days,)
            )

    async def _end(
        self, tenant: str, operation: str, state: State, reason: str, problem: str
    ) -> bool:
        values = {
            "tenant": tenant, "id": operation, "state": state, "reason": reason,
            "problem": problem[:MAX_PROBLEM],
        }  # fmt: skip
        async with storage_errors(), self._pool.connection() as connection:
            return (await connection.execute(_END, values)).rowcount == 1

    async def _rows(self, statement: str, values: Any) -> list[Operation]:
        async with storage_errors(), self._pool.connection() as connection:
            cursor = await connection.execute(statement.encode(), values)
            return [_operation(row) async for row in cursor]


async def _first(connection: AsyncConnection, values: dict[str, Any]) -> Operation | None:
    row = await (await connection.execute(_FIRST.encode(), values)).fetchone()
    if row is None:
        return None
    fingerprint, *rest = row
    if fingerprint != values["fingerprint"]:
        raise RequestIdReused(request_id=values["request_id"])
    return _operation(rest)


def _key(tenant: str, request_id: str, wish: Wish) -> dict[str, Any]:
    asked = json.dumps([TRAIN_MODEL, asdict(wish)], sort_keys=True)
    fingerprint = hashlib.sha256(asked.encode()).digest()
    return {"tenant": tenant, "request_id": request_id, "fingerprint": fingerprint}


def _operation(row: Sequence[Any]) -> Operation:
    tenant, id_, state, *rest = row
    return Operation(tenant, id_, State(state), *rest)
