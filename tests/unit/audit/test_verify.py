"""Verification finds whatever was done to a chain, and names the first record concerned."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.audit.chain import extend
from services.audit.checkpoint import Purpose
from services.audit.event import Event, Record
from services.audit.verify import HEAD_NOTICE, Evidence, Kind, Problem, verify
from tests.support.audit_records import (
    NOON,
    SHOP,
    SIGNER,
    STRANGER,
    a_chain,
    an_event,
    behind,
    checkpoint_at,
    evidence_for,
    head_of,
    rehashed,
    renumbered,
)

CHAIN = a_chain(12)
PLACES = st.integers(0, len(CHAIN) - 1)
INNER = st.integers(0, len(CHAIN) - 2)


def problem_in(records: list[Record]) -> Problem:
    """Verify what became of CHAIN; it must not pass."""
    verdict = verify(records, evidence_for(CHAIN))
    assert verdict.problem is not None
    return verdict.problem


def test_an_untouched_chain_verifies() -> None:
    """All is well, and the count says that all was read."""
    verdict = verify(iter(CHAIN), evidence_for(CHAIN))
    assert verdict.ok
    assert verdict.records == 12


def test_an_empty_chain_verifies() -> None:
    """A tenant without events has nothing to alter."""
    assert verify([], Evidence(chain=SHOP, public_key=SIGNER.public_key)).ok


CHANGES: dict[str, Callable[[Event], object]] = {
    "event_id": lambda event: event.event_id[::-1],
    "time": lambda event: event.time + timedelta(microseconds=1),
    "tenant": lambda event: "bank",
    "service": lambda event: "intent",
    "method": lambda event: event.method + "x",
    "identity": lambda event: "",
    "end_user": lambda event: "user-18",
    "resource": lambda event: event.resource.upper(),
    "outcome": lambda event: "PERMISSION_DENIED",
    "reason": lambda event: "ROLE_NOT_ALLOWED",
    "latency_us": lambda event: event.latency_us + 1,
    "trace_id": lambda event: "f" * 32,
    "labels": lambda event: {**event.labels, "extra": ""},
}


@given(PLACES, st.sampled_from(sorted(CHANGES)))
def test_any_change_to_a_field_is_found_where_it_was_made(at: int, name: str) -> None:
    """Whatever field of whatever record: the record is named as altered."""
    event = CHAIN[at].event
    changed = replace(event, **{name: CHANGES[name](event)})  # type: ignore[arg-type]
    found = problem_in([*CHAIN[:at], replace(CHAIN[at], event=changed), *CHAIN[at + 1 :]])
    assert (found.kind, found.sequence) == (Kind.ALTERED, at + 1)


@given(PLACES, st.sampled_from(["hash", "previous_hash"]), st.integers(0, 255))
def test_any_flipped_bit_of_a_hash_is_found(at: int, name: str, bit: int) -> None:
    """The hashes are as protected as the content."""
    value = int.from_bytes(getattr(CHAIN[at], name)) ^ 1 << bit
    broken = replace(CHAIN[at], **{name: value.to_bytes(32)})  # type: ignore[arg-type]
    found = problem_in([*CHAIN[:at], broken, *CHAIN[at + 1 :]])
    assert (found.kind, found.sequence) == (Kind.ALTERED, at + 1)


@given(INNER, st.integers(1, 5))
def test_removed_records_are_missed(at: int, count: int) -> None:
    """The first number that is gone is named, however many are gone behind it."""
    count = min(count, len(CHAIN) - 1 - at)
    found = problem_in(CHAIN[:at] + CHAIN[at + count :])
    assert (found.kind, found.sequence) == (Kind.MISSING, at + 1)


@given(INNER)
def test_a_removal_hidden_by_new_numbers_is_missed(at: int) -> None:
    """Closing the gap in the numbers does not close the gap in the links."""
    found = problem_in(renumbered(CHAIN[:at] + CHAIN[at + 1 :]))
    assert (found.kind, found.sequence) == (Kind.MISSING, at + 1)


@given(st.integers(0, 11))
def test_a_cut_tail_is_found_against_the_head(left: int) -> None:
    """Every remaining record is genuine; only the signed head knows better."""
    found = problem_in(CHAIN[:left])
    assert (found.kind, found.sequence) == (Kind.TRUNCATED, left + 1)


@given(PLACES, PLACES, st.booleans())
def test_swapped_records_are_found(one: int, other: int, new_numbers: bool) -> None:
    """In an export the lines were swapped; in a database the numbers were swapped with them."""
    if one == other:
        return
    records = list(CHAIN)
    records[one], records[other] = records[other], records[one]
    found = problem_in(renumbered(records) if new_numbers else records)
    assert (found.kind, found.sequence) == (Kind.REORDERED, min(one, other) + 1)


def test_a_record_moved_to_the_end_is_found() -> None:
    """One number changed; the numbers around it are untouched."""
    moved = replace(CHAIN[4], sequence=40)
    found = problem_in([*CHAIN[:4], *CHAIN[5:], moved])
    assert (found.kind, found.sequence) == (Kind.REORDERED, 5)


@given(PLACES)
def test_a_repeated_record_is_found(at: int) -> None:
    """A genuine record must not appear twice."""
    found = problem_in([*CHAIN[: at + 1], *CHAIN[at:]])
    assert (found.kind, found.sequence) == (Kind.INSERTED, at + 1)


@given(INNER)
def test_an_inserted_record_that_links_correctly_is_found(at: int) -> None:
    """The forger can hash, but the next genuine record does not follow the forgery."""
    before = CHAIN[at]
    forged = extend(before.sequence, before.hash, [an_event(99)], NOON)
    found = problem_in(renumbered([*CHAIN[: at + 1], *forged, *CHAIN[at + 1 :]]))
    at_the_head = at + 2 == len(CHAIN)
    assert found.kind == (Kind.CHECKPOINT_MISMATCH if at_the_head else Kind.INSERTED)
    assert found.sequence == at + 2
    assert found.event_id == an_event(99).event_id


@given(PLACES)
def test_an_inserted_record_that_links_to_nothing_is_found(at: int) -> None:
    """The true record still follows behind it, so it was inserted, not exchanged."""
    forged = extend(at, bytes(32), [an_event(99)], NOON)
    found = problem_in(renumbered([*CHAIN[:at], *forged, *CHAIN[at:]]))
    assert (found.kind, found.sequence) == (Kind.INSERTED, at + 1)


def test_records_behind_the_head_are_found() -> None:
    """Only the service can move the signed head, so it did not append these."""
    found = problem_in([*CHAIN, *extend(12, CHAIN[-1].hash, [an_event(99)], NOON)])
    assert (found.kind, found.sequence) == (Kind.INSERTED, 13)


@given(PLACES)
def test_an_altered_record_with_a_new_hash_is_found(at: int) -> None:
    """Hashing the forgery again breaks the link behind it, or contradicts the head."""
    found = problem_in([*CHAIN[:at], rehashed(CHAIN[at], outcome="ABORTED"), *CHAIN[at + 1 :]])
    last = at == len(CHAIN) - 1
    assert found.kind == (Kind.CHECKPOINT_MISMATCH if last else Kind.ALTERED)
    assert found.sequence == at + 1


@given(INNER)
def test_a_rewritten_rest_contradicts_the_head(at: int) -> None:
    """A chain forged from some record on is whole in itself; the signed head gives it away."""
    events = [record.event for record in CHAIN]
    events[at] = replace(events[at], identity="spiffe://kefu.local/ns/shop/sa/other")
    start = evidence_for(CHAIN).start()
    forged = extend(start.sequence, start.hash, events, NOON)
    found = problem_in(forged)
    assert (found.kind, found.sequence) == (Kind.CHECKPOINT_MISMATCH, 12)


@pytest.mark.parametrize("place", [3, 11])
def test_a_forged_chain_with_a_forged_head_is_found(place: int) -> None:
    """Somebody without the key cannot sign where the forged chain ends."""
    forged = CHAIN[:place]
    head = head_of(forged, STRANGER)
    verdict = verify(forged, replace(evidence_for(CHAIN), head=head))
    assert verdict.problem is not None
    assert (verdict.problem.kind, verdict.problem.sequence) == (Kind.HEAD_REPLACED, place)


def test_a_head_put_back_needs_a_checkpoint_kept_elsewhere() -> None:
    """An older head is genuine, so only what the auditor kept shows that records are gone."""
    older = Evidence(chain=SHOP, public_key=SIGNER.public_key, head=head_of(CHAIN[:8]))
    assert verify(CHAIN[:8], older).ok
    found = verify(CHAIN[:8], replace(older, checkpoint=head_of(CHAIN[:10]))).problem
    assert found is not None
    assert (found.kind, found.sequence) == (Kind.TRUNCATED, 9)


def test_a_kept_checkpoint_shows_that_history_was_rewritten() -> None:
    """Even the service's own key cannot explain another record in a place once attested."""
    forged = [*CHAIN[:4], rehashed(CHAIN[4], outcome="ABORTED")]
    evidence = Evidence(
        chain=SHOP,
        public_key=SIGNER.public_key,
        head=head_of(forged),
        checkpoint=head_of(CHAIN[:5]),
    )
    found = verify(forged, evidence).problem
    assert found is not None
    assert (found.kind, found.sequence) == (Kind.CHECKPOINT_MISMATCH, 5)


def test_the_service_s_own_notice_fails_the_chain() -> None:
    """Appending goes on after a head was replaced, but the chain never passes again unseen."""
    start = evidence_for(CHAIN).start()
    events = [an_event(0), an_event(1, method=HEAD_NOTICE), an_event(2)]
    records = extend(start.sequence, start.hash, events, NOON)
    found = verify(records, evidence_for(records)).problem
    assert found is not None
    assert (found.kind, found.sequence) == (Kind.HEAD_REPLACED, 2)


def test_what_retention_left_verifies_from_its_anchor() -> None:
    """The oldest records are gone for good reason, and the signed anchor says so."""
    anchor = checkpoint_at(CHAIN[4], Purpose.ANCHOR)
    assert verify(CHAIN[5:], replace(evidence_for(CHAIN), anchor=anchor)).ok
    assert verify([], replace(evidence_for(CHAIN[:5]), anchor=anchor)).ok


@pytest.mark.parametrize(
    "anchor",
    [
        checkpoint_at(CHAIN[4], Purpose.ANCHOR, STRANGER),
        # An old head proves where the chain was, not that its beginning may go.
        checkpoint_at(CHAIN[4], Purpose.CHECKPOINT),
    ],
)
def test_a_cut_beginning_cannot_pass_for_retention(anchor: object) -> None:
    """Only the service's key makes an anchor, and only an anchor excuses missing records."""
    evidence = replace(evidence_for(CHAIN), anchor=anchor)  # type: ignore[arg-type]
    found = verify(CHAIN[5:], evidence).problem
    assert found is not None
    assert (found.kind, found.sequence) == (Kind.HEAD_REPLACED, 5)


def test_a_part_verifies_behind_a_known_record() -> None:
    """Verification can start in the middle, and still sees a wrong neighbour."""
    assert verify(CHAIN[6:], evidence_for(CHAIN), behind(CHAIN[5])).ok
    found = verify(CHAIN[7:], evidence_for(CHAIN), behind(CHAIN[5])).problem
    assert found is not None
    assert (found.kind, found.sequence) == (Kind.MISSING, 7)
