"""The draft in PostgreSQL: read as a whole, listed in pages, added to one by one."""

import asyncio
import json
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import class_row

from services.intent.drafts.base_intents import base_intent, base_keys, completed
from services.intent.drafts.checks import CheckedUtterance
from services.intent.drafts.draft import DraftIntent, DraftUtterance
from services.intent.entities import EntityType
from services.intent.training_data import Intent, TrainingData, Utterance, key_hash
from services.intent.values import UNKNOWN, IntentType
from services.mesh.database import Pool, storage_errors

_INTENTS = """
SELECT i.intent AS name, i.type, i.description, coalesce(
    (SELECT jsonb_object_agg(language, count) FROM (
        SELECT language, count(*) FROM draft_utterances u
        WHERE u.tenant = i.tenant AND u.intent = i.intent GROUP BY language) counted),
    '{}') AS language_counts
FROM draft_intents i WHERE i.tenant = %s AND i.intent > %s ORDER BY i.intent LIMIT %s"""

_UTTERANCES = """
SELECT text, intent, language, place FROM draft_utterances
WHERE tenant = %(tenant)s AND (intent, place) > (%(after_intent)s, %(after_place)s)
AND (%(intent)s = '' OR intent = %(intent)s)
ORDER BY intent, place LIMIT %(limit)s"""

# Ordered by a hash: an order that depends on the utterances alone, and mixes them.
_ALL_UTTERANCES = """
SELECT intent, language, text FROM draft_utterances WHERE tenant = %s ORDER BY key"""

WRITE_UTTERANCES = """
INSERT INTO draft_utterances (tenant, key, intent, language, text) {rows}
ON CONFLICT (tenant, key) DO UPDATE
SET intent = EXCLUDED.intent, language = EXCLUDED.language, text = EXCLUDED.text
WHERE (draft_utterances.intent, draft_utterances.language, draft_utterances.text)
    IS DISTINCT FROM (EXCLUDED.intent, EXCLUDED.language, EXCLUDED.text)"""
"""Adds the utterances that `rows` selects; one that was there takes the new label and form."""

_WRITE_INTENTS = """
INSERT INTO draft_intents (tenant, intent, type, description)
SELECT %s, * FROM unnest(%s::text[], %s::text[], %s::text[])
ON CONFLICT (tenant, intent) DO UPDATE
SET type = EXCLUDED.type, description = EXCLUDED.description"""


class DraftStore:
    """Reads the drafts of all tenants."""

    def __init__(self, pool: Pool) -> None:
        """Use a pool of connections to a migrated database."""
        self._pool = pool

    async def snapshot(self, tenant: str) -> TrainingData:
        """Return what a model would be trained on now: the draft, and the base intents with it.

        Raises:
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with draft_transaction(self._pool) as connection:
            # One statement after the other must see one and the same draft.
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            return await snapshot(connection, tenant)

    async def intents(self, tenant: str, after: str, limit: int) -> list[DraftIntent]:
        """Return the draft's intents by name, from the one after `after`.

        Raises:
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with storage_errors(), self._pool.connection() as connection:
            rows = await (await connection.execute(_INTENTS, (tenant, after, limit))).fetchall()
        return [
            DraftIntent(name, IntentType(kind), description, counts)
            for name, kind, description, counts in rows
        ]

    async def utterances(
        self, tenant: str, intent: str, after: tuple[str, int], limit: int
    ) -> list[DraftUtterance]:
        """Return the draft's utterances by intent, from the one after `after`.

        Args:
            tenant: The tenant's id.
            intent: Only those of this intent; empty: of all.
            after: Intent and place of the last one that was seen.
            limit: Most utterances.

        Raises:
            StorageUnavailable: PostgreSQL does not answer.
        """
        values = {
            "tenant": tenant, "intent": intent, "after_intent": after[0], "after_place": after[1],
            "limit": limit,
        }  # fmt: skip
        async with (
            storage_errors(),
            self._pool.connection() as connection,
            connection.cursor(row_factory=class_row(DraftUtterance)) as cursor,
        ):
            await cursor.execute(_UTTERANCES, values)
            return await cursor.fetchall()


@asynccontextmanager
async def draft_transaction(pool: Pool) -> AsyncIterator[AsyncConnection]:
    """Open a transaction.

    Raises:
        StorageUnavailable: PostgreSQL does not answer.
    """
    async with storage_errors(), pool.connection() as connection, connection.transaction():
        yield connection


async def lock(connection: AsyncConnection, tenant: str) -> None:
    """Let no other writer of the tenant's draft in until the transaction ends."""
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"draft {tenant}",)
    )


async def rows_of(connection: AsyncConnection, statement: Any, *values: Any) -> list[Any]:
    """Return all rows of a statement."""
    return await (await connection.execute(statement, values)).fetchall()


async def snapshot(connection: AsyncConnection, tenant: str) -> TrainingData:
    """Return what a model would be trained on, as this transaction sees it."""
    intents = await rows_of(
        connection, "SELECT intent, type, description FROM draft_intents WHERE tenant = %s", tenant
    )
    utterances = await rows_of(connection, _ALL_UTTERANCES, tenant)
    entity_types = await rows_of(
        connection,
        "SELECT entity_type, pattern, value_words, fuzzy FROM draft_entity_types"
        " WHERE tenant = %s ORDER BY place",
        tenant,
    )
    taken = await rows_of(
        connection,
        "SELECT key FROM draft_utterances WHERE tenant = %s AND key = ANY(%s)",
        tenant, list(base_keys()),
    )  # fmt: skip
    # 100,000 rows take a quarter of a second; other calls go on meanwhile.
    data = await asyncio.to_thread(_assembled, tenant, intents, utterances, entity_types)
    if await omits_base(connection, tenant):
        return data
    return completed(data, {key for [key] in taken})


async def omits_base(connection: AsyncConnection, tenant: str) -> bool:
    """Tell whether models of the tenant are trained without the base intents."""
    rows = await rows_of(
        connection, "SELECT omit_base_intents FROM drafts WHERE tenant = %s", tenant
    )
    return bool(rows and rows[0][0])


async def adopt_base(connection: AsyncConnection, tenant: str, names: Collection[str]) -> set[str]:
    """Make base intents the tenant's own, with what the service knows of them.

    A tenant that defines an intent has only its own utterances of it; who adds one utterance to
    what comes with the service wants to keep the others.

    Args:
        connection: In a transaction that holds the draft's lock.
        tenant: The tenant's id.
        names: Of intents that the draft has not.

    Returns:
        Those of the names that are the draft's now.
    """
    if await omits_base(connection, tenant):
        return set()
    adopted = [intent for intent in map(base_intent, names) if intent is not None]
    await write_intents(connection, tenant, adopted)
    async with connection.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO draft_utterances (tenant, key, intent, language, text)"
            " VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            [
                (tenant, key_hash(each.text), intent.name, each.language, each.text)
                for intent in adopted
                for each in intent.utterances
            ],
        )
    return {intent.name for intent in adopted}


async def write_intents(
    connection: AsyncConnection, tenant: str, intents: Sequence[Intent]
) -> None:
    """Add intents, or change what is known of them; their utterances are not looked at."""
    await connection.execute(
        _WRITE_INTENTS,
        (
            tenant,
            [intent.name for intent in intents],
            [intent.type.value for intent in intents],
            [intent.description for intent in intents],
        ),
    )


async def write_utterance(
    connection: AsyncConnection, tenant: str, utterance: CheckedUtterance
) -> None:
    """Add one utterance; one that was there takes the new label and form."""
    await connection.execute(
        WRITE_UTTERANCES.format(rows="VALUES (%s, %s, %s, %s, %s)"),
        (tenant, utterance.key, utterance.intent, utterance.language, utterance.text),
    )


async def known_intents(connection: AsyncConnection, tenant: str) -> dict[str, tuple[str, str]]:
    """Return the draft's intents: type and description by name."""
    rows = await rows_of(
        connection, "SELECT intent, type, description FROM draft_intents WHERE tenant = %s", tenant
    )
    return {name: (kind, description) for name, kind, description in rows}


def values_json(entity_type: EntityType) -> str:
    """Write the values of an entity type as the column holds them."""
    return json.dumps(entity_type.values, ensure_ascii=False)


def _assembled(
    tenant: str, intents: Iterable[Any], utterances: Iterable[Any], entity_types: Iterable[Any]
) -> TrainingData:
    """Build the values of the tenant's own data."""
    by_intent: dict[str, list[Utterance]] = {}
    for intent, language, text in utterances:
        by_intent.setdefault(intent, []).append(Utterance(text, language))
    return TrainingData(
        tenant,
        tuple(
            Intent(name, IntentType(kind), description, tuple(by_intent.get(name, ())))
            for name, kind, description in sorted(intents)
        ),
        tuple(by_intent.get(UNKNOWN, ())),
        tuple(
            EntityType(name, pattern, tuple((v, tuple(words)) for v, words in values), fuzzy)
            for name, pattern, values, fuzzy in entity_types
        ),
    )
