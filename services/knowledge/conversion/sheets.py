"""Excel files as Markdown: a table under the name of each sheet, or the rows of an FAQ file."""

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any

from openpyxl import load_workbook
from openpyxl.utils import range_boundaries

from services.knowledge.conversion import tables
from services.knowledge.conversion.cells import shown
from services.knowledge.conversion.kinds import check_package
from services.knowledge.conversion.limits import MOST_ROWS, Converted, UnreadableFile
from services.knowledge.faq_files import column_of, is_faq_header

NO_RESULTS = "formulas without results are left out; open the file in Excel and save it"
ONLY_ONE_SHEET = "only the first sheet was read: it holds FAQs"

_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s+ref="([A-Z]{1,3}\d{1,7}:[A-Z]{1,3}\d{1,7})"')
_NO_RESULT = re.compile(rb"(?:</(?:\w+:)?f>|<(?:\w+:)?f\b[^>]*/>)(?:<v\s*/>|<v></v>)?</(?:\w+:)?c>")
_MOST_TITLES = 3
"""Lines above a table's header that are taken for its caption."""

Numbered = list[tuple[int, list[str]]]
"""Rows that are not blank, each with its number in the sheet, from 1."""


def convert(content: bytes) -> Converted:
    """Read an .xlsx file: values as shown, the last results of formulas; no hidden sheets.

    Raises:
        UnreadableFile: it is no such file, has too many rows, or is too large unpacked.
    """
    check_package(".xlsx", content)
    workbook = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    notes: dict[str, None] = {}
    parts: list[str] = []
    left = MOST_ROWS
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        for sheet in workbook.worksheets:
            rows = _rows(sheet, left) if sheet.sheet_state == "visible" else []
            if not rows:
                continue
            left -= len(rows)
            # Neither merged cells nor missing results can be seen by reading row by row.
            source = package.read(sheet._worksheet_path)
            if _NO_RESULT.search(source):
                notes[NO_RESULTS] = None
            if not parts and is_faq_header(rows[0][1]):
                if len(workbook.worksheets) > 1:
                    notes[ONLY_ONE_SHEET] = None
                return Converted("", tuple(notes), tuple(_records(rows)))
            _spread(rows, source)
            parts.append(f"# {sheet.title}\n\n{_table(rows)}\n")
    return Converted("\n".join(parts), tuple(notes))


def _rows(sheet: Any, most: int) -> Numbered:
    """Return the rows that are not blank."""
    # The size that a sheet claims may be a million rows; what it holds counts.
    sheet.reset_dimensions()
    found: Numbered = []
    for number, row in enumerate(sheet.iter_rows(), start=1):
        cells = [
            "" if cell.value is None else shown(cell.value, cell.number_format) for cell in row
        ]
        if any(cells):
            found.append((number, cells))
        if len(found) > most:
            raise UnreadableFile(f"too many rows: at most {MOST_ROWS} are taken; split the file")
    return found


def _spread(rows: Numbered, source: bytes) -> None:
    """Write the text of merged cells into each, as a reader sees it beside each row."""
    by_number = dict(rows)
    width = max(len(cells) for _, cells in rows)
    for match in _MERGED.finditer(source):
        left, top, right, bottom = range_boundaries(match[1].decode())
        first, end = by_number.get(top, []), min(right, width)
        words = first[left - 1] if left <= len(first) else ""
        for number in range(top, bottom + 1):
            if (row := by_number.get(number)) is not None:
                row.extend([""] * (end - len(row)))
                row[left - 1 : end] = [words] * (end - left + 1)


def _table(rows: Numbered) -> str:
    """Write a sheet's table; lines of one text above it are its caption."""
    table = [cells for _, cells in rows]
    titles: list[str] = []
    wide = any(len(set(filter(None, row))) > 1 for row in table)
    while wide and len(titles) < _MOST_TITLES and len(only := set(filter(None, table[0]))) == 1:
        titles += only
        table = table[1:]
    return tables.rendered(table, " ".join(" ".join(titles).split()))


def _records(rows: Numbered) -> Iterator[tuple[int, dict[str, str]]]:
    """Return the rows of an FAQ sheet by the names of its columns."""
    names = list(map(column_of, rows[0][1]))
    for number, cells in rows[1:]:
        padded = [*cells, *[""] * len(names)]
        yield number, {name: padded[place] for place, name in enumerate(names) if name}
