"""What every other test relies on: fresh, real, shared servers that leave nothing behind."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import redis

from tests.support.postgres import fresh_database
from tests.support.valkey import fresh_redis

ROOT = Path(__file__).parents[3]

SUITE = """
import os, psycopg, pytest, redis
from tests.support import keeper
from tests.support.postgres import database_url
from tests.support.valkey import redis_url

@pytest.mark.parametrize("case", range(4))
def test_both_servers_answer(case, database_url, redis_url):
    with psycopg.connect(database_url) as connection:
        connection.execute("SELECT 1")
    with redis.Redis.from_url(redis_url) as client:
        client.ping()
    open(os.environ["SEEN"], "a").write(f"{keeper.run_directory()}\\n")
    if os.environ.get("CRASH"):
        os.kill(keeper.OWNER, 9)
"""


def test_a_module_gets_an_empty_database_with_pgvector(database_url: str) -> None:
    """A store's migrations start from nothing but the extension that knowledge needs."""
    with psycopg.connect(database_url) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        distance = connection.execute("SELECT '[1,0]'::vector <=> '[1,0]'::vector")
        assert (tables.fetchone(), distance.fetchone()) == ((0,), (0.0,))


def test_two_databases_do_not_see_each_other() -> None:
    """Two modules that create the same table at once do not meet."""
    with fresh_database() as one, fresh_database() as other:
        with psycopg.connect(one, autocommit=True) as connection:
            connection.execute("CREATE TABLE turns (id int)")
        with psycopg.connect(other) as connection:
            assert connection.execute("SELECT to_regclass('turns')").fetchone() == (None,)


def test_a_dropped_database_is_gone_even_with_open_connections() -> None:
    """A test that forgets a connection does not keep its database alive."""
    with fresh_database() as url:
        forgotten = psycopg.connect(url)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)
    forgotten.close()


def test_two_logical_databases_do_not_see_each_other(redis_url: str) -> None:
    """A key of one module is absent for the next, and its database comes back empty."""
    with fresh_redis() as other:
        assert other != redis_url
        with redis.Redis.from_url(other) as client:
            client.set("lease", 1)
    with fresh_redis() as again, redis.Redis.from_url(again) as client:
        assert client.keys("*") == []


@pytest.mark.parametrize("crash", [False, True], ids=["a finished run", "a killed run"])
def test_workers_share_the_servers_and_nothing_is_left(tmp_path: Path, crash: bool) -> None:
    """Two workers use one server each of PostgreSQL and Valkey, and both end with the run."""
    (tmp_path / "test_probe.py").write_text(SUITE)
    seen = tmp_path / "seen"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    environment |= {"SEEN": str(seen), "PYTHONPATH": f"{ROOT}"}
    if crash:
        environment["CRASH"] = "1"
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-n",
            "2",
            "-p",
            "no:cacheprovider",
            "--rootdir",
            str(tmp_path),
            str(tmp_path),
        ],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (run.returncode == 0) is not crash, run.stdout
    directories = set(seen.read_text().split())
    assert len(directories) == 1, "the workers did not share a run"
    _wait_until_gone(Path(directories.pop()))


def _wait_until_gone(directory: Path) -> None:
    """Wait for the keepers, which remove the run's directory as their last act."""
    subprocess.run(
        ["timeout", "20", "sh", "-c", f"while test -e {directory}; do sleep 0.05; done"],
        check=True,
    )
