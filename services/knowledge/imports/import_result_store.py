"""What became of the files of imports, in PostgreSQL; kept as long as their operations."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.knowledge.catalog import BaseName
from services.knowledge.imports.outcome import FileOutcome, Outcome
from services.knowledge.sql import FOREVER, base_row, fetch_all, fetch_one, reading
from services.mesh.database import Pool
from services.mesh.operations.operation import Operation

_PREPARE = """
INSERT INTO import_results (tenant, operation, place, path)
SELECT %(tenant)s, %(operation)s, f.place - 1, f.path
FROM unnest(%(paths)s::text[]) WITH ORDINALITY AS f (path, place)
ON CONFLICT DO NOTHING"""

# Not waited for until it is on the disk: the end of the operation, which comes later, is, and with
# it all that was written before.
_PUT = """
UPDATE import_results SET outcome = %(outcome)s, document = %(document)s,
    passage_count = %(passage_count)s, faq_count = %(faq_count)s, problem = %(problem)s,
    notes = %(notes)s
FROM (SELECT set_config('synchronous_commit', 'off', true)) AS not_awaited
WHERE tenant = %(tenant)s AND operation = %(operation)s AND place = %(place)s"""

_LIST = """
SELECT path, outcome, document, passage_count, faq_count, problem, notes FROM import_results
WHERE tenant = %s AND operation = %s AND place >= %s ORDER BY place LIMIT %s"""

# Texts of the documents of an import as they are in the draft now.
_VECTORS = """
SELECT count(*) AS texts, count(v.embedding) AS there FROM (
    SELECT DISTINCT e.tenant, e.base, e.text_hash FROM import_results r
    JOIN documents d ON d.tenant = r.tenant AND d.base = %(base)s AND d.id = r.document
        AND d.until = %(forever)s
    JOIN entries e ON e.tenant = d.tenant AND e.copy = d.copy
    WHERE r.tenant = %(tenant)s AND r.operation = %(operation)s AND r.outcome = 'imported'
) wanted JOIN vectors v USING (tenant, base, text_hash)"""


@dataclass(frozen=True, slots=True)
class VectorCount:
    """How many texts of an import there are, and how many of them have their vector."""

    texts: int
    there: int


class ImportResultStore:
    """The table `import_results`."""

    def __init__(self, pool: Pool) -> None:
        """Use a pool of connections to a migrated database."""
        self._pool = pool

    async def require(self, base: BaseName) -> None:
        """Make sure that a knowledge base exists.

        Raises:
            KnowledgeBaseNotFound: there is none of this name.
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with reading(self._pool, base.tenant) as connection:
            await base_row(connection, base)

    async def prepare(self, operation: Operation, paths: Sequence[str]) -> None:
        """Note the files of an import, all of them pending.

        Raises:
            StorageUnavailable: PostgreSQL does not answer.
        """
        values = {"tenant": operation.tenant, "operation": operation.id, "paths": list(paths)}
        async with reading(self._pool, operation.tenant) as connection:
            await connection.execute(_PREPARE, values)

    async def put(self, operation: Operation, place: int, outcome: FileOutcome) -> None:
        """Note what became of a file, by its place in the upload.

        Raises:
            StorageUnavailable: PostgreSQL does not answer.
        """
        values = {
            "tenant": operation.tenant, "operation": operation.id, "place": place,
            "outcome": outcome.outcome, "document": outcome.document,
            "passage_count": outcome.passage_count, "faq_count": outcome.faq_count,
            "problem": outcome.problem, "notes": list(outcome.notes),
        }  # fmt: skip
        async with reading(self._pool, operation.tenant) as connection:
            await connection.execute(_PUT, values)

    async def list(self, tenant: str, operation: str, start: int, limit: int) -> list[FileOutcome]:
        """Return up to `limit` files of an import in the order of the upload, from a place.

        Raises:
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with reading(self._pool, tenant) as connection:
            rows = await fetch_all(connection, _LIST, (tenant, operation, start, limit))
        return [
            FileOutcome(**{**row, "outcome": Outcome(row["outcome"]), "notes": tuple(row["notes"])})
            for row in rows
        ]

    async def vectors(self, operation: Operation, base: BaseName) -> VectorCount:
        """Count the texts that an import has brought, and their vectors.

        Raises:
            KnowledgeBaseNotFound: it is gone meanwhile.
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with reading(self._pool, base.tenant) as connection:
            row = await base_row(connection, base)
            values = {
                "tenant": base.tenant, "base": row["number"], "operation": operation.id,
                "forever": FOREVER,
            }  # fmt: skip
            found = await fetch_one(connection, _VECTORS, values)
        assert found is not None
        return VectorCount(found["texts"], found["there"])
