"""Who may call what: roles name methods, bindings give identities roles and tenants.

The policy is data (`deploy/policy.yaml`), read once into a table. Nothing is allowed that no line
allows. Sample requests stand in the file and are run whenever it is read: a policy that does not do
what its authors meant is refused as a whole.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

ANY_TENANT = "*"


class PolicyInvalid(Exception):
    """The policy file cannot be used; `problems` says every reason at once."""

    def __init__(self, source: str, problems: Sequence[str]) -> None:
        super().__init__(f"{source}: " + "; ".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Binding:
    """What one identity holds.

    Attributes:
        tenants: ids, or `*` for all.
        line: where it stands in the file, from 1.
    """

    identity: str
    roles: tuple[str, ...]
    tenants: frozenset[str]
    line: int


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a call is allowed, and by which line.

    Attributes:
        line: of the binding that allowed it; 0 where it is denied.
        because: one sentence for people.
    """

    allowed: bool
    because: str
    line: int = 0


class Policy:
    """A policy that was read and checked. Immutable; decisions are remembered.

    Args:
        roles: methods by role, by full name.
        bindings: what identities hold; an identity may have several.
    """

    def __init__(
        self, roles: Mapping[str, frozenset[str]], bindings: Sequence[Binding]
    ) -> None:
        self.roles = dict(roles)
        self.bindings = tuple(bindings)
        self.decide = lru_cache(maxsize=4096)(self._decide)

    def _decide(self, identity: str, method: str, tenant: str = "") -> Decision:
        """Whether an identity may call a method, about a tenant where one is named."""
        held = [each for each in self.bindings if each.identity == identity]
        if not held:
            return Decision(False, f"no binding names {identity}")
        for binding in held:
            role = next((r for r in binding.roles if method in self.roles[r]), None)
            if role is None:
                continue
            if tenant and not binding.tenants & {tenant, ANY_TENANT}:
                continue
            return Decision(True, f"role {role}, bound in line {binding.line}", binding.line)
        roles = sorted({role for each in held for role in each.roles})
        about = f" for tenant {tenant}" if tenant else ""
        return Decision(False, f"none of its roles {roles} names {method}{about}")


def read_policy(path: Path, known_methods: frozenset[str]) -> Policy:
    """Read, check and try a policy file.

    Args:
        path: YAML with `roles`, `bindings` and `samples`.
        known_methods: full names of the methods that exist; a role that names another is refused.

    Raises:
        PolicyInvalid: with every problem found.
    """
    try:
        text = path.read_text(encoding="utf-8")
        document = yaml.safe_load(text)
        lines = _binding_lines(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise PolicyInvalid(str(path), [str(error)]) from error
    problems = list(_shape_problems(document))
    if problems:
        raise PolicyInvalid(str(path), problems)
    roles = {role: frozenset(methods or ()) for role, methods in document["roles"].items()}
    bindings = [
        Binding(each["identity"], tuple(each["roles"]), frozenset(each["tenants"]), line)
        for each, line in zip(document["bindings"], lines, strict=True)
    ]
    problems = [*_unknown_names(roles, bindings, known_methods)]
    if not problems:
        policy = Policy(roles, bindings)
        problems = _failed_samples(policy, document.get("samples") or [])
    if problems:
        raise PolicyInvalid(str(path), problems)
    return policy


def _shape_problems(document: Any) -> list[str]:
    if not isinstance(document, dict):
        return ["the file must be a mapping with roles, bindings and samples"]
    problems = []
    if not isinstance(document.get("roles"), dict):
        problems.append("`roles` must map each role to its methods")
    if not isinstance(document.get("bindings"), list):
        problems.append("`bindings` must be a list")
    for index, each in enumerate(document.get("bindings") or []):
        keys = set(each) if isinstance(each, dict) else set()
        if keys != {"identity", "roles", "tenants"}:
            problems.append(f"binding {index + 1} must have exactly identity, roles and tenants")
    if not document.get("samples"):
        problems.append("`samples` must hold at least one request to try")
    return problems


def _unknown_names(
    roles: Mapping[str, frozenset[str]], bindings: Sequence[Binding], known: frozenset[str]
) -> list[str]:
    problems = [
        f"role {role} names the unknown method {method}"
        for role, methods in roles.items()
        for method in sorted(methods - known)
    ]
    return problems + [
        f"line {binding.line} gives {binding.identity} the unknown role {role}"
        for binding in bindings
        for role in binding.roles
        if role not in roles
    ]


def _failed_samples(policy: Policy, samples: Sequence[Mapping[str, str]]) -> list[str]:
    problems = []
    for sample in samples:
        decision = policy.decide(sample["identity"], sample["method"], sample.get("tenant", ""))
        expected = sample["expect"]
        if decision.allowed != (expected == "allow"):
            problems.append(
                f"sample {sample['identity']} -> {sample['method']} should {expected}: "
                f"{decision.because}"
            )
    return problems


def _binding_lines(text: str) -> list[int]:
    """Line of each binding, which the plain loader does not keep."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        return []
    for key, value in root.value:
        if key.value == "bindings" and isinstance(value, yaml.SequenceNode):
            return [node.start_mark.line + 1 for node in value.value]
    return []
