"""The `---` block at the top of a Markdown file: what its author says of it, as YAML."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from services.knowledge.conversion.limits import UnreadableFile
from services.knowledge.document import Scope
from services.knowledge.moments import EXAMPLES, moment_of

NOT_READ = "the block at the top of the file is no YAML and was left out"
ONE_TAG = "of several tags at the top of the file the first is kept; use metadata for the others"

_BLOCK = re.compile(r"\A---[ \t]*\n(.{0,8192}?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.M)
_KEY = re.compile(r"[a-z][a-z0-9_]{0,31}")
_MOST_PAIRS = 16
_LONGEST_VALUE = 100


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """What a file says of itself.

    Attributes:
        length: Code points of the block, which is no part of the text.
        title: The document's title; empty where it says none.
        scope: Its metadata and validity.
        notes: What its owner should know.
    """

    length: int = 0
    title: str = ""
    scope: Scope = field(default_factory=Scope)
    notes: tuple[str, ...] = ()


def front_matter(text: str) -> FrontMatter:
    """Read the block at the top of a text; keys other than ours are left alone.

    Ours are `title`, `valid_from`, `valid_until`, `metadata` (a mapping) and `tags`.

    Raises:
        UnreadableFile: a date is none, or metadata have a key or value that cannot be kept: a file
            must not be found when its owner said it must not.
    """
    block = _BLOCK.match(text)
    if block is None:
        return FrontMatter()
    try:
        # Every value as it is written: a version 1.10 is no number.
        said = yaml.load(block[1], yaml.BaseLoader)  # noqa: S506 (makes texts, lists and mappings)
    except (yaml.YAMLError, RecursionError):
        return FrontMatter(block.end(), notes=(NOT_READ,))
    if not isinstance(said, dict):
        return FrontMatter()  # text between two lines
    metadata, notes = _metadata(said)
    start, end = _moment(said, "valid_from"), _moment(said, "valid_until")
    if start and end and end <= start:
        raise UnreadableFile("malformed: valid_until at its top is not after valid_from")
    title = said.get("title")
    return FrontMatter(
        block.end(),
        " ".join(title.split()) if isinstance(title, str) else "",
        Scope(metadata, start, end),
        notes,
    )


def _metadata(said: Mapping[str, Any]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the pairs of metadata, a tag among them, and notes."""
    tags = said.get("tags") or []
    tags = [tags] if isinstance(tags, str) else tags
    pairs = said.get("metadata") or {}
    if not isinstance(pairs, dict) or not isinstance(tags, list):
        raise UnreadableFile("malformed: metadata at its top are no mapping, or tags no list")
    found = {"tag": tags[0], **pairs} if tags else pairs
    if len(found) > _MOST_PAIRS or not all(map(_is_pair, found, found.values())):
        raise UnreadableFile(
            f"malformed: metadata at its top: at most {_MOST_PAIRS} pairs, keys of small letters, "
            f"digits and _, a letter first, values of 1 to {_LONGEST_VALUE} characters"
        )
    return found, (ONE_TAG,) if len(tags) > 1 else ()


def _is_pair(key: Any, value: Any) -> bool:
    texts = isinstance(key, str) and isinstance(value, str) and value.isprintable()
    return texts and bool(_KEY.fullmatch(key)) and 0 < len(value) <= _LONGEST_VALUE


def _moment(said: Mapping[str, Any], key: str) -> Any:
    value = said.get(key, "")
    try:
        return moment_of(value, last=key == "valid_until")
    except (AttributeError, ValueError, OverflowError):
        raise UnreadableFile(f"malformed: {key} at its top is no date such as {EXAMPLES}") from None
