"""Requests that come in parts."""

import asyncio
from collections.abc import AsyncIterator
from typing import TypeVar

from kefu.errors import DeadlineExceeded

_Part = TypeVar("_Part")


async def without_pauses(
    parts: AsyncIterator[_Part], seconds: float, what: str
) -> AsyncIterator[_Part]:
    """Pass the parts on as long as they come.

    Args:
        parts: A request as it arrives.
        seconds: Longest wait for the next part.
        what: It is, for people, such as `import`.

    Raises:
        DeadlineExceeded: A part does not come.
    """
    while True:
        try:
            async with asyncio.timeout(seconds):
                part = await anext(parts, None)
        except TimeoutError:
            raise DeadlineExceeded(
                f"nothing of the {what} came for {seconds:g} seconds and it was given up; "
                f"{what} again and send the parts one after the other"
            ) from None
        if part is None:
            return
        yield part
