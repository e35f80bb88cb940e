"""FAQ answers: the same question hits, from the cache or not, and a different one never does."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
import redis
from kefu.knowledge.v1 import knowledge_pb2 as pb
from prometheus_client import REGISTRY

from services.knowledge.__main__ import build
from services.knowledge.settings import Settings
from services.mesh import names
from tests.rpc.knowledge.samples import (
    FAQS,
    SECONDS,
    KnowledgeStub,
    published,
    request_id,
)
from tests.support.mesh import Served, serve

FaqHit = pb.FaqHit

NEAR_BUT_DIFFERENT = [
    ("能退货吗", "不能退货吗"),
    ("size L 有货吗", "size XL 有货吗"),
    ("order 1001 在哪里", "order 1010 在哪里"),
    ("30 天内能换吗", "13 天内能换吗"),
    ("can I cancel it", "can't I cancel it"),
    ("PPR-9087 保修吗", "PPR-9078 保修吗"),
    ("卖家投诉买家", "买家投诉卖家"),
    ("怎么开通会员", "怎么关闭会员"),
    ("5% 优惠", "5 优惠"),
]


async def ask(
    stub: KnowledgeStub, base: str, query: str, scope: pb.SearchScope = pb.SEARCH_SCOPE_FAQ
) -> pb.SearchResponse:
    return await stub.Search(
        pb.SearchRequest(parent=base, query=query, scope=scope), timeout=SECONDS
    )


async def bring(stub: KnowledgeStub, base: str, *entries: dict[str, Any]) -> str:
    content = "\n".join(json.dumps(entry) for entry in entries) or FAQS
    [result] = await published(stub, base, {"faqs.jsonl": content})
    name: str = result.document.name
    return name


def lookups(result: str) -> float:
    """The cache metric, as Prometheus would read it."""
    return REGISTRY.get_sample_value(f"{names.FAQ_CACHE}_total", {"result": result}) or 0.0


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("怎么退货？", FaqHit.REASON_EXACT),
        ("怎么退貨", FaqHit.REASON_EXACT),
        ("退货流程", FaqHit.REASON_EXACT),
        ("请问如何退货呢", FaqHit.REASON_EQUIVALENT),
        ("你好，怎样退货？谢谢", FaqHit.REASON_EQUIVALENT),
    ],
)
@pytest.mark.parametrize("scope", [pb.SEARCH_SCOPE_FAQ, pb.SEARCH_SCOPE_ALL])
async def test_the_same_question_is_answered_and_says_why(
    stub: KnowledgeStub, base: str, query: str, reason: int, scope: pb.SearchScope
) -> None:
    """Exactly one of the wordings, or an equivalent of one: both without a model."""
    document = await bring(stub, base)
    response = await ask(stub, base, query, scope)
    hit = response.faq
    assert (hit.faq_id, hit.question, hit.answer) == ("how", "怎么退货？", "在订单页点申请。")
    assert (hit.reason, hit.document) == (reason, document)
    assert response.verdict == pb.SearchResponse.VERDICT_ANSWERABLE
    assert bool(response.passages) is (scope == pb.SEARCH_SCOPE_ALL)


@pytest.mark.parametrize(
    "query", ["哪些商品能退货", "怎么换货", "退货", "is size XL available", "???", "能退货吗"]
)
async def test_another_question_is_not_answered(stub: KnowledgeStub, base: str, query: str) -> None:
    """What is merely near goes on to retrieval."""
    await bring(stub, base)
    response = await ask(stub, base, query)
    assert not response.HasField("faq")
    assert response.verdict == pb.SearchResponse.VERDICT_NONE


@pytest.mark.parametrize(("known", "asked"), NEAR_BUT_DIFFERENT)
async def test_near_duplicates_never_hit_from_store_or_cache(
    stub: KnowledgeStub, base: str, known: str, asked: str
) -> None:
    """Also not when the known question was just answered and its answer lies in the cache."""
    await bring(stub, base, {"id": "1", "question": known, "answer": "x"})
    assert (await ask(stub, base, known)).HasField("faq")
    for scope in (pb.SEARCH_SCOPE_FAQ, pb.SEARCH_SCOPE_ALL):
        assert not (await ask(stub, base, asked, scope)).HasField("faq")


async def test_an_exact_wording_goes_before_an_equivalent_one(
    stub: KnowledgeStub, base: str
) -> None:
    """Where two FAQs would do, the closer one answers."""
    await bring(
        stub,
        base,
        {"id": "near", "question": "怎样退货", "answer": "x"},
        {"id": "exact", "question": "如何退货", "answer": "y"},
    )
    assert (await ask(stub, base, "如何退货")).faq.faq_id == "exact"


async def test_the_second_time_the_cache_answers(stub: KnowledgeStub, base: str) -> None:
    """The same answer, marked as cached, and counted as a hit after a miss."""
    await bring(stub, base)
    misses, hits = lookups("miss"), lookups("hit")
    first, second = await ask(stub, base, "怎么退货"), await ask(stub, base, "怎么退貨？")
    assert (first.faq.cached, second.faq.cached) == (False, True)
    second.faq.cached = False
    assert first == second
    assert (lookups("miss") - misses, lookups("hit") - hits) == (1, 1)


async def test_a_cached_answer_costs_one_command_and_no_sql(
    stub: KnowledgeStub, base: str, redis_url: str, database_url: str
) -> None:
    """That is what the cache is for."""
    await bring(stub, base)
    await ask(stub, base, "怎么退货")
    with redis.Redis.from_url(redis_url) as client, psycopg.connect(database_url) as locked:
        # Whoever reads the tables now waits; the answer comes all the same.
        locked.execute("LOCK TABLE knowledge_bases, entries IN ACCESS EXCLUSIVE MODE")
        before = client.info("commandstats").get("cmdstat_hmget", {"calls": 0})["calls"]
        assert (await ask(stub, base, "怎么退货")).faq.cached
        after = client.info("commandstats")["cmdstat_hmget"]["calls"]
    assert after >= before + 1


async def test_an_import_kills_cached_answers(stub: KnowledgeStub, base: str) -> None:
    """The next answer is the new one, at once."""
    await bring(stub, base, {"id": "1", "question": "怎么退货", "answer": "old"})
    await ask(stub, base, "怎么退货")
    assert (await ask(stub, base, "怎么退货")).faq.cached
    await bring(stub, base, {"id": "1", "question": "怎么退货", "answer": "new"})
    response = await ask(stub, base, "怎么退货")
    assert (response.faq.answer, response.faq.cached) == ("new", False)


async def test_deleting_kills_cached_answers_and_removes_them(
    stub: KnowledgeStub, base: str, redis_url: str
) -> None:
    """Neither the service nor Redis keeps the answer."""
    document = await bring(stub, base, {"id": "1", "question": "怎么退货", "answer": "机密"})
    await ask(stub, base, "怎么退货")
    request = pb.DeleteDocumentRequest(name=document, request_id=request_id())
    await stub.DeleteDocument(request, timeout=SECONDS)
    assert not (await ask(stub, base, "怎么退货")).HasField("faq")
    with redis.Redis.from_url(redis_url) as client:
        kept = [client.hgetall(key) for key in client.keys("kefu:knowledge:*")]
    assert json.dumps("机密").strip('"') not in str(kept)


async def test_a_slow_answer_of_the_version_before_counts_for_nothing(
    stub: KnowledgeStub, base: str, redis_url: str
) -> None:
    """What a search puts into the cache after an import overtook it is not served."""
    await bring(stub, base, {"id": "1", "question": "怎么退货", "answer": "old"})
    await ask(stub, base, "怎么退货")
    with redis.Redis.from_url(redis_url) as client:
        [key] = [
            key for key in client.keys("kefu:knowledge:*") if base.split("/")[-1].encode() in key
        ]
        stale = client.hgetall(key)
        await bring(stub, base, {"id": "1", "question": "怎么退货", "answer": "new"})
        for field, value in stale.items():
            client.hsetnx(key, field, value)
        assert 0 < client.ttl(key) <= 60
    assert (await ask(stub, base, "怎么退货")).faq.answer == "new"


async def test_the_cache_holds_no_question(stub: KnowledgeStub, base: str, redis_url: str) -> None:
    """The customer's words are there as a digest only."""
    await bring(stub, base)
    await ask(stub, base, "请问如何退货呢")
    with redis.Redis.from_url(redis_url) as client:
        kept = str([(key, client.hgetall(key)) for key in client.keys("kefu:*")])
    assert "请问" not in kept
    assert json.dumps("请问").strip('"') not in kept


@pytest.fixture
async def without_redis(
    generation: Served, settings: dict[str, Any]
) -> AsyncIterator[KnowledgeStub]:
    """A client of a service whose Redis does not exist."""
    settings["redis_url"] = "unix:///nonexistent/redis.sock"
    async with serve("knowledge", build, Settings, **settings) as served:
        served.authority, served.folder = generation.authority, generation.folder
        yield served.stub(KnowledgeStub, role="content-owner")


async def test_without_redis_everything_works(without_redis: KnowledgeStub, base: str) -> None:
    """Imports, answers and removals go on; nothing is cached, and the metric says why."""
    down = lookups("down")
    document = await bring(without_redis, base)
    for _ in range(3):
        response = await ask(without_redis, base, "怎么退货")
        assert (response.faq.faq_id, response.faq.cached) == ("how", False)
    await without_redis.DeleteDocument(
        pb.DeleteDocumentRequest(name=document, request_id=request_id()), timeout=SECONDS
    )
    assert not (await ask(without_redis, base, "怎么退货")).HasField("faq")
    assert lookups("down") - down == 4


async def test_many_at_once_get_the_same_answer(stub: KnowledgeStub, base: str) -> None:
    """A rush on a cold cache is answered correctly for everybody."""
    await bring(stub, base)
    responses = await asyncio.gather(*[ask(stub, base, "怎么退货") for _ in range(30)])
    assert {response.faq.answer for response in responses} == {"在订单页点申请。"}
