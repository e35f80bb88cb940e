"""`kefu policy`: who may call what."""

from typing import Annotated

import typer

from services.cli.options import DEFAULT_HOME, HomeOption
from services.local import policy as home_policy
from services.local.home import Home
from services.local.problem import Problem
from services.mesh.descriptors import contract_methods
from services.mesh.policy import PolicyInvalid, read_policy
from services.mesh.service import FOREIGN_METHODS

policy = typer.Typer(help="Who may call what.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(policy, name="policy")


@policy.callback()
def _group() -> None:
    """Who may call what."""


@policy.command()
def check(
    identity: Annotated[str, typer.Option(help="SPIFFE URI of the caller.")],
    method: Annotated[
        str, typer.Option(help="Full name, such as kefu.session.v1.SessionService/Reply.")
    ],
    tenant: Annotated[str, typer.Option(help="Id of the tenant that the call is about.")] = "",
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Say whether a call is allowed, and by which line. Exit status 1 if it is denied."""
    place = Home.at(home)
    known = FOREIGN_METHODS | frozenset(contract_methods())
    if method not in known:
        raise Problem(f"there is no method {method}", "give package.Service/Method in full")
    # A home that never ran has the project's policy.
    path = place.policy_file if place.policy_file.exists() else home_policy.BASE
    try:
        decision = read_policy(path, known).decide(identity, method, tenant)
    except PolicyInvalid as error:
        raise Problem(f"the policy is broken ({error})", f"mend {path}") from None
    print(
        f"allowed: {decision.because} of {path}"
        if decision.allowed
        else f"denied: {decision.because} ({path})"
    )
    raise typer.Exit(0 if decision.allowed else 1)
