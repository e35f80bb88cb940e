"""The servers that the tests of the one-machine default share."""

from tests.support.postgres import database_url
from tests.support.valkey import redis_url

__all__ = ["database_url", "redis_url"]
