"""The policy file: what it allows, and every reason for which it is refused."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from services.mesh.descriptors import contract_methods
from services.mesh.policy import Policy, PolicyInvalid, read_policy
from services.mesh.policy_file import PolicyFile
from services.mesh.service import FOREIGN_METHODS
from tests.support.mesh import POLICY

METHODS = frozenset({"a.v1.A/Read", "a.v1.A/Write"})
ANNA, BEN = "spiffe://kefu.local/ns/kefu/sa/anna", "spiffe://kefu.local/ns/kefu/sa/ben"
GOOD = f"""\
roles:
  reader: [a.v1.A/Read]
  writer: [a.v1.A/Read, a.v1.A/Write]
  nobody: []

bindings:
  - {{identity: "{ANNA}", roles: [reader], tenants: ["*"]}}
  - identity: "{ANNA}"
    roles: [nobody, writer]
    tenants: [shop]
  - {{identity: "{BEN}", roles: [reader], tenants: [shop, bank]}}

samples:
  - {{identity: "{ANNA}", method: a.v1.A/Write, tenant: shop, expect: allow}}
  - {{identity: "{BEN}", method: a.v1.A/Write, expect: deny}}
"""


def read(folder: Path, text: str) -> Policy:
    """The policy in a text."""
    path = folder / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    return read_policy(path, METHODS)


def problems(folder: Path, text: str) -> str:
    """Everything that is wrong with a text, a line each."""
    with pytest.raises(PolicyInvalid) as caught:
        read(folder, text)
    return "\n".join(caught.value.problems)


def changed(**parts: Any) -> str:
    """The good policy with parts replaced."""
    return yaml.safe_dump(yaml.safe_load(GOOD) | parts)


@pytest.mark.parametrize(
    ("identity", "method", "tenant", "allowed"),
    [
        (ANNA, "a.v1.A/Read", "", True),
        (ANNA, "a.v1.A/Read", "bank", True),
        (ANNA, "a.v1.A/Write", "shop", True),
        (ANNA, "a.v1.A/Write", "bank", False),
        (ANNA, "a.v1.A/Write", "", True),
        (BEN, "a.v1.A/Read", "bank", True),
        (BEN, "a.v1.A/Read", "other", False),
        (BEN, "a.v1.A/Write", "shop", False),
        ("spiffe://kefu.local/ns/kefu/sa/carl", "a.v1.A/Read", "", False),
        ("", "a.v1.A/Read", "", False),
        (ANNA, "a.v1.A/Unheard", "", False),
    ],
)
def test_decisions(tmp_path: Path, identity: str, method: str, tenant: str, allowed: bool) -> None:
    """A role counts for the tenants of its own binding; what no line allows is denied."""
    assert read(tmp_path, GOOD).decide(identity, method, tenant).allowed is allowed


def test_a_decision_names_its_line(tmp_path: Path) -> None:
    """Whoever asks why is led to the very binding."""
    decision = read(tmp_path, GOOD).decide(ANNA, "a.v1.A/Write", "shop")
    assert decision.line == GOOD.splitlines().index(f'  - identity: "{ANNA}"') + 1
    assert decision.because == f"role writer, bound in line {decision.line}"
    denied = read(tmp_path, GOOD).decide(ANNA, "a.v1.A/Write", "bank")
    assert denied.line == 0
    assert denied.because == (
        "no binding of its roles ['nobody', 'reader', 'writer'] covers tenant bank"
    )


def test_all_problems_at_once(tmp_path: Path) -> None:
    """Nobody repairs a file one restart at a time."""
    said = problems(
        tmp_path,
        changed(
            roles={"reader": ["a.v1.A/Read", "a.v1.A/Raed"], "writer": ["b.v1.B/Write"]},
            bindings=[
                {"identity": ANNA, "roles": ["reader", "raeder"], "tenants": ["*"]},
                {"identity": BEN, "roles": ["reader"], "tenants": ["Shop", "tenants/bank"]},
            ],
        ),
    )
    assert "role reader names the unknown method a.v1.A/Raed" in said
    assert "role writer names the unknown method b.v1.B/Write" in said
    assert f"gives {ANNA} the unknown role raeder" in said
    assert "names 'Shop', which cannot be a tenant" in said
    assert "names 'tenants/bank', which cannot be a tenant" in said


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "the file: Input should be a valid dictionary"),
        ("[]", "the file: Input should be a valid dictionary"),
        ("roles: [", "while parsing"),
        ("roles: {a: []}", "bindings: Field required\nsamples: Field required"),
        (changed(samples=[]), "samples: List should have at least 1 item"),
        (changed(extra=1), "extra: Extra inputs are not permitted"),
        (changed(roles={"reader": None}), "roles.reader: Input should be a valid list"),
        (changed(roles={"reader": "a.v1.A/Read"}), "roles.reader: Input should be a valid list"),
        (changed(roles={"reader": [{"a": 1}]}), "roles.reader.0: Input should be a valid string"),
        (changed(bindings=[7]), "bindings.0: "),
        (
            changed(bindings=[{"identity": ANNA, "roles": ["reader"]}]),
            "bindings.0.tenants: Field required",
        ),
        (
            changed(bindings=[{"identity": ANNA, "roles": ["reader"], "tenants": "shop"}]),
            "bindings.0.tenants: Input should be a valid list",
        ),
        (
            changed(samples=[{"identity": ANNA, "method": "a.v1.A/Read", "expect": "alow"}]),
            "samples.0.expect: Input should be 'allow' or 'deny'",
        ),
        (GOOD + "\nbindings: []\n", "bindings stands twice"),
        (GOOD.replace("  nobody: []", "  reader: []"), "line 4: reader stands twice"),
    ],
)
def test_a_file_of_another_shape(tmp_path: Path, text: str, problem: str) -> None:
    """Said with the place; a slip such as `tenants: shop` must never be read as something."""
    assert problem in problems(tmp_path, text)


def test_a_policy_that_does_not_do_what_was_meant(tmp_path: Path) -> None:
    """The samples in the file are tried; one that comes out otherwise refuses the whole."""
    samples = [
        {"identity": ANNA, "method": "a.v1.A/Write", "tenant": "bank", "expect": "allow"},
        {"identity": BEN, "method": "a.v1.A/Read", "expect": "deny"},
    ]
    said = problems(tmp_path, changed(samples=samples))
    assert f"sample {ANNA} -> a.v1.A/Write should allow: no binding" in said
    assert f"sample {BEN} -> a.v1.A/Read should deny: role reader" in said


@pytest.mark.parametrize("content", [b"\xff\xfe", b"\x00", b"- " * 5000])
def test_a_file_that_is_no_text(tmp_path: Path, content: bytes) -> None:
    """Whatever lies there, the one error says that it cannot be used."""
    path = tmp_path / "policy.yaml"
    path.write_bytes(content)
    with pytest.raises(PolicyInvalid):
        read_policy(path, METHODS)


def test_a_missing_file(tmp_path: Path) -> None:
    """Named with its path."""
    with pytest.raises(PolicyInvalid, match=r"nowhere\.yaml"):
        read_policy(tmp_path / "nowhere.yaml", METHODS)


def test_a_reload_takes_the_good_and_keeps_the_old(tmp_path: Path) -> None:
    """A removed or broken file changes nothing; the next good one does."""
    path = tmp_path / "policy.yaml"
    path.write_text(GOOD)
    file = PolicyFile(path, METHODS)
    old = file.policy
    assert not file.reload(), "nothing changed"
    path.unlink()
    assert not file.reload()
    assert file.policy is old
    path.write_text(GOOD.replace("[reader]", "[raeder]"))
    assert not file.reload()
    assert file.policy is old
    path.write_text(GOOD.replace("tenants: [shop, bank]", "tenants: [shop]"))
    assert file.reload()
    assert not file.policy.decide(BEN, "a.v1.A/Read", "bank").allowed


def test_a_server_does_not_start_without_a_policy(tmp_path: Path) -> None:
    """Broken at start is the end; there is no old one to keep."""
    with pytest.raises(PolicyInvalid):
        PolicyFile(tmp_path / "policy.yaml", METHODS)


def test_the_default_policy() -> None:
    """It is good, and gives no service more than reporting and its own role."""
    policy = read_policy(POLICY, FOREIGN_METHODS | frozenset(contract_methods()))
    held = {b.identity.rpartition("/")[2]: set(b.roles) for b in policy.bindings}
    assert held.pop("operator") == {"channel", "content-owner", "agent", "auditor", "operator"}
    assert all(roles <= {name, "reporter"} for name, roles in held.items())


def test_a_key_that_stands_twice_inside_a_list_is_refused(tmp_path: Path) -> None:
    """A binding with two `roles` would hold the second and seem to hold both."""
    twice = GOOD.replace("    roles: [", "    roles: []\n    roles: [", 1)
    assert twice != GOOD
    assert "roles stands twice" in problems(tmp_path, twice)
