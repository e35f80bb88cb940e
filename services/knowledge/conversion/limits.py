"""What a file may cost, and what its owner reads where it costs more."""

from dataclasses import dataclass

MEBIBYTE = 1024 * 1024

MOST_PAGES = 1000
"""Of a PDF: a long manual. Reading so many takes about a third of the time a file has."""

MOST_ROWS = 50_000
"""Of a workbook with all its sheets, empty ones not counted: a price list, not a database."""

MOST_INFLATED = 200 * MEBIBYTE
"""Bytes that the parts of a Word or Excel file may have unpacked, together. Real files have ten
times their packed size, a bomb thousands of times."""

MOST_TEXT = 3 * MEBIBYTE
"""Code points of a converted text, and bytes of a text file: some 1,500 printed pages. What is
more would hold up searches while it is cut and indexed."""


class UnreadableFile(Exception):
    """A file that cannot be imported. `str()` says why and where, without quoting the file."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may cost.

    Attributes:
        max_bytes: Its size.
        seconds: Time to convert it, on the clock and of a processor.
        memory_bytes: Address space of the process that converts it.
        idle_seconds: How long that process waits for the next file before it ends.
    """

    max_bytes: int = 20 * MEBIBYTE
    seconds: float = 30.0
    memory_bytes: int = 1024 * MEBIBYTE
    idle_seconds: float = 60.0

    @property
    def out_of_time(self) -> str:
        """The reason for a file that takes longer."""
        return f"took too long: not read in {self.seconds:g} seconds; split the file"

    @property
    def out_of_memory(self) -> str:
        """The reason for a file that needs more."""
        size = self.memory_bytes // MEBIBYTE
        return f"too much memory: reading takes more than {size} MiB; split the file"


@dataclass(frozen=True, slots=True)
class Converted:
    """A file as text.

    Attributes:
        text: Markdown; empty where `faq_rows` is there.
        notes: What its owner should know of the conversion.
        faq_rows: Of an FAQ sheet: each row's number with its values by column; else None.
    """

    text: str
    notes: tuple[str, ...] = ()
    faq_rows: tuple[tuple[int, dict[str, str]], ...] | None = None
