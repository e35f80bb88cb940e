"""What the record is made of: events as callers report them, records as the chain keeps them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime

NO_TENANT = "-"
"""Stands for the tenant in the chain of events that belong to none, such as health checks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One call as the process that served it saw it. Never holds customer text.

    Times carry a timezone and whole microseconds, because that is what the database keeps:
    a nanosecond lost between hashing and storing would look like an alteration.
    """

    event_id: str
    """UUID, chosen once by the reporting process; a repeat of it is the same event."""
    time: datetime
    """When the call ended, by the reporting process's clock."""
    tenant: str = ""
    """Tenant id; empty where the call concerned none."""
    service: str = ""
    """Service that reports the call, such as `session`."""
    method: str
    """Full method name, such as `kefu.session.v1.SessionService/Reply`."""
    identity: str = ""
    """SPIFFE id of the caller; empty where none could be established."""
    end_user: str = ""
    """End user that the caller acted for, as an identifier."""
    resource: str = ""
    """Resource name that the call concerned."""
    outcome: str
    """google.rpc.Code name: `OK`, `PERMISSION_DENIED`, ..."""
    reason: str = ""
    """ErrorReason name; empty on success."""
    latency_us: int = 0
    """Time the call took, microseconds."""
    trace_id: str = ""
    """W3C trace id, 32 lower-case hex digits."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Further facts: ids, lengths and verdicts."""

    @property
    def chain(self) -> str:
        """Name of the chain that this event belongs to: `tenants/shop`, or `tenants/-`."""
        return f"tenants/{self.tenant or NO_TENANT}"


EVENT_FIELDS = tuple(item.name for item in fields(Event))
"""Field names of an event, in the order of their declaration."""


@dataclass(frozen=True, slots=True)
class Record:
    """An event in its place in a chain."""

    sequence: int
    """Place in the chain, from 1, without gaps."""
    recorded_at: datetime
    """When this service appended it; never runs backwards within a chain."""
    event: Event
    previous_hash: bytes
    """Hash of the record before, 32 bytes."""
    hash: bytes
    """SHA-256 over `previous_hash` and the canonical form of this record, 32 bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """Which records to list; an empty or absent field does not restrict."""

    start_time: datetime | None = None
    """Not before, by the event's own time."""
    end_time: datetime | None = None
    """Before, by the event's own time."""
    method: str = ""
    identity: str = ""
    outcome: str = ""
    trace_id: str = ""
    resource_prefix: str = ""
    """Resource names that begin so."""
