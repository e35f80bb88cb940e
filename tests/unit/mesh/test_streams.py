"""A request that comes in parts is read as long as they come."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from kefu.errors import DeadlineExceeded

from services.mesh.streams import without_pauses


async def parts(*pauses: float) -> AsyncIterator[int]:
    """Numbers, each after a pause in seconds."""
    for number, pause in enumerate(pauses):
        await asyncio.sleep(pause)
        yield number


async def test_parts_pass_in_their_order() -> None:
    """To the end; nothing at all is an end, too."""
    assert [part async for part in without_pauses(parts(0, 0, 0), 1, "import")] == [0, 1, 2]
    assert [part async for part in without_pauses(parts(), 1, "import")] == []


async def test_every_part_has_the_time_anew() -> None:
    """A slow caller who goes on is not a silent one."""
    found = [part async for part in without_pauses(parts(*[0.06] * 5), 0.2, "import")]
    assert found == [0, 1, 2, 3, 4]


async def test_a_part_that_does_not_come_is_not_waited_for() -> None:
    """It is said what was given up, and what to do."""
    reading = without_pauses(parts(0, 60), 0.02, "upload")
    assert await anext(reading) == 0
    with pytest.raises(DeadlineExceeded) as caught:
        await anext(reading)
    assert caught.value.message.startswith("nothing of the upload came for 0.02 seconds")
    assert "upload again" in caught.value.message


async def test_the_caller_s_own_time_limit_is_not_mistaken_for_a_pause() -> None:
    """Whoever reads may have less time than there is between two parts."""
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(without_pauses(parts(60), 60, "upload")), 0.02)
