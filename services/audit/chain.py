"""The hash chain: how a record is encoded, hashed, linked, and found out.

Canonical form, version 1
    The UTF-8 bytes of one JSON object as RFC 8785 (JCS) writes it: keys sorted, no spaces, no
    optional escapes. It holds `recorded_at` and the event's fields under their names in
    `event.py`. Values are strings, one integer and one string map, so JCS's rules for floats
    never matter. Times are RFC 3339 in UTC with six decimals and `Z`. A field that is empty or
    zero is left out, so a field added later does not change the form of older records.
    The form depends on nothing but this text: no protobuf, no database type, no library version.

Chain
    `hash_n = SHA-256(hash_{n-1} || canonical(record_n))`. `hash_0` is SHA-256 over
    `kefu.audit.v1`, a line feed and the chain's name, so a record cannot be carried to another
    tenant's chain. The sequence number is not hashed: it is the position, which the links imply
    and the signed head fixes. A record that was moved therefore still proves itself genuine, and
    the verifier can tell "moved" from "altered".
"""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime

from services.audit.event import EVENT_FIELDS, Event, Record


def genesis(chain: str) -> bytes:
    """Return the hash that the first record of `chain` follows."""
    return hashlib.sha256(b"kefu.audit.v1\n" + chain.encode()).digest()


def rfc3339(moment: datetime) -> str:
    """Return `moment` as the canonical form writes it: UTC, six decimals, `Z`."""
    utc = moment.astimezone(UTC).replace(tzinfo=None)
    return utc.isoformat(timespec="microseconds") + "Z"


def plain(event: Event) -> dict[str, object]:
    """Return the event's fields as JSON values, empty ones left out."""
    values: dict[str, object] = {}
    for name in EVENT_FIELDS:
        value = getattr(event, name)
        if not value:
            continue
        if name == "time":
            value = rfc3339(value)
        elif name == "labels":
            value = dict(value)
        values[name] = value
    return values


def jcs(value: dict[str, object]) -> bytes:
    """Return RFC 8785 bytes of a JSON object whose leaves are strings and integers.

    Label keys sort by UTF-16 code unit there and by code point here; the contract allows ASCII
    keys only, for which the two are the same.
    """
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode()


def canonical(event: Event, recorded_at: datetime) -> bytes:
    """Return the canonical form of a record, version 1; see the module's text."""
    return jcs({**plain(event), "recorded_at": rfc3339(recorded_at)})


def link(previous_hash: bytes, event: Event, recorded_at: datetime) -> bytes:
    """Return the hash of the record that follows `previous_hash`."""
    return hashlib.sha256(previous_hash + canonical(event, recorded_at)).digest()


def extend(
    sequence: int, previous_hash: bytes, events: Iterable[Event], recorded_at: datetime
) -> list[Record]:
    """Chain `events`, in order, behind the record `sequence` whose hash is `previous_hash`."""
    records = []
    for number, event in enumerate(events, start=sequence + 1):
        digest = link(previous_hash, event, recorded_at)
        records.append(Record(number, recorded_at, event, previous_hash, digest))
        previous_hash = digest
    return records


def is_genuine(record: Record) -> bool:
    """Tell whether the record's content is what its own hash was made over."""
    return link(record.previous_hash, record.event, record.recorded_at) == record.hash
