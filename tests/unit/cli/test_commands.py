"""Commands that need no running mesh: status, down, certificates, policy."""

import json
from pathlib import Path

import pytest
from cryptography import x509
from typer.testing import CliRunner, Result

from services.cli.main import build
from services.local import lock, status
from services.local.ca import spiffe_id
from services.local.home import Home
from services.local.problem import Problem
from services.local.status import MeshStatus, ServiceStatus, State

REPLY = "kefu.session.v1.SessionService/Reply"
AUDIT = "kefu.audit.v1.AuditService/ListEvents"


@pytest.fixture
def place(tmp_path: Path) -> Home:
    """A home on which nothing runs."""
    home = Home.at(tmp_path / "home")
    home.create()
    return home


def run(place: Home, *arguments: str) -> Result:
    """Run a command on a home; a Problem comes out as it is."""
    answer = CliRunner().invoke(build(arguments), [*arguments, "--home", str(place.root)])
    if answer.exception and not isinstance(answer.exception, SystemExit):
        raise answer.exception
    return answer


def write_status(place: Home) -> None:
    """Write what a mesh left that was killed while it served."""
    service = ServiceStatus(
        address="127.0.0.1:1", metrics_address="127.0.0.1:2", state=State.SERVING, pid=3
    )
    status.save(place, MeshStatus(services={"session": service}, ready=True, supervisor=9))


def test_status_of_a_mesh_that_was_killed_does_not_say_serving(place: Home) -> None:
    """The file is from another life: nobody holds the lock, so nothing runs."""
    write_status(place)
    answer = run(place, "status", "--json")
    assert answer.exit_code == 1
    shown = json.loads(answer.stdout)
    assert shown["services"]["session"]["state"] == "STOPPED"
    assert shown["services"]["session"]["address"] == "127.0.0.1:1"
    assert shown["ready"] is False


def test_status_of_a_ready_mesh_is_success(place: Home) -> None:
    """A script may wait for exit status 0."""
    write_status(place)
    with lock.held(place):
        answer = run(place, "status", "--json")
    assert answer.exit_code == 0
    assert json.loads(answer.stdout)["services"]["session"]["state"] == "SERVING"


def test_status_for_people_is_a_table_with_the_last_problem(place: Home) -> None:
    """Addresses and states at a glance, and why the last start failed."""
    write_status(place)
    status.save(place, status.read(place).model_copy(update={"problem": "port 1 is taken"}))
    shown = run(place, "status").stdout
    assert "session" in shown
    assert "127.0.0.1:2" in shown
    assert "port 1 is taken" in shown


def test_status_of_a_home_that_never_ran_says_how_to_begin(place: Home) -> None:
    """A newcomer's first command is answered."""
    assert "kefu up --sample" in run(place, "status").stdout


def test_down_without_a_mesh_is_done_already(place: Home) -> None:
    """Stopping twice is no error."""
    answer = run(place, "down")
    assert (answer.exit_code, "no mesh runs" in answer.stdout) == (0, True)


def test_an_issued_client_has_its_files_and_its_identity(place: Home) -> None:
    """Certificate, key and CA lie in clients/NAME; the key is private."""
    answer = run(place, "certs", "issue", "crm", "--role", "channel")
    directory = place.client("crm")
    assert spiffe_id("crm") in answer.stdout
    assert str(directory / "cert.pem") in answer.stdout
    certificate = x509.load_pem_x509_certificate((directory / "cert.pem").read_bytes())
    authority = x509.load_pem_x509_certificate((directory / "ca.pem").read_bytes())
    certificate.verify_directly_issued_by(authority)
    assert (directory / "key.pem").stat().st_mode & 0o777 == 0o600


def test_a_client_can_be_written_elsewhere(place: Home, tmp_path: Path) -> None:
    """`--out` puts the three files where another system expects them."""
    run(place, "certs", "issue", "crm", "--role", "channel", "--out", str(tmp_path / "out"))
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"cert.pem", "key.pem", "ca.pem"}


def test_an_unknown_role_or_a_bad_name_issues_nothing(place: Home) -> None:
    """No certificate exists that no binding explains."""
    with pytest.raises(Problem, match="no role boss"):
        run(place, "certs", "issue", "crm", "--role", "boss")
    with pytest.raises(Problem, match="not a usable name"):
        run(place, "certs", "issue", "../crm", "--role", "channel")
    assert not place.client("crm").exists()


def check(place: Home, name: str, method: str, *tenant: str) -> Result:
    """Run `kefu policy check` for a client."""
    arguments = ["policy", "check", "--identity", spiffe_id(name), "--method", method]
    return run(place, *arguments, *(["--tenant", *tenant] if tenant else []))


def test_a_policy_check_names_the_line_that_allows(place: Home) -> None:
    """Allowed is exit status 0, with a line of this home's policy."""
    run(place, "certs", "issue", "crm", "--role", "channel")
    answer = check(place, "crm", REPLY, "shop")
    assert answer.exit_code == 0
    line = int(answer.stdout.split("line ")[1].split()[0])
    assert "sa/crm" in place.policy_file.read_text().splitlines()[line - 1]


def test_a_policy_check_says_why_a_call_is_denied(place: Home) -> None:
    """Denied is exit status 1: another method, another tenant, a stranger."""
    run(place, "certs", "issue", "crm", "--role", "channel")
    for answer in (
        check(place, "crm", AUDIT, "shop"),
        check(place, "crm", REPLY, "bank"),
        check(place, "stranger", REPLY),
    ):
        assert answer.exit_code == 1
        assert answer.stdout.startswith("denied: no")


def test_a_method_that_does_not_exist_is_a_typing_error(place: Home) -> None:
    """Better than "denied" for a name that nobody serves."""
    with pytest.raises(Problem, match=r"no method kefu.Reply"):
        check(place, "crm", "kefu.Reply")
