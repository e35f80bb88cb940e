"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from services.local import home as home_module

HomeOption = Annotated[
    Path, typer.Option("--home", envvar="KEFU_HOME", help="Where the mesh keeps its data.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
TenantOption = Annotated[
    str, typer.Option("--tenant", envvar="KEFU_TENANT", help="The tenant's id.")
]

DEFAULT_HOME = home_module.DEFAULT
DEFAULT_TENANT = "shop"
"""The sample company: what a newcomer has."""

PIPED_WIDTH = 160
"""Columns of a table that goes into a file or a pipe: nothing there breaks lines by itself."""


def terminal() -> Console:
    """Return the console for results: as wide as the terminal, or wide where there is none."""
    plain = Console(highlight=False)
    return plain if plain.is_terminal else Console(highlight=False, width=PIPED_WIDTH)
