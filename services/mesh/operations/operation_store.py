"""Operations in PostgreSQL: whoever sets `end_time` first has decided how one ended.

Each service has the table `operations` in its own database, by a migration of its own. A unique
index over the unfinished rows says how many may run at a time: one of a tenant, or of a subject.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from kefu.errors import OperationNotFound, RequestIdReused
from psycopg import AsyncConnection

from services.mesh.database import Pool, storage_errors
from services.mesh.operations.operation import (
    MAX_PROBLEM,
    Occupied,
    Operation,
    Request,
    State,
    new_id,
    operation_name,
)

SUCCEED = """
UPDATE operations SET state = 'succeeded', progress = 1, result = %(result)s, end_time = now()
WHERE tenant = %(tenant)s AND id = %(operation)s AND end_time IS NULL"""
"""Ends an operation well; for a store that makes the result in the same transaction."""

_COLUMNS = (
    "tenant, id, method, subject, state, stage, progress, result, problem, reason, trace_id,"
    " create_time, end_time"
)

_BEGIN = f"""
INSERT INTO operations (tenant, id, method, subject, request_id, fingerprint, state, trace_id)
VALUES (%(tenant)s, %(id)s, %(method)s, %(subject)s, %(request_id)s, %(fingerprint)s, 'pending',
    %(trace_id)s)
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

_BEAT = f"""
UPDATE operations SET heartbeat = now(), stage = %(stage)s, state = %(state)s,
    progress = greatest(progress, %(progress)s)
WHERE tenant = %(tenant)s AND id = %(id)s AND end_time IS NULL RETURNING {_COLUMNS}"""


class OperationStore:
    """The table `operations` of one service."""

    def __init__(self, pool: Pool) -> None:
        """Use a pool of connections to a migrated database."""
        self._pool = pool

    def connection(self, tenant: str) -> AbstractAsyncContextManager[AsyncConnection]:
        """Take a connection for a tenant's rows; for those of all tenants where it is empty.

        A service whose database keeps tenants apart by itself overrides this.
        """
        return self._pool.connection()

    async def first(self, request: Request) -> Operation | None:
        """Return the operation that this request began before; None where it is new.

        Raises:
            RequestIdReused: the id began another operation.
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with storage_errors(), self.connection(request.tenant) as connection:
            return await _first(connection, request)

    async def begin(self, request: Request) -> tuple[Operation, bool]:
        """Accept an operation, unless the same request has begun it already.

        Returns:
            The operation, and whether it is new.

        Raises:
            RequestIdReused: the id began another operation.
            Occupied: another operation has not ended, and the table lets only one run.
            StorageUnavailable: PostgreSQL does not answer.
        """
        values = _values(request) | {"id": new_id()}
        async with storage_errors(), self.connection(request.tenant) as connection:
            begun = await (await connection.execute(_BEGIN.encode(), values)).fetchone()
            if begun is not None:
                return _operation(begun), True
            first = await _first(connection, request)
        if first is None:
            raise Occupied()
        return first, False

    async def get(self, tenant: str, operation: str) -> Operation:
        """Return an operation.

        Raises:
            OperationNotFound: there is none of this name, or it is too old.
            StorageUnavailable: PostgreSQL does not answer.
        """
        found = await self._rows(
            tenant,
            f"SELECT {_COLUMNS} FROM operations WHERE tenant = %s AND id = %s",
            (tenant, operation),
        )
        if not found:
            raise OperationNotFound(operation=operation_name(tenant, operation))
        return found[0]

    async def list_operations(self, tenant: str, before: str, limit: int) -> list[Operation]:
        """Return up to `limit` operations, newest first, from the one before `before`."""
        return await self._rows(
            tenant,
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
        values = {
            "tenant": operation.tenant, "id": operation.id, "stage": stage, "progress": progress,
            "state": State.RUNNING if stage else State.PENDING,
        }  # fmt: skip
        return bool(await self._rows(operation.tenant, _BEAT, values))

    async def succeed(self, operation: Operation, result: str) -> bool:
        """End an operation well; False where it had ended already."""
        values = {"tenant": operation.tenant, "operation": operation.id, "result": result}
        return await self._end(operation.tenant, SUCCEED, values)

    async def fail(self, operation: Operation, reason: str, problem: str) -> bool:
        """End an operation that could not be finished; False where it had ended already."""
        values = {
            "tenant": operation.tenant, "id": operation.id, "state": State.FAILED,
            "reason": reason, "problem": problem[:MAX_PROBLEM],
        }  # fmt: skip
        return await self._end(operation.tenant, _END, values)

    async def cancel(self, tenant: str, operation: str) -> Operation:
        """End an operation, unless it has ended, and return it.

        Raises:
            OperationNotFound: there is none of this name, or it is too old.
            StorageUnavailable: PostgreSQL does not answer.
        """
        values = {
            "tenant": tenant, "id": operation, "state": State.CANCELLED,
            "reason": "", "problem": "",
        }  # fmt: skip
        await self._end(tenant, _END, values)
        return await self.get(tenant, operation)

    async def end_stale(self, seconds: float, reason: str, problem: str) -> list[str]:
        """Fail what no process has worked at for so many seconds.

        Returns:
            The names of the operations that this call ended.
        """
        async with storage_errors(), self.connection("") as connection:
            cursor = await connection.execute(_END_STALE, (reason, problem, seconds))
            return [operation_name(tenant, id_) for tenant, id_ in await cursor.fetchall()]

    async def remove_old(self, days: int) -> None:
        """Forget operations that ended so many days ago."""
        async with storage_errors(), self.connection("") as connection:
            await connection.execute(
                "DELETE FROM operations WHERE end_time < now() - make_interval(days => %s)", (days,)
            )

    async def _end(self, tenant: str, statement: str, values: dict[str, Any]) -> bool:
        async with storage_errors(), self.connection(tenant) as connection:
            return (await connection.execute(statement.encode(), values)).rowcount == 1

    async def _rows(self, tenant: str, statement: str, values: Any) -> list[Operation]:
        async with storage_errors(), self.connection(tenant) as connection:
            cursor = await connection.execute(statement.encode(), values)
            return [_operation(row) async for row in cursor]


async def _first(connection: AsyncConnection, request: Request) -> Operation | None:
    row = await (await connection.execute(_FIRST.encode(), _values(request))).fetchone()
    if row is None:
        return None
    fingerprint, *rest = row
    if fingerprint != request.fingerprint:
        raise RequestIdReused(request_id=request.id)
    return _operation(rest)


def _values(request: Request) -> dict[str, Any]:
    return {
        "tenant": request.tenant, "request_id": request.id, "method": request.method,
        "subject": request.subject, "fingerprint": request.fingerprint,
        "trace_id": request.trace_id,
    }  # fmt: skip


def _operation(row: Sequence[Any]) -> Operation:
    tenant, id_, method, subject, state, *rest = row
    return Operation(tenant, id_, method, subject, State(state), *rest)
