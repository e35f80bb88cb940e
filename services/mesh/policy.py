"""Who may call what: roles name methods, bindings give identities roles and tenants.

The policy is data (`deploy/policy.yaml`), read once into a table. Nothing is allowed that no line
allows. Sample requests stand in the file and are run whenever it is read: a policy that does not do
what its authors meant is refused as a whole.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from services.mesh.descriptors import is_tenant_id

ANY_TENANT = "*"
NO_TENANT = "-"
"""The audit chain of calls that belong to no tenant is named so."""


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

    def __init__(self, roles: Mapping[str, frozenset[str]], bindings: Sequence[Binding]) -> None:
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
        if any(method in self.roles[role] for role in roles):
            return Decision(False, f"no binding of its roles {roles} covers tenant {tenant}")
        return Decision(False, f"none of its roles {roles} names {method}")


def read_policy(path: Path, known_methods: frozenset[str]) -> Policy:
    """Read, check and try a policy file.

    Args:
        path: YAML with `roles`, `bindings` and `samples`.
        known_methods: full names of the methods that exist; a role that names another is refused.

    Raises:
        PolicyInvalid: with every problem found.
    """
    try:
        document, lines = _load(path.read_text(encoding="utf-8"))
        file = _File.model_validate(document)
    except ValidationError as error:
        raise PolicyInvalid(str(path), [_shape_problem(each) for each in error.errors()]) from None
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise PolicyInvalid(str(path), [str(error)]) from None
    roles = {role: frozenset(methods) for role, methods in file.roles.items()}
    bindings = [
        Binding(each.identity, tuple(each.roles), frozenset(each.tenants), line)
        for each, line in zip(file.bindings, lines, strict=True)
    ]
    problems = [*_unknown_names(roles, bindings, known_methods), *_odd_tenants(bindings)]
    if not problems:
        policy = Policy(roles, bindings)
        problems = _failed_samples(policy, file.samples)
    if problems:
        raise PolicyInvalid(str(path), problems)
    return policy


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class _FileBinding(_Part):
    identity: str
    roles: list[str]
    tenants: list[str]


class _Sample(_Part):
    identity: str
    method: str
    tenant: str = ""
    expect: Literal["allow", "deny"]


class _File(_Part):
    roles: dict[str, list[str]]
    bindings: list[_FileBinding]
    samples: list[_Sample] = Field(min_length=1)


def _shape_problem(error: ErrorDetails) -> str:
    place = ".".join(str(step) for step in error["loc"]) or "the file"
    return f"{place}: {error['msg']}"


def _load(text: str) -> tuple[Any, list[int]]:
    """The content, and the line of each binding, which a plain loader does not keep.

    Raises:
        ValueError: a key stands twice; YAML loaders drop the first and say nothing.
    """
    loader = yaml.SafeLoader(text)
    try:
        root = loader.get_single_node()
        _refuse_repeated_keys(root)
        return loader.construct_document(root) if root else None, _binding_lines(root)
    finally:
        loader.dispose()


def _refuse_repeated_keys(node: yaml.Node | None) -> None:
    if isinstance(node, yaml.SequenceNode):
        for each in node.value:
            _refuse_repeated_keys(each)
    if not isinstance(node, yaml.MappingNode):
        return
    seen: set[str] = set()
    for key, value in node.value:
        if str(key.value) in seen:
            raise ValueError(f"line {key.start_mark.line + 1}: {key.value} stands twice")
        seen.add(str(key.value))
        _refuse_repeated_keys(value)


def _binding_lines(root: yaml.Node | None) -> list[int]:
    for key, value in root.value if isinstance(root, yaml.MappingNode) else ():
        if key.value == "bindings" and isinstance(value, yaml.SequenceNode):
            return [node.start_mark.line + 1 for node in value.value]
    return []


def _odd_tenants(bindings: Sequence[Binding]) -> list[str]:
    return [
        f"line {binding.line} names {tenant!r}, which cannot be a tenant"
        for binding in bindings
        for tenant in sorted(binding.tenants - {ANY_TENANT, NO_TENANT})
        if not is_tenant_id(tenant)
    ]


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


def _failed_samples(policy: Policy, samples: Sequence[_Sample]) -> list[str]:
    tried = [(each, policy.decide(each.identity, each.method, each.tenant)) for each in samples]
    return [
        f"sample {each.identity} -> {each.method} should {each.expect}: {decision.because}"
        for each, decision in tried
        if decision.allowed != (each.expect == "allow")
    ]
