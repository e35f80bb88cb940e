"""Training data in a file, YAML or a table, as messages that the intent service takes.

Only what a file's author can get wrong about the file is looked at here, with its line: the format,
names, empty cells. What the utterances mean to each other is the service's to judge.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import yaml
from google.protobuf.message import Message
from kefu.intent.v1.intent_pb2 import Intent
from kefu.intent.v1.training_pb2 import EntityType, EntityValue, TrainingDataPart, Utterance
from kefu.type.v1 import understanding_pb2

from services.local.problem import Problem
from services.local.written import Section

UNKNOWN = "unknown"
"""What stands in the place of an intent for examples of what fits none."""

MAX_TEXT_LENGTH = 4_000
"""Longest utterance in code points, as in the contract."""

MAX_SHOWN = 50
"""Most problems that are printed: whoever sees fifty has seen the pattern."""

_LANGUAGES = ("zh", "en", "mixed")
_TYPES = ("query", "operation", "chit_chat", "human", "end")
_COLUMNS = ("text", "intent", "language", "type", "description")
_DELIMITERS = {".csv": ",", ".tsv": "\t"}

MESSAGE_BYTES = 3_000_000
"""Most of one message: a service takes 4 MiB, and others wait while it reads."""

# The contract's limits of one message and of one entity type.
_MOST_UTTERANCES = 2_000
_MOST_INTENTS = 2_000
_MOST_ENTITY_TYPES = 500
_MOST_VALUES = 5_000
_MOST_WORDS = 100

# Of an item inside a message: its field's tag and its length.
_FRAME_BYTES = 6

# The format needs six levels. libyaml builds a document by recursion, and a few ten thousand levels
# end the process.
_MOST_LEVELS = 50

UNREADABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ufffd-\uffff]")
"""Control characters other than white space, and what a decoder could not read."""

Item = TypeVar("Item", bound=Message)


@dataclass(slots=True)
class _Content:
    """What a file holds."""

    intents: list[Intent] = field(default_factory=list)
    utterances: list[Utterance] = field(default_factory=list)
    entity_types: list[EntityType] = field(default_factory=list)


def parts(path: Path) -> list[TrainingDataPart]:
    """Read a file of training data: .yaml or .yml, .csv with commas, .tsv with tabs.

    Returns:
        Its intents and entity types, then its utterances, in messages within the contract's limits.

    Raises:
        Problem: The file cannot be used; names every problem by its line.
    """
    problems: list[str] = []
    text = _text(path)
    ending = path.suffix.lower()
    if ending in _DELIMITERS:
        content = _table(path, text, problems)
    elif ending in (".yaml", ".yml"):
        content = _document(path, text, problems)
    else:
        raise Problem(f"{path}: is of no known kind", "give it the ending .yaml, .csv or .tsv")
    if problems:
        more = len(problems) - MAX_SHOWN
        listed = problems[:MAX_SHOWN] + ([f"and {more} more"] if more > 0 else [])
        raise Problem("\n".join(listed), "mend the file and import it again")
    return messages(content.intents, content.entity_types, content.utterances)


def messages(
    intents: Iterable[Intent], entity_types: Iterable[EntityType], utterances: Iterable[Utterance]
) -> list[TrainingDataPart]:
    """Put training data into messages within the limits of number and of `MESSAGE_BYTES`.

    Returns:
        Definitions first, utterances behind them. A single item over the limit, which only an
        entity type can be, has a message of its own.
    """
    return [
        *(TrainingDataPart(intents=each) for each in _batches(intents, _MOST_INTENTS)),
        *(
            TrainingDataPart(entity_types=each)
            for each in _batches(entity_types, _MOST_ENTITY_TYPES)
        ),
        *(TrainingDataPart(utterances=each) for each in _batches(utterances, _MOST_UTTERANCES)),
    ]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise Problem(f"{path}: {reason}", "name a file that can be read") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise Problem(f"{path}:{line}: is not text in UTF-8", "save it as UTF-8") from None


def _document(path: Path, text: str, problems: list[str]) -> _Content:
    """Read YAML in the format of `examples/shop/intents.yaml`."""
    unreadable = UNREADABLE.search(text)
    if unreadable:
        at = text.count("\n", 0, unreadable.start()) + 1
        problems.append(f"{path}:{at}: holds characters that are not text")
        return _Content()
    try:
        if deep := _too_deep(text):
            problems.append(f"{path}:{deep}: is nested more than {_MOST_LEVELS} levels deep")
            return _Content()
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or "is not YAML"
        problems.append(f"{path}{line}: cannot be read as YAML: {reason}")
        return _Content()
    top = Section(str(path), "", node, problems)
    top.allow("tenant", "intents", "unknown", "entities")
    content = _Content()
    for section in top.sections("intents"):
        _intent(section, content)
    names = [intent.intent for intent in content.intents]
    for name in sorted({name for name in names if name and names.count(name) > 1}):
        top.report(f"intents: {name!r} is defined {names.count(name)} times")
    content.utterances += _utterances(top.section(UNKNOWN), UNKNOWN)
    content.entity_types += map(_entity_type, top.sections("entities"))
    return content


def _too_deep(text: str) -> int:
    """The line where a document is nested deeper than any of this format; 0 where nowhere.

    Raises:
        yaml.YAMLError: It is no YAML.
    """
    level = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            level += 1
            if level > _MOST_LEVELS and event.start_mark:
                return int(event.start_mark.line) + 1
        elif isinstance(event, yaml.CollectionEndEvent):
            level -= 1
    return 0


def _intent(section: Section, content: _Content) -> None:
    section.allow("name", "type", "description", "utterances")
    name = section.identifier("name")
    section = section.renamed(name)
    if name == UNKNOWN:
        section.report(f"is not an intent; its examples stand under {UNKNOWN!r}")
    content.intents.append(
        Intent(
            intent=name,
            type=_type(section.one_of("type", _TYPES)),
            description=section.text("description", 500),
        )
    )
    content.utterances += _utterances(section.section("utterances"), name)


def _utterances(section: Section, intent: str) -> Iterator[Utterance]:
    section.allow(*_LANGUAGES)
    for language in _LANGUAGES:
        for text in section.texts(language, MAX_TEXT_LENGTH):
            yield Utterance(text=text, intent=intent, language_code=language)


def _entity_type(section: Section) -> EntityType:
    section.allow("name", "description", "pattern", "values", "products", "fuzzy")
    name = section.identifier("name")
    section = section.renamed(name)
    entity_type = EntityType(
        entity_type=name,
        pattern=section.text("pattern", MAX_TEXT_LENGTH),
        description=section.text("description", 500),
        # Names of products are long and hard to spell; of other words a slip makes another word.
        fuzzy=section.truth("fuzzy", default=section.has("products")),
    )
    values = section.section("values")
    for value in values.names():
        entity_type.values.append(EntityValue(value=value, words=values.texts(value, 200)))
    for product in section.texts("products", 200):
        entity_type.values.append(EntityValue(value=product, words=[product]))
    if sum((bool(entity_type.pattern), section.has("values"), section.has("products"))) != 1:
        section.report("needs one of pattern, values and products")
    _check_values(section, entity_type)
    return entity_type


def _check_values(section: Section, entity_type: EntityType) -> None:
    """Report values that the contract does not take."""
    for each in entity_type.values:
        if not 1 <= len(each.words) <= _MOST_WORDS or len(each.value) > 200:
            section.report(
                f"values: {each.value[:80]!r} needs a word, {_MOST_WORDS} at most, and up"
                " to 200 characters"
            )
    if len(entity_type.values) > _MOST_VALUES:
        section.report(f"has {len(entity_type.values)} values; up to {_MOST_VALUES} are taken")
    elif (size := entity_type.ByteSize()) > MESSAGE_BYTES:
        section.report(
            f"is {size / 1e6:.1f} MB large, up to {MESSAGE_BYTES / 1e6:.0f} are taken;"
            " split it into several entity types"
        )


def _table(path: Path, text: str, problems: list[str]) -> _Content:
    """Read a table with the columns text and intent, and perhaps language, type, description."""
    delimiter = _DELIMITERS[path.suffix.lower()]
    # Tabs cannot stand in a cell, so programs that write them do not quote.
    lines = io.StringIO(text, newline="")
    if delimiter == "\t":
        rows = csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    else:
        rows = csv.reader(lines, strict=True)
    content = _Content()
    intents: dict[str, Intent] = {}
    try:
        header = [cell.strip().lower() for cell in next(rows, [])]
        if not _is_header(path, header, problems):
            return content
        for row in rows:
            if any(map(str.strip, row)):
                place = f"{path}:{rows.line_num}"
                _row(place, header, row, intents, content, problems)
    except csv.Error as error:
        problems.append(f"{path}:{rows.line_num}: cannot be read as a table: {error}")
    content.intents += intents.values()
    return content


def _is_header(path: Path, header: Sequence[str], problems: list[str]) -> bool:
    odd = [name for name in header if name not in _COLUMNS or header.count(name) > 1]
    missing = [name for name in _COLUMNS[:2] if name not in header]
    if odd or missing:
        said = f"has {', '.join(map(repr, header))}" if header else "is missing"
        known = "text, intent and, where wanted, language, type, description"
        problems.append(f"{path}:1: the line with the columns' names {said}; it needs {known}")
    return not odd and not missing


def _row(
    place: str, header: Sequence[str], row: Sequence[str], intents: dict[str, Intent],
    content: _Content, problems: list[str],
) -> None:  # fmt: skip
    """Take one row of a table, or report it."""
    if len(row) != len(header):
        problems.append(f"{place}: has {len(row)} cells, the first line has {len(header)}")
        return
    cells = dict(zip(header, map(str.strip, row), strict=True))
    text, name, kind = cells["text"], cells["intent"], cells.get("type", "").lower()
    for what, bad in (
        ("text: is empty", not text),
        ("text: holds characters that are not text", bool(UNREADABLE.search(text))),
        (f"text: is longer than {MAX_TEXT_LENGTH} characters", len(text) > MAX_TEXT_LENGTH),
        ("intent: is empty", not name),
        ("intent: is longer than 64 characters", len(name) > 64),
        ("language: is longer than 16 characters", len(cells.get("language", "")) > 16),
        ("description: is longer than 500 characters", len(cells.get("description", "")) > 500),
        (f"type: {kind[:80]!r} is none of {', '.join(_TYPES)}", bool(kind) and kind not in _TYPES),
    ):
        if bad:
            problems.append(f"{place}: {what}")
            return
    content.utterances.append(
        Utterance(text=text, intent=name, language_code=cells.get("language", ""))
    )
    if name == UNKNOWN:
        return
    known = intents.setdefault(name, Intent(intent=name))
    known.description = known.description or cells.get("description", "")
    if kind and known.type not in (0, _type(kind)):
        problems.append(f"{place}: type: intent {name!r} has another type further up")
    known.type = known.type or (_type(kind) if kind else known.type)


def _type(kind: str) -> understanding_pb2.IntentType.ValueType:
    return understanding_pb2.IntentType.Value(f"INTENT_TYPE_{kind.upper()}")


def _batches(items: Iterable[Item], most: int) -> Iterator[list[Item]]:
    """Cut items into runs of at most `most` and, where there is more than one, `MESSAGE_BYTES`."""
    batch: list[Item] = []
    total = 0
    for each in items:
        size = each.ByteSize() + _FRAME_BYTES
        if batch and (len(batch) == most or total + size > MESSAGE_BYTES):
            yield batch
            batch, total = [], 0
        batch.append(each)
        total += size
    if batch:
        yield batch
