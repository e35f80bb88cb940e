"""A real Valkey for tests: one server per test run, an empty logical database per test module.

A `conftest.py` that wants it says ``from tests.support.valkey import redis_url``; a test then
takes the fixture `redis_url`.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from services.local import valkey
from tests.support import keeper


def start_for_tests(directory: Path, log: Path) -> valkey.Valkey:
    """Start the server of a test run (called by the keeper)."""
    return valkey.start(directory, log)


@contextmanager
def fresh_redis() -> Iterator[str]:
    """Give the URL of an empty logical database of this run's server.

    Database 0 holds the set of numbers that are taken; the others are handed out and returned.
    """
    server_url = keeper.server_url(__name__)
    with redis.Redis.from_url(server_url) as ledger:
        number = next(n for n in range(1, valkey.DATABASES) if ledger.sadd("taken", n))
        url = f"{server_url.removesuffix('db=0')}db={number}"
        try:
            yield url
        finally:
            with redis.Redis.from_url(url) as used:
                used.flushdb()
            ledger.srem("taken", number)


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    """URL of a logical database that only the tests of this module use."""
    with fresh_redis() as url:
        yield url


@pytest.fixture(scope="module")
def own_redis_url() -> Iterator[str]:
    """URL of a server that nobody else uses, for tests that read what a whole server counted."""
    with tempfile.TemporaryDirectory(prefix="kefu-valkey-", dir="/tmp") as directory:
        server = valkey.start(Path(directory) / "run", Path(directory) / "log")
        try:
            yield server.url
        finally:
            server.stop()
