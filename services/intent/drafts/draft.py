"""The draft: training data on its way to a model, imported and looked at."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from kefu.errors import ImportOutOfOrder, PageTokenInvalid

from services.intent.drafts.checks import Checks, ImportPart, Report
from services.intent.training_data import Problem
from services.intent.values import IntentType
from services.mesh import paging
from services.mesh.streams import without_pauses

if TYPE_CHECKING:
    from services.intent.drafts.draft_store import DraftStore
    from services.intent.drafts.import_store import DraftImportStore

# Each import holds a connection for as long as its client sends; the pool has eight.
_IMPORTS_AT_ONCE = 3

# Longest pause of a client between two parts: who says nothing must not keep others waiting.
_IDLE_SECONDS = 10


class Mode(StrEnum):
    """How an import meets what is there."""

    REPLACE = "replace"
    """The draft is what the import holds, and nothing else."""
    MERGE = "merge"
    """What the import holds is added or changed; nothing is removed."""


@dataclass(frozen=True, slots=True)
class ImportStart:
    """The first part of an import."""

    tenant: str
    """The tenant's id."""
    mode: Mode
    validate_only: bool
    """True: say what would happen and change nothing."""
    omit_base_intents: bool
    """True: models are trained without the intents that every tenant has. False: with them, unless
    this is merged into a draft that does without."""


@dataclass(frozen=True, slots=True)
class DraftState:
    """What the draft is after an import, and how it came to be."""

    intents: int
    utterances: int
    data_hash: str
    """See `TrainingData.version`."""
    added: int = 0
    """Utterances that are new."""
    removed: int = 0
    """Utterances that are gone."""
    moved: int = 0
    """Utterances that stood under another intent."""


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import did."""

    imported: bool
    problems: tuple[Problem, ...]
    """Errors first, at most 1,000."""
    problem_count: int
    """Of all problems."""
    state: DraftState


@dataclass(frozen=True, slots=True)
class DraftIntent:
    """An intent of the draft."""

    name: str
    type: IntentType
    description: str
    language_counts: dict[str, int]
    """Utterances by language."""


@dataclass(frozen=True, slots=True)
class DraftUtterance:
    """An utterance of the draft."""

    text: str
    intent: str
    """Its intent, or `unknown`."""
    language: str
    place: int
    """Orders the utterances of an intent."""


class Draft:
    """The drafts of all tenants."""

    def __init__(self, store: "DraftStore", imports: "DraftImportStore") -> None:
        """Work on the given stores."""
        self._store = store
        self._imports = imports
        self._slots = asyncio.Semaphore(_IMPORTS_AT_ONCE)

    async def import_(self, parts: AsyncIterator[ImportStart | ImportPart]) -> ImportResult:
        """Import training data: all of it or, where a problem is an error, nothing.

        Args:
            parts: The start, then data; looked at as it arrives and never held as a whole.

        Raises:
            ImportOutOfOrder: The start is not first, or not alone.
            TrainingDataTooLarge: The import or the draft after it is over a limit.
            DeadlineExceeded: Its next part does not come.
            StorageUnavailable: PostgreSQL does not answer.
        """
        parts = without_pauses(parts, _IDLE_SECONDS, "import")
        start = await anext(parts, None)
        if not isinstance(start, ImportStart):
            raise ImportOutOfOrder(problem="no header at the beginning")
        report = Report()
        checks = Checks(report)
        async with self._slots, self._imports.open(start.tenant) as staging:
            async for part in parts:
                if isinstance(part, ImportStart):
                    raise ImportOutOfOrder(problem="a second header")
                # A part of 2,000 utterances takes 40 ms; other calls go on meanwhile.
                await staging.add(await asyncio.to_thread(checks.read, part))
            return await staging.finish(start, checks, report)

    async def intents(self, tenant: str, size: int, token: str) -> tuple[list[DraftIntent], str]:
        """Return a page of the draft's intents by name, and the token of the next page.

        Raises:
            PageTokenInvalid: The token is not of this list.
            StorageUnavailable: PostgreSQL does not answer.
        """
        size = paging.page_size(size)
        [after] = paging.decode(token, (str,), "intents", tenant) or [""]
        found = await self._store.intents(tenant, str(after), size + 1)
        more = found[size - 1].name if len(found) > size else None
        next_token = paging.encode([more], "intents", tenant) if more else ""
        return found[:size], next_token

    async def utterances(
        self, tenant: str, intent: str, size: int, token: str
    ) -> tuple[list[DraftUtterance], str]:
        """Return a page of the draft's utterances and the token of the next page.

        Args:
            tenant: The tenant's id.
            intent: Only those of this intent; empty: all, by intent.
            size: Most utterances; 0 means the default.
            token: Of the page before; empty: the first page.

        Raises:
            PageTokenInvalid: The token is not of this list.
            StorageUnavailable: PostgreSQL does not answer.
        """
        size = paging.page_size(size)
        key = paging.decode(token, (str, int), "utterances", tenant, intent) or ["", 0]
        after = (str(key[0]), stored_number(key[1]))
        found = await self._store.utterances(tenant, intent, after, size + 1)
        if len(found) <= size:
            return found, ""
        last = found[size - 1]
        token = paging.encode([last.intent, last.place], "utterances", tenant, intent)
        return found[:size], token


def stored_number(part: str | int) -> int:
    """Return a number of a page's key.

    Raises:
        PageTokenInvalid: It is none that the database can hold: the token was made up.
    """
    number = int(part)
    if not 0 <= number < 2**63:
        raise PageTokenInvalid()
    return number
