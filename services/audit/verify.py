"""Finding out what was done to a chain: the first record that is not what it should be.

A record carries its predecessor's hash, so it can be judged alone ("is its content what its hash
was made over?") and in its place ("does it follow the record before it?"). Together with the
gapless numbers and the signed head this tells the cases apart. One pass, constant memory.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from services.audit.chain import genesis, is_genuine
from services.audit.checkpoint import Checkpoint, Purpose, Statement
from services.audit.event import Record

HEAD_NOTICE = "kefu.audit.v1.AuditService/HeadReplaced"
"""Method of the event that the service itself appends when it finds a head it did not sign."""


class Kind(StrEnum):
    """What is wrong."""

    ALTERED = "altered"
    """The record's content is not what was written."""
    MISSING = "missing"
    """The record was removed."""
    INSERTED = "inserted"
    """The record was never appended by the service."""
    REORDERED = "reordered"
    """The record stands elsewhere in the chain."""
    TRUNCATED = "truncated"
    """The chain ends before the record that a head or checkpoint names."""
    HEAD_REPLACED = "head_replaced"
    """The head or the anchor was not signed with the service's key."""
    CHECKPOINT_MISMATCH = "checkpoint_mismatch"
    """The chain contradicts a signed head, anchor or checkpoint."""


@dataclass(frozen=True, slots=True)
class Problem:
    """The first thing found wrong."""

    kind: Kind
    sequence: int
    """The record concerned, or the place where it should be."""
    event_id: str
    """Its event id; empty where there is no such record."""
    detail: str
    """One sentence for the auditor."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of a verification."""

    records: int
    """Records read, including those behind the problem that were read to explain it."""
    problem: Problem | None

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return self.problem is None


@dataclass(frozen=True, slots=True)
class Position:
    """The record that a verification starts behind."""

    sequence: int
    hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a chain is measured against."""

    chain: str
    public_key: bytes
    """Raw Ed25519 key that every statement below must be signed with."""
    anchor: Checkpoint | None = None
    """Last record that retention removed; absent while the chain is whole."""
    head: Checkpoint | None = None
    """Where the chain ends; absent where only a part of it is verified."""
    checkpoint: Checkpoint | None = None
    """A statement the auditor kept elsewhere."""

    def start(self) -> Position:
        """Return what the oldest record that is left must follow."""
        if self.anchor is None:
            return Position(0, genesis(self.chain))
        return Position(self.anchor.statement.sequence, self.anchor.statement.hash)

    def weigh(self) -> tuple[list[Statement], Problem | None]:
        """Return the statements that the key's holder signed for this chain, and the first not."""
        trusted: list[Statement] = []
        problem: Problem | None = None
        for kind, name, purpose, item in (
            (Kind.HEAD_REPLACED, "anchor", Purpose.ANCHOR, self.anchor),
            (Kind.HEAD_REPLACED, "head", Purpose.CHECKPOINT, self.head),
            (Kind.CHECKPOINT_MISMATCH, "checkpoint", Purpose.CHECKPOINT, self.checkpoint),
        ):
            if item is None:
                continue
            statement = item.statement
            meant = statement.purpose is purpose and statement.chain == self.chain
            if meant and item.is_signed_by(self.public_key):
                trusted.append(statement)
            elif problem is None:
                detail = f"the {name} was not signed for this chain with the expected key"
                problem = Problem(kind, statement.sequence, "", detail)
        return trusted, problem


class Verifier:
    """Judges the records of one chain as they come by.

    Feed it every record in order until `feed` returns False, then ask `finish`.
    """

    def __init__(self, evidence: Evidence, start: Position | None = None) -> None:
        """Measure against `evidence`, from `start` on; by default from the oldest record left."""
        self._last = start or evidence.start()
        self._last_id = ""
        self._before_last = b""
        trusted, self._untrusted = evidence.weigh()
        self._known = [(item.sequence, item.hash) for item in trusted]
        # Only the head says that nothing comes behind it.
        head = evidence.head.statement if evidence.head else None
        self._end = head.sequence if head is not None and head in trusted else None
        self._records = 0
        self._highest = self._last.sequence
        self._problem = self._contradiction(self._last, "")
        self._stray: _Stray | None = None

    def feed(self, record: Record) -> bool:
        """Judge one more record; False means that the verdict is known."""
        if self._problem is None:
            self._records += 1
            self._highest = max(self._highest, record.sequence)
            if self._stray is None:
                self._problem = self._judge(record)
            elif self._stray.explain(record, self._last.hash):
                self._problem = self._displaced(self._stray, record)
        return self._problem is None

    def finish(self) -> Verdict:
        """Return the verdict, now that no record is left."""
        if self._problem is None and self._stray is not None:
            self._problem = self._unexplained(self._stray)
        promised = max((sequence for sequence, _ in self._known), default=0)
        first = self._last.sequence + 1
        if self._problem is None and promised >= first:
            detail = f"records {first} to {promised} are gone from the end of the chain"
            self._problem = Problem(Kind.TRUNCATED, first, "", detail)
        return Verdict(self._records, self._problem or self._untrusted)

    def _judge(self, record: Record) -> Problem | None:
        expected, event_id = self._last.sequence + 1, record.event.event_id
        if self._end is not None and expected > self._end:
            detail = f"the signed head is record {self._end}; what follows was not appended"
            return Problem(Kind.INSERTED, record.sequence, event_id, detail)
        if record.sequence < expected:
            detail = f"record {record.sequence} comes a second time, behind {expected - 1}"
            return Problem(Kind.INSERTED, record.sequence, event_id, detail)
        genuine = is_genuine(record)
        follows = genuine and record.previous_hash == self._last.hash
        if record.sequence > expected:
            self._stray = _Stray(record)
            return self._displaced(self._stray, record) if follows else None
        if not genuine:
            detail = f"the content of record {expected} does not match its hash"
            return Problem(Kind.ALTERED, expected, event_id, detail)
        if record.previous_hash == self._before_last:
            detail = f"record {expected} was made to follow {expected - 2}, not {expected - 1}"
            return Problem(Kind.INSERTED, expected - 1, self._last_id, detail)
        if not follows:
            self._stray = _Stray(record)
            return None
        return self._accept(record)

    def _accept(self, record: Record) -> Problem | None:
        """Take a record that is genuine and in its place as the new end."""
        sequence, event_id = record.sequence, record.event.event_id
        if record.event.method == HEAD_NOTICE:
            detail = "before this record the service found a head that it had not signed"
            return Problem(Kind.HEAD_REPLACED, sequence, event_id, detail)
        self._before_last = self._last.hash
        self._last = Position(sequence, record.hash)
        self._last_id = event_id
        return self._contradiction(self._last, event_id)

    def _contradiction(self, position: Position, event_id: str) -> Problem | None:
        if all(position.hash == known for at, known in self._known if at == position.sequence):
            return None
        detail = f"record {position.sequence} is not the one that a signed statement names"
        return Problem(Kind.CHECKPOINT_MISMATCH, position.sequence, event_id, detail)

    def _displaced(self, stray: "_Stray", successor: Record) -> Problem:
        """Explain the stray, now that the record whose place it took has turned up."""
        expected = self._last.sequence + 1
        if stray.record.sequence == expected and not stray.predecessor_seen:
            detail = f"record {expected} follows no record of this chain"
            return Problem(Kind.INSERTED, expected, stray.record.event.event_id, detail)
        detail = f"record {expected} stands in the place of record {successor.sequence}"
        return Problem(Kind.REORDERED, expected, successor.event.event_id, detail)

    def _unexplained(self, stray: "_Stray") -> Problem:
        """Explain the stray, now that the record whose place it took is known to be gone."""
        expected, found = self._last.sequence + 1, stray.record.sequence
        if found > expected:
            detail = f"record {expected} is gone; the next one is {found}"
            return Problem(Kind.MISSING, expected, "", detail)
        if self._end is not None and self._highest < self._end:
            detail = f"record {expected} is gone and those behind it were renumbered"
            return Problem(Kind.MISSING, expected, "", detail)
        is_true = stray.followed or (found, stray.record.hash) in self._known
        if is_true and self._last_id:
            detail = f"record {expected - 1} and its hash are not what record {expected} follows"
            return Problem(Kind.ALTERED, expected - 1, self._last_id, detail)
        detail = f"record {expected} does not follow record {expected - 1}"
        return Problem(Kind.ALTERED, expected, stray.record.event.event_id, detail)


class _Stray:
    """A record that does not follow its predecessor, and what later records tell about it.

    What happened shows only behind it: the true successor may still come (the stray was moved
    or inserted) or not (a record was removed or replaced).
    """

    def __init__(self, record: Record) -> None:
        self.record = record
        self.predecessor_seen = False
        self.followed = False

    def explain(self, record: Record, expected_hash: bytes) -> bool:
        """Note what `record` tells; True if it is the one whose place the stray took."""
        self.predecessor_seen |= record.hash == self.record.previous_hash
        self.followed |= record.previous_hash == self.record.hash
        return record.previous_hash == expected_hash and is_genuine(record)


def verify(records: Iterable[Record], evidence: Evidence, start: Position | None = None) -> Verdict:
    """Verify the records of one chain, read once and in order.

    Args:
        records: The chain's records, oldest first.
        evidence: The key and the signed statements to measure against.
        start: What the first record must follow; by default the chain's start or its anchor.

    Returns:
        How many were read and the first problem, if any.
    """
    verifier = Verifier(evidence, start)
    for record in records:
        if not verifier.feed(record):
            break
    return verifier.finish()
