"""The steps that every call passes, tried without gRPC."""

import asyncio
import contextlib
import contextvars

import pytest
from kefu.errors import CallerUnidentified, DeadlineExceeded, RateLimited
from opentelemetry.trace import get_tracer

from services.mesh.calls import Call, annotate, current, enter
from services.mesh.identity import spiffe_identity
from services.mesh.interceptors import ORDER, build_middleware
from services.mesh.interceptors.authorise import Authorise
from services.mesh.interceptors.deadline import Deadline, margin_seconds
from services.mesh.interceptors.limits import Limits
from services.mesh.policy import Policy
from services.mesh.settings import ServiceSettings

METHOD = "kefu.intent.v1.IntentService/Classify"


@pytest.fixture
def settings(tmp_path_factory: pytest.TempPathFactory) -> ServiceSettings:
    """Settings that name files nobody reads here."""
    folder = tmp_path_factory.mktemp("settings")
    files = ("cert_file", "key_file", "ca_file", "policy_file", "spool_dir")
    return ServiceSettings(**{name: folder / name for name in files})


def test_the_order_is_the_one_that_is_written_down(settings: ServiceSettings) -> None:
    """Errors outside all that may fail, audit outside authorise; nothing is missing."""
    middleware = build_middleware(
        settings, lambda: Policy({}, []), lambda *_: None, get_tracer("test")
    )
    assert tuple(each.name for each in middleware) == ORDER
    assert ORDER.index("errors") < ORDER.index("deadline")
    assert ORDER.index("caller") < ORDER.index("audit") < ORDER.index("authorise")
    assert ORDER[-1] == "validate", "permission is checked before the rules of fields"


@pytest.mark.parametrize(
    ("left", "margin"), [(0.01, 0.005), (0.1, 0.005), (1, 0.05), (5, 0.25), (60, 0.25)]
)
def test_what_a_hop_keeps_back(left: float, margin: float) -> None:
    """A twentieth, at least 5 ms, at most a quarter of a second."""
    assert margin_seconds(left) == pytest.approx(margin)


async def test_a_deadline_that_has_passed_starts_nothing() -> None:
    """The call is over before the handler sees it."""
    call = Call(METHOD, seconds_left=0.004)
    with pytest.raises(DeadlineExceeded):
        async with Deadline(60).around(call):
            raise AssertionError("the handler ran")


async def test_methods_that_wait_have_no_deadline() -> None:
    """A health watch lasts as long as somebody watches."""
    call = Call(METHOD)
    async with Deadline(0.001, frozenset({METHOD})).around(call):
        await asyncio.sleep(0.01)
    assert call.remaining_seconds == float("inf")


async def test_a_caller_nobody_identified_is_refused() -> None:
    """Should the caller step ever be left out, nobody gets in."""
    with pytest.raises(CallerUnidentified):
        async with Authorise(lambda: Policy({}, [])).around(Call(METHOD)):
            pass


async def call_at(limits: Limits, count: int = 1) -> None:
    """Make calls one after the other."""
    for _ in range(count):
        async with limits.around(Call(METHOD)):
            pass


async def test_tokens_come_back_with_time() -> None:
    """A burst is allowed, then the rate; the wait that is told is long enough."""
    now = [100.0]
    limits = Limits(10, calls_per_second=2, burst=3, clock=lambda: now[0])
    await call_at(limits, 3)
    with pytest.raises(RateLimited) as caught:
        await call_at(limits)
    assert caught.value.retry_after_seconds == pytest.approx(0.5)
    now[0] += 0.5
    await call_at(limits)
    with pytest.raises(RateLimited):
        await call_at(limits)
    now[0] += 3600
    await call_at(limits, 3)
    with pytest.raises(RateLimited):
        await call_at(limits)


async def test_a_refused_call_does_not_count_as_running() -> None:
    """Neither does one that failed."""
    limits = Limits(1, calls_per_second=1000, burst=1000)
    with contextlib.suppress(ValueError):
        async with limits.around(Call(METHOD)):
            raise ValueError
    await call_at(limits, 3)


@pytest.mark.parametrize(
    "uri",
    [
        "spiffe://kefu.local/ns/kefu/sa/session",
        "spiffe://kefu.local/ns/prod-1/sa/order-system",
    ],
)
def test_one_good_identity(uri: str) -> None:
    """It is the caller, letter for letter."""
    assert spiffe_identity([uri], "kefu.local") == uri


@pytest.mark.parametrize(
    "uris",
    [
        [],
        ["spiffe://kefu.local/ns/kefu/sa/a", "spiffe://kefu.local/ns/kefu/sa/a"],
        ["spiffe://kefu.local/ns/kefu/sa/a\n"],
        ["spiffe://KEFU.local/ns/kefu/sa/a"],
        ["spiffe://kefu.local.evil.example/ns/kefu/sa/a"],
        ["SPIFFE://kefu.local/ns/kefu/sa/a"],
        ["spiffe://kefu.local/ns/kefu/sa/"],
        ["spiffe://kefu.local/ns/kefu/sa/a/../b"],
        ["spiffe://user@kefu.local/ns/kefu/sa/a"],
    ],
)
def test_what_is_no_identity(uris: list[str]) -> None:
    """One URI, of the exact form, of our domain: everything else is nobody."""
    with pytest.raises(CallerUnidentified):
        spiffe_identity(uris, "kefu.local")


async def test_facts_belong_to_the_call_of_their_task() -> None:
    """Two calls at once never see each other's."""

    async def serve(name: str) -> Call:
        call = Call(METHOD)
        enter(call)
        await asyncio.sleep(0)
        annotate(resource=name, who=name)
        await asyncio.sleep(0)
        assert current() is call
        return call

    first, second = await asyncio.gather(serve("a"), serve("b"))
    assert (first.labels, second.labels) == ({"who": "a"}, {"who": "b"})
    assert (first.resource, second.resource) == ("a", "b")


def test_outside_a_call_there_is_none() -> None:
    """A background task cannot write into somebody's record by mistake."""
    with pytest.raises(LookupError):
        contextvars.Context().run(annotate, who="nobody")
