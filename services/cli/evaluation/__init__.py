"""`kefu eval`: labelled files through the real services, figures out, for people and scripts."""

import typer

from services.cli.evaluation import injection, intent, pii, retrieval, sentiment


def register(app: typer.Typer) -> None:
    """Add the commands of this package."""
    evaluate = typer.Typer(
        help="Measure on labelled files, in a throwaway home.", no_args_is_help=True
    )
    for module in (injection, intent, pii, retrieval, sentiment):
        module.register(evaluate)
    app.add_typer(evaluate, name="eval")
