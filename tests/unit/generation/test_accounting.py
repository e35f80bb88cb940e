"""Limits as the settings name them, and settings that cannot be kept."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from kefu.errors import KefuError
from pydantic import ValidationError

from services.generation.accounting import limits_of
from services.generation.limits import Limits, Metric, ProviderLimits, TenantLimits
from services.generation.provider_entry import Kind, ProviderEntry
from services.generation.provider_table import ProviderTable, Use
from services.generation.settings import Settings
from services.generation.usage import Price


def settings(folder: Path, **values: Any) -> Settings:
    """The settings that every service must have, and these."""
    names = ("cert_file", "key_file", "ca_file", "policy_file", "spool_dir")
    files: dict[str, Any] = {name: folder / name for name in names}
    return Settings(**files, **values)


def entry(name: str, **values: Any) -> ProviderEntry:
    """A provider of the table."""
    usual = {"kind": Kind.OPENAI, "base_url": "https://a.b/v1", "model": "m"}
    return ProviderEntry(name=name, **(usual | values))


PRICED = entry("priced", input_price=2, output_price=8, requests_per_second=7)
FREE = entry("free")
FOREIGN = entry("foreign", input_price=2, output_price=8, currency="USD")
VECTORS = entry("vectors", input_price=1, output_price=0)


def table(*entries: ProviderEntry) -> ProviderTable:
    """A table of providers that write, and one of vectors."""
    return ProviderTable((*entries, VECTORS), {Use.CHAT: entries, Use.EMBEDDING: (VECTORS,)})


def test_by_default_rates_are_limited_and_money_is_not(tmp_path: Path) -> None:
    """Sums that nobody has set cannot be right for anybody."""
    limits = limits_of(settings(tmp_path), table(PRICED, FREE))
    assert limits == Limits(
        200,
        TenantLimits(2_000_000, None),
        {},
        {
            "priced": ProviderLimits(7, Price(Decimal(2), Decimal(8), "CNY"), 500),
            "free": ProviderLimits(50, None, 500),
            "vectors": ProviderLimits(50, Price(Decimal(1), Decimal(0), "CNY"), 0),
        },
    )


def test_vectors_claim_what_they_read(tmp_path: Path) -> None:
    """Nothing is written, so that what a request costs is known before it is sent."""
    dear = entry("vectors", input_price=3, output_price=90)
    limits = limits_of(settings(tmp_path), ProviderTable((dear,), {Use.EMBEDDING: (dear,)}))
    assert limits.most_micros("vectors", 1000) == 3000
    assert [claim.limit for claim in limits.of_provider("vectors")] == [50]


def test_money_is_counted_in_millionths(tmp_path: Path) -> None:
    """Exactly: no sum of money is a float here."""
    limits = limits_of(settings(tmp_path, tenant_money_per_day="12.34"), table(PRICED))
    assert limits.default.money_micros_per_day == 12_340_000


def test_a_tenant_s_own_limits_are_on_top_of_those_of_all(tmp_path: Path) -> None:
    """What they do not name stays; 0 tokens mean no limit, no money means none."""
    own = {
        "shop": {"tokens_per_minute": 5},
        "bank": {"money_per_day": "0.5"},
        "lab": {"tokens_per_minute": 0, "money_per_day": 0},
    }
    given = settings(tmp_path, tenant_money_per_day=9, tenant_limits=own)
    assert limits_of(given, table(PRICED)).tenants == {
        "shop": TenantLimits(5, 9_000_000),
        "bank": TenantLimits(2_000_000, 500_000),
        "lab": TenantLimits(None, 0),
    }


def test_no_limit_is_no_claim(tmp_path: Path) -> None:
    """A provider that nobody knows, a tenant without limits."""
    limits = limits_of(settings(tmp_path, tenant_tokens_per_minute=0), table(PRICED))
    assert limits.of_tenant("shop", 10, 10) == []
    assert limits.of_provider("nobody") == []
    assert limits.most_micros("nobody", 10) == 0
    assert [claim.metric for claim in limits.of_provider("priced")] == [Metric.PROVIDER]


@pytest.mark.parametrize(
    "limited", [{"tenant_money_per_day": 1}, {"tenant_limits": {"shop": {"money_per_day": 1}}}]
)
def test_where_money_is_limited_every_price_must_count(
    tmp_path: Path, limited: dict[str, Any]
) -> None:
    """A provider without a price, or with one in another currency, would get round the limit."""
    with pytest.raises(KefuError) as refused:
        limits_of(settings(tmp_path, **limited), table(PRICED, FREE, FOREIGN))
    assert "provider free has no price" in refused.value.message
    assert "provider foreign has its price in USD" in refused.value.message
    assert "priced" not in refused.value.message
    assert "vectors" not in refused.value.message
    assert limits_of(settings(tmp_path, **limited), table(PRICED))
    in_dollars = settings(tmp_path, money_currency="USD", **limited)
    with pytest.raises(KefuError) as refused:
        limits_of(in_dollars, table(FOREIGN))
    assert "foreign" not in refused.value.message
    assert "provider vectors has its price in CNY" in refused.value.message


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"tenant_limits": {"shop": {"tokens": 5}}}, "Extra inputs"),
        ({"tenant_limits": {"shop": {"money_per_day": -1}}}, "greater than or equal to 0"),
        ({"caller_requests_per_second": 0}, "greater than 0"),
        ({"redis_url": "localhost:6379"}, "pattern"),
        ({"replicas": 0}, "greater than or equal to 1"),
        ({"money_currency": "yuan"}, "pattern"),
    ],
)
def test_a_wrong_setting_stops_the_start(
    tmp_path: Path, values: dict[str, Any], words: str
) -> None:
    """A limit with a slip of the pen would be none."""
    with pytest.raises(ValidationError) as refused:
        settings(tmp_path, **values)
    assert words in str(refused.value)


def test_tenants_limits_come_from_the_environment_as_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the addresses of peers do."""
    monkeypatch.setenv("KEFU_TENANT_LIMITS", '{"shop": {"money_per_day": "20.00"}}')
    assert settings(tmp_path).tenant_limits["shop"].money_per_day == Decimal(20)
