"""The intent service through its front door: loopback mTLS, the production chain, real data."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from kefu.errors import (
    DeadlineExceeded,
    IntentModelNotFound,
    InvalidRequest,
    MethodNotAllowed,
    TenantNotAllowed,
)
from kefu.intent.v1 import intent_pb2 as pb
from kefu.intent.v1.intent_pb2_grpc import IntentServiceStub
from kefu.type.v1 import understanding_pb2 as types

from services.intent.__main__ import build
from services.intent.settings import Settings
from services.intent.training_data import TrainingDataInvalid
from tests.support.mesh import ROOT, Served, error_of, serve

TENANT = "tenants/shop"
SECONDS = 10


@pytest.fixture(scope="module")
def intents_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample company's training data, as an operator lays it out."""
    folder = tmp_path_factory.mktemp("intents")
    data = (ROOT / "examples" / "shop" / "intents.yaml").read_bytes()
    (folder / "shop.yaml").write_bytes(data)
    return folder


@pytest.fixture
async def server(intents_dir: Path) -> AsyncIterator[Served]:
    """The running service."""
    async with serve("intent", build, Settings, intents_dir=intents_dir) as served:
        yield served


def classify(text: str, tenant: str = TENANT) -> pb.ClassifyRequest:
    """A request."""
    return pb.ClassifyRequest(tenant=tenant, text=text)


async def test_classify_answers_with_intent_entities_and_their_places(server: Served) -> None:
    """The session service gets all that it needs to act in one call."""
    stub = server.stub(IntentServiceStub, role="session")
    text = "😡帮我cancel订单ＳＯ２０２６１２３４"
    answer = await stub.Classify(classify(text), timeout=SECONDS)
    found = answer.classification
    assert found.best.intent == "cancel_order"
    assert found.best.type == types.INTENT_TYPE_OPERATION
    assert 0.5 < found.best.confidence <= 1
    assert found.method == pb.Classification.METHOD_MODEL
    assert found.language_code == "mixed"
    assert len(found.model_version) == 64
    [entity] = found.entities
    assert (entity.type, entity.value) == ("order_number", "SO20261234")
    assert text[entity.span.start : entity.span.end] == entity.text == "ＳＯ２０２６１２３４"


async def test_classify_says_unknown_and_ambiguous_instead_of_guessing(server: Served) -> None:
    """Unknown is a type of its own; of two close intents both are given."""
    stub = server.stub(IntentServiceStub, role="session")
    unknown = (await stub.Classify(classify("qwxzk"), timeout=SECONDS)).classification
    assert unknown.best.type == types.INTENT_TYPE_UNKNOWN
    assert unknown.best.intent == "unknown"
    close = (await stub.Classify(classify("订单"), timeout=SECONDS)).classification
    assert close.ambiguous
    assert close.alternatives[0].type == types.INTENT_TYPE_OPERATION


async def test_an_exact_utterance_is_named_as_such(server: Served) -> None:
    """The method tells why the confidence is 1."""
    stub = server.stub(IntentServiceStub, role="session")
    found = (await stub.Classify(classify("转人工！"), timeout=SECONDS)).classification
    assert found.method == pb.Classification.METHOD_EXACT
    assert (found.best.type, found.best.confidence) == (types.INTENT_TYPE_HUMAN, 1.0)


async def test_batch_classify_answers_in_order(server: Served) -> None:
    """A content owner tries many utterances in one call, the largest batch included."""
    stub = server.stub(IntentServiceStub, role="content-owner")
    texts = ["你好", "where is my order", "再见", "？"] * 64
    answer = await stub.BatchClassify(
        pb.BatchClassifyRequest(tenant=TENANT, texts=texts), timeout=SECONDS
    )
    assert [each.best.intent for each in answer.classifications] == [
        "greeting",
        "order_lookup",
        "goodbye",
        "unknown",
    ] * 64


async def test_get_config_describes_the_model(server: Served) -> None:
    """Intents with type and size, entity types, thresholds, limits and the model's version."""
    stub = server.stub(IntentServiceStub, role="operator")
    config = await stub.GetConfig(pb.GetConfigRequest(tenant=TENANT), timeout=SECONDS)
    intents = {intent.intent: intent for intent in config.intents}
    assert list(intents) == sorted(intents)
    assert intents["cancel_order"].type == types.INTENT_TYPE_OPERATION
    assert intents["cancel_order"].utterance_count >= 30
    assert intents["cancel_order"].description
    assert {"order_number", "phone", "email", "amount"} <= set(config.entity_types)
    assert (config.unknown_threshold, config.ambiguity_margin) == (0.35, 0.15)
    assert (config.max_text_length, config.max_batch_size) == (4000, 256)
    assert len(config.model_version) == 64
    assert config.train_time.seconds > 0


async def test_a_tenant_without_a_model_is_told_so_by_every_method(server: Served) -> None:
    """The reason is one that a program can act on, and it names the tenant."""
    stub = server.stub(IntentServiceStub, role="content-owner")
    other = "tenants/other"
    batch = pb.BatchClassifyRequest(tenant=other, texts=["你好"])
    for call in (
        stub.Classify(classify("你好", other), timeout=SECONDS),
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
    batch = pb.BatchClassifyRequest(tenant=TENANT, texts=["你好"])
    for call in (
        stub.Classify(classify("你好"), timeout=SECONDS),
        stub.BatchClassify(batch, timeout=SECONDS),
        stub.GetConfig(pb.GetConfigRequest(tenant=TENANT), timeout=SECONDS),
    ):
        assert isinstance(await error_of(call), MethodNotAllowed)
    refused = [event for event in server.spooled() if event.reason == "METHOD_NOT_ALLOWED"]
    assert len(refused) == 3


async def test_another_tenant_s_model_is_out_of_reach(server: Served) -> None:
    """Permission is checked before existence: a tenant that has no model is refused alike."""
    stub = server.stub(IntentServiceStub, identity="test-session-shop")
    assert (await stub.Classify(classify("你好"), timeout=SECONDS)).classification.best.intent
    error = await error_of(stub.Classify(classify("你好", "tenants/other"), timeout=SECONDS))
    assert isinstance(error, TenantNotAllowed)


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (pb.ClassifyRequest(tenant=TENANT), "text"),
        (pb.ClassifyRequest(tenant=TENANT, text="退" * 4001), "text"),
    ],
)
async def test_a_bad_utterance_is_refused_with_the_field(
    server: Served, request_: pb.ClassifyRequest, field: str
) -> None:
    """Empty and over-long text gets one precise status."""
    stub = server.stub(IntentServiceStub, role="session")
    error = await error_of(stub.Classify(request_, timeout=SECONDS))
    assert isinstance(error, InvalidRequest)
    assert [path for path, _ in error.violations] == [field]


async def test_the_longest_text_counts_code_points_not_bytes(server: Served) -> None:
    """4,000 emoji are 16,000 bytes and welcome."""
    stub = server.stub(IntentServiceStub, role="session")
    answer = await stub.Classify(classify("😀" * 4000), timeout=SECONDS)
    assert answer.classification.best.type == types.INTENT_TYPE_UNKNOWN


@pytest.mark.parametrize("texts", [[], ["好"] * 257, ["好", ""]])
async def test_a_bad_batch_is_refused(server: Served, texts: list[str]) -> None:
    """No texts, too many, or an empty one among them."""
    stub = server.stub(IntentServiceStub, role="content-owner")
    request = pb.BatchClassifyRequest(tenant=TENANT, texts=texts)
    error = await error_of(stub.BatchClassify(request, timeout=SECONDS))
    assert isinstance(error, InvalidRequest)
    assert error.violations[0][0].startswith("texts")


async def test_an_expired_deadline_is_reported_as_such(server: Served) -> None:
    """A batch of the longest texts takes seconds; the caller hears of it in time."""
    stub = server.stub(IntentServiceStub, role="content-owner")
    request = pb.BatchClassifyRequest(tenant=TENANT, texts=["退" * 4000] * 256)
    error = await error_of(stub.BatchClassify(request, timeout=0.6))
    assert isinstance(error, DeadlineExceeded)


async def test_customer_text_leaves_no_trace_in_logs_and_audit(
    server: Served, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither the words nor an entity in them are written anywhere."""
    stub = server.stub(IntentServiceStub, role="session")
    await stub.Classify(classify("秘密口令xyzzy的订单SO77777777"), timeout=SECONDS)
    written = "".join(capfd.readouterr()) + "".join(map(str, server.spooled()))
    assert "Classify" in written
    assert "xyzzy" not in written
    assert "77777777" not in written


async def test_bad_training_data_stops_the_start_with_all_reasons(tmp_path: Path) -> None:
    """The operator sees every problem of every file at once, and nothing is served."""
    (tmp_path / "a.yaml").write_text("tenant: a\n")
    (tmp_path / "b.yaml").write_text("tenant: z\nintents: 3\n")
    with pytest.raises(TrainingDataInvalid) as caught:
        async with serve("intent", build, Settings, intents_dir=tmp_path):
            pass
    assert all(each in str(caught.value) for each in ("a.yaml", "b.yaml"))
