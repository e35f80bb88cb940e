"""The policy of a home: the project's own, and the bindings of the clients issued here.

The services reload `policy.yaml` when it changes, so a client may call as soon as it is bound.
"""

from collections.abc import Sequence

import yaml

from services.local import home as home_module
from services.local.ca import spiffe_id
from services.local.home import Home
from services.local.problem import Problem
from services.local.programs import ROOT

BASE = ROOT / "deploy" / "policy.yaml"
"""The policy of the project, the same in every deployment."""

HEADER = "# Made from deploy/policy.yaml and bindings.yaml of this home; changes belong there.\n"


def render(home: Home) -> None:
    """Write the home's `policy.yaml`.

    The text of the project's policy is kept as it is, comments and all, so that "allowed by
    line N" leads a reader to something that she can read.
    """
    text = BASE.read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    end = _end_of_bindings(text)
    added = [
        f"  - {yaml.safe_dump(each, default_flow_style=True, width=200).strip()}\n"
        for each in _issued(home)
    ]
    home_module.write(
        home.policy_file, "".join([HEADER, *lines[:end], *added, *lines[end:]]).encode()
    )


def bind(home: Home, name: str, roles: Sequence[str], tenants: Sequence[str]) -> None:
    """Give a client roles for tenants, in place of what it had.

    Raises:
        Problem: a role that the policy does not know.
    """
    known = yaml.safe_load(BASE.read_text(encoding="utf-8"))["roles"]
    unknown = sorted(set(roles) - set(known))
    if unknown:
        raise Problem(
            f"there is no role {', '.join(unknown)}", f"take one of {', '.join(sorted(known))}"
        )
    identity = spiffe_id(name)
    kept = [each for each in _issued(home) if each["identity"] != identity]
    kept.append({"identity": identity, "roles": list(roles), "tenants": list(tenants)})
    home_module.write(home.bindings_file, yaml.safe_dump(kept, sort_keys=False).encode())
    render(home)


def _issued(home: Home) -> list[dict[str, object]]:
    if not home.bindings_file.exists():
        return []
    return yaml.safe_load(home.bindings_file.read_text(encoding="utf-8")) or []


def _end_of_bindings(text: str) -> int:
    """Return the index of the line after the last binding."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    assert isinstance(root, yaml.MappingNode)
    bindings = next(value for key, value in root.value if key.value == "bindings")
    return int(bindings.value[-1].end_mark.line) + (1 if bindings.value[-1].flow_style else 0)
