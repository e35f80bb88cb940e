"""The canonical form and the links of the chain: what auditors recompute with their own tools."""

import hashlib
import itertools
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from services.audit.chain import canonical, extend, genesis, is_genuine, link, rfc3339
from services.audit.event import EVENT_FIELDS, Event
from tests.support.audit_records import NOON, a_chain, an_event

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=30)
TIMES = st.datetimes(timezones=st.just(UTC))
EVENTS = st.builds(
    Event,
    event_id=TEXT,
    time=TIMES,
    tenant=TEXT,
    service=TEXT,
    method=TEXT,
    identity=TEXT,
    end_user=TEXT,
    resource=TEXT,
    outcome=TEXT,
    reason=TEXT,
    latency_us=st.integers(0, 2**53),
    trace_id=TEXT,
    labels=st.dictionaries(st.text("abc._", max_size=5), TEXT, max_size=4),
)


def test_the_canonical_form_is_fixed_for_good() -> None:
    """The bytes of a known record never change: exported records must verify for years."""
    event = Event(
        event_id="6f9f1c1e-6c4b-4f0e-9d53-0a1b2c3d4e5f",
        time=NOON,
        tenant="shop",
        service="session",
        method="kefu.session.v1.SessionService/Reply",
        identity="spiffe://kefu.local/ns/shop/sa/web",
        outcome="PERMISSION_DENIED",
        reason="ROLE_NOT_ALLOWED",
        latency_us=321,
        labels={"b": "2", "a": "客服"},
    )
    expected = (
        '{"event_id":"6f9f1c1e-6c4b-4f0e-9d53-0a1b2c3d4e5f",'
        '"identity":"spiffe://kefu.local/ns/shop/sa/web",'
        '"labels":{"a":"客服","b":"2"},"latency_us":321,'
        '"method":"kefu.session.v1.SessionService/Reply","outcome":"PERMISSION_DENIED",'
        '"reason":"ROLE_NOT_ALLOWED","recorded_at":"2026-03-14T12:00:00.250000Z",'
        '"service":"session","tenant":"shop","time":"2026-03-14T12:00:00.250000Z"}'
    )
    assert canonical(event, NOON) == expected.encode()


def test_an_outsider_can_recompute_a_hash_from_the_documentation_alone() -> None:
    """Hash = SHA-256(previous hash || canonical form), beginning at the chain's name."""
    first, second = a_chain(2)
    start = hashlib.sha256(b"kefu.audit.v1\ntenants/shop").digest()
    assert first.hash == hashlib.sha256(start + canonical(first.event, NOON)).digest()
    assert second.hash == hashlib.sha256(first.hash + canonical(second.event, NOON)).digest()


@given(EVENTS, TIMES)
def test_the_canonical_form_is_a_faithful_copy(event: Event, recorded_at: datetime) -> None:
    """Everything that is not empty can be read back from the form, so two events never share it."""
    values = json.loads(canonical(event, recorded_at))
    assert values.pop("recorded_at") == rfc3339(recorded_at)
    for name in EVENT_FIELDS:
        value = getattr(event, name)
        written = rfc3339(value) if name == "time" else value
        assert values.pop(name, type(written)()) == written
    assert values == {}


@given(EVENTS, st.integers(-720, 720))
def test_the_same_moment_in_another_timezone_hashes_alike(event: Event, minutes: int) -> None:
    """A database may return times in its own timezone without breaking the chain."""
    if not 1 < event.time.year < 9999:
        return
    moved = event.time.astimezone(timezone(timedelta(minutes=minutes)))
    assert canonical(replace(event, time=moved), NOON) == canonical(event, NOON)


def test_the_order_of_labels_does_not_matter() -> None:
    """A map has no order, so neither has its hash."""
    one, other = an_event(labels={"a": "1", "b": "2"}), an_event(labels={"b": "2", "a": "1"})
    assert canonical(one, NOON) == canonical(other, NOON)


def test_records_are_numbered_without_gaps_and_linked() -> None:
    """Each record carries the next number and its predecessor's hash."""
    records = a_chain(5)
    assert [record.sequence for record in records] == [1, 2, 3, 4, 5]
    assert records[0].previous_hash == genesis("tenants/shop")
    pairs = itertools.pairwise(records)
    assert all(later.previous_hash == earlier.hash for earlier, later in pairs)
    assert all(is_genuine(record) for record in records)


def test_batches_chain_the_same_as_single_events() -> None:
    """How events were batched leaves no mark."""
    whole = a_chain(4)
    first = extend(0, genesis("tenants/shop"), [an_event(0), an_event(1)], NOON)
    rest = extend(2, first[-1].hash, [an_event(2), an_event(3)], NOON)
    assert first + rest == whole


def test_each_tenant_has_a_chain_of_its_own() -> None:
    """A record carried into another chain does not fit its beginning."""
    assert genesis("tenants/shop") != genesis("tenants/bank")
    assert an_event(tenant="").chain == "tenants/-"
    assert an_event(tenant="bank").chain == "tenants/bank"


def test_the_time_of_recording_is_protected_too() -> None:
    """Back-dating when a record was appended breaks it like any other change."""
    record = a_chain(1)[0]
    assert not is_genuine(replace(record, recorded_at=NOON - timedelta(days=1)))
    assert link(record.previous_hash, record.event, NOON) == record.hash
