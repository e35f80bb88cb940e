"""The policy of a home: the project's text, plus the clients that were issued here."""

from pathlib import Path

import pytest

from services.local import policy
from services.local.ca import spiffe_id
from services.local.home import Home
from services.local.problem import Problem
from services.mesh.descriptors import contract_methods
from services.mesh.policy import Policy, read_policy
from services.mesh.service import FOREIGN_METHODS

REPLY = "kefu.session.v1.SessionService/Reply"
TICKETS = "kefu.desk.v1.DeskService/ListTickets"


@pytest.fixture
def place(tmp_path: Path) -> Home:
    """A home with the project's policy."""
    home = Home.at(tmp_path / "home")
    home.create()
    policy.render(home)
    return home


def read(place: Home) -> Policy:
    """Read a home's policy as the services do, with every check."""
    return read_policy(place.policy_file, FOREIGN_METHODS | frozenset(contract_methods()))


def test_without_clients_it_allows_what_the_projects_policy_allows(place: Home) -> None:
    """The same roles and the same bindings."""
    known = FOREIGN_METHODS | frozenset(contract_methods())
    base, own = read_policy(policy.BASE, known), read(place)
    assert own.roles == base.roles
    assert [b.identity for b in own.bindings] == [b.identity for b in base.bindings]


def test_a_client_may_do_what_its_role_names_for_its_tenant_alone(place: Home) -> None:
    """Neither another method nor another tenant."""
    policy.bind(place, "crm", ["channel"], ["shop"])
    decide = read(place).decide
    assert decide(spiffe_id("crm"), REPLY, "shop").allowed
    assert not decide(spiffe_id("crm"), REPLY, "bank").allowed
    assert not decide(spiffe_id("crm"), TICKETS, "shop").allowed


def test_the_line_that_allows_is_the_clients_own(place: Home) -> None:
    """`kefu policy check` points at a line that a person can read."""
    policy.bind(place, "crm", ["channel"], ["*"])
    line = read(place).decide(spiffe_id("crm"), REPLY, "bank").line
    assert "sa/crm" in place.policy_file.read_text().splitlines()[line - 1]


def test_issuing_again_replaces_the_roles(place: Home) -> None:
    """What a client could do before is taken away with the new binding."""
    policy.bind(place, "crm", ["channel"], ["shop"])
    policy.bind(place, "crm", ["agent"], ["shop"])
    policy.bind(place, "till", ["channel"], ["shop"])
    decide = read(place).decide
    assert not decide(spiffe_id("crm"), REPLY, "shop").allowed
    assert decide(spiffe_id("crm"), TICKETS, "shop").allowed
    assert decide(spiffe_id("till"), REPLY, "shop").allowed


def test_an_unknown_role_is_refused_with_those_that_exist(place: Home) -> None:
    """The file is left as it was."""
    before = place.policy_file.read_text()
    with pytest.raises(Problem, match=r"no role boss: take one of agent, .*channel"):
        policy.bind(place, "crm", ["boss"], ["shop"])
    assert place.policy_file.read_text() == before
    assert not place.bindings_file.exists()


def test_a_new_release_brings_its_policy_and_keeps_the_clients(place: Home) -> None:
    """`kefu up` renders again: the project's text is new, the bindings are the home's."""
    policy.bind(place, "crm", ["channel"], ["shop"])
    place.policy_file.write_text("of an old release")
    policy.render(place)
    assert read(place).decide(spiffe_id("crm"), REPLY, "shop").allowed
