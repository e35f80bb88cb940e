"""`kefu knowledge`: files in, ranked passages out."""

import typer

from services.cli.knowledge import import_, looking, operations, releases, search, testing


def register(app: typer.Typer) -> None:
    """Add the commands of this package."""
    knowledge = typer.Typer(help="The company's knowledge.", no_args_is_help=True)
    for module in (import_, operations, looking, search, testing, releases):
        module.register(knowledge)
    app.add_typer(knowledge, name="knowledge")
