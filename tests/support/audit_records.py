"""Events and chains for the tests of the audit service, and ways to tamper with a chain."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.audit.chain import extend, link
from services.audit.checkpoint import Checkpoint, Purpose, Signer, Statement
from services.audit.event import Event, Record
from services.audit.verify import Evidence, Position

NOON = datetime(2026, 3, 14, 12, 0, 0, 250_000, tzinfo=UTC)
"""A moment with a fraction of a second, so that lost precision shows."""

SHOP = "tenants/shop"
"""The chain that most tests use."""

SIGNER = Signer(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
"""The service's key."""

STRANGER = Signer(Ed25519PrivateKey.from_private_bytes(bytes(32)))
"""Somebody else's key."""


def an_event(number: int = 0, **changes: object) -> Event:
    """Return the event of one call; the same number gives the same event."""
    values: dict[str, object] = {
        "event_id": str(uuid.UUID(int=number + 1, version=4)),
        "time": NOON + timedelta(milliseconds=number),
        "tenant": "shop",
        "service": "session",
        "method": "kefu.session.v1.SessionService/Reply",
        "identity": "spiffe://kefu.local/ns/shop/sa/web",
        "end_user": "user-17",
        "resource": f"tenants/shop/sessions/s{number % 7}",
        "outcome": "OK",
        "latency_us": 1500 + number,
        "trace_id": f"{number:032x}",
        "labels": {"intent": "return_goods", "length": str(number)},
    }
    return Event(**{**values, **changes})  # type: ignore[arg-type]


def a_chain(length: int, chain: str = SHOP) -> list[Record]:
    """Return the first `length` records of a chain."""
    tenant = chain.removeprefix("tenants/").replace("-", "")
    start = Evidence(chain=chain, public_key=b"").start()
    events = [an_event(number, tenant=tenant) for number in range(length)]
    return extend(start.sequence, start.hash, events, NOON)


def head_of(records: list[Record], signer: Signer = SIGNER) -> Checkpoint:
    """Return the signed head of a chain."""
    return checkpoint_at(records[-1], Purpose.CHECKPOINT, signer)


def checkpoint_at(record: Record, purpose: Purpose, signer: Signer = SIGNER) -> Checkpoint:
    """Return a signed statement about one record."""
    chain = record.event.chain
    return signer.sign(Statement(purpose, chain, record.sequence, record.hash, record.recorded_at))


def evidence_for(records: list[Record]) -> Evidence:
    """Return what the untouched chain `records` is measured against."""
    return Evidence(chain=SHOP, public_key=SIGNER.public_key, head=head_of(records))


def renumbered(records: list[Record], first: int = 1) -> list[Record]:
    """Return the records in this order with gapless numbers, as a careful forger leaves them."""
    return [replace(record, sequence=first + at) for at, record in enumerate(records)]


def rehashed(record: Record, **changes: object) -> Record:
    """Return the record with a changed event and a hash that fits it."""
    event = replace(record.event, **changes)  # type: ignore[arg-type]
    digest = link(record.previous_hash, event, record.recorded_at)
    return replace(record, event=event, hash=digest)


def behind(record: Record) -> Position:
    """Return the position behind a record."""
    return Position(record.sequence, record.hash)
