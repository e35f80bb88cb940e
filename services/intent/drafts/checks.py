"""Looks at each piece of an import as it arrives, and reports what its author has to mend."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from kefu.errors import TrainingDataTooLarge

from services.intent.entities import EntityType, check
from services.intent.patterns import MAX_TEXT_LENGTH, PatternRejected
from services.intent.training_data import (
    LANGUAGES,
    MAX_ENTITY_TYPES,
    MAX_INTENTS,
    MAX_UTTERANCES,
    Problem,
    Severity,
    key_hash,
    shown,
)
from services.intent.values import UNKNOWN, IntentType
from services.language import detect

MAX_CHARACTERS = 20_000_000
"""Most code points of an import's utterances: 200 for each of the most utterances."""

MAX_LISTED = 1_000
"""Most problems in a report, as in the contract; the rest is counted."""

# The contract's ids of operations are names of actions; other systems' intents have capitals.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")

# Control characters other than white space, what a decoder could not read, halves of pairs. A new
# emoji that this Python does not know yet is none of them.
_UNREADABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ufffd-\uffff\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class ImportedIntent:
    """An intent as an import says it."""

    name: str
    type: IntentType | None
    """None where the import does not say: what the draft has, else a query."""
    description: str
    """Empty where the import does not say: what the draft has."""


@dataclass(frozen=True, slots=True)
class ImportedUtterance:
    """An utterance as an import says it."""

    text: str
    intent: str
    language: str
    """A language code; empty: to be detected."""


@dataclass(frozen=True, slots=True)
class ImportedEntityType:
    """An entity type as an import says it."""

    definition: EntityType
    description: str
    """In the tenant's words."""


@dataclass(frozen=True, slots=True)
class ImportPart:
    """Some of an import's data."""

    intents: Sequence[ImportedIntent] = ()
    utterances: Sequence[ImportedUtterance] = ()
    entity_types: Sequence[ImportedEntityType] = ()


@dataclass(frozen=True, slots=True)
class CheckedUtterance:
    """An utterance that the draft can hold."""

    key: bytes
    """See `key_hash`."""
    intent: str
    language: str
    """One of `LANGUAGES`."""
    text: str
    """NFC, without blanks around it."""


class Report:
    """The problems of an import: all are counted, the first of each severity are kept."""

    def __init__(self) -> None:
        """Begin with none."""
        self._kept: dict[Severity, list[Problem]] = {each: [] for each in Severity}
        self.count = 0

    def add(self, problem: Problem) -> None:
        """Add one."""
        self.count += 1
        if len(self._kept[problem.severity]) < MAX_LISTED:
            self._kept[problem.severity].append(problem)

    def error(self, reason: str, message: str, intent: str = "") -> None:
        """Add one that keeps the import from being taken."""
        self.add(Problem(Severity.ERROR, reason, message, intent))

    def warn(self, reason: str, message: str, intent: str = "") -> None:
        """Add one that the author should know."""
        self.add(Problem(Severity.WARNING, reason, message, intent))

    @property
    def failed(self) -> bool:
        """True where there is an error."""
        return bool(self._kept[Severity.ERROR])

    def listed(self) -> tuple[Problem, ...]:
        """The problems, errors first, at most `MAX_LISTED`."""
        return tuple([*self._kept[Severity.ERROR], *self._kept[Severity.WARNING]][:MAX_LISTED])


class Checks:
    """Checks one import, part by part; it remembers intents and entity types, no utterances."""

    def __init__(self, report: Report) -> None:
        """Report to `report`."""
        self.intents: dict[str, ImportedIntent] = {}
        self.entity_types: dict[str, ImportedEntityType] = {}
        self._report = report
        self._bad_names: set[str] = set()
        self._utterances = 0
        self._characters = 0

    def read(self, part: ImportPart) -> list[CheckedUtterance]:
        """Check a part.

        Returns:
            Its utterances that the draft can hold, in order; the others are reported.

        Raises:
            TrainingDataTooLarge: The import is over a limit by now.
        """
        for intent in part.intents:
            self._read_intent(intent)
        for entity_type in part.entity_types:
            self._read_entity_type(entity_type)
        self._utterances += len(part.utterances)
        self._characters += sum(len(each.text) for each in part.utterances)
        check_limit(len(self.intents), MAX_INTENTS, "intents")
        check_limit(len(self.entity_types), MAX_ENTITY_TYPES, "entity types")
        check_limit(self._utterances, MAX_UTTERANCES, "utterances")
        check_limit(self._characters, MAX_CHARACTERS, "characters")
        return list(self._checked(part.utterances))

    def _read_intent(self, intent: ImportedIntent) -> None:
        name = intent.name
        if not self._named(name):
            return
        if _UNREADABLE.search(intent.description):
            message = f"intent {name!r}: its description holds characters that are not text"
            self._report.error("TEXT_NOT_READABLE", message, name)
        if name == UNKNOWN or intent.type is IntentType.UNKNOWN:
            self._report.error(
                "BAD_INTENT_TYPE",
                f"intent {name!r}: what fits no intent is none; give its examples the intent"
                f" {UNKNOWN!r} and do not define it",
                name,
            )
            return
        known = self.intents.get(name, intent)
        if known.type and intent.type and known.type is not intent.type:
            self._report.error(
                "CONFLICTING_TYPES",
                f"intent {name!r} has the types {known.type} and {intent.type}; decide for one",
                name,
            )
        self.intents[name] = ImportedIntent(
            name, known.type or intent.type, known.description or intent.description
        )

    def _read_entity_type(self, entity_type: ImportedEntityType) -> None:
        definition = entity_type.definition
        known = self.entity_types.setdefault(definition.name, entity_type)
        problem = ""
        if known.definition != definition:
            problem = "is defined twice in different ways; decide for one"
        elif bool(definition.pattern) == bool(definition.values):
            problem = "needs either a pattern or values"
        elif any(map(_UNREADABLE.search, _texts(entity_type))):
            problem = "holds characters that are not text"
        else:
            try:
                check(definition)
            except PatternRejected as rejected:
                problem = f"cannot be used: it {rejected}"
        if problem:
            self._report.error("BAD_ENTITY_TYPE", f"entity type {definition.name!r} {problem}")

    def _checked(self, utterances: Iterable[ImportedUtterance]) -> Iterable[CheckedUtterance]:
        for each in utterances:
            if not self._named(each.intent):
                continue
            try:
                yield checked(each)
            except UtteranceRejected as rejected:
                message = f"intent {each.intent!r}: {shown(each.text)} {rejected}"
                self._report.error(rejected.reason, message, each.intent)

    def _named(self, intent: str) -> bool:
        """Tell whether this can be the name of an intent; one that cannot is reported once."""
        if _NAME.fullmatch(intent):
            return True
        if intent not in self._bad_names:
            self._bad_names.add(intent)
            self._report.error(
                "BAD_INTENT_NAME",
                f"{shown(intent)} is not the name of an intent; use up to 64 letters a-z, digits,"
                " '_', '-' and '.', such as cancel_order",
            )
        return False


def _texts(entity_type: ImportedEntityType) -> Iterable[str]:
    yield from (entity_type.description, entity_type.definition.pattern)
    for value, words in entity_type.definition.values:
        yield from (value, *words)


class UtteranceRejected(ValueError):
    """An utterance that the draft cannot hold; the message says why, in words for its author."""

    def __init__(self, reason: str, message: str) -> None:
        """Keep the reason as programs read it."""
        self.reason = reason
        super().__init__(message)


def checked(utterance: ImportedUtterance) -> CheckedUtterance:
    """Bring an utterance into the form in which the draft holds it.

    Raises:
        UtteranceRejected: It cannot be read, says nothing, is too long or in no known language.
    """
    text = unicodedata.normalize("NFC", utterance.text.strip())
    if _UNREADABLE.search(text):
        raise UtteranceRejected(
            "TEXT_NOT_READABLE",
            "holds characters that are not text; save it as UTF-8 and leave out what is binary",
        )
    if len(text) > MAX_TEXT_LENGTH:
        raise UtteranceRejected(
            "TEXT_TOO_LONG", f"is longer than {MAX_TEXT_LENGTH} characters; shorten it"
        )
    language = utterance.language.lower().replace("_", "-").partition("-")[0]
    language = language or detect(text).value
    if language not in LANGUAGES:
        raise UtteranceRejected(
            "LANGUAGE_NOT_KNOWN",
            f"has the language {shown(utterance.language)}; use zh, en or mixed, or leave it empty",
        )
    try:
        return CheckedUtterance(key_hash(text), utterance.intent, language, text)
    except ValueError as error:
        raise UtteranceRejected(
            "EMPTY_UTTERANCE", f"{error}; write what a customer says, or leave it out"
        ) from None


def as_warnings(obstacles: Iterable[Problem]) -> Iterable[Problem]:
    """Turn what keeps a model from being trained into what the author of a draft should know."""
    for each in obstacles:
        yield replace(each, severity=Severity.WARNING)


def check_limit(count: int, most: int, what: str) -> None:
    """Refuse what is over a limit.

    Raises:
        TrainingDataTooLarge: `count` is over `most`.
    """
    if count > most:
        raise TrainingDataTooLarge(limit=f"{most} {what}")
