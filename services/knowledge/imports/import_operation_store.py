"""Imports as operations in a database that keeps tenants apart."""

from contextlib import AbstractAsyncContextManager

from psycopg import AsyncConnection

from services.knowledge.sql import reading
from services.mesh.database import Pool, storage_errors
from services.mesh.operations.operation_store import OperationStore

_OTHER = """
SELECT FROM operations WHERE tenant = %s AND subject = %s AND request_id <> %s
AND end_time IS NULL"""


class ImportOperationStore(OperationStore):
    """The table `operations` of the knowledge service."""

    def __init__(self, pool: Pool, owners: Pool) -> None:
        """Use pools of connections to a migrated database.

        Args:
            pool: Sees the rows of one tenant at a time.
            owners: Sees all rows, for what no tenant asks for: to end stale ones, remove old ones.
        """
        super().__init__(pool)
        self._owners = owners

    def connection(self, tenant: str) -> AbstractAsyncContextManager[AsyncConnection]:
        """Take a connection that sees the rows of a tenant; of all where it is empty."""
        return reading(self._pool, tenant) if tenant else self._owners.connection()

    async def occupied(self, tenant: str, subject: str, request_id: str) -> bool:
        """Say whether another request's operation works at a subject.

        Raises:
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with storage_errors(), self.connection(tenant) as connection:
            cursor = await connection.execute(_OTHER, (tenant, subject, request_id))
            return await cursor.fetchone() is not None
