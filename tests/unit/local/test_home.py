"""The home: private, complete, predictable; its lock, its status file and its certificates."""

import fcntl
import json
import os
import threading
from pathlib import Path

import pytest

from services.local import credentials, home, lock, status
from services.local.home import Home
from services.local.problem import Problem
from services.local.status import MeshStatus, ServiceStatus, State


@pytest.fixture
def place(tmp_path: Path) -> Home:
    """A fresh home."""
    made = Home.at(tmp_path / "home")
    made.create()
    return made


def test_nobody_else_can_look_into_a_home(place: Home) -> None:
    """Keys, customer data and logs lie here."""
    for directory in [place.root, *(p for p in place.root.iterdir() if p.is_dir())]:
        assert directory.stat().st_mode & 0o777 == 0o700, directory


def test_an_unusable_place_is_said_in_one_line(tmp_path: Path) -> None:
    """A file where the home should be is no traceback."""
    (tmp_path / "file").write_text("")
    with pytest.raises(Problem, match=r"cannot be used as home .*: choose another.*--home"):
        Home.at(tmp_path / "file").create()


def test_a_relative_home_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Services run with paths that hold in any working directory."""
    monkeypatch.chdir(tmp_path)
    assert Home.at(Path(".kefu")).root == tmp_path / ".kefu"


def test_a_file_is_replaced_in_one_step(place: Home) -> None:
    """A reader of mesh.json sees the old or the new one, never half."""
    path = place.root / "deep" / "file"
    home.write(path, b"a" * 200_000)
    stop = threading.Event()
    sizes = set()

    def read() -> None:
        while not stop.is_set():
            sizes.add(len(path.read_bytes()))

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(50):
        home.write(path, b"b" * 200_000)
    stop.set()
    reader.join()
    assert sizes == {200_000}
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["file"]


@pytest.mark.parametrize("name", ["", "Big", "../up", "a/b", "a b", "9lives", "客服", "a" * 64])
def test_names_that_would_leave_the_home_are_refused(name: str) -> None:
    """A client's name becomes a directory and a part of its identity."""
    with pytest.raises(Problem, match="not a usable name"):
        home.checked_name(name)


def test_good_names_pass() -> None:
    """Lower-case letters, digits and hyphens."""
    assert home.checked_name("crm-2") == "crm-2"


def test_the_lock_tells_who_holds_it_and_is_free_afterwards(place: Home) -> None:
    """`kefu down` finds the supervisor, and a crashed one does not block the next."""
    with lock.held(place):
        assert lock.holder(place) == os.getpid()
        with pytest.raises(Problem, match="already runs"), lock.held(place):
            pass
    assert lock.holder(place) == 0


def test_a_home_that_never_ran_has_no_holder(tmp_path: Path) -> None:
    """`kefu status` on a new directory is an answer."""
    assert lock.holder(Home.at(tmp_path / "none")) == 0


def test_asking_for_the_holder_does_not_take_the_lock_away(place: Home) -> None:
    """`kefu status` in a loop never makes `kefu up` fail for long."""
    with lock.held(place):
        pass
    assert lock.holder(place) == 0
    with open(place.lock_file) as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_the_status_file_has_the_form_that_scripts_read(place: Home) -> None:
    """Address, state and metrics address under the service's name."""
    service = ServiceStatus(
        address="127.0.0.1:1", metrics_address="127.0.0.1:2", state=State.SERVING, pid=3
    )
    status.save(place, MeshStatus(services={"session": service}, ready=True))
    plain = json.loads(place.mesh_file.read_text())
    assert plain["services"]["session"] == {
        "address": "127.0.0.1:1",
        "metrics_address": "127.0.0.1:2",
        "state": "SERVING",
        "pid": 3,
        "restarts": 0,
    }
    assert status.read(place).services["session"] == service


def test_a_status_of_a_later_version_is_read(place: Home) -> None:
    """Fields that this version does not know are no reason to fail."""
    place.mesh_file.write_text('{"services": {}, "weather": "fine"}')
    assert status.read(place) == MeshStatus()


def test_a_home_that_never_ran_has_an_empty_status(place: Home) -> None:
    """No mesh.json, no services, not ready."""
    assert status.read(place) == MeshStatus()


def test_services_and_the_operator_get_certificates(place: Home) -> None:
    """After the first renewal everything is there, and keys are private."""
    credentials.renew(place, ["session"])
    for key in (
        place.key_file("session"),
        place.ca_key_file,
        place.client(credentials.OPERATOR) / "key.pem",
    ):
        assert key.stat().st_mode & 0o777 == 0o600
    assert (place.client("operator") / "ca.pem").read_bytes() == place.ca_file.read_bytes()


def test_good_certificates_are_kept(place: Home) -> None:
    """A client that was issued yesterday works after today's `kefu up`."""
    credentials.renew(place, ["session"])
    before = place.cert_file("session").read_bytes()
    credentials.renew(place, ["session"])
    assert place.cert_file("session").read_bytes() == before


def test_a_lost_authority_is_replaced_and_all_clients_renewed(place: Home) -> None:
    """Old leaves are worthless then, so every issued client gets a new one in its place."""
    credentials.renew(place, ["session"])
    credentials.write_client(credentials.authority(place), "crm", place.client("crm"))
    before = (place.client("crm") / "cert.pem").read_bytes()
    place.ca_key_file.unlink()
    credentials.renew(place, ["session"])
    assert (place.client("crm") / "cert.pem").read_bytes() != before
    assert (place.client("crm") / "ca.pem").read_bytes() == place.ca_file.read_bytes()
