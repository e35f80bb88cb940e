"""Carrying a chain on from its signed head: what a batch becomes before it is stored."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.audit.chain import extend, genesis
from services.audit.checkpoint import Checkpoint, Purpose, Signer, Statement
from services.audit.event import NO_TENANT, Event, Record
from services.audit.verify import HEAD_NOTICE


@dataclass(frozen=True, slots=True)
class Extension:
    """What is to be stored, all of it or nothing."""

    records: list[Record]
    head: Checkpoint
    """The head once `records` are appended."""
    head_was_replaced: bool
    """The head that was found is not the service's; a notice stands before the events."""


def empty_head(chain: str, signer: Signer, now: datetime) -> Checkpoint:
    """Return the signed head of a chain that has no record yet: sequence 0."""
    return signer.sign(Statement(Purpose.CHECKPOINT, chain, 0, genesis(chain), now))


def carry_on(head: Checkpoint, events: Sequence[Event], signer: Signer, now: datetime) -> Extension:
    """Append `events`, at least one and all of one chain, behind `head`.

    Appending goes on even where the head was forged or its key was lost: refusing would fill every
    service's spool and lose more than it saves. The service then first records what it found, and
    `verify` fails the chain at that record from then on.
    """
    found = head.statement
    replaced = not head.is_signed_by(signer.public_key)
    if replaced:
        events = [_notice(head, now), *events]
    # A clock that was set back must not date a record before its predecessor: retention relies
    # on the oldest records being those of the oldest days.
    recorded_at = max(now, found.time)
    records = extend(found.sequence, found.hash, events, recorded_at)
    last = records[-1]
    statement = Statement(Purpose.CHECKPOINT, found.chain, last.sequence, last.hash, recorded_at)
    return Extension(records, signer.sign(statement), replaced)


def _notice(head: Checkpoint, now: datetime) -> Event:
    found = head.statement
    tenant = found.chain.removeprefix("tenants/")
    return Event(
        event_id=str(uuid.uuid4()),
        time=now,
        tenant="" if tenant == NO_TENANT else tenant,
        service="audit",
        method=HEAD_NOTICE,
        resource=found.chain,
        outcome="DATA_LOSS",
        labels={
            "found_sequence": str(found.sequence),
            "found_hash": found.hash.hex(),
            "found_public_key": head.public_key.hex(),
        },
    )
