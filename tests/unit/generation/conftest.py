"""Fixtures of the generation service's unit tests."""

import pytest

from tests.support.valkey import own_redis_url, redis_url
from tests.unit.generation.meters import Clock
from tests.unit.generation.replicas import SharedMeter

__all__ = ["own_redis_url", "redis_url"]


@pytest.fixture
def clock() -> Clock:
    """Noon until the test says otherwise."""
    return Clock()


@pytest.fixture
def shared(clock: Clock) -> SharedMeter:
    """What all replicas see."""
    return SharedMeter(clock)
