"""Limits and usage as the settings want them: what counts, where, and until when."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal

from kefu.errors import KefuError

from services.generation.ledger import Ledger
from services.generation.limits import Limits, ProviderLimits, TenantLimits
from services.generation.local_meter import LocalMeter
from services.generation.provider_entry import ProviderEntry
from services.generation.provider_table import ProviderTable, Use
from services.generation.quota import Quotas
from services.generation.quota_store import QuotaStore, open_client
from services.generation.settings import Settings
from services.generation.usage_store import UsageStore


@asynccontextmanager
async def accounting(
    settings: Settings, table: ProviderTable
) -> AsyncIterator[tuple[Quotas, Ledger]]:
    """Open what admits requests and what keeps account of them; both end with the block.

    Raises:
        KefuError: Money is limited, and a provider's price cannot be counted.
    """
    limits = limits_of(settings, table)
    async with AsyncExitStack() as stack:
        if settings.redis_url:
            client = await stack.enter_async_context(open_client(settings.redis_url))
            ledger = Ledger(UsageStore(client))
            local = LocalMeter(1 / settings.replicas)
            quotas = Quotas(limits, local, QuotaStore(client), ledger)
        else:
            ledger = Ledger(None)
            quotas = Quotas(limits, LocalMeter(1.0), None, ledger)
        stack.push_async_callback(ledger.close)
        stack.push_async_callback(quotas.close)
        yield quotas, ledger


def limits_of(settings: Settings, table: ProviderTable) -> Limits:
    """Return the limits of the settings.

    Raises:
        KefuError: Money is limited, and a provider's price cannot be counted.
    """
    default = TenantLimits(
        settings.tenant_tokens_per_minute or None, _micros(settings.tenant_money_per_day)
    )
    tenants = {}
    for tenant, own in settings.tenant_limits.items():
        tokens, money = own.tokens_per_minute, _micros(own.money_per_day)
        tenants[tenant] = TenantLimits(
            default.tokens_per_minute if tokens is None else tokens or None,
            default.money_micros_per_day if money is None else money,
        )
    if any(each.money_micros_per_day is not None for each in (default, *tenants.values())):
        _check_prices(settings.money_currency, table.entries)
    vectors = table.order(Use.EMBEDDING)
    known = {
        each.name: ProviderLimits(
            # Who makes vectors writes nothing: its requests cost their input and no more.
            each.requests_per_second,
            each.price(),
            0 if each in vectors else each.max_tokens,
        )
        for each in table.entries
    }
    return Limits(settings.caller_requests_per_second, default, tenants, known)


def _check_prices(currency: str, providers: Sequence[ProviderEntry]) -> None:
    """Refuse providers whose money would not be counted: a limit that some get round is none."""
    problems = []
    for each in providers:
        price = each.price()
        if price is None:
            problems.append(f"provider {each.name} has no price; 0 is one")
        elif price.currency != currency:
            problems.append(f"provider {each.name} has its price in {price.currency}")
    if problems:
        found = "; ".join(problems)
        raise KefuError(
            f"money per day is limited in {currency} (KEFU_MONEY_CURRENCY), and {found}"
        )


def _micros(money: Decimal | None) -> int | None:
    return None if money is None else int(money * 1_000_000)
