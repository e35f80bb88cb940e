"""Training data of the tenants: YAML in, checked values or every reason against it out."""

import hashlib
import json
import unicodedata
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import yaml
from kefu.errors import KefuError

from services.intent.document import Section
from services.intent.entities import EntityType, recogniser
from services.intent.patterns import MAX_TEXT_LENGTH, PatternRejected
from services.intent.values import UNKNOWN, IntentType
from services.language import fold

LANGUAGES = ("zh", "en", "mixed")
"""The keys under which utterances stand."""

MIN_UTTERANCES = 2
"""Fewest utterances of an intent: one to learn from when another is held out."""

MAX_UTTERANCES = 50_000
"""Most utterances of a tenant; training time grows with them."""

MAX_INTENTS = 2_000
"""Most intents of a tenant, as in the contract."""

MAX_TENANT_LENGTH = 63
"""Longest id of a tenant, as in the contract."""

_BASE_FILE = Path(__file__).with_name("base_intents.yaml")

# Part of the model version: the same data under another way of training is another model.
_TRAINING_REVISION = "1"


class TrainingDataInvalid(KefuError):
    """Training data that cannot be used; the message lists every problem, one a line."""

    summary = "the training data cannot be used"

    def __init__(self, problems: Iterable[str]) -> None:
        """Keep the problems, each with its file and place."""
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, slots=True)
class Utterance:
    """One example of what customers say."""

    text: str
    """As written, NFC."""
    language: str
    """One of `LANGUAGES`, as its author filed it."""


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
    """Its examples."""


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
    """The tenant's own entity types, in the order of the file."""

    def version(self) -> str:
        """Hash the content: SHA-256, 64 hex digits, equal for equal data however written."""
        content = json.dumps([_TRAINING_REVISION, asdict(self)], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(content.encode()).hexdigest()

    def labelled(self) -> list[tuple[Utterance, str]]:
        """List all utterances with their intents' names, or `UNKNOWN`, in a fixed order."""
        pairs = [(each, intent.name) for intent in self.intents for each in intent.utterances]
        return pairs + [(each, UNKNOWN) for each in self.unknown]


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


def load_directory(directory: Path) -> list[TrainingData]:
    """Read every tenant's file, `{tenant}.yaml`, of a directory.

    Raises:
        TrainingDataInvalid: With the problems of all files at once.
    """
    if not directory.is_dir():
        raise TrainingDataInvalid([f"{directory}: is not a directory"])
    loaded: list[TrainingData] = []
    problems: list[str] = []
    for path in sorted(directory.glob("*.yaml")):
        try:
            loaded.append(load_file(path))
        except TrainingDataInvalid as invalid:
            problems += invalid.problems
    if problems:
        raise TrainingDataInvalid(problems)
    return loaded


def load_file(path: Path) -> TrainingData:
    """Read one tenant's file and complete it with the base intents.

    Raises:
        TrainingDataInvalid: With every problem of the file.
    """
    problems: list[str] = []
    data = _read(path, problems)
    if not problems and path.stem != data.tenant:
        problems.append(f"{path}: tenant: {data.tenant!r} must be the file's name")
    if problems:
        raise TrainingDataInvalid(problems)
    return _with_base(data)


def _read(path: Path, problems: list[str]) -> TrainingData:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise TrainingDataInvalid([f"{path}: cannot be read as YAML: {reason}"]) from None
    top = Section(str(path), document, problems)
    top.allow("tenant", "intents", "unknown", "entities")
    data = TrainingData(
        tenant=top.identifier("tenant"),
        intents=tuple(map(_intent, top.sections("intents"))),
        unknown=_utterances(top.section("unknown")),
        entity_types=tuple(map(_entity_type, top.sections("entities"))),
    )
    _check_intents(data, top)
    _check_conflicts(data, top)
    _check_entity_types(data, top)
    return data


def _intent(section: Section) -> Intent:
    section.allow("name", "type", "description", "utterances")
    name = section.identifier("name")
    section = section.renamed(name)
    types = [each.value for each in IntentType if each is not IntentType.UNKNOWN]
    kind = section.one_of("type", types)
    utterances = _utterances(section.section("utterances"))
    if len(utterances) < MIN_UTTERANCES:
        section.report(f"has {len(utterances)} utterances, at least {MIN_UTTERANCES} are needed")
    return Intent(name, IntentType(kind), section.text("description", 500), utterances)


def _utterances(section: Section) -> tuple[Utterance, ...]:
    """Read utterances by language; what says the same again is left out."""
    section.allow(*LANGUAGES)
    seen: dict[str, Utterance] = {}
    for language in LANGUAGES:
        for text in section.texts(language, MAX_TEXT_LENGTH):
            same = key(text)
            if not same:
                section.report(f"{language}: {text!r} has no letter, digit or emoji")
            else:
                seen.setdefault(same, Utterance(unicodedata.normalize("NFC", text), language))
    return tuple(seen.values())


def _entity_type(section: Section) -> EntityType:
    section.allow("name", "description", "pattern", "values")
    name = section.identifier("name")
    section = section.renamed(name)
    section.text("description", 500)
    pattern = section.text("pattern", MAX_TEXT_LENGTH)
    values = section.section("values")
    meanings = tuple((each, tuple(values.texts(each, 200))) for each in values.names())
    if bool(pattern) == bool(meanings):
        section.report("needs either a pattern or values")
        return EntityType(name, pattern="-")
    return EntityType(name, pattern, meanings)


def _check_intents(data: TrainingData, top: Section) -> None:
    if "_" in data.tenant or len(data.tenant) > MAX_TENANT_LENGTH:
        top.report(f"tenant: {data.tenant!r} may hold no '_' and {MAX_TENANT_LENGTH} characters")
    names = [intent.name for intent in data.intents]
    if len(names) < 2:
        top.report(f"intents: has {len(names)}, at least 2 are needed to tell anything apart")
    if len(names) > MAX_INTENTS:
        top.report(f"intents: has {len(names)}, at most {MAX_INTENTS} are allowed")
    for name in sorted({name for name in names if name and names.count(name) > 1}):
        top.report(f"intents: {name!r} is defined {names.count(name)} times")
    if UNKNOWN in names:
        top.report(f"intents: {UNKNOWN!r} is not an intent; its examples stand under 'unknown'")
    total = len(data.labelled())
    if total > MAX_UTTERANCES:
        top.report(f"has {total} utterances, at most {MAX_UTTERANCES} are allowed")


def _check_conflicts(data: TrainingData, top: Section) -> None:
    """Report utterances that stand under two labels; the model could only guess."""
    labels: dict[str, tuple[Utterance, list[str]]] = {}
    for utterance, label in data.labelled():
        _, names = labels.setdefault(key(utterance.text), (utterance, []))
        if label not in names:
            names.append(label)
    for utterance, names in labels.values():
        if len(names) > 1:
            top.report(f"{utterance.text!r} stands under {' and '.join(names)}")


def _check_entity_types(data: TrainingData, top: Section) -> None:
    names = [each.name for each in data.entity_types]
    for name in sorted({name for name in names if name and names.count(name) > 1}):
        top.report(f"entities: {name!r} is defined {names.count(name)} times")
    for each in data.entity_types:
        try:
            recogniser(each)
        except PatternRejected as rejected:
            top.report(f"entities.{each.name}: the pattern {rejected}")


@cache
def _base() -> TrainingData:
    """Read the base data that ships with the service; its own test keeps it valid."""
    top = Section(str(_BASE_FILE), yaml.safe_load(_BASE_FILE.read_text(encoding="utf-8")), [])
    intents = tuple(map(_intent, top.sections("intents")))
    return TrainingData("base", intents, _utterances(top.section("unknown")), ())


def _with_base(data: TrainingData) -> TrainingData:
    """Add the base intents, less what the tenant says itself."""
    own = {intent.name for intent in data.intents}
    taken = {key(utterance.text) for utterance, _ in data.labelled()}
    intents = list(data.intents)
    for intent in _base().intents:
        rest = tuple(each for each in intent.utterances if key(each.text) not in taken)
        # Who says half of it under another name has an intent of this meaning already.
        if intent.name not in own and len(rest) > len(intent.utterances) / 2:
            intents.append(Intent(intent.name, intent.type, intent.description, rest))
    languages = {utterance.language for utterance in data.unknown}
    unknown = data.unknown + tuple(
        each
        for each in _base().unknown
        if each.language not in languages and key(each.text) not in taken
    )
    ordered = tuple(sorted(intents, key=lambda intent: intent.name))
    return TrainingData(data.tenant, ordered, unknown, data.entity_types)
