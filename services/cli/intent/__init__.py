"""`kefu intent`: training data in, model versions out, into service and back."""

import typer

from services.cli.intent import data, models, review


def register(app: typer.Typer) -> None:
    """Add the commands of this package."""
    intent = typer.Typer(
        help="What customers can want, and the model that tells.", no_args_is_help=True
    )
    for module in (data, models, review):
        module.register(intent)
    app.add_typer(intent, name="intent")
