"""A ticket and what may become of it."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from kefu.errors import EtagMismatch, InvalidRequest, TicketTransitionInvalid


class Status(StrEnum):
    """Where a ticket stands."""

    NEW = "new"
    """Nobody has looked at it."""
    OPEN = "open"
    """Somebody works on it."""
    PENDING = "pending"
    """It waits for the customer."""
    HOLD = "hold"
    """It waits for somebody else."""
    SOLVED = "solved"
    """Done; it may be reopened."""
    CLOSED = "closed"
    """Done for good."""


class Priority(StrEnum):
    """How soon a ticket must be looked at."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class Reason(StrEnum):
    """Why a ticket was opened."""

    ANGER = "anger"
    HUMAN_REQUESTED = "human_requested"
    NOT_UNDERSTOOD = "not_understood"
    FAILURE = "failure"
    FOLLOW_UP = "follow_up"


UNFINISHED = frozenset({Status.NEW, Status.OPEN, Status.PENDING, Status.HOLD})
"""Statuses in which a ticket still stands for its session and reason: no second one is opened."""

TRANSITIONS: Mapping[Status, frozenset[Status]] = MappingProxyType(
    {
        # A ticket is new once: whoever touches it has looked at it.
        Status.NEW: frozenset({Status.OPEN, Status.PENDING, Status.HOLD, Status.SOLVED}),
        Status.OPEN: frozenset({Status.PENDING, Status.HOLD, Status.SOLVED}),
        Status.PENDING: frozenset({Status.OPEN, Status.HOLD, Status.SOLVED}),
        Status.HOLD: frozenset({Status.OPEN, Status.PENDING, Status.SOLVED}),
        # The customer may say that it is not solved; closing is what ends that.
        Status.SOLVED: frozenset({Status.OPEN, Status.CLOSED}),
        Status.CLOSED: frozenset(),
    }
)
"""The statuses that each status may change to; staying as it is is no change."""

_NO_NUL = "must not contain the character U+0000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """What a ticket is about; never changes."""

    tenant: str
    """Tenant id."""
    session: str = ""
    """Session it came from, a full resource name; empty: none."""
    reason: Reason
    summary: str
    """What the customer wants, for the person who takes it; up to 2,000 code points."""
    language_code: str = ""
    """Language to answer in: `zh`, `en`, `mixed`, `und`."""
    slots: Mapping[str, str] = field(default_factory=dict)
    """Slots that were filled, such as `order_number`."""
    sentiment_trend: tuple[float, ...] = ()
    """`compound` of the customer's utterances, in [-1, 1], oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What a caller wants opened."""

    matter: Matter
    priority: Priority = Priority.NORMAL
    assignee: str = ""
    """Who works on it; empty: nobody."""
    allow_duplicate: bool = False
    """Open it even while another of the same session and reason is unfinished."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a caller wants changed; None leaves a field as it is."""

    status: Status | None = None
    priority: Priority | None = None
    assignee: str | None = None
    etag: str = ""
    """The etag that the caller read; empty: change whatever is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """Something that a person has to do for a customer."""

    ticket_id: str
    """Last part of its name; sorts in the order in which tickets were opened."""
    matter: Matter
    status: Status
    priority: Priority
    assignee: str
    create_time: datetime
    update_time: datetime
    revision: int
    """Number of the change that made it so, from 1."""

    @property
    def name(self) -> str:
        """Resource name, `tenants/{tenant}/tickets/{ticket}`."""
        return f"tenants/{self.matter.tenant}/tickets/{self.ticket_id}"

    @property
    def etag(self) -> str:
        """Opaque mark that changes with every change (AIP-154)."""
        return hashlib.sha256(f"{self.name} {self.revision}".encode()).hexdigest()[:16]

    def changed(self, change: Change, now: datetime) -> "Ticket":
        """Return the ticket after `change`; itself where nothing differs.

        Raises:
            EtagMismatch: it changed since the caller read it.
            TicketTransitionInvalid: it cannot go from its status to the wanted one.
        """
        if change.etag and change.etag != self.etag:
            raise EtagMismatch(ticket=self.name)
        status = self.status if change.status is None else change.status
        if status is not self.status and status not in TRANSITIONS[self.status]:
            error = TicketTransitionInvalid(
                f"a ticket that is {self.status} cannot become {status}", to=status.name
            )
            error.metadata["from"] = self.status.name
            raise error
        after = replace(
            self,
            status=status,
            priority=self.priority if change.priority is None else change.priority,
            assignee=self.assignee if change.assignee is None else change.assignee,
        )
        if after == self:
            return self
        return replace(after, update_time=now, revision=self.revision + 1)


def opened(opening: Opening, now: datetime) -> Ticket:
    """Return the new ticket that `opening` asks for."""
    return Ticket(
        ticket_id=_new_id(now),
        matter=opening.matter,
        status=Status.NEW,
        priority=opening.priority,
        assignee=opening.assignee,
        create_time=now,
        update_time=now,
        revision=1,
    )


def check_opening(opening: Opening) -> None:
    """Refuse what no ticket can be.

    Raises:
        InvalidRequest: the session is another tenant's, or a text holds NUL, which PostgreSQL
            cannot keep.
    """
    matter = opening.matter
    texts = {
        "ticket.summary": matter.summary,
        "ticket.language_code": matter.language_code,
        "ticket.slots": "".join([*matter.slots, *matter.slots.values()]),
        "ticket.assignee": opening.assignee,
    }
    violations = [(field, _NO_NUL) for field, text in texts.items() if "\0" in text]
    if matter.session and not matter.session.startswith(f"tenants/{matter.tenant}/"):
        violations.append(("ticket.session", "must be a session of the tenant in `parent`"))
    if violations:
        raise InvalidRequest(violations=violations)


def check_change(change: Change) -> None:
    """Refuse what no ticket can become.

    Raises:
        InvalidRequest: the assignee holds NUL.
    """
    if "\0" in (change.assignee or ""):
        raise InvalidRequest(violations=[("assignee", _NO_NUL)])


def _new_id(now: datetime) -> str:
    """Return an id that sorts by time: 14 hex digits of microseconds, 10 of chance."""
    microseconds = int(now.timestamp() * 1_000_000)
    return f"{microseconds:014x}{secrets.token_hex(5)}"
