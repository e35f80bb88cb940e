"""CSV files that are tables: price lists, opening hours, sizes."""

import csv
import io

from services.knowledge.conversion import tables
from services.knowledge.conversion.limits import MOST_ROWS, UnreadableFile
from services.knowledge.faq_files import is_faq_header

_SEPARATORS = ",;\t"
"""Spreadsheets write the semicolon where the comma is the decimal sign."""


def is_faq(text: str) -> bool:
    """Say whether a CSV file is an FAQ file: its first line names question and answer."""
    try:
        return is_faq_header(next(csv.reader(io.StringIO(text.lstrip("\n"))), []))
    except csv.Error:
        return False


def converted(text: str) -> str:
    """Return the table as Markdown.

    Raises:
        UnreadableFile: it has too many rows, or a quotation that does not end.
    """
    first = text.lstrip().partition("\n")[0]
    separator = max(_SEPARATORS, key=first.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error as error:
        raise UnreadableFile(f"malformed: not CSV ({error})") from None
    if len(rows) > MOST_ROWS:
        raise UnreadableFile(f"too many rows: {len(rows)}, at most {MOST_ROWS} are taken")
    return f"{tables.rendered(rows)}\n"
