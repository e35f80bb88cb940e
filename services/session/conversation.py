"""What is remembered of a conversation between its turns."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any

MAX_ROUNDS = 18
"""Rounds kept as context of the next turn; all turns are in PostgreSQL. Of so many the generation
service sends a model the last three to six, and a summary of the others."""
FORGOTTEN_ROUNDS = 4
"""Rounds that are forgotten together: as many as join the summary together, so that one summary
serves four turns."""
MAX_MOODS = 50


class State(StrEnum):
    """Where the dialogue stands between two turns (kefu.session.v1.DialogueState)."""

    IDLE = "idle"
    FILLING = "filling"
    CONFIRMING = "confirming"
    CLARIFYING = "clarifying"
    HANDED_OVER = "handed_over"
    CLOSED = "closed"


@dataclass(slots=True)
class Operation:
    """An operation that was begun and is not carried out yet.

    Attributes:
        action: its id.
        intent: the intent that started it.
        filled: values by slot.
        asked: the slot that was asked for last; empty: none.
    """

    action: str
    intent: str
    filled: dict[str, str] = field(default_factory=dict)
    asked: str = ""


@dataclass(slots=True)
class Round:
    """One message of the customer and its reply."""

    customer: str
    reply: str


@dataclass(slots=True)
class Conversation:
    """The live context of a session.

    Attributes:
        tenant: its id.
        session: id of the session.
        knowledge_base: id of the knowledge base to answer from.
        ttl_seconds: life without a turn.
        turn_count: turns so far; the commit of a turn compares it, so that of two writers one wins.
        operation: what is being filled or confirmed.
        rounds: the last rounds, oldest first.
        moods: `compound` of the customer's messages, oldest first.
        misunderstood: turns in a row that ended in a question back.
        ticket: the one that was opened for anger; empty: none was.
        language: of the last message, `zh` or `en`.
    """

    tenant: str
    session: str
    knowledge_base: str
    ttl_seconds: int
    state: State = State.IDLE
    turn_count: int = 0
    operation: Operation | None = None
    rounds: list[Round] = field(default_factory=list)
    moods: list[float] = field(default_factory=list)
    misunderstood: int = 0
    ticket: str = ""
    language: str = "zh"

    @property
    def name(self) -> str:
        """Resource name of the session."""
        return f"tenants/{self.tenant}/sessions/{self.session}"

    @property
    def slots(self) -> dict[str, str]:
        """Slots filled so far; empty where no operation runs."""
        return dict(self.operation.filled) if self.operation else {}

    def remember(self, customer: str, reply: str, compound: float | None) -> None:
        """Add a finished round and forget the oldest four beyond the window."""
        self.rounds = [*self.rounds, Round(customer, reply)]
        if len(self.rounds) > MAX_ROUNDS:
            self.rounds = self.rounds[FORGOTTEN_ROUNDS:]
        if compound is not None:
            self.moods = [*self.moods, compound][-MAX_MOODS:]
        self.turn_count += 1

    def to_json(self) -> dict[str, Any]:
        """As plain values, for storing."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Conversation":
        """The conversation that `to_json` wrote, in this release or a newer one.

        Keys that are not known here are ignored; from a state that is not, the dialogue starts
        over.
        """
        found = cls(**_known(cls, values))
        states = {each.value for each in State}
        found.state = State(found.state) if found.state in states else State.IDLE
        found.rounds = [Round(**_known(Round, each)) for each in values.get("rounds", ())]
        operation = values.get("operation")
        found.operation = Operation(**_known(Operation, operation)) if operation else None
        return found


def _known(kind: type, values: Mapping[str, Any]) -> dict[str, Any]:
    names = {each.name for each in fields(kind)}
    return {key: value for key, value in values.items() if key in names}
