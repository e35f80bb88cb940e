"""An operation: work that takes longer than a call, as it is known to everybody."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

TRAIN_MODEL = "TrainModel"
"""The only method that begins one."""

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
        return f"tenants/{self.tenant}/operations/{self.id}"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a training was asked for."""

    activate: bool
    """Whether the model goes into service as soon as it is trained."""
    lexical_only: bool
    """Whether to train on words alone."""


class Failure(Exception):
    """An operation cannot be finished; nothing was changed."""

    def __init__(self, reason: str, problem: str) -> None:
        """Say why.

        Args:
            reason: For programs, such as `SERVICE_UNAVAILABLE`.
            problem: For people: what happened and what to do; no words of customers.
        """
        super().__init__(problem)
        self.reason = reason
        self.problem = problem


def new_id() -> str:
    """Return an id that sorts by time: 14 hex digits of microseconds, 10 of chance."""
    microseconds = int(datetime.now(UTC).timestamp() * 1_000_000)
    return f"{microseconds:014x}{secrets.token_hex(5)}"
