"""Options that several of these commands have."""

import re
from typing import Annotated

import typer

KbOption = Annotated[str, typer.Option("--kb", help="Id of the knowledge base.")]

_REVISION = re.compile("live|draft|[1-9][0-9]{0,17}")


def _revision(value: str) -> str:
    if not _REVISION.fullmatch(value):
        raise typer.BadParameter(
            f"{value!r} is none; give `live`, `draft` or a number of `kefu knowledge revisions`"
        )
    return value


RevisionOption = Annotated[str, typer.Option(help="A number, live or draft.", callback=_revision)]


def base_name(tenant: str, kb: str) -> str:
    """Return the name of a knowledge base."""
    return f"tenants/{tenant}/knowledgeBases/{kb}"
