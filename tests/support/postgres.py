"""A real PostgreSQL for tests: one server per test run, a fresh database per test module.

A `conftest.py` that wants it says ``from tests.support.postgres import database_url``; a test
then takes the fixture `database_url` and connects to it, or gives it to the service as
`KEFU_DATABASE_URL`. The database is empty except for the extension `vector`.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from services.local import postgres
from tests.support import keeper

TEMPLATE = "test_template"
"""Database with `vector` installed that every test database is copied from."""

SETTINGS = {"fsync": "off", "full_page_writes": "off", "max_connections": "300"}
"""Tests throw the data away, and several workers share the server."""


def start_for_tests(directory: Path, log: Path) -> postgres.Postgres:
    """Start the server of a test run and make the template (called by the keeper)."""
    server = postgres.start(directory, log, SETTINGS)
    server.ensure_database(TEMPLATE, extensions=["vector"])
    return server


@contextmanager
def fresh_database() -> Iterator[str]:
    """Make an empty database on this run's server, give its URL, and drop it afterwards."""
    admin_url = keeper.server_url(__name__)
    name = sql.Identifier(database := f"test_{uuid.uuid4().hex}")
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(name, sql.Identifier(TEMPLATE))
        )
    try:
        yield urlsplit(admin_url)._replace(path=f"/{database}").geturl()
    finally:
        with psycopg.connect(admin_url, autocommit=True) as admin:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


@contextmanager
def database_away(url: str) -> Iterator[None]:
    """Let a database refuse every connection, also those that it has, until the block ends."""
    database = str(conninfo_to_dict(url)["dbname"])
    allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}").format
    with psycopg.connect(make_conninfo(url, dbname="postgres"), autocommit=True) as admin:
        admin.execute(allow(sql.Identifier(database), sql.SQL("false")))
        try:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                (database,),
            )
            yield
        finally:
            admin.execute(allow(sql.Identifier(database), sql.SQL("true")))


@pytest.fixture(scope="module")
def database_url() -> Iterator[str]:
    """URL of a database that only the tests of this module use."""
    with fresh_database() as url:
        yield url
