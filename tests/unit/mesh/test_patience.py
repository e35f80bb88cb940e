"""A database that is away for a moment costs an operation a moment."""

from collections.abc import Awaitable, Callable

import pytest
from kefu.errors import StorageUnavailable

from services.mesh.operations import patience
from services.mesh.operations.operation import Failure
from services.mesh.operations.patience import patiently


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pause between two tries."""
    monkeypatch.setattr(patience, "_PAUSE_SECONDS", 0)


async def test_it_is_asked_again_until_it_answers() -> None:
    """And its answer is returned."""
    outcomes = iter([False, False, True])

    async def ask() -> str:
        if next(outcomes):
            return "there"
        raise StorageUnavailable()

    assert await patiently(ask, "train again") == "there"
    assert not list(outcomes)


async def test_one_that_stays_away_fails_the_operation_and_says_what_to_do() -> None:
    """After a bounded number of tries; other errors are not repeated."""
    tries: list[type[Exception]] = []

    def asking(error: type[Exception]) -> Callable[[], Awaitable[None]]:
        async def ask() -> None:
            tries.append(error)
            raise error()

        return ask

    with pytest.raises(Failure, match="train again") as failed:
        await patiently(asking(StorageUnavailable), "train again")
    assert failed.value.reason == "STORAGE_UNAVAILABLE"
    assert len(tries) == patience._TRIES
    with pytest.raises(ZeroDivisionError):
        await patiently(asking(ZeroDivisionError), "train again")
    assert tries.count(ZeroDivisionError) == 1
