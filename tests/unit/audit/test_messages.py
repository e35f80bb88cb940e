"""Messages and domain values say the same; nothing a caller sends becomes an internal error."""

from datetime import timedelta

import pytest
from kefu.audit.v1 import audit_pb2 as pb
from kefu.errors import CheckpointInvalid, InvalidRequest

from services.audit import messages
from services.audit.event import EventFilter
from services.audit.verify import Kind, Problem
from tests.support.audit_records import (
    NOON,
    SHOP,
    SIGNER,
    STRANGER,
    a_chain,
    an_event,
    head_of,
)

CHAIN = a_chain(3)


def test_a_record_survives_the_wire() -> None:
    """There and back, also with every optional field empty."""
    for record in CHAIN:
        assert messages.record_from(messages.record_to(record)) == record
    bare = an_event(tenant="", service="", identity="", end_user="", labels={}, latency_us=0)
    assert messages.event_from(messages.event_to(bare)) == bare


def test_a_checkpoint_survives_the_wire() -> None:
    """Its signature still holds on the other side."""
    head = head_of(CHAIN)
    assert messages.checkpoint_from(messages.checkpoint_to(head)) == head


def test_every_kind_of_problem_has_a_word_in_the_contract() -> None:
    """The names are the same on both sides, so nobody has to translate."""
    for kind in Kind:
        message = messages.problem_to(Problem(kind, 7, "id", "what happened"))
        assert pb.Problem.Kind.Name(message.kind) == f"KIND_{kind.name}"
        assert (message.sequence, message.event_id) == (7, "id")
    assert len(Kind) == len(pb.Problem.Kind.keys()) - 1


def test_absent_times_do_not_restrict() -> None:
    """An absent field is none; a present one is a moment in UTC."""
    assert messages.filter_from(pb.EventFilter()) == EventFilter()
    wanted = pb.EventFilter(method="m")
    wanted.start_time.FromDatetime(NOON)
    assert messages.filter_from(wanted) == EventFilter(start_time=NOON, method="m")


@pytest.mark.parametrize("seconds", [-(10**12), 10**12])
@pytest.mark.parametrize("field", ["start_time", "end_time"])
def test_a_time_outside_the_calendar_is_the_caller_s_mistake(field: str, seconds: int) -> None:
    """The field is named."""
    wanted = pb.EventFilter(**{field: {"seconds": seconds}})  # type: ignore[arg-type]
    with pytest.raises(InvalidRequest) as refusal:
        messages.filter_from(wanted)
    assert refusal.value.violations[0][0] == f"filter.{field}"


@pytest.mark.parametrize(
    ("latency", "microseconds"),
    [
        (timedelta(milliseconds=1.5), 1500),
        (timedelta(seconds=-1), 0),
        (timedelta(days=999_999_999), 2**53),
    ],
)
def test_a_latency_is_kept_within_what_json_can_hold(latency: timedelta, microseconds: int) -> None:
    """A broken clock must not break the chain."""
    message = messages.event_to(an_event())
    message.latency.seconds = latency // timedelta(seconds=1)
    message.latency.nanos = latency % timedelta(seconds=1) // timedelta(microseconds=1) * 1000
    assert messages.event_from(message).latency_us == microseconds


def test_only_a_checkpoint_of_this_log_and_chain_is_taken() -> None:
    """None sent is none; somebody else's is refused."""
    head = head_of(CHAIN)
    genuine = pb.VerifyEventsRequest(parent=SHOP, known_checkpoint=messages.checkpoint_to(head))
    assert messages.known_checkpoint_from(genuine, SIGNER.public_key) == head
    absent = pb.VerifyEventsRequest(parent=SHOP)
    assert messages.known_checkpoint_from(absent, SIGNER.public_key) is None
    other_chain = pb.VerifyEventsRequest(
        parent="tenants/bank", known_checkpoint=genuine.known_checkpoint
    )
    for request, key in ((genuine, STRANGER.public_key), (other_chain, SIGNER.public_key)):
        with pytest.raises(CheckpointInvalid):
            messages.known_checkpoint_from(request, key)
