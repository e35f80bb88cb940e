"""Waits for a database that fails over: the work of minutes is not thrown away for seconds."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from kefu.errors import StorageUnavailable

from services.mesh.operations.operation import Failure

_T = TypeVar("_T")

# Each try waits for some seconds of its own, so that these last more than a minute.
_TRIES = 20
_PAUSE_SECONDS = 1.0


async def patiently(ask: Callable[[], Awaitable[_T]], remedy: str) -> _T:
    """Ask the database, again and again where it does not answer.

    Args:
        ask: Does the same however often it is done.
        remedy: What to do when the database is back, such as `train again`.

    Raises:
        Failure: STORAGE_UNAVAILABLE, after a minute or more.
    """
    for _ in range(_TRIES):
        try:
            return await ask()
        except StorageUnavailable:
            await asyncio.sleep(_PAUSE_SECONDS)
    raise Failure(
        "STORAGE_UNAVAILABLE",
        f"the database did not answer for more than a minute; see that it runs and {remedy}",
    )
