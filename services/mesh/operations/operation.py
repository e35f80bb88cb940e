"""An operation: work that takes longer than a call, as it is known to everybody."""

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

MAX_PROBLEM = 4000
"""Longest account of a failure in code points, as in the contract."""


class State(StrEnum):
    """Where an operation stands; it never leaves the last three."""

    PENDING = "pending"
    """Accepted; work has not begun."""
    RUNNING = "running"
    """In work."""
    SUCCEEDED = "succeeded"
    """Done; `Operation.result` names what was made."""
    FAILED = "failed"
    """Ended without a result; `Operation.problem` says why."""
    CANCELLED = "cancelled"
    """Ended by somebody's wish."""


@dataclass(frozen=True, slots=True)
class Operation:
    """Work that goes on when its caller leaves (AIP-151)."""

    tenant: str
    """The tenant's id."""
    id: str
    """Its own id; ids sort by time."""
    method: str
    """The method that began it, such as `TrainModel`."""
    subject: str
    """Name of what it works at; empty where that is the tenant."""
    state: State
    """Where it stands."""
    stage: str
    """What is being done, such as `embedding`."""
    progress: float
    """Share of the work that is done, in [0, 1]; never falls."""
    result: str
    """Name of what was made; empty until it was."""
    problem: str
    """Why it failed and what to do, one problem a line, at most `MAX_PROBLEM`."""
    reason: str
    """The same for programs, such as `SERVICE_UNAVAILABLE`."""
    trace_id: str
    """Of the call that began it."""
    create_time: datetime
    """When it was accepted."""
    end_time: datetime | None
    """When it ended; None while it has not."""

    @property
    def name(self) -> str:
        """`tenants/{tenant}/operations/{operation}`."""
        return operation_name(self.tenant, self.id)


@dataclass(frozen=True, slots=True)
class Request:
    """The call that begins an operation; another with the same id has to ask for the same."""

    tenant: str
    """The tenant's id."""
    id: str
    """UUID of the request."""
    method: str
    """The method that was called."""
    asked: Any
    """What was asked for, as JSON values."""
    trace_id: str
    """Of the call."""
    subject: str = ""
    """Name of what is to be worked at; a service's table lets only one unfinished operation have
    it. Empty: the tenant."""

    @property
    def fingerprint(self) -> bytes:
        """Equal where the same is asked for: SHA-256."""
        asked = json.dumps([self.method, self.asked], sort_keys=True)
        return hashlib.sha256(asked.encode()).digest()


class Failure(Exception):
    """An operation cannot be finished; nothing was changed, or `problem` says what was."""

    def __init__(self, reason: str, problem: str) -> None:
        """Say why.

        Args:
            reason: For programs, such as `SERVICE_UNAVAILABLE`.
            problem: For people: what happened and what to do; no words of customers.
        """
        super().__init__(problem)
        self.reason = reason
        self.problem = problem


class Occupied(Exception):
    """Another operation works at the same subject and has not ended."""


def operation_name(tenant: str, operation: str) -> str:
    """Return the name that an operation has in the contract."""
    return f"tenants/{tenant}/operations/{operation}"


def new_id() -> str:
    """Return an id that sorts by time: 14 hex digits of microseconds, 10 of chance."""
    microseconds = int(datetime.now(UTC).timestamp() * 1_000_000)
    return f"{microseconds:014x}{secrets.token_hex(5)}"
