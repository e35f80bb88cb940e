"""The answer cache in a real Valkey, asked by many at once."""

import asyncio

from services.knowledge.answer_store import AnswerStore, open_client
from services.knowledge.catalog import BaseName, FaqHit, HitReason, Wanted
from services.knowledge.indexing import question_hashes
from services.language import Language

BASE = BaseName("shop", "burst")
BURST = 150
"""Searches at the same moment; far more than a process has connections."""


async def test_a_burst_of_searches_waits_for_connections(redis_url: str) -> None:
    """All are answered: a burst does not pass for an outage, after which the cache would rest."""
    hit = FaqHit("faq.jsonl", "r1", "1", "怎么退货", "15 天内可退。", HitReason.EXACT)
    hashes = question_hashes("怎么退货")
    async with open_client(redis_url) as client:
        answers = AnswerStore(client)
        await answers.put(Wanted(BASE, 1, 1), hashes, Language.ZH, 7, hit)
        found = await asyncio.gather(
            *(answers.get(BASE, hashes, Language.ZH) for _ in range(BURST))
        )
        assert await answers.get(BASE, hashes, Language.ZH), "it does not rest"
    assert [each and each[1].answer for each in found] == ["15 天内可退。"] * BURST
