"""Tables in the one style of the commands."""

from rich.table import Table

STATE_STYLES = {"succeeded": "green", "failed": "red", "cancelled": "yellow"}
"""Colour of each state of an operation that has ended."""


def columns(*names: str) -> Table:
    """Return an empty table in the style of the other commands."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in names:
        table.add_column(name)
    return table
