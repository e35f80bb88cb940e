"""What became of the files of a folder, as people and programs read it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from kefu.knowledge.v1 import import_pb2 as pb
from rich.console import Console
from rich.text import Text

from services.cli.tables import columns
from services.cli.words import word
from services.local.folder import Fate, Found

SHOWN_FILES = 40
"""Imported files without notes that are shown one by one; `--json` has all."""

_STYLES = {"imported": "green", "failed": "red", "skipped": "yellow", "pending": "yellow"}
_ORDER = ("imported", "unchanged", "skipped", "pending", "failed")
"""Of the table: what somebody has to do something about stands last, where it is seen."""


@dataclass(frozen=True, slots=True)
class Line:
    """What became of a file.

    Attributes:
        path: Below the folder.
        outcome: `imported`, `unchanged`, `skipped`, `pending` or `failed`.
        reason: Why it was skipped or failed; empty where it was not.
        notes: What its owner should know of how it was read.
        passages: That it was cut into.
        faqs: That it holds.
    """

    path: str
    outcome: str
    reason: str = ""
    notes: tuple[str, ...] = ()
    passages: int = 0
    faqs: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def lines_of(found: Sequence[Found], done: Sequence[pb.ImportedFile]) -> list[Line]:
    """Join what was found here and what the service did; what was not sent is unchanged."""
    results = {each.path: each for each in done}
    return [_line(each, results.get(each.path)) for each in found]


def counts(lines: Sequence[Line]) -> Counter[str]:
    """Count files by what became of them."""
    return Counter(each.outcome for each in lines)


def show(console: Console, lines: Sequence[Line]) -> None:
    """Print a table of what is worth a look, and the numbers of all."""
    shown, more = _worth_a_look(lines)
    if shown:
        table = columns("", "file", "")
        for each in shown:
            style = _STYLES.get(each.outcome, "")
            table.add_row(Text(each.outcome, style), Text(each.path), Text(_detail(each)))
        console.print(table)
    if more:
        console.print(f"... and {more} more imported; --json lists all")
    counted = counts(lines)
    console.print(", ".join(f"{counted[name]} {name}" for name in _ORDER if counted[name]))


def _worth_a_look(lines: Sequence[Line]) -> tuple[list[Line], int]:
    """Return the lines to show, and how many imported ones are left out."""
    imported = [each for each in lines if each.outcome == "imported"]
    quiet = [each for each in imported if not each.notes]
    left_out = {each.path for each in quiet[SHOWN_FILES:]}
    shown = [
        each
        for name in _ORDER
        if name != "unchanged"
        for each in lines
        if each.outcome == name and each.path not in left_out
    ]
    return shown, len(left_out)


def _line(found: Found, done: pb.ImportedFile | None) -> Line:
    if found.fate is not Fate.READY:
        return Line(found.path, found.fate, found.reason)
    if done is None:
        return Line(found.path, "unchanged")
    outcome = word(pb.ImportedFile.Outcome, done.outcome).lower()
    return Line(
        found.path, outcome, done.problem, tuple(done.notes), done.passage_count, done.faq_count
    )


def _detail(line: Line) -> str:
    if line.outcome == "pending":
        return "not reached; the same command goes on"
    sizes = ((line.passages, "passages"), (line.faqs, "FAQs"))
    said = line.reason or ", ".join(f"{count} {what}" for count, what in sizes if count)
    return "\n".join([said, *line.notes])
