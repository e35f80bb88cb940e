"""The analyzer as it is configured by default."""

import pytest

from services.sentiment.analyzer import Analyzer


@pytest.fixture(scope="session")
def analyzer() -> Analyzer:
    """One analyzer for all tests: it does not change once built."""
    return Analyzer(neutral_band=0.05)
