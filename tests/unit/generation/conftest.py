"""Fixtures of the generation service's unit tests."""

from tests.support.valkey import own_redis_url, redis_url

__all__ = ["own_redis_url", "redis_url"]
