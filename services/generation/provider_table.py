"""The provider table: which providers there are, and who is asked first for what.

It is data (`KEFU_PROVIDERS_FILE`, see `deploy/providers.yaml`), read once at start. A file that is
wrong stops the start with every reason at once. Keys never stand in it: it is read by people, and
kept with other configuration.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import yaml
from pydantic import Field, SecretStr, ValidationError

from services.generation.provider_entry import Kind, Part, ProviderEntry, key_problem

# Where somebody might write a key into the file.
_KEY_FIELDS = ("api_key", "key", "token", "secret", "password")


class TableInvalid(Exception):
    """The provider table cannot be used; `problems` says every reason at once, and no secret."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class Use(StrEnum):
    """What a provider is asked for."""

    CHAT = "chat"
    """Answers."""
    SUMMARY = "summary"
    """Summaries of conversations."""
    JUDGE = "judge"
    """Choosing what a text means."""
    EMBEDDING = "embedding"
    """Vectors."""


@dataclass(frozen=True, slots=True)
class ProviderTable:
    """All providers, and who is asked for what."""

    entries: tuple[ProviderEntry, ...] = ()
    """By name; the extractive ones are not among them."""
    orders: Mapping[Use, tuple[ProviderEntry, ...]] = field(default_factory=dict)
    """Best first. No entry for a use: no provider is asked."""

    def order(self, use: Use) -> tuple[ProviderEntry, ...]:
        """Return who is asked for a use, best first."""
        return self.orders.get(use, ())


class _Orders(Part):
    chat: list[str] | None = None
    summary: list[str] | None = None
    judge: list[str] | None = None
    embedding: list[str] = Field(default_factory=list)


class _File(Part):
    providers: list[ProviderEntry] = Field(min_length=1)
    use: _Orders = _Orders()


def load(path: Path, environment: Mapping[str, str] = os.environ) -> ProviderTable:
    """Read a provider table, and the keys that it names.

    Raises:
        TableInvalid: With every problem found, each with its line.
    """
    try:
        text = path.read_text(encoding="utf-8")
        root = yaml.compose(text, yaml.SafeLoader)
        content = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise TableInvalid([f"{path}:{line}: this is not YAML: {error.problem}"]) from None
    except OSError as error:
        raise TableInvalid([f"{path}: the file cannot be read: {error.strerror}"]) from None
    except (ValueError, RecursionError, yaml.YAMLError):
        raise TableInvalid([f"{path}: the file cannot be read as YAML"]) from None
    if repeated := [f"{path}:{line}: {key} stands twice" for line, key in _repeated(root)]:
        # A YAML loader drops the first and says nothing.
        raise TableInvalid(repeated)
    try:
        file = _File.model_validate(content)
    except ValidationError as error:
        places = ((each["loc"], each["msg"]) for each in error.errors())
        raise TableInvalid([_said(path, root, loc, message) for loc, message in places]) from None
    entries, problems = _keyed(file.providers, environment)
    problems += _order_problems(file)
    if problems:
        raise TableInvalid([_said(path, root, loc, message) for loc, message in problems])
    return _table(entries, file.use)


_Loc = tuple[int | str, ...]
_Problem = tuple[_Loc, str]


def _said(path: Path, root: yaml.Node | None, loc: _Loc, message: str) -> str:
    """Say a problem with its line and its provider's name."""
    node, line, name = root, 1, ""
    for step in loc:
        node = _child(node, step)
        if node is None:
            break
        line = node.start_mark.line + 1
        name = name or _text(_child(node, "name"))
    if message.startswith("Extra inputs"):
        message = "there is no such setting"
        if loc[-1] in _KEY_FIELDS:
            message = "a key does not belong into this file; use api_key_file or api_key_env"
    # A provider's place in the list says nothing to people; its name and the line do.
    field = ".".join(str(step) for step in (loc[2:] if loc[:1] == ("providers",) else loc))
    parts = [f"{path}:{line}", f"provider {name}" if name else "", field]
    return ": ".join([*filter(None, parts), message.removeprefix("Value error, ")])


def _repeated(node: yaml.Node | None) -> Iterator[tuple[int, str]]:
    """Yield the line and name of each key that stands in its mapping already."""
    if isinstance(node, yaml.SequenceNode):
        for each in node.value:
            yield from _repeated(each)
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if (name := _text(key)) in seen:
                yield key.start_mark.line + 1, name
            seen.add(name)
            yield from _repeated(value)


def _child(node: yaml.Node | None, step: int | str) -> yaml.Node | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        found: yaml.Node = node.value[step]
        return found
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == step), None)
    return None


def _text(node: yaml.Node | None) -> str:
    return str(node.value) if isinstance(node, yaml.ScalarNode) else ""


def _keyed(
    entries: Sequence[ProviderEntry], environment: Mapping[str, str]
) -> tuple[list[ProviderEntry], list[_Problem]]:
    """Return the providers with their keys, and what is wrong with those."""
    keyed: list[ProviderEntry] = []
    problems: list[_Problem] = []
    for place, entry in enumerate(entries):
        try:
            keyed.append(entry.with_key(_key(entry, environment)))
        except ValueError as error:
            setting = "api_key_file" if entry.api_key_file else "api_key_env"
            problems.append((("providers", place, setting), str(error)))
    return keyed, problems


def _key(entry: ProviderEntry, environment: Mapping[str, str]) -> SecretStr:
    """Return a provider's key.

    Raises:
        ValueError: It cannot be had, or cannot be sent; the message does not hold it.
    """
    if entry.api_key_file:
        try:
            key = entry.api_key_file.read_text().strip()
        except (OSError, UnicodeDecodeError):
            raise ValueError(f"{entry.api_key_file} cannot be read") from None
    elif entry.api_key_env:
        key = environment.get(entry.api_key_env, "").strip()
    else:
        return SecretStr("")
    if not key:
        raise ValueError(f"{entry.api_key_file or entry.api_key_env} is empty")
    if problem := key_problem(key):
        raise ValueError(f"the key in {entry.api_key_file or entry.api_key_env} {problem}")
    return SecretStr(key)


def _order_problems(file: _File) -> list[_Problem]:
    names = [entry.name for entry in file.providers]
    known = {entry.name: entry for entry in file.providers}
    problems: list[_Problem] = [
        (("providers", place, "name"), "another provider has this name")
        for place, name in enumerate(names)
        if name in names[:place]
    ]
    for use in Use:
        order = getattr(file.use, use) or []
        for place, name in enumerate(order):
            if problem := _place_problem(use, name, order[:place], known, file.use):
                problems.append((("use", use.value, place), problem))
    return problems


def _place_problem(
    use: Use, name: str, before: Sequence[str], known: Mapping[str, ProviderEntry], orders: _Orders
) -> str:
    """Return why a provider cannot stand at a place of an order; empty where it can."""
    entry = known.get(name)
    if entry is None:
        return f"there is no provider {name}"
    if name in before:
        return f"{name} stands twice"
    if use is not Use.EMBEDDING:
        return f"{name} makes vectors and cannot write" if name in orders.embedding else ""
    if entry.kind is not Kind.OPENAI:
        return f"{name} makes no vectors; its kind is {entry.kind}"
    first = known.get(before[0]) if before else None
    if first and first.model != entry.model:
        return f"{name} has another model than {before[0]}; their vectors cannot be compared"
    return ""


def _table(entries: Sequence[ProviderEntry], orders: _Orders) -> ProviderTable:
    by_name = {entry.name: entry for entry in entries}
    writing = [entry for entry in entries if entry.name not in orders.embedding]
    usual = [entry.name for entry in sorted(writing, key=lambda entry: entry.priority)]
    chat = usual if orders.chat is None else orders.chat
    named = {
        Use.CHAT: chat,
        Use.SUMMARY: chat if orders.summary is None else orders.summary,
        Use.JUDGE: chat if orders.judge is None else orders.judge,
        Use.EMBEDDING: orders.embedding,
    }
    return ProviderTable(
        tuple(entry for entry in entries if entry.kind is not Kind.EXTRACTIVE),
        {use: tuple(_until_extraction(names, by_name)) for use, names in named.items()},
    )


def _until_extraction(
    names: Sequence[str], by_name: Mapping[str, ProviderEntry]
) -> Iterator[ProviderEntry]:
    for name in names:
        if by_name[name].kind is Kind.EXTRACTIVE:
            return
        yield by_name[name]


def of_settings(chat: ProviderEntry | None, embedding: ProviderEntry | None) -> ProviderTable:
    """Return the table of a service that has one provider for all writing, and one for vectors."""
    writing = (chat,) if chat else ()
    vectors = (embedding,) if embedding else ()
    orders = {use: vectors if use is Use.EMBEDDING else writing for use in Use}
    return ProviderTable(writing + vectors, orders)
