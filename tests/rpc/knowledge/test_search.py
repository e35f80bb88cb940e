"""Searching by words and by meaning, through the front door."""

import math
import struct

import pytest
from kefu import errors
from kefu.knowledge.v1 import knowledge_pb2 as pb
from kefu.type.v1.text_pb2 import Embedding

from tests.rpc.knowledge.samples import (
    DIMENSIONS,
    FILES,
    MODEL,
    SECONDS,
    TENANT,
    CharacterVectors,
    KnowledgeStub,
    embedding,
    published,
    titles,
)
from tests.support.mesh import Served, error_of

PRODUCTS = """\
# 商品

## 研磨器
陶瓷胡椒研磨器PPR-9087榉木机身，保修两年。

## 另一研磨器
陶瓷盐研磨器PPR-9078橡木机身，保修一年。

## Mug
The cat mug holds 350 ml.

## 营地鞋
营地鞋三码对应脚长二十五厘米。男鞋女鞋同价。
"""


@pytest.fixture
async def filled(stub: KnowledgeStub, base: str) -> str:
    """A knowledge base with the sample documents and some products."""
    files = {**FILES, "zh/products.md": PRODUCTS}
    await published(stub, base, files)
    return base


async def search(
    stub: KnowledgeStub,
    base: str,
    query: str,
    *,
    dense: bool = True,
    size: int = 0,
    language: str = "",
    scope: pb.SearchScope = pb.SEARCH_SCOPE_ALL,
) -> pb.SearchResponse:
    return await stub.Search(
        pb.SearchRequest(
            parent=base,
            query=query,
            embedding=embedding(query) if dense else None,
            page_size=size,
            scope=scope,
            language_code=language,
        ),
        timeout=SECONDS,
    )


@pytest.mark.parametrize("dense", [True, False])
@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("退货运费谁出", "退货 > 运费"),
        ("退貨運費誰出", "退货 > 运费"),
        ("PPR-9087 保修多久", "商品 > 研磨器"),
        ("ppr9078的保修", "商品 > 另一研磨器"),
        ("ＰＰＲ－９０７８ 保修", "商品 > 另一研磨器"),
        ("cat", "商品 > Mug"),
        ("三码是多大的", "商品 > 营地鞋"),
        ("我要买男的东西", "商品 > 营地鞋"),
        ("how long do islands take", "Delivery"),
    ],
)
async def test_the_right_passage_is_first(
    stub: KnowledgeStub, filled: str, query: str, title: str, dense: bool
) -> None:
    """In both languages, scripts and widths, with codes and bare words, also without vectors."""
    response = await search(stub, filled, query, dense=dense)
    assert titles(response.passages)[0] == title
    assert response.lexical_only is not dense


async def test_evidence_is_told(stub: KnowledgeStub, filled: str) -> None:
    """Each passage says where it stands, how it ranked by words and by meaning, and its cosine."""
    response = await search(stub, filled, "退货运费由谁承担")
    [document] = [
        each
        for each in (
            await stub.ListDocuments(pb.ListDocumentsRequest(parent=filled), timeout=SECONDS)
        ).documents
        if each.path == "zh/returns.md"
    ]
    text = (await stub.GetDocument(pb.GetDocumentRequest(name=document.name), timeout=SECONDS)).text
    best = response.passages[0]
    assert (best.document, best.revision) == (document.name, document.revision)
    assert text[best.span.start : best.span.end] == best.text
    assert best.lexical_rank == 1
    assert best.dense_rank >= 1
    assert 0.8 < best.cosine <= 1
    scores = [passage.score for passage in response.passages]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)


async def test_without_vectors_there_are_no_dense_ranks(stub: KnowledgeStub, filled: str) -> None:
    """What was not measured is absent, not zero."""
    response = await search(stub, filled, "退货运费", dense=False)
    assert response.passages
    assert not any(each.HasField("cosine") or each.dense_rank for each in response.passages)


@pytest.mark.parametrize(("size", "expected"), [(0, 5), (1, 1), (6, 6)])
async def test_pages_have_the_wanted_size(
    stub: KnowledgeStub, filled: str, size: int, expected: int
) -> None:
    """Nothing said is five, and an FAQ counts once for all its wordings."""
    response = await search(stub, filled, "退货 研磨器 mug delivery 鞋", size=size)
    assert len(response.passages) == expected
    places = [(passage.document, passage.span.start) for passage in response.passages]
    assert len(set(places)) == len(places)


@pytest.mark.parametrize(
    ("query", "verdict"),
    [
        ("签收后多少天内可以无理由退货", pb.SearchResponse.VERDICT_ANSWERABLE),
        ("zzz qqq www", pb.SearchResponse.VERDICT_NONE),
        ("😀", pb.SearchResponse.VERDICT_NONE),
    ],
)
@pytest.mark.parametrize("dense", [True, False])
async def test_the_verdict_says_what_the_evidence_is_worth(
    stub: KnowledgeStub, filled: str, query: str, verdict: int, dense: bool
) -> None:
    """What is known is answerable, what is not known is not."""
    assert (await search(stub, filled, query, dense=dense)).verdict == verdict


async def test_an_unknown_product_is_not_certain(stub: KnowledgeStub, filled: str) -> None:
    """No other product's answer may pass for it."""
    response = await search(stub, filled, "陶瓷胡椒研磨器 XYZ-1234 榉木机身 保修两年")
    assert response.verdict == pb.SearchResponse.VERDICT_WEAK


async def test_the_questions_language_is_preferred(stub: KnowledgeStub, base: str) -> None:
    """Of the same passage in two languages the customer gets hers; the caller may override it."""
    files = {"zh.md": "# ABC-1\n\nABC-1 保修", "en.md": "# ABC-1\n\nABC-1 warranty"}
    await published(stub, base, files)
    for query, language, expected in (
        ("ABC-1 please tell me", "", "en"),
        ("请说说ABC-1", "", "zh"),
        ("ABC-1", "en", "en"),
        ("ABC-1", "zh", "zh"),
    ):
        response = await search(stub, base, query, dense=False, language=language)
        assert expected in response.passages[0].document.rpartition("/")[2]


async def test_an_faq_is_found_as_a_passage_too(stub: KnowledgeStub, filled: str) -> None:
    """A question that is only like an FAQ's gets question and answer to read."""
    response = await search(stub, filled, "我想知道退货的流程", dense=False)
    assert response.passages[0].text == "怎么退货？\n在订单页点申请。"
    assert not response.HasField("faq")


async def test_an_empty_knowledge_base_answers_nothing(stub: KnowledgeStub, base: str) -> None:
    """Nothing is found, and nothing fails."""
    response = await search(stub, base, "怎么退货")
    assert (len(response.passages), response.verdict) == (0, pb.SearchResponse.VERDICT_NONE)
    assert (response.version, response.lexical_only) == (1, True)


@pytest.mark.parametrize("scope", [pb.SEARCH_SCOPE_ALL, pb.SEARCH_SCOPE_FAQ])
async def test_searching_in_nothing_is_refused(stub: KnowledgeStub, scope: pb.SearchScope) -> None:
    """A misspelt knowledge base is not an empty one."""
    call = search(stub, f"{TENANT}/knowledgeBases/none", "x", scope=scope)
    assert type(await error_of(call)) is errors.KnowledgeBaseNotFound


async def test_a_vector_of_another_model_is_refused(stub: KnowledgeStub, filled: str) -> None:
    """Vectors of two models have nothing to do with each other."""
    call = stub.Search(
        pb.SearchRequest(parent=filled, query="x", embedding=embedding("x", "another")),
        timeout=SECONDS,
    )
    error = await error_of(call)
    assert type(error) is errors.EmbeddingMismatch
    assert (error.metadata["expected"], error.metadata["got"]) == (MODEL, "another")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1.0], errors.EmbeddingMismatch),
        ([0.0] * DIMENSIONS, errors.InvalidRequest),
        ([math.nan] * DIMENSIONS, errors.InvalidRequest),
        ([math.inf, *[0.0] * (DIMENSIONS - 1)], errors.InvalidRequest),
    ],
)
async def test_a_vector_without_direction_is_refused(
    stub: KnowledgeStub, filled: str, values: list[float], expected: type
) -> None:
    """Wrong length, zero, infinite or not a number: the caller's mistake, each said as such."""
    vector = struct.pack(f"<{len(values)}f", *values)
    call = stub.Search(
        pb.SearchRequest(parent=filled, query="x", embedding=Embedding(model=MODEL, vector=vector)),
        timeout=SECONDS,
    )
    assert type(await error_of(call)) is expected


@pytest.mark.parametrize(
    "query",
    [
        "'; DROP TABLE entries; --",
        "a' | 'b",
        "\\",
        "%s %(x)s",
        "a:*",
        "!(a & b)",
        "\u202e",
        "退" * 4000,
        "x" * 4000,
        "'" * 4000,
        "<->",
        "$1 {x}",
    ],
)
async def test_no_question_breaks_the_search(stub: KnowledgeStub, filled: str, query: str) -> None:
    """Quotes, operators and sheer length are only text."""
    await search(stub, filled, query)
    await search(stub, filled, query, dense=False, scope=pb.SEARCH_SCOPE_FAQ)


async def test_a_small_tenants_passages_are_found_among_many(
    stub: KnowledgeStub, base: str, filled: str, vectors: CharacterVectors
) -> None:
    """The neighbours of all tenants share one index; one tenant's are found all the same."""
    request = pb.SearchRequest(parent=base, query="x", embedding=embedding("退货运费"))
    response = await stub.Search(request, timeout=SECONDS)
    assert titles(response.passages)[0] == "退货 > 运费"


async def test_a_search_is_audited_without_the_question(
    server: Served, stub: KnowledgeStub, filled: str
) -> None:
    """The record tells the verdict; the customer's words stay out of it."""
    await search(stub, filled, "退货运费由谁承担")
    event = [each for each in server.spooled() if each.method.endswith("/Search")][-1]
    assert event.labels["verdict"] in ("answerable", "weak")
    assert "运费" not in str(event)


async def test_a_mode_leaves_out_the_other_evidence(stub: KnowledgeStub, filled: str) -> None:
    """For comparison: the same question by words alone and by meaning alone."""
    request = pb.SearchRequest(parent=filled, query="退货运费", embedding=embedding("退货运费"))
    request.mode = pb.SearchRequest.MODE_LEXICAL
    lexical = await stub.Search(request, timeout=SECONDS)
    assert lexical.lexical_only
    assert {each.dense_rank for each in lexical.passages} == {0}
    request.mode = pb.SearchRequest.MODE_DENSE
    dense = await stub.Search(request, timeout=SECONDS)
    assert not dense.lexical_only
    assert {each.lexical_rank for each in dense.passages} == {0}


async def test_meaning_alone_needs_a_vector(stub: KnowledgeStub, filled: str) -> None:
    """There is nothing else to go by."""
    request = pb.SearchRequest(parent=filled, query="退货", mode=pb.SearchRequest.MODE_DENSE)
    error = await error_of(stub.Search(request, timeout=SECONDS))
    assert isinstance(error, errors.InvalidRequest)
    assert [field for field, _ in error.violations] == ["embedding"]
