"""Options that several of these commands have."""

from typing import Annotated

import typer

KbOption = Annotated[str, typer.Option("--kb", help="Id of the knowledge base.")]

RevisionOption = Annotated[str, typer.Option(help="A number, live or draft.")]


def base_name(tenant: str, kb: str) -> str:
    """Return the name of a knowledge base."""
    return f"tenants/{tenant}/knowledgeBases/{kb}"
