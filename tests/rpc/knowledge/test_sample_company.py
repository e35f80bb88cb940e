"""The sample company's knowledge answers its customers' questions, by words alone.

With vectors it answers better; without them it has to answer at all. The questions were written
for this test and are worded otherwise than the documents.
"""

import json
from typing import Any

import pytest
from kefu.knowledge.v1 import knowledge_pb2 as pb

from tests.rpc.knowledge.samples import (
    SECONDS,
    CharacterVectors,
    KnowledgeStub,
    published,
)
from tests.support.mesh import ROOT

SHOP = ROOT / "examples" / "shop"

ANSWERS = [
    # Chinese
    ("退回去的运费谁来付", "运费由"),
    ("买了多少天之内可以退", "15 天"),
    ("刻了字的杯子能退吗", "刻字"),
    ("退款几天能到银行卡", "银行卡 7 个工作日"),
    ("寄到新疆要多少钱", "新疆"),
    ("香港能收货吗", "香港"),
    ("快递把包裹弄丢了怎么赔", "丢失"),
    ("发票上的抬头写错了", "重开"),
    ("公司要开专票", "专用发票"),
    ("积分一直放着会作废吗", "积分"),
    ("过生日送券吗", "生日"),
    ("帐篷坏了还在保修吗", "帐篷"),
    ("刀钝了能帮我磨一下吗", "磨刀"),
    ("忘了密码登不上去", "忘记密码"),
    ("我要把账号注销掉", "注销"),
    ("人工几点上班", "9:00"),
    # traditional, full width, mixed
    ("發票抬頭填錯了", "重开"),
    ("營地鞋三碼多大", "三码"),
    ("ＰＰＲ－９０８７能放洗碗机吗", "PPR-9087"),
    ("CAT-5201可以刻字吗", "刻字"),
    ("我的order能cancel吗", "cancel"),
    # English
    ("who pays when I send it back", "postage"),
    ("how many days to return", "15 days"),
    ("deliver to Tibet", "Tibet"),
    ("do you ship abroad to Hong Kong", "Hong Kong"),
    ("parcel arrived damaged", "damaged"),
    ("I need a VAT invoice", "VAT"),
    ("do points expire", "expire"),
    ("is there a birthday coupon", "irthday"),
    ("cat mug microwave", "microwave"),
    ("WOK-1028 weight", "kg"),
    ("tent waterproof", "waterproof"),
    ("sharpen my chef's knife", "sharpen"),
    ("forgotten password", "assword"),
    ("can I pay by Alipay", "Alipay"),
]

UNANSWERABLE = [
    "今天天气怎么样",
    "帮我写一首诗",
    "量子力学",
    "怎么做红烧肉",
    "你们老板是谁",
    "What is the capital of France?",
    "recommend a film",
    "quantum mechanics",
]


@pytest.fixture
async def shop(stub: KnowledgeStub, base: str, vectors: CharacterVectors) -> str:
    """The sample company's knowledge, without vectors."""
    vectors.down = True
    paths = [*sorted((SHOP / "knowledge").rglob("*.md")), SHOP / "faqs.jsonl"]
    files: dict[str, Any] = {str(path.relative_to(SHOP)): path.read_bytes() for path in paths}
    outcomes = {result.outcome for result in await published(stub, base, files)}
    assert outcomes == {pb.ImportResult.OUTCOME_IMPORTED}
    return base


async def found(stub: KnowledgeStub, base: str, query: str) -> pb.SearchResponse:
    return await stub.Search(pb.SearchRequest(parent=base, query=query), timeout=SECONDS)


async def test_questions_find_their_answers(stub: KnowledgeStub, shop: str) -> None:
    """Nine of ten have the answer first, and all have it among the first three."""
    first = 0
    for query, words in ANSWERS:
        passages = (await found(stub, shop, query)).passages
        first += words in passages[0].text
        assert any(words in passage.text for passage in passages[:3]), query
    assert first >= 0.9 * len(ANSWERS)


async def test_other_questions_are_not_answered(stub: KnowledgeStub, shop: str) -> None:
    """What the company's documents do not tell is never called answerable."""
    for query in UNANSWERABLE:
        response = await found(stub, shop, query)
        assert response.verdict != pb.SearchResponse.VERDICT_ANSWERABLE, query


async def test_the_questions_language_answers(stub: KnowledgeStub, shop: str) -> None:
    """Every document is there in both languages; the customer reads hers."""
    for query, language in (("退货运费谁出", "zh"), ("who pays return postage", "en")):
        passage = (await found(stub, shop, query)).passages[0]
        assert any("\u4e00" <= letter <= "\u9fff" for letter in passage.text) is (language == "zh")


async def test_every_wording_of_every_faq_hits_its_own_answer(
    stub: KnowledgeStub, shop: str
) -> None:
    """Nothing of the folding and unifying makes one FAQ's question hit another's answer."""
    for line in (SHOP / "faqs.jsonl").read_text("utf-8").splitlines():
        entry = json.loads(line)
        for wording in [entry["question"], *entry["variants"]]:
            response = await stub.Search(
                pb.SearchRequest(parent=shop, query=wording, scope=pb.SEARCH_SCOPE_FAQ),
                timeout=SECONDS,
            )
            assert (response.faq.faq_id, response.faq.reason) == (
                entry["id"],
                pb.FaqHit.REASON_EXACT,
            ), wording
