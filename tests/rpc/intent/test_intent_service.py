"""Classifying through the front door: loopback mTLS, the production chain, trained models."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from kefu.errors import (
    DeadlineExceeded,
    IntentModelNotFound,
    InvalidRequest,
    MethodNotAllowed,
    TenantNotAllowed,
)
from kefu.generation.v1 import generation_pb2
from kefu.generation.v1.generation_pb2_grpc import GenerationServiceStub
from kefu.intent.v1 import intent_pb2 as pb
from kefu.intent.v1.intent_pb2_grpc import IntentServiceStub
from kefu.type.v1 import understanding_pb2 as types
from kefu.type.v1.text_pb2 import Embedding

from services.generation.__main__ import build as build_generation
from services.generation.settings import Settings as GenerationSettings
from services.intent.__main__ import build
from services.intent.settings import Settings
from tests.rpc.intent.samples import (
    MODEL,
    MORE,
    SECONDS,
    Company,
    embedding,
    product,
    stored,
)
from tests.support.mesh import Served, error_of, serve

LARGE = product("refund", "delivery", "invoice", "unknown")
METHODS = pb.Classification


@pytest.fixture
async def lexical(company: Company, database_url: str) -> Company:
    """A tenant whose live model was trained on words alone."""
    version = await stored(database_url, company.name, LARGE)
    await company.activates(version.name)
    return company


@pytest.fixture
async def embedded(company: Company, database_url: str) -> Company:
    """A tenant whose live model looks at vectors."""
    version = await stored(database_url, company.name, product(*MORE, vectors=True))
    await company.activates(version.name)
    return company


async def test_a_known_utterance_is_sure(lexical: Company) -> None:
    """Punctuation and width aside; the method tells why the confidence is 1."""
    found = await lexical.classifies("我要退款！！")
    assert (found.best.intent, found.best.confidence) == ("refund", 1.0)
    assert found.best.type == types.INTENT_TYPE_OPERATION
    assert found.method == METHODS.METHOD_EXACT
    assert found.language_code == "zh"
    assert not found.wants_embedding


async def test_what_fits_nothing_is_unknown(lexical: Company) -> None:
    """Unknown is a type of its own."""
    found = await lexical.classifies("qwxzk")
    assert (found.best.intent, found.best.type) == ("unknown", types.INTENT_TYPE_UNKNOWN)


async def test_entities_have_places_and_values(company: Company) -> None:
    """The tenant's own types too; dates count from the given time in the given zone."""
    await company.imports(MORE, {"order_number": r"so\d{8}"})
    ended = await company.trains()
    await company.activates(ended.result)
    text = "😡帮我退款订单ＳＯ２０２６１２３４，明天要"
    late = Timestamp()
    late.FromDatetime(datetime(2026, 3, 1, 23, 30, tzinfo=UTC))
    found = await company.classifies(text, now=late, time_zone="America/New_York")
    order = next(each for each in found.entities if each.type == "order_number")
    assert order.value == "SO20261234"
    assert text[order.span.start : order.span.end] == order.text == "ＳＯ２０２６１２３４"
    there = next(each.value for each in found.entities if each.text == "明天")
    found = await company.classifies(text, now=late)
    here = next(each.value for each in found.entities if each.text == "明天")
    # Half past six in the evening in New York is the next morning in Shanghai.
    assert "2026-03-02" in there
    assert "2026-03-03" in here


async def test_a_vector_of_the_model_s_kind_is_looked_at(embedded: Company) -> None:
    """With it the answer says so; without it one is wanted, unless the answer is sure."""
    text = "could you refund the thing I bought"
    found = await embedded.classifies(text, embedding=embedding(text))
    assert found.method == METHODS.METHOD_EMBEDDING
    assert not found.wants_embedding
    found = await embedded.classifies("qwxzk")
    assert found.method == METHODS.METHOD_MODEL
    assert found.wants_embedding
    assert not (await embedded.classifies("我要退款")).wants_embedding


@pytest.mark.parametrize(
    "foreign",
    [
        embedding("钱", "words-2"),
        Embedding(model=MODEL, vector=embedding("钱").vector[:-4]),
        Embedding(model=MODEL, vector=b"\xff" * len(embedding("钱").vector)),
    ],
    ids=["other model", "other size", "not a number"],
)
async def test_a_vector_of_another_kind_is_not_looked_at(
    embedded: Company, foreign: Embedding
) -> None:
    """Words alone decide, and a vector that fits is still wanted."""
    found = await embedded.classifies("qwxzk", embedding=foreign)
    assert found.method == METHODS.METHOD_MODEL
    assert found.wants_embedding
    assert found.best == (await embedded.classifies("qwxzk")).best


async def test_a_model_of_words_alone_wants_no_vector(lexical: Company) -> None:
    """It could not look at it."""
    found = await lexical.classifies("qwxzk", embedding=embedding("qwxzk"))
    assert found.method == METHODS.METHOD_MODEL
    assert not found.wants_embedding


async def test_from_the_set_confidence_on_no_vector_is_wanted(
    embedded: Company, replica: Any
) -> None:
    """Where little is enough, only what is unknown or ambiguous is asked about again."""
    async with replica(sure_confidence=0.0) as server:
        easy = embedded.at(server)
        text = "the refund please refund my money"
        found = await easy.classifies(text)
        assert found.best.intent == "refund"
        assert not found.wants_embedding
        assert (await easy.classifies("qwxzk")).wants_embedding


async def test_batch_classify_answers_in_order(server: Served, embedded: Company) -> None:
    """The largest batch, each text with its own vector; calls of customers go on meanwhile."""
    texts = ["我要退款", "could you refund the thing I bought", "qwxzk", "？"] * 64
    stub = server.stub(IntentServiceStub, role="content-owner")
    request = pb.BatchClassifyRequest(
        tenant=embedded.parent, texts=texts, embeddings=map(embedding, texts)
    )
    call = asyncio.ensure_future(stub.BatchClassify(request, timeout=SECONDS))
    assert (await embedded.classifies("我要退款")).best.intent == "refund"
    answer = await call
    assert len(answer.classifications) == len(texts)
    assert [each.method for each in answer.classifications[:2]] == [
        METHODS.METHOD_EXACT,
        METHODS.METHOD_EMBEDDING,
    ]
    request = pb.BatchClassifyRequest(tenant=embedded.parent, texts=texts)
    answer = await stub.BatchClassify(request, timeout=SECONDS)
    assert [each.wants_embedding for each in answer.classifications[:3]] == [False, False, True]


async def test_get_config_describes_the_live_model(server: Served, company: Company) -> None:
    """Intents with sizes by language, entity types, thresholds, limits, what made its vectors."""
    await company.imports(MORE, {"order_number": r"so\d{8}"})
    ended = await company.trains(lexical_only=False)
    await company.activates(ended.result)
    stub = server.stub(IntentServiceStub, role="operator")
    config = await stub.GetConfig(pb.GetConfigRequest(tenant=company.parent), timeout=SECONDS)
    assert [intent.intent for intent in config.intents] == ["delivery", "invoice", "refund"]
    refund = config.intents[2]
    assert refund.type == types.INTENT_TYPE_OPERATION
    assert (refund.utterance_count, refund.description) == (9, "About refund.")
    assert dict(refund.language_counts) == {"zh": 5, "en": 4}
    assert {"order_number", "phone", "email", "amount"} <= set(config.entity_types)
    assert (config.unknown_threshold, config.ambiguity_margin) == (0.2, 0.15)
    assert (config.max_text_length, config.max_batch_size) == (4000, 256)
    assert config.model_version == ended.result.rpartition("/")[2]
    assert config.embedding_model == MODEL
    assert config.train_time.seconds > 0


async def test_a_tenant_without_a_model_is_told_so_by_every_method(server: Served) -> None:
    """The reason is one that a program can act on, and it names the tenant."""
    stub = server.stub(IntentServiceStub, role="content-owner")
    other = "tenants/other"
    batch = pb.BatchClassifyRequest(tenant=other, texts=["你好"])
    for call in (
        stub.Classify(pb.ClassifyRequest(tenant=other, text="你好"), timeout=SECONDS),
        stub.BatchClassify(batch, timeout=SECONDS),
        stub.GetConfig(pb.GetConfigRequest(tenant=other), timeout=SECONDS),
    ):
        error = await error_of(call)
        assert isinstance(error, IntentModelNotFound)
        assert error.metadata["tenant"] == other
        assert error.trace_id


async def test_a_stranger_s_role_is_denied_by_every_method(server: Served) -> None:
    """An auditor reads the record and nothing else; the refusal is in the record."""
    stub = server.stub(IntentServiceStub, role="auditor")
    tenant = "tenants/shop"
    for call in (
        stub.Classify(pb.ClassifyRequest(tenant=tenant, text="你好"), timeout=SECONDS),
        stub.BatchClassify(pb.BatchClassifyRequest(tenant=tenant, texts=["你好"]), timeout=SECONDS),
        stub.GetConfig(pb.GetConfigRequest(tenant=tenant), timeout=SECONDS),
    ):
        assert isinstance(await error_of(call), MethodNotAllowed)
    refused = [event for event in server.spooled() if event.reason == "METHOD_NOT_ALLOWED"]
    assert len(refused) == 3


async def test_another_tenant_s_model_is_out_of_reach(server: Served, lexical: Company) -> None:
    """Permission is checked before existence: a tenant that has no model is refused alike."""
    stub = server.stub(IntentServiceStub, identity="test-session-shop")
    for tenant in (lexical.parent, "tenants/none"):
        call = stub.Classify(pb.ClassifyRequest(tenant=tenant, text="你好"), timeout=SECONDS)
        assert isinstance(await error_of(call), TenantNotAllowed)


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"text": ""}, "text"),
        ({"text": "退" * 4001}, "text"),
        ({"text": "退", "time_zone": "Mars/Olympus"}, "time_zone"),
        ({"text": "退", "time_zone": "../../etc/passwd"}, "time_zone"),
        ({"text": "明天", "now": Timestamp(seconds=-1)}, "now"),
        ({"text": "明天", "now": Timestamp(seconds=7_258_118_400)}, "now"),
        ({"text": "明天", "now": Timestamp(seconds=10**12)}, "now"),
        ({"text": "明天", "now": Timestamp(seconds=1, nanos=-5)}, "now"),
    ],
)
async def test_a_bad_utterance_is_refused_with_the_field(
    lexical: Company, fields: dict[str, Any], path: str
) -> None:
    """Empty and over-long text, zones that there are not, and years that nobody is in."""
    error = await error_of(lexical.classifies(**fields))
    assert isinstance(error, InvalidRequest)
    assert [each for each, _ in error.violations] == [path]


@pytest.mark.parametrize("seconds", [0, 7_258_118_399])
async def test_dates_are_found_at_both_ends_of_time(lexical: Company, seconds: int) -> None:
    """Whatever the words say, the first and the last moment have days before and after them."""
    text = "明天、国庆、3号、上个月底、100年前、1200个月后、next month、春节"
    found = await lexical.classifies(text, now=Timestamp(seconds=seconds))
    assert "date_time" in {each.type for each in found.entities}


async def test_the_longest_text_counts_code_points_not_bytes(lexical: Company) -> None:
    """4,000 emoji are 16,000 bytes and welcome."""
    found = await lexical.classifies("😀" * 4000)
    assert found.best.type == types.INTENT_TYPE_UNKNOWN


@pytest.mark.parametrize(
    ("texts", "count", "path"),
    [
        ([], 0, "texts"),
        (["好"] * 257, 0, "texts"),
        (["好", ""], 0, "texts"),
        (["好", "坏"], 1, "embeddings"),
    ],
)
async def test_a_bad_batch_is_refused(
    lexical: Company, texts: list[str], count: int, path: str
) -> None:
    """No texts, too many, an empty one among them, or vectors for some of them only."""
    request = pb.BatchClassifyRequest(
        tenant=lexical.parent, texts=texts, embeddings=[embedding("好")] * count
    )
    stub = lexical.tester()
    error = await error_of(stub.BatchClassify(request, timeout=SECONDS))
    assert isinstance(error, InvalidRequest)
    assert error.violations[0][0].startswith(path)


async def test_an_expired_deadline_is_reported_as_such(lexical: Company) -> None:
    """A batch of the longest texts takes seconds; the caller hears of it in time."""
    request = pb.BatchClassifyRequest(tenant=lexical.parent, texts=["退钱" * 2000] * 256)
    stub = lexical.tester()
    error = await error_of(stub.BatchClassify(request, timeout=0.6))
    assert isinstance(error, DeadlineExceeded)
    # What nobody waits for is not computed: the next answer comes at once.
    assert (await lexical.classifies("我要退款", deadline=2)).best.intent == "refund"


async def test_customer_text_leaves_no_trace_in_logs_and_audit(
    server: Served, lexical: Company, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither the words nor an entity in them are written anywhere."""
    await lexical.classifies("秘密口令xyzzy的订单SO77777777")
    written = "".join(capfd.readouterr()) + "".join(map(str, server.spooled()))
    assert "Classify" in written
    assert "xyzzy" not in written
    assert "77777777" not in written


async def test_the_real_embedding_service_and_this_one_agree(database_url: str) -> None:
    """A model trained with its vectors is surer with the vector of a customer's words."""
    async with (
        serve("generation", build_generation, GenerationSettings) as generation,
        serve(
            "intent", build, Settings, beside=generation, database_url=database_url,
            peers={"generation": generation.address},
        ) as server,
    ):  # fmt: skip
        company = Company(server)
        ended = await company.trains(MORE, lexical_only=False)
        await company.activates(ended.result)
        text = "我想把买的东西退掉，钱还给我"
        made = await generation.stub(GenerationServiceStub, role="session").Embed(
            generation_pb2.EmbedRequest(
                tenant=company.parent, texts=[text], purpose=generation_pb2.EMBED_PURPOSE_QUERY
            ),
            timeout=SECONDS,
        )
        found = await company.classifies(text, embedding=made.embeddings[0])
        assert found.method == METHODS.METHOD_EMBEDDING
        assert found.best.intent == "refund"
        assert (await company.model()).embedding_model == made.embeddings[0].model
