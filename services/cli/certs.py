"""`kefu certs`: certificates for systems that want to call Kefu."""

from pathlib import Path
from typing import Annotated

import typer

from services.cli.options import DEFAULT_HOME, DEFAULT_TENANT, HomeOption
from services.local import credentials, policy
from services.local.ca import spiffe_id
from services.local.home import Home, checked_name

certs = typer.Typer(help="Certificates for systems that call Kefu.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(certs, name="certs")


@certs.callback()
def _group() -> None:
    """Certificates for systems that call Kefu."""


@certs.command()
def issue(
    name: Annotated[str, typer.Argument(help="Name of the system, such as crm.")],
    role: Annotated[list[str], typer.Option(help="What it may do; may be given several times.")],
    tenant: Annotated[
        list[str] | None, typer.Option(help="For which tenant; '*' for all. May be repeated.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Directory; <home>/clients/NAME if absent.")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Issue a client certificate and bind its identity to roles.

    A running mesh takes the binding over within a second.
    """
    place = Home.at(home)
    place.create()
    checked_name(name)
    policy.bind(place, name, role, tenant or [DEFAULT_TENANT])
    signer = credentials.authority(place)
    directory = out.resolve() if out else place.client(name)
    credentials.write_client(signer, name, directory)
    print(f"identity  {spiffe_id(name)}")
    for file in ("cert.pem", "key.pem", "ca.pem"):
        print(f"{file:9} {directory / file}")
