"""`kefu eval pii`: what is found of the personal data in a labelled file."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from services.cli.evaluation.figures import show
from services.cli.evaluation.labelled import LONGEST_TEXT, read_columns
from services.cli.options import JsonOption
from services.local.problem import Problem
from services.pii import Finder, Kind, PatternRejected

COLUMNS = ("sentence", "type", "value", "is_valid")

# Names that files have for our kinds. Under any other name whatever covers the value counts.
_KINDS = {
    "cn_id": {Kind.ID},
    "cn_mobile": {Kind.MOBILE},
    "us_phone": {Kind.PHONE},
    "bank_card": {Kind.CARD},
    "us_ssn": {Kind.SSN},
    "passport_cn": {Kind.PASSPORT},
    "plate_cn": {Kind.PLATE},
    "ipv4": {Kind.IP},
    "ipv6": {Kind.IP},
    **{kind.lower(): {kind} for kind in Kind},
    "phone": {Kind.PHONE, Kind.MOBILE},
}


@dataclass(frozen=True, slots=True)
class Row:
    """A sentence, and a value in it that is personal data or only looks like it."""

    sentence: str
    type: str
    value: str
    is_valid: bool


@dataclass(frozen=True, slots=True)
class PiiFigures:
    """What an evaluation found; shares in [0, 1].

    Attributes:
        precision: of what was found, what is personal data: the exact value, of its type. Anything
            else that was found in a sentence is a mistake, whatever it is.
        recall: of the values that are personal data, those that were found so.
        ms_per_text: of finding, CPU time.
    """

    precision: float
    recall: float
    found: int
    wrong: int
    missed: int
    ms_per_text: float
    rows: int


def register(evaluate: typer.Typer) -> None:
    """Add the command of this module."""
    evaluate.command("pii")(command)


def command(
    test: Annotated[
        Path,
        typer.Option(
            exists=True, dir_okay=False, help=f"TSV with columns {', '.join(COLUMNS)} (1 or 0)."
        ),
    ],
    order_pattern: Annotated[
        list[str] | None,
        typer.Option(help="What order numbers look like, an RE2 pattern; may be repeated."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Find the personal data of a file, as it is hidden from outside models."""
    try:
        finder = Finder(order_pattern or ())
    except PatternRejected as rejected:
        raise Problem(str(rejected), "give RE2 patterns") from None
    show(asdict(run(read(test), finder)), as_json)


def read(path: Path) -> list[Row]:
    """Read a labelled file.

    Raises:
        Problem: it cannot be read, lacks a column, has no rows, or has a row that says neither 1
            nor 0.
    """
    rows = read_columns(path, COLUMNS)
    if strange := sorted({valid for *_, valid in rows} - {"0", "1"}):
        raise Problem(f"{path} has is_valid {strange[0]!r}", "give 1 or 0")
    return [
        Row(text[:LONGEST_TEXT], kind, value, valid == "1") for text, kind, value, valid in rows
    ]


def run(rows: Sequence[Row], finder: Finder) -> PiiFigures:
    """Evaluate a finder on rows."""
    right = wrong = missed = 0
    began = time.thread_time()
    found = [finder.find(row.sentence) for row in rows]
    seconds = time.thread_time() - began
    for row, personal in zip(rows, found, strict=True):
        hits = sum(1 for each in personal if each.text == row.value and _fits(each.kind, row))
        hit = row.is_valid and hits > 0
        right += hit
        missed += row.is_valid and not hit
        wrong += len(personal) - (hits if hit else 0)
    return PiiFigures(
        precision=_share(right, (right, wrong)),
        recall=_share(right, (right, missed)),
        found=right + wrong,
        wrong=wrong,
        missed=missed,
        ms_per_text=1000 * seconds / len(rows),
        rows=len(rows),
    )


def _fits(kind: Kind, row: Row) -> bool:
    return row.type.lower() not in _KINDS or kind in _KINDS[row.type.lower()]


def _share(part: int, parts: Iterable[int]) -> float:
    return part / sum(parts) if part else 0.0
