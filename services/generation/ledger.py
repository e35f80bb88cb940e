"""The account of what models were used for whom, and its sums."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from contextvars import Context
from dataclasses import astuple, dataclass, field
from datetime import UTC, date, datetime

import structlog
from prometheus_client import Counter, Gauge

from services.generation.accounts import Account, Counts, Dimension, Period, Rows
from services.generation.chat import Caller
from services.generation.dialogue import Usage
from services.generation.limits import Defective, Unreachable
from services.generation.usage_store import UsageStore
from services.mesh import names
from services.mesh.paging import Key, decode, encode, page_size

WRITE_SECONDS = 1.0
"""How long counts are gathered before they are written: one write for all answers of a second."""

_KEY_KINDS = (str, str, str, str, str)

_MONEY = Counter(
    names.MONEY, "Price of model calls, in units of the currency.", ["provider", "currency"]
)
_TOKENS = Counter(
    names.TOKENS, "Tokens of requests to providers.", ["provider", "model", "direction"]
)
_PENDING = Gauge(names.USAGE_PENDING, "Rows of usage that Redis does not have yet.")


@dataclass(slots=True)
class Page:
    """Some rows, in order, and the token of the next page."""

    rows: list[tuple[Account, Counts]] = field(default_factory=list)
    token: str = ""


class Ledger:
    """Gathers what was used and writes it down once a second.

    What cannot be written is kept and written later: counted twice, if Redis did get it, rather
    than not at all. A process that is killed takes up to a second of counts with it.

    Args:
        store: Keeps the rows; None: this process keeps them, as long as it runs.
        clock: Seconds since the epoch.
    """

    def __init__(self, store: UsageStore | None, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self._pending: dict[str, Rows] = {}
        self._defects: set[str] = set()
        self._writing: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()
        # Whoever reads while rows are on their way would miss them.
        self._lock = asyncio.Lock()

    def record(self, caller: Caller, provider: str, usage: Usage) -> None:
        """Count a request to a provider."""
        account = Account(
            self._today().isoformat(), caller.identity, provider, usage.model, usage.currency
        )
        used = Counts(
            1,
            int(usage.estimated),
            usage.input_tokens,
            usage.output_tokens,
            usage.cached_tokens,
            usage.price_micros or 0,
        )
        _MONEY.labels(provider, usage.currency).inc(used.price_micros / 1_000_000)
        _TOKENS.labels(provider, usage.model, "input").inc(used.input_tokens)
        _TOKENS.labels(provider, usage.model, "output").inc(used.output_tokens)
        self._add(caller.tenant, {account: used})
        if self._store is not None and self._writing is None:
            # In no call's context: it writes for all of them, and its log would name one's trace.
            writing = self._write_soon(self._store)
            self._writing = asyncio.create_task(writing, context=Context())

    async def page(
        self,
        tenant: str,
        period: Period,
        dimensions: frozenset[Dimension],
        size: int,
        token: str,
    ) -> Page:
        """Return a page of a tenant's sums, in order.

        Args:
            tenant: The tenant's id.
            period: Which days.
            dimensions: What rows are told apart by; what is not named is summed up.
            size: Most rows; 0 means 20, more than 100 means 100.
            token: What the page before returned; empty for the first page.

        Raises:
            PageTokenInvalid: The token was not returned for the same question.
            StorageUnavailable: The rows cannot be read.
        """
        question = (tenant, period.first.isoformat(), period.last.isoformat(), sorted(dimensions))
        behind = decode(token, _KEY_KINDS, *question)
        sums: Rows = {}
        for account, counts in await self._rows(tenant, period.days()):
            sums.setdefault(account.seen_by(dimensions), Counts()).add(counts)
        rows = sorted(sums.items(), key=lambda row: row[0])
        rest = [row for row in rows if behind is None or _key(row[0]) > behind]
        shown = rest[: page_size(size)]
        more = len(shown) < len(rest)
        return Page(shown, encode(_key(shown[-1][0]), *question) if more else "")

    def period(self, start: str, end: str) -> Period:
        """Read the days of a request, see `Period.read`."""
        return Period.read(start, end, self._today())

    async def close(self) -> None:
        """Write what is not written yet."""
        self._closing.set()
        if self._writing is not None:
            await self._writing
        if self._store is not None and self._pending:
            structlog.get_logger("usage").error("usage lost", rows=self._count())

    async def _rows(self, tenant: str, days: Sequence[str]) -> list[tuple[Account, Counts]]:
        async with self._lock:
            kept = await self._store.rows(tenant, days) if self._store else {}
            wanted = set(days)
            own = [row for row in self._pending.get(tenant, {}).items() if row[0].day in wanted]
            return [*kept.items(), *own]

    async def _write_soon(self, store: UsageStore) -> None:
        while self._pending:
            with suppress(TimeoutError):
                async with asyncio.timeout(WRITE_SECONDS):
                    await self._closing.wait()
            async with self._lock:
                await self._write(store)
            _PENDING.set(self._count())
            if self._closing.is_set():
                break
        self._writing = None

    async def _write(self, store: UsageStore) -> None:
        for tenant in list(self._pending):
            rows = self._pending.pop(tenant)
            try:
                await store.add(tenant, rows)
            except Unreachable as error:
                # Behind the other tenants' rows, which come first the next time.
                self._add(tenant, rows)
                if isinstance(error, Defective):
                    self._note_defect(str(error))
                return

    def _note_defect(self, error: str) -> None:
        if error not in self._defects:
            self._defects.add(error)
            structlog.get_logger("usage").error("usage cannot be written", error=error)

    def _add(self, tenant: str, rows: Rows) -> None:
        own = self._pending.setdefault(tenant, {})
        for account, counts in rows.items():
            own.setdefault(account, Counts()).add(counts)

    def _count(self) -> int:
        return sum(map(len, self._pending.values()))

    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock(), UTC).date()


def _key(account: Account) -> Key:
    return list(astuple(account))
