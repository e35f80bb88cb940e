"""Exports: a chain as JSON lines that anyone can verify later, without a database or network.

Every line is one JSON object. First the signed head, `{"checkpoint": {...}}`; then, where
retention has removed older records, `{"anchor": {...}}`; then one line per record, oldest first.
A record's line is the canonical form of `chain.py` plus `sequence`, `previous_hash` and `hash`
(hex), so its hash can be recomputed with any JSON library and SHA-256.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from services.audit.chain import jcs, plain, rfc3339
from services.audit.checkpoint import Checkpoint, Purpose, Statement
from services.audit.event import Event, Record
from services.audit.verify import Evidence, Kind, Problem, Verdict, Verifier

_PLACE = ("sequence", "recorded_at", "previous_hash", "hash")


class ExportMalformed(ValueError):
    """A line of the export cannot be read; the message names the line."""


def record_line(record: Record) -> str:
    """Return the record as one line, without the line's end."""
    place: dict[str, object] = {
        "sequence": record.sequence,
        "recorded_at": rfc3339(record.recorded_at),
        "previous_hash": record.previous_hash.hex(),
        "hash": record.hash.hex(),
    }
    return jcs({**plain(record.event), **place}).decode()


def checkpoint_line(checkpoint: Checkpoint) -> str:
    """Return the checkpoint or anchor as one line, without the line's end."""
    statement = checkpoint.statement
    body: dict[str, object] = {
        "chain": statement.chain,
        "sequence": statement.sequence,
        "hash": statement.hash.hex(),
        "time": rfc3339(statement.time),
        "signature": checkpoint.signature.hex(),
        "public_key": checkpoint.public_key.hex(),
    }
    return jcs({str(statement.purpose): body}).decode()


def parse_line(line: str) -> Record | Checkpoint:
    """Read one line back.

    Raises:
        ValueError: it is neither a record nor a signed statement, or not written as here. A field
            that nothing reads, a second field of the same name or a digit that is dropped would
            be content that no hash protects, so what is read must write itself back the same.
    """
    try:
        values = json.loads(line)
        purpose = next((purpose for purpose in Purpose if purpose in values), None)
        if purpose is None:
            parsed: Record | Checkpoint = _parse_record(values)
        else:
            parsed = _parse_checkpoint(purpose, values[purpose])
        written = record_line(parsed) if isinstance(parsed, Record) else checkpoint_line(parsed)
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"missing or mistyped: {error}") from error
    if written != line.strip():
        raise ValueError("not in canonical form")
    return parsed


def _parse_record(values: dict[str, Any]) -> Record:
    event = {name: value for name, value in values.items() if name not in _PLACE}
    event["time"] = datetime.fromisoformat(event["time"])
    return Record(
        sequence=int(values["sequence"]),
        recorded_at=datetime.fromisoformat(values["recorded_at"]),
        event=Event(**event),
        previous_hash=bytes.fromhex(values["previous_hash"]),
        hash=bytes.fromhex(values["hash"]),
    )


def _parse_checkpoint(purpose: Purpose, body: dict[str, Any]) -> Checkpoint:
    statement = Statement(
        purpose=purpose,
        chain=body["chain"],
        sequence=int(body["sequence"]),
        hash=bytes.fromhex(body["hash"]),
        time=datetime.fromisoformat(body["time"]),
    )
    return Checkpoint(
        statement, bytes.fromhex(body["signature"]), bytes.fromhex(body["public_key"])
    )


def read(lines: Iterable[str]) -> Iterator[Record | Checkpoint]:
    """Read an export, one item at a time.

    Raises:
        ExportMalformed: a line cannot be read.
    """
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield parse_line(line)
        except ValueError as error:
            raise ExportMalformed(f"line {number}: {error}") from error


def verify_export(
    lines: Iterable[str], chain: str, public_key: bytes, checkpoint: Checkpoint | None = None
) -> Verdict:
    """Verify an exported chain with nothing but the export and the public key.

    Args:
        lines: The export, read once.
        chain: The chain that it should be: `tenants/shop`, or `tenants/-`.
        public_key: Raw Ed25519 key of the service, obtained from elsewhere than the export.
        checkpoint: A checkpoint that the auditor kept, to measure against as well.

    Returns:
        The verdict. Without a signed head nobody could tell whether the end was cut off, so an
        export that lacks it fails.

    Raises:
        ExportMalformed: a line cannot be read, or a statement stands behind a record.
    """
    items = read(lines)
    stated: dict[Purpose, Checkpoint] = {}
    first: Record | None = None
    for item in items:
        if isinstance(item, Record):
            first = item
            break
        stated[item.statement.purpose] = item
    head = stated.get(Purpose.CHECKPOINT)
    if head is None:
        detail = "the export has no signed head, so its end may have been cut off"
        return Verdict(0, Problem(Kind.TRUNCATED, 0, "", detail))
    anchor = stated.get(Purpose.ANCHOR)
    verifier = Verifier(
        Evidence(
            chain=chain, public_key=public_key, anchor=anchor, head=head, checkpoint=checkpoint
        )
    )
    if first is not None and verifier.feed(first):
        for item in items:
            if not isinstance(item, Record):
                raise ExportMalformed("a signed statement stands behind a record")
            if not verifier.feed(item):
                break
    return verifier.finish()
