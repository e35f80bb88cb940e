"""The operations that the company's systems offer, as the dialogue sees them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Localized:
    """The same words in both languages; either may be empty and then the other is used."""

    zh: str = ""
    en: str = ""

    def in_language(self, language: str) -> str:
        """The words in `zh` or `en`, or in the other where there are none."""
        return (self.zh or self.en) if language == "zh" else (self.en or self.zh)


@dataclass(frozen=True, slots=True)
class Slot:
    """Something that an action must know.

    Attributes:
        entity_type: the entity that fills it; empty: the customer's whole answer does.
    """

    slot: str
    entity_type: str
    prompt: Localized
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Action:
    """Something that a customer can have done.

    Attributes:
        intent: the intent that starts it.
        slots: in the order in which to ask.
        confirmation: asked before it is carried out; None: it is carried out at once.
        timeout_seconds: of one execution.
        server: gRPC target of the action server that carries it out.
    """

    action: str
    intent: str
    name: Localized
    slots: Sequence[Slot]
    confirmation: Localized | None
    timeout_seconds: float
    server: str

    def slot(self, slot: str) -> Slot | None:
        """The slot of that id; None where the action no longer has it."""
        return next((each for each in self.slots if each.slot == slot), None)

    def missing(self, filled: Mapping[str, str]) -> Slot | None:
        """The first slot that must still be asked for."""
        return next((s for s in self.slots if not s.optional and s.slot not in filled), None)

    def confirmation_text(self, filled: Mapping[str, str], language: str) -> str:
        """The question before it is carried out; empty where none is asked."""
        if self.confirmation is None:
            return ""
        names = "|".join(re.escape(each.slot) for each in self.slots) or "(?!)"
        # In one pass: a value that holds the name of a slot in braces stays as it is.
        return re.sub(
            f"{{({names})}}",
            lambda found: filled.get(found[1], ""),
            self.confirmation.in_language(language),
        )


class ActionOutcome(StrEnum):
    """How an execution ended."""

    SUCCEEDED = "succeeded"
    REJECTED = "rejected"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ActionResult:
    """What an execution came to.

    Attributes:
        request_id: the idempotency key that it was given.
        message: what to tell the customer.
        payload: what the company's system sent along, as JSON-like values.
    """

    action: str
    outcome: ActionOutcome
    slots: Mapping[str, str]
    request_id: str
    message: Localized = Localized()
    payload: Mapping[str, object] | None = None


Catalogue = Mapping[str, Action]
"""A tenant's actions by the intent that starts them."""
