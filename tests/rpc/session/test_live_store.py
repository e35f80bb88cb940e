"""Leases and live contexts in a real Valkey, many at once."""

import asyncio

import pytest

from services.session.live_store import LiveStore, open_client
from tests.unit.session.fakes import conversation

pytestmark = pytest.mark.asyncio(loop_scope="module")

BURST = 300
"""Sessions that begin a turn at the same moment; far more than a process has connections."""


async def test_a_burst_of_turns_waits_for_connections(redis_url: str) -> None:
    """Every session gets its lease and keeps its context: a burst is no outage."""
    async with open_client(redis_url) as client:
        live = LiveStore(client)
        names = [f"burst-{number}" for number in range(BURST)]
        leases = await asyncio.gather(*(live.claim("shop", each) for each in names))
        assert len({each.token for each in leases}) == BURST
        await asyncio.gather(
            *(live.settle(each, conversation(session=each.session)) for each in leases)
        )
        again = await asyncio.gather(*(live.claim("shop", each) for each in names))
    found = [each.conversation.session for each in again if each.conversation]
    assert found == names
