"""Who may spend: admitted or refused, settled, and what is done while Redis is away."""

import asyncio

import pytest
import yaml
from kefu.errors import QuotaExceeded, QuotaViolation
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from services.generation.chat import Caller
from services.generation.failure import Cause, ModelFailure
from services.generation.limits import Limits, Metric, ProviderLimits
from services.generation.meters import REST_SECONDS
from services.generation.quota import QuotaExhausted
from services.mesh import names
from services.mesh.calls import Call, enter
from tests.support.mesh import ROOT
from tests.unit.generation.meters import Clock
from tests.unit.generation.replicas import SHOP, Replica, SharedMeter, used


@pytest.fixture
def replica(clock: Clock, shared: SharedMeter) -> Replica:
    """One replica of two."""
    return Replica(clock, shared)


def sample(name: str, **labels: str) -> float:
    """The value of a metric; 0 where it was never touched."""
    return REGISTRY.get_sample_value(name, labels) or 0


async def test_a_request_claims_the_most_that_it_can_cost(replica: Replica) -> None:
    """Every token at the dearest price, until it is settled."""
    await replica.quotas.admit(SHOP, "a", 500)
    assert await replica.left() == {"tokens_per_minute": 500, "money_per_day": 6000}
    await replica.quotas.settle(SHOP, "a", used(120, 400))
    assert await replica.left() == {"tokens_per_minute": 880, "money_per_day": 9600}


async def test_two_replicas_cannot_both_spend_the_last_of_a_limit(
    clock: Clock, shared: SharedMeter
) -> None:
    """The first claims it, the second is refused before it costs anything."""
    first, second = Replica(clock, shared), Replica(clock, shared)
    await first.quotas.admit(SHOP, "a", 900)
    with pytest.raises(QuotaExhausted) as refused:
        await second.quotas.admit(SHOP, "a", 200)
    assert (refused.value.metric, refused.value.limit) == ("tokens_per_minute", 1000)
    assert refused.value.retry_after_seconds == pytest.approx(6)
    await first.quotas.settle(SHOP, "a", used(100, 0))
    await second.quotas.admit(SHOP, "a", 200)


async def test_money_is_refused_until_midnight(replica: Replica) -> None:
    """Whatever else there is left; a provider without a price goes on."""
    await replica.quotas.settle(SHOP, "a", used(10, 10_000))
    with pytest.raises(QuotaExhausted) as refused:
        await replica.quotas.admit(SHOP, "a", 1)
    assert refused.value.metric == "money_per_day"
    assert refused.value.retry_after_seconds == pytest.approx(12 * 3600)
    await replica.quotas.admit(SHOP, "free", 1)


async def test_a_provider_s_own_limit_sends_the_request_to_the_next(replica: Replica) -> None:
    """It is a failure of that provider, with the time to wait, and nothing is claimed."""
    for _ in range(3):
        await replica.quotas.admit(SHOP, "a", 1)
    before = await replica.left()
    with pytest.raises(ModelFailure) as refused:
        await replica.quotas.admit(SHOP, "a", 1)
    assert refused.value.cause is Cause.RATE_LIMITED
    assert refused.value.retry_after_seconds == pytest.approx(1 / 3, abs=0.01)
    assert await replica.left() == before
    await replica.quotas.admit(SHOP, "free", 1)


async def test_a_caller_has_a_rate(replica: Replica) -> None:
    """The error names the limit, whose it is, and when to come back."""
    await replica.quotas.begin(SHOP)
    await replica.quotas.begin(SHOP)
    with pytest.raises(QuotaExceeded) as refused:
        await replica.quotas.begin(SHOP)
    assert refused.value.retry_after_seconds == pytest.approx(0.5, abs=0.01)
    assert refused.value.metadata == {"quota": "caller_requests_per_second", "limit": "2"}
    (violation,) = refused.value.quotas
    assert violation == QuotaViolation(
        SHOP.identity, "caller_requests_per_second", 2, violation.description
    )
    await replica.quotas.begin(Caller("shop", "spiffe://kefu.local/ns/kefu/sa/intent"))


async def test_a_used_up_tenant_is_not_refused_at_the_door(replica: Replica) -> None:
    """It may still have its answers by extraction."""
    await replica.quotas.settle(SHOP, "a", used(5000, 50_000))
    await replica.quotas.begin(SHOP)


async def test_tenants_may_differ(replica: Replica) -> None:
    """What a tenant's own limits do not name it has no limit of."""
    await replica.quotas.settle(Caller("bank", "x"), "a", used(100))
    with pytest.raises(QuotaExhausted) as refused:
        await replica.quotas.admit(Caller("bank", "x"), "a", 1)
    assert refused.value.limit == 100
    assert refused.value.subject == "tenants/bank"
    assert await replica.left("bank") == {"tokens_per_minute": 0}


async def test_without_limits_everything_passes(clock: Clock, shared: SharedMeter) -> None:
    """And nobody is asked."""
    replica = Replica(clock, shared, Limits(providers={"a": ProviderLimits()}))
    await replica.quotas.begin(SHOP)
    await replica.quotas.admit(SHOP, "a", 10**9)
    await replica.quotas.settle(SHOP, "a", used(10**9))
    assert await replica.left() == {}
    assert shared.asked == 0


async def test_without_providers_nothing_is_counted(clock: Clock, shared: SharedMeter) -> None:
    """An extractive mesh does not ask Redis for each answer."""
    replica = Replica(clock, shared, Limits(caller_requests_per_second=0.001))
    for _ in range(5):
        await replica.quotas.begin(SHOP)
    assert shared.asked == 0


async def test_requests_under_way_are_settled_in_any_order(replica: Replica) -> None:
    """Several of one caller with one provider at once: in the end only what was used counts."""
    for tokens in (100, 200, 300):
        await replica.quotas.admit(SHOP, "a", tokens)
    assert (await replica.left())["tokens_per_minute"] == 400
    for tokens in (30, 10, 20):
        await replica.quotas.settle(SHOP, "a", used(tokens, 0))
    assert await replica.left() == {"tokens_per_minute": 940, "money_per_day": 10_000}


async def test_a_settlement_outlives_its_caller(replica: Replica, shared: SharedMeter) -> None:
    """Who hangs up while it is under way has paid all the same."""
    await replica.quotas.admit(SHOP, "a", 100)
    shared.gate.clear()
    settling = asyncio.create_task(replica.quotas.settle(SHOP, "a", used(40, 0)))
    await asyncio.sleep(0)
    settling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await settling
    shared.gate.set()
    await replica.quotas.close()
    assert (await replica.left())["tokens_per_minute"] == 960


async def test_while_redis_is_down_each_replica_has_its_part(
    replica: Replica, shared: SharedMeter
) -> None:
    """Of rate, tokens and money; what it refuses names the whole limit."""
    shared.down = True
    assert await replica.left() == {"tokens_per_minute": 500, "money_per_day": 5000}
    await replica.quotas.admit(SHOP, "a", 400)
    with pytest.raises(QuotaExhausted) as refused:
        await replica.quotas.admit(SHOP, "a", 200)
    assert refused.value.limit == 1000


async def test_an_outage_is_said_once_and_shown(
    replica: Replica, shared: SharedMeter, clock: Clock
) -> None:
    """One line when it begins, one when it ends, and a metric between them."""
    shared.down = True
    with capture_logs() as logs:
        for _ in range(3):
            await replica.left()
            clock.now += REST_SECONDS
        assert sample(names.QUOTA_LOCAL) == 1
        shared.down = False
        await replica.left()
    assert [(each["log_level"], each.get("cause")) for each in logs] == [
        ("warning", "ConnectionError"),
        ("info", None),
    ]
    assert sample(names.QUOTA_LOCAL) == 0


async def test_redis_is_left_alone_for_a_moment_after_it_failed(
    replica: Replica, shared: SharedMeter, clock: Clock
) -> None:
    """Not every request waits for its timeout; one finds out whether it is back."""
    shared.down = True
    for _ in range(5):
        await replica.left()
    assert shared.asked == 1
    clock.now += REST_SECONDS
    for _ in range(5):
        await replica.left()
    assert shared.asked == 2


async def test_what_was_spent_during_an_outage_is_counted_after_it(
    replica: Replica, shared: SharedMeter, clock: Clock
) -> None:
    """The day's money is the same whether Redis saw each request or not."""
    await replica.quotas.admit(SHOP, "a", 10)
    shared.down = True
    await replica.quotas.settle(SHOP, "a", used(10, 3000))
    await replica.quotas.admit(SHOP, "a", 10)
    await replica.quotas.settle(SHOP, "a", used(10, 1000))
    shared.down = False
    clock.now += REST_SECONDS
    await replica.quotas.admit(SHOP, "a", 10)
    await replica.quotas.settle(SHOP, "a", used(10, 500))
    # 80 are still held for the request that was admitted there and settled here.
    assert (await replica.left())["money_per_day"] == 10_000 - 4500 - 80


async def test_money_that_others_spent_is_known_when_redis_goes(
    replica: Replica, shared: SharedMeter, clock: Clock
) -> None:
    """Of what was left when it was last seen each replica has its part, not of the limit."""
    other = Replica(clock, shared)
    await other.quotas.settle(SHOP, "a", used(1, 8000))
    assert (await replica.left())["money_per_day"] == 2000
    shared.down = True
    assert (await replica.left())["money_per_day"] == 1000


async def test_the_caller_of_a_call_is_told_what_is_left(replica: Replica) -> None:
    """In trailing metadata, the newest figure of each limit."""
    call = Call("kefu.generation.v1.GenerationService/Generate")
    enter(call)
    await replica.quotas.begin(SHOP)
    await replica.quotas.admit(SHOP, "a", 500)
    await replica.quotas.settle(SHOP, "a", used(120, 400))
    assert call.trailers == {
        names.QUOTA_CALLER_KEY: "1",
        names.QUOTA_TOKENS_KEY: "880",
        names.QUOTA_MONEY_KEY: "9600",
    }


async def test_refusals_are_counted_by_limit_and_tenant(replica: Replica) -> None:
    """What an alert is made of."""
    labels = {"limit": "tokens_per_minute", "tenant": "shop"}
    before = sample(f"{names.QUOTA_REFUSALS}_total", **labels)
    await replica.quotas.settle(SHOP, "free", used(1000))
    for _ in range(2):
        with pytest.raises(QuotaExhausted):
            await replica.quotas.admit(SHOP, "free", 100)
    assert sample(f"{names.QUOTA_REFUSALS}_total", **labels) == before + 2


def test_the_error_is_what_a_client_can_act_on() -> None:
    """Which limit, how much, whose, and when there is more."""
    error = QuotaExhausted("money_per_day", 5_000_000, 60.0, "tenants/shop").error()
    assert error.metadata == {"quota": "money_per_day", "limit": "5000000"}
    assert error.retry_after_seconds == 60
    assert error.quotas[0][:3] == ("tenants/shop", "money_per_day", 5_000_000)
    assert "tenants/shop" in error.message


@pytest.mark.parametrize(
    ("alert", "metric"),
    [
        ("KefuQuotaLocal", names.QUOTA_LOCAL),
        ("KefuQuotaDefective", f"{names.QUOTA_DEFECTS}_total"),
        ("KefuQuotaExhausted", f"{names.QUOTA_REFUSALS}_total"),
    ],
)
def test_alerts_watch_metrics_that_are_written(alert: str, metric: str) -> None:
    """A name that nobody writes would never raise one."""
    (group,) = yaml.safe_load((ROOT / "deploy" / "alerts.yaml").read_text())["groups"]
    (rule,) = [each for each in group["rules"] if each["alert"] == alert]
    assert metric in rule["expr"]
    assert {"alert", "expr", "labels", "annotations"} <= rule.keys()


def test_the_documentation_names_every_key_and_metric() -> None:
    """Whoever calls the service, or watches it, reads it there."""
    text = (ROOT / "docs" / "limits.md").read_text()
    for word in (
        *(f"`{key}`" for key in (names.QUOTA_CALLER_KEY, names.QUOTA_TOKENS_KEY)),
        names.QUOTA_MONEY_KEY,
        f"{names.MONEY}_total",
        f"{names.QUOTA_REFUSALS}_total",
        names.QUOTA_LOCAL,
        f"{names.QUOTA_DEFECTS}_total",
        f"{names.TOKENS}_total",
        names.USAGE_PENDING,
        *(f"`{metric}`" for metric in Metric),
    ):
        assert word in text
