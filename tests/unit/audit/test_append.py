"""What a batch becomes behind the signed head of its chain."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.audit.append import carry_on, empty_head
from services.audit.checkpoint import Checkpoint
from services.audit.verify import HEAD_NOTICE, Evidence, Kind, verify
from tests.support.audit_records import NOON, SHOP, SIGNER, STRANGER, a_chain, an_event, head_of

CHAIN = a_chain(3)
HEAD = head_of(CHAIN)


def test_an_empty_chain_has_a_signed_head() -> None:
    """Sequence 0, so the first record is number 1."""
    head = empty_head(SHOP, SIGNER, NOON)
    assert head.is_signed_by(SIGNER.public_key)
    extension = carry_on(head, [an_event(0)], SIGNER, NOON)
    assert [record.sequence for record in extension.records] == [1]


def test_a_batch_moves_the_head() -> None:
    """The new head names the last record, is signed, and the whole verifies against it."""
    extension = carry_on(HEAD, [an_event(3), an_event(4)], SIGNER, NOON)
    assert not extension.head_was_replaced
    assert extension.head.statement.sequence == 5
    evidence = Evidence(chain=SHOP, public_key=SIGNER.public_key, head=extension.head)
    assert verify(CHAIN + extension.records, evidence).ok


@pytest.mark.parametrize("seconds", [-90, 0, 90])
def test_time_never_runs_backwards_in_a_chain(seconds: int) -> None:
    """Retention goes by date, so a record is never dated before its predecessor."""
    now = NOON + timedelta(seconds=seconds)
    extension = carry_on(HEAD, [an_event(3)], SIGNER, now)
    assert extension.records[0].recorded_at == max(now, NOON)


@pytest.mark.parametrize(
    "found",
    [
        head_of(CHAIN, STRANGER),
        replace(HEAD, statement=replace(HEAD.statement, sequence=2, hash=CHAIN[1].hash)),
        Checkpoint(HEAD.statement, b"", b""),
    ],
)
def test_a_head_that_is_not_ours_is_noted_in_the_chain(found: Checkpoint) -> None:
    """Nothing is lost and nothing is hidden: the notice comes first and fails every later check."""
    extension = carry_on(found, [an_event(3)], SIGNER, NOON)
    assert extension.head_was_replaced
    notice, record = extension.records
    assert record.event == an_event(3)
    assert notice.event.method == HEAD_NOTICE
    assert notice.event.labels["found_sequence"] == str(found.statement.sequence)
    assert notice.event.chain == SHOP
    evidence = Evidence(chain=SHOP, public_key=SIGNER.public_key, head=extension.head)
    left = CHAIN[: found.statement.sequence]
    problem = verify(left + extension.records, evidence).problem
    assert problem is not None
    assert (problem.kind, problem.sequence) == (Kind.HEAD_REPLACED, notice.sequence)


def test_a_notice_in_the_chain_of_no_tenant_stays_there() -> None:
    """The chain `tenants/-` belongs to no tenant, and neither does its notice."""
    head = empty_head("tenants/-", STRANGER, NOON)
    extension = carry_on(head, [an_event(0, tenant="")], SIGNER, NOON)
    assert {record.event.chain for record in extension.records} == {"tenants/-"}
