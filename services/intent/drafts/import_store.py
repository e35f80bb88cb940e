"""Imports in PostgreSQL: staged as they arrive, checked as a whole, taken in one step or not.

The utterances of an import go into a temporary table by COPY, so neither a large import nor many
at once fill the memory of the process. What needs all of them, such as the same utterance under
two intents, is asked of that table.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from psycopg import AsyncConnection

from services.intent.drafts.base_intents import base_intent
from services.intent.drafts.checks import (
    MAX_CHARACTERS,
    MAX_LISTED,
    CheckedUtterance,
    Checks,
    ImportedEntityType,
    ImportedIntent,
    Report,
    as_warnings,
    check_limit,
)
from services.intent.drafts.draft import DraftState, ImportResult, ImportStart, Mode
from services.intent.drafts.draft_store import (
    WRITE_UTTERANCES,
    adopt_base,
    draft_transaction,
    known_intents,
    lock,
    omits_base,
    rows_of,
    snapshot,
    values_json,
    write_intents,
)
from services.intent.training_data import (
    MAX_ENTITY_TYPES,
    MAX_INTENTS,
    MAX_UTTERANCES,
    Intent,
    TrainingData,
    problems,
    shown,
)
from services.intent.values import UNKNOWN, IntentType
from services.mesh.database import Pool

_STAGE = """
CREATE TEMPORARY TABLE staged (
    place bigint GENERATED ALWAYS AS IDENTITY, key bytea, intent text COLLATE "C", language text,
    text text
) ON COMMIT DROP"""

_COPY = "COPY staged (key, intent, language, text) FROM STDIN"

_CONFLICTS = """
SELECT array_agg(intent ORDER BY place), array_agg(text ORDER BY place), count(*) OVER ()
FROM (SELECT DISTINCT ON (key, intent) * FROM staged ORDER BY key, intent, place) labels
GROUP BY key HAVING count(*) > 1 ORDER BY min(place) LIMIT %s"""

_DUPLICATES = """
SELECT intent, text, first, count(*) OVER () FROM (
    SELECT *, first_value(text) OVER same AS first, row_number() OVER same AS nth FROM staged
    WINDOW same AS (PARTITION BY key, intent ORDER BY place)
) numbered WHERE nth > 1 ORDER BY place LIMIT %s"""

_STRANGERS = """
SELECT intent, count(*), (array_agg(text ORDER BY place))[1] FROM staged
WHERE intent <> ALL(%s) GROUP BY intent ORDER BY min(place)"""

_TAKE = WRITE_UTTERANCES.format(
    rows="""SELECT %s, key, intent, language, text FROM (
        SELECT DISTINCT ON (key) * FROM staged ORDER BY key, place) once ORDER BY place"""
)

_MOVED = """
SELECT count(*) FROM draft_utterances d JOIN (SELECT DISTINCT key, intent FROM staged) s
USING (key) WHERE d.tenant = %s AND d.intent <> s.intent"""

_WRITE_ENTITY_TYPE = """
INSERT INTO draft_entity_types (tenant, entity_type, pattern, value_words, fuzzy, description)
VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (tenant, entity_type) DO UPDATE SET pattern = EXCLUDED.pattern,
    value_words = EXCLUDED.value_words, fuzzy = EXCLUDED.fuzzy,
    description = EXCLUDED.description"""


class DraftImportStore:
    """Takes imports into the drafts of all tenants."""

    def __init__(self, pool: Pool) -> None:
        """Use a pool of connections to a migrated database."""
        self._pool = pool

    @asynccontextmanager
    async def open(self, tenant: str) -> AsyncIterator["Staging"]:
        """Begin an import; nothing of it is kept where the block ends without `finish`.

        Raises:
            StorageUnavailable: PostgreSQL does not answer.
        """
        async with draft_transaction(self._pool) as connection:
            await connection.execute(_STAGE)
            yield Staging(connection, tenant)


class Staging:
    """One import on its way."""

    def __init__(self, connection: AsyncConnection, tenant: str) -> None:
        """Stage in the transaction of a connection."""
        self._connection = connection
        self._tenant = tenant

    async def add(self, utterances: Sequence[CheckedUtterance]) -> None:
        """Stage some utterances."""
        async with self._connection.cursor() as cursor, cursor.copy(_COPY) as copy:
            for each in utterances:
                await copy.write_row((each.key, each.intent, each.language, each.text))

    async def finish(self, start: ImportStart, checks: Checks, report: Report) -> ImportResult:
        """Check what was staged as a whole, and take it where nothing is wrong with it.

        Raises:
            TrainingDataTooLarge: The draft would be over a limit.
        """
        await lock(self._connection, self._tenant)
        await self._connection.execute("ANALYZE staged")
        await self._check_labels(report)
        await self._check_intents(start, checks, report)
        if report.failed:
            data = await snapshot(self._connection, self._tenant)
            return _result(False, report, await self._state(data))
        async with self._connection.transaction(force_rollback=start.validate_only):
            state = await self._take(start, checks, report)
        return _result(not start.validate_only, report, state)

    async def _check_labels(self, report: Report) -> None:
        """Report what stands under two intents, and what is said twice under one."""
        found = await rows_of(self._connection, _CONFLICTS, MAX_LISTED)
        for intents, texts, _ in found:
            said = " and ".join(
                f"{shown(text)} under {shown(intent)}"
                for intent, text in zip(intents, texts, strict=True)
            )
            message = f"the same utterance stands under two intents: {said}; keep one of them"
            report.error("CONFLICTING_LABELS", message, intents[0])
        report.count += found[0][-1] - len(found) if found else 0
        found = await rows_of(self._connection, _DUPLICATES, MAX_LISTED)
        for intent, text, first, _ in found:
            again = "stands there twice" if text == first else f"says the same as {shown(first)}"
            message = f"intent {shown(intent)}: {shown(text)} {again}; it was kept once"
            report.warn("DUPLICATE_UTTERANCE", message, intent)
        report.count += found[0][-1] - len(found) if found else 0

    async def _check_intents(self, start: ImportStart, checks: Checks, report: Report) -> None:
        """Report utterances of intents that nobody defined; adopt base intents that are meant."""
        known = {UNKNOWN, *checks.intents}
        if start.mode is Mode.MERGE:
            known |= (await known_intents(self._connection, self._tenant)).keys()
        omits = await self._omits_base(start)
        strangers = await rows_of(self._connection, _STRANGERS, list(known))
        for intent, count, text in strangers:
            if start.mode is Mode.MERGE and not omits and base_intent(intent):
                continue
            place = "this import" if start.mode is Mode.REPLACE else "this import or the draft"
            message = (
                f"intent {shown(intent)} of {count} utterances, such as {shown(text)}, is not"
                f" defined in {place}; define it, or mend the name"
            )
            report.error("INTENT_NOT_FOUND", message, intent)

    async def _take(self, start: ImportStart, checks: Checks, report: Report) -> DraftState:
        """Make the draft what the import asks for."""
        before = await self._count("draft_utterances")
        [[moved]] = await rows_of(self._connection, _MOVED, self._tenant)
        await self._connection.execute(
            "INSERT INTO drafts (tenant, omit_base_intents) VALUES (%s, %s) ON CONFLICT (tenant)"
            " DO UPDATE SET omit_base_intents = EXCLUDED.omit_base_intents",
            (self._tenant, await self._omits_base(start)),
        )
        removed = 0
        if start.mode is Mode.REPLACE:
            removed = await self._clear()
        known = await known_intents(self._connection, self._tenant)
        strangers = await rows_of(self._connection, _STRANGERS, [UNKNOWN, *checks.intents, *known])
        await adopt_base(self._connection, self._tenant, [name for name, *_ in strangers])
        intents = [_defined(each, known, report) for each in checks.intents.values()]
        await write_intents(self._connection, self._tenant, intents)
        await self._write_entity_types(list(checks.entity_types.values()))
        await self._connection.execute(_TAKE, (self._tenant,))
        data = await self._checked_snapshot()
        for each in as_warnings(problems(data)):
            report.add(each)
        state = await self._state(data)
        added = state.utterances - before + removed
        return replace(state, added=added, removed=removed, moved=moved)

    async def _omits_base(self, start: ImportStart) -> bool:
        """Tell whether the draft is to do without the base intents."""
        if start.omit_base_intents or start.mode is Mode.REPLACE:
            return start.omit_base_intents
        return await omits_base(self._connection, self._tenant)

    async def _clear(self) -> int:
        """Remove from the draft what the import does not hold; return how many utterances."""
        tenant = self._tenant
        await self._connection.execute("DELETE FROM draft_intents WHERE tenant = %s", (tenant,))
        await self._connection.execute(
            "DELETE FROM draft_entity_types WHERE tenant = %s", (tenant,)
        )
        cursor = await self._connection.execute(
            "DELETE FROM draft_utterances d WHERE tenant = %s"
            " AND NOT EXISTS (SELECT FROM staged s WHERE s.key = d.key)",
            (tenant,),
        )
        return cursor.rowcount

    async def _write_entity_types(self, entity_types: Sequence[ImportedEntityType]) -> None:
        async with self._connection.cursor() as cursor:
            await cursor.executemany(
                _WRITE_ENTITY_TYPE,
                [
                    (
                        self._tenant, each.definition.name, each.definition.pattern,
                        values_json(each.definition), each.definition.fuzzy, each.description,
                    )
                    for each in entity_types
                ],
            )  # fmt: skip

    async def _state(self, data: TrainingData) -> DraftState:
        return DraftState(
            await self._count("draft_intents"),
            await self._count("draft_utterances"),
            await asyncio.to_thread(data.version),
        )

    async def _checked_snapshot(self) -> TrainingData:
        """Read the draft, if it is within the limits."""
        [[characters]] = await rows_of(
            self._connection,
            "SELECT coalesce(sum(length(text)), 0) FROM draft_utterances WHERE tenant = %s",
            self._tenant,
        )
        for count, most, what in (
            (await self._count("draft_utterances"), MAX_UTTERANCES, "utterances"),
            (characters, MAX_CHARACTERS, "characters"),
            (await self._count("draft_intents"), MAX_INTENTS, "intents"),
            (await self._count("draft_entity_types"), MAX_ENTITY_TYPES, "entity types"),
        ):
            check_limit(count, most, what)
        return await snapshot(self._connection, self._tenant)

    async def _count(self, table: str) -> int:
        statement = f"SELECT count(*) FROM {table} WHERE tenant = %s"
        [[count]] = await rows_of(self._connection, statement, self._tenant)
        return int(count)


def _result(imported: bool, report: Report, state: DraftState) -> ImportResult:
    return ImportResult(imported, report.listed(), report.count, state)


def _defined(intent: ImportedIntent, known: dict[str, tuple[str, str]], report: Report) -> Intent:
    """Complete an intent of the import with what the draft says of it."""
    kind, description = known.get(intent.name, ("", ""))
    if intent.type is None and not kind:
        message = f"intent {intent.name!r} has no type; it was taken for a query"
        report.warn("TYPE_MISSING", message, intent.name)
    return Intent(
        intent.name,
        intent.type or IntentType(kind or IntentType.QUERY),
        intent.description or description,
        (),
    )
