"""What a tenant's model is made of, as plain values, and what keeps it from being trained."""

import hashlib
import json
import unicodedata
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from services.intent.entities import EntityType
from services.intent.values import UNKNOWN, IntentType
from services.language import fold

LANGUAGES = ("zh", "en", "mixed", "und")
"""The languages of utterances; `und` for emoji and codes, which belong to none."""

MIN_UTTERANCES = 2
"""Fewest utterances of an intent: one to learn from when another is held out."""

MAX_UTTERANCES = 100_000
"""Most utterances of a tenant; training time grows with them."""

MAX_INTENTS = 2_000
"""Most intents of a tenant, as in the contract."""

MAX_ENTITY_TYPES = 500
"""Most entity types of a tenant, as in the contract."""

_SHOWN_CHARACTERS = 80


class Severity(StrEnum):
    """How bad a problem is."""

    ERROR = "error"
    """The data cannot be used before it is mended."""
    WARNING = "warning"
    """The data was used, with what the message says."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something about training data that its author should know."""

    severity: Severity
    """How bad it is."""
    reason: str
    """As programs read it, such as `CONFLICTING_LABELS`."""
    message: str
    """What is wrong, where, and what to do; one line."""
    intent: str = ""
    """The intent concerned; empty where none is."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """One example of what customers say."""

    text: str
    """As written, NFC."""
    language: str
    """One of `LANGUAGES`, as its author filed it, else detected."""


@dataclass(frozen=True, slots=True)
class Intent:
    """One thing that customers want."""

    name: str
    """Such as `cancel_order`; ASCII, up to 64."""
    type: IntentType
    """Its type, never `UNKNOWN`."""
    description: str
    """What it means, in the tenant's words, up to 500 code points."""
    utterances: tuple[Utterance, ...]
    """Its examples, in an order that depends on nothing but themselves and mixes them well."""
    base: bool = False
    """True for an intent that comes with the service, not from the tenant."""


@dataclass(frozen=True, slots=True)
class TrainingData:
    """All that a tenant's model is made of."""

    tenant: str
    """The tenant's id, such as `shop`."""
    intents: tuple[Intent, ...]
    """The tenant's own and the base intents that it did not replace, sorted by name."""
    unknown: tuple[Utterance, ...]
    """Examples of what none of the intents covers."""
    entity_types: tuple[EntityType, ...]
    """The tenant's own entity types, in the order in which they were imported."""

    def version(self) -> str:
        """Hash the content: SHA-256, 64 hex digits, equal for equal data of any tenant.

        The order in which intents and utterances were written does not matter; that of entity
        types does, since of two that fit the first one counts.
        """
        digest = hashlib.sha256()
        for intent in sorted(self.intents, key=lambda each: each.name):
            said = sorted(_said(intent.utterances))
            _add(digest, [intent.name, intent.type, intent.description, said])
        _add(digest, sorted(_said(self.unknown)))
        _add(digest, [asdict(each) for each in self.entity_types])
        return digest.hexdigest()

    def labelled(self) -> list[tuple[Utterance, str]]:
        """List all utterances with their intents' names, or `UNKNOWN`, in a fixed order."""
        pairs = [(each, intent.name) for intent in self.intents for each in intent.utterances]
        return pairs + [(each, UNKNOWN) for each in self.unknown]

    def to_json(self) -> str:
        """Write the data for another process of this version."""
        return json.dumps(
            [self.tenant, [_listed(each) for each in self.intents], _said(self.unknown),
             [asdict(each) for each in self.entity_types]],
            ensure_ascii=False,
        )  # fmt: skip

    @classmethod
    def from_json(cls, text: str) -> "TrainingData":
        """Read what `to_json` wrote."""
        tenant, intents, unknown, entity_types = json.loads(text)
        return cls(
            tenant,
            tuple(
                Intent(name, IntentType(kind), description, _utterances(said), base)
                for name, kind, description, said, base in intents
            ),
            _utterances(unknown),
            tuple(
                EntityType(**each | {"values": tuple((v, tuple(w)) for v, w in each["values"])})
                for each in entity_types
            ),
        )


def _listed(intent: Intent) -> list[Any]:
    said = _said(intent.utterances)
    return [intent.name, intent.type.value, intent.description, said, intent.base]


def _utterances(said: list[list[str]]) -> tuple[Utterance, ...]:
    return tuple(Utterance(text, language) for text, language in said)


def _add(digest: "hashlib._Hash", content: object) -> None:
    digest.update(json.dumps(content, sort_keys=True, ensure_ascii=False).encode() + b"\n")


def _said(utterances: tuple[Utterance, ...]) -> list[tuple[str, str]]:
    return [(each.text, each.language) for each in utterances]


def key(text: str) -> str:
    """Bring an utterance into the form in which two of them count as the same.

    Args:
        text: Any utterance.

    Returns:
        The folded text without blanks, punctuation and emoji; where nothing else is left, with
        its emoji. Empty for bare punctuation.
    """
    folded = fold(text)
    letters = "".join(filter(str.isalnum, folded))
    return letters or "".join(each for each in folded if unicodedata.category(each) == "So")


def key_hash(text: str) -> bytes:
    """Hash the key of an utterance: 32 bytes, equal for utterances that count as the same.

    Raises:
        ValueError: The utterance says nothing: it has no letter, digit or emoji.
    """
    same = key(text)
    if not same:
        raise ValueError("has no letter, digit or emoji")
    return hashlib.sha256(same.encode()).digest()


def shown(text: str) -> str:
    """Quote an utterance for a report: cut short, and readable whatever it holds."""
    cut = text[:_SHOWN_CHARACTERS] + ("..." if len(text) > _SHOWN_CHARACTERS else "")
    return repr(cut)


def problems(data: TrainingData) -> list[Problem]:
    """Say what keeps a model from being trained on this data; a draft may grow all the same.

    Returns:
        Errors; empty where a model can be trained.
    """
    own = [intent for intent in data.intents if not intent.base]
    found: list[Problem] = []
    if not own:
        found.append(_obstacle("NO_INTENTS", "there is no intent yet; import at least two"))
    elif len(own) == 1:
        found.append(
            _obstacle(
                "ONE_INTENT_ONLY",
                f"{own[0].name!r} is the only intent, and there is nothing to tell it apart from;"
                " import a second one",
                own[0].name,
            )
        )
    for intent in own:
        count = len(intent.utterances)
        if count < MIN_UTTERANCES:
            said = "1 utterance" if count else "no utterance"
            message = f"intent {intent.name!r} has {said}; add {MIN_UTTERANCES - count} or more"
            found.append(_obstacle("TOO_FEW_UTTERANCES", message, intent.name))
    return found


def _obstacle(reason: str, message: str, intent: str = "") -> Problem:
    return Problem(Severity.ERROR, reason, message, intent)
