"""Fixtures of the generation service's unit tests."""

from tests.support.valkey import redis_url

__all__ = ["redis_url"]
