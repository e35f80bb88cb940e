"""Labelled files: tab-separated, a header, UTF-8, one row a line."""

import csv
from dataclasses import dataclass
from pathlib import Path

from services.local.problem import Problem

LONGEST_TEXT = 4_000
"""Code points that the services take."""


@dataclass(frozen=True, slots=True)
class Row:
    """One text and what it is said to be."""

    text: str
    label: str


def read(path: Path, label_column: str) -> list[Row]:
    """Read the columns `text` and `label_column` of a file.

    A text that is longer than the services take is cut; no row is left out.

    Raises:
        Problem: as of `read_columns`.
    """
    return [
        Row(text[:LONGEST_TEXT].strip(), label)
        for text, label in read_columns(path, ("text", label_column))
    ]


def read_columns(path: Path, columns: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Read some columns of a file, without the blanks around their values.

    Raises:
        Problem: the file cannot be read, lacks a column, or has no rows.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            # Quotation marks are part of what people write.
            reader = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            missing = set(columns) - set(reader.fieldnames or ())
            if missing:
                raise Problem(
                    f"{path} has no column {' and '.join(sorted(missing))}",
                    f"give a tab-separated file with a header line: {', '.join(columns)}",
                )
            rows = [tuple((each[name] or "").strip() for name in columns) for each in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Problem(f"{path} cannot be read: {error}", "give a UTF-8 file") from None
    if not rows:
        raise Problem(f"{path} has no rows", "give a file with rows below its header")
    return rows
