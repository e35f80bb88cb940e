"""Lists of the contract, read to their end."""

from typing import Any

CALL_SECONDS = 10.0
"""Deadline of a page."""


async def everything(
    method: Any, request: Any, field: str, seconds: float = CALL_SECONDS
) -> list[Any]:
    """Return every row of a list, read page by page.

    Args:
        method: a list method of a stub.
        request: its request, asking for large pages; its `page_token` is changed.
        field: of the response that holds the rows.
        seconds: deadline of one page.
    """
    rows: list[Any] = []
    while True:
        page = await method(request, timeout=seconds)
        rows += getattr(page, field)
        if not page.next_page_token:
            return rows
        request.page_token = page.next_page_token
