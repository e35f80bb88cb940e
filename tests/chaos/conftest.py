"""One mesh for all tests of this folder, apart from the one that nobody kills."""

from collections.abc import Iterator

import pytest

from tests.support.running import Running, running_mesh


@pytest.fixture(scope="module")
def mesh() -> Iterator[Running]:
    """A mesh with the sample company."""
    with running_mesh() as running:
        yield running
