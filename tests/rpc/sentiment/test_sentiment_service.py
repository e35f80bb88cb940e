"""The sentiment service through its front door: loopback mTLS, the production chain."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from kefu.errors import DeadlineExceeded, InvalidRequest, MethodNotAllowed, TenantNotAllowed
from kefu.sentiment.v1 import sentiment_pb2 as pb
from kefu.sentiment.v1.sentiment_pb2_grpc import SentimentServiceStub
from kefu.type.v1 import understanding_pb2 as types
from pydantic import ValidationError

from services.sentiment.__main__ import build
from services.sentiment.settings import Settings
from tests.support.mesh import Served, error_of, serve

TENANT = "tenants/shop"
SECONDS = 10


@pytest.fixture
async def server() -> AsyncIterator[Served]:
    """The running service."""
    async with serve("sentiment", build, Settings) as served:
        yield served


def analyze(text: str, *history: float, tenant: str = TENANT) -> pb.AnalyzeRequest:
    """A request."""
    return pb.AnalyzeRequest(tenant=tenant, text=text, history=history)


def batch(*texts: str, tenant: str = TENANT) -> pb.BatchAnalyzeRequest:
    """A request."""
    return pb.BatchAnalyzeRequest(tenant=tenant, texts=texts)


async def test_analyze_tells_mood_language_and_sentences(server: Served) -> None:
    """One call gives all that a turn needs, with the places in the customer's own text."""
    stub = server.stub(SentimentServiceStub, role="session")
    text = "👍物流很快！但是客服态度太差了。Where is my refund?"
    answer = await stub.Analyze(analyze(text), timeout=SECONDS)
    found = answer.analysis
    assert found.language_code == "mixed"
    assert found.sentiment.label == types.SENTIMENT_LABEL_NEGATIVE
    assert -1 <= found.sentiment.compound < -0.05
    assert 0 < found.sentiment.confidence <= 1
    assert found.sentiment.method == "vader+lexicon-zh/1"
    assert [text[each.span.start : each.span.end] for each in found.sentences] == [
        "👍物流很快！",
        "但是客服态度太差了。",
        "Where is my refund?",
    ]
    assert [each.sentiment.label for each in found.sentences] == [
        types.SENTIMENT_LABEL_POSITIVE,
        types.SENTIMENT_LABEL_NEGATIVE,
        types.SENTIMENT_LABEL_NEUTRAL,
    ]


async def test_a_measured_neutral_is_zero_and_present(server: Served) -> None:
    """Neutral is a result: the field is set, and nothing is escalated."""
    stub = server.stub(SentimentServiceStub, role="session")
    answer = await stub.Analyze(analyze("我要退货"), timeout=SECONDS)
    assert answer.analysis.sentiment.HasField("compound")
    assert answer.analysis.sentiment.compound == 0
    assert answer.analysis.sentiment.label == types.SENTIMENT_LABEL_NEUTRAL
    assert not answer.escalation.escalate
    assert answer.escalation.reason == types.Escalation.REASON_UNSPECIFIED


@pytest.mark.parametrize(
    ("text", "history", "reason"),
    [
        ("气死我了，我要投诉你们", [], types.Escalation.REASON_STRONG),
        ("I am furious, this is a scam", [0.4], types.Escalation.REASON_STRONG),
        ("服务太差劲了", [-0.6], types.Escalation.REASON_REPEATED),
        ("服务太差劲了", [0.3, -0.2], types.Escalation.REASON_WORSENING),
        ("服务太差劲了", [], types.Escalation.REASON_UNSPECIFIED),
        ("我的快递还没到", [-0.9, -0.9], types.Escalation.REASON_UNSPECIFIED),
    ],
)
async def test_escalation_follows_the_conversation(
    server: Served, text: str, history: list[float], reason: int
) -> None:
    """The same words escalate or not, depending on what came before."""
    stub = server.stub(SentimentServiceStub, role="session")
    found = (await stub.Analyze(analyze(text, *history), timeout=SECONDS)).escalation
    assert found.reason == reason
    assert found.escalate == (reason != types.Escalation.REASON_UNSPECIFIED)
    assert -1 <= found.trend < 0


async def test_batch_analyze_answers_in_order(server: Served) -> None:
    """The largest batch, in both languages, each as if it were alone."""
    stub = server.stub(SentimentServiceStub, role="content-owner")
    texts = ["太差了", "where is my order", "great service", "？"] * 64
    answer = await stub.BatchAnalyze(batch(*texts), timeout=SECONDS)
    assert [each.sentiment.label for each in answer.analyses] == [
        types.SENTIMENT_LABEL_NEGATIVE,
        types.SENTIMENT_LABEL_NEUTRAL,
        types.SENTIMENT_LABEL_POSITIVE,
        types.SENTIMENT_LABEL_NEUTRAL,
    ] * 64
    alone = await stub.Analyze(analyze("太差了"), timeout=SECONDS)
    assert answer.analyses[0] == alone.analysis


async def test_a_batch_does_not_hold_up_single_utterances(server: Served) -> None:
    """An utterance sent while a large batch runs is answered before the batch."""
    stub = server.stub(SentimentServiceStub, role="content-owner")
    large = asyncio.ensure_future(stub.BatchAnalyze(batch(*["差。" * 2000] * 64), timeout=SECONDS))
    await stub.Analyze(analyze("你好"), timeout=SECONDS)
    assert not large.done()
    assert len((await large).analyses[0].sentences) == 200


async def test_get_config_tells_method_lines_and_limits() -> None:
    """What it says is what it was set to."""
    async with serve(
        "sentiment", build, Settings, neutral_band=0.1, escalation_line=-0.2
    ) as server:
        stub = server.stub(SentimentServiceStub, role="operator")
        config = await stub.GetConfig(pb.GetConfigRequest(), timeout=SECONDS)
        assert config.method == "vader+lexicon-zh/1"
        assert list(config.language_codes) == ["zh", "en"]
        assert (config.neutral_band, config.escalation_line) == (0.1, -0.2)
        assert (config.max_text_length, config.max_batch_size) == (4000, 256)
        sensitive = server.stub(SentimentServiceStub, role="session")
        answer = await sensitive.Analyze(analyze("还没收到货", -0.4), timeout=SECONDS)
        assert answer.escalation.escalate


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (analyze(""), "text"),
        (analyze("差" * 4001), "text"),
        (analyze("差", tenant="shop"), "tenant"),
        (analyze("差", 1.5), "history[0]"),
        (analyze("差", float("nan")), "history[0]"),
        (analyze("差", *[0.0] * 51), "history"),
    ],
)
async def test_a_bad_utterance_is_refused_with_the_field(
    server: Served, request_: pb.AnalyzeRequest, field: str
) -> None:
    """Empty, over-long, out of range: one precise status."""
    stub = server.stub(SentimentServiceStub, role="session")
    error = await error_of(stub.Analyze(request_, timeout=SECONDS))
    assert isinstance(error, InvalidRequest)
    assert [path for path, _ in error.violations] == [field]


@pytest.mark.parametrize("texts", [[], ["好"] * 257, ["好", ""]])
async def test_a_bad_batch_is_refused(server: Served, texts: list[str]) -> None:
    """No texts, too many, or an empty one among them."""
    stub = server.stub(SentimentServiceStub, role="content-owner")
    error = await error_of(stub.BatchAnalyze(batch(*texts), timeout=SECONDS))
    assert isinstance(error, InvalidRequest)
    assert error.violations[0][0].startswith("texts")


async def test_the_longest_text_counts_code_points_not_bytes(server: Served) -> None:
    """4,000 emoji are 16,000 bytes and welcome."""
    stub = server.stub(SentimentServiceStub, role="session")
    answer = await stub.Analyze(analyze("😡" * 4000), timeout=SECONDS)
    assert answer.analysis.language_code == "und"
    assert answer.analysis.sentences[0].span.end == 4000


async def test_a_stranger_s_role_is_denied_by_every_method(server: Served) -> None:
    """An auditor reads the record and nothing else; the refusals are in the record."""
    stub = server.stub(SentimentServiceStub, role="auditor")
    for call in (
        stub.Analyze(analyze("你好"), timeout=SECONDS),
        stub.BatchAnalyze(batch("你好"), timeout=SECONDS),
        stub.GetConfig(pb.GetConfigRequest(), timeout=SECONDS),
    ):
        assert isinstance(await error_of(call), MethodNotAllowed)
    refused = [event for event in server.spooled() if event.reason == "METHOD_NOT_ALLOWED"]
    assert len(refused) == 3


async def test_another_tenant_is_out_of_reach(server: Served) -> None:
    """An identity bound to one tenant measures for no other."""
    stub = server.stub(SentimentServiceStub, identity="test-content-owner-shop")
    assert (await stub.Analyze(analyze("你好"), timeout=SECONDS)).HasField("analysis")
    for call in (
        stub.Analyze(analyze("你好", tenant="tenants/other"), timeout=SECONDS),
        stub.BatchAnalyze(batch("你好", tenant="tenants/other"), timeout=SECONDS),
    ):
        assert isinstance(await error_of(call), TenantNotAllowed)


async def test_an_expired_deadline_is_reported_as_such(server: Served) -> None:
    """A batch of the longest texts takes seconds; the caller hears of it in time."""
    stub = server.stub(SentimentServiceStub, role="content-owner")
    request = batch(*["差。不" * 1333] * 256)
    assert isinstance(await error_of(stub.BatchAnalyze(request, timeout=0.6)), DeadlineExceeded)


async def test_customer_text_leaves_no_trace_in_logs_and_audit(
    server: Served, capfd: pytest.CaptureFixture[str]
) -> None:
    """The calls are recorded, their words are not."""
    stub = server.stub(SentimentServiceStub, role="session")
    await stub.Analyze(analyze("秘密口令xyzzy，气死我了"), timeout=SECONDS)
    written = "".join(capfd.readouterr()) + "".join(map(str, server.spooled()))
    assert "Analyze" in written
    assert "xyzzy" not in written
    assert "气死" not in written


@pytest.mark.parametrize(
    ("setting", "value"),
    [("neutral_band", 0), ("neutral_band", 1), ("escalation_line", 0.1), ("escalation_line", -2)],
)
async def test_a_line_off_the_scale_stops_the_start(setting: str, value: float) -> None:
    """The operator is told which setting is wrong, and nothing is served."""
    with pytest.raises(ValidationError, match=setting):
        async with serve("sentiment", build, Settings, **{setting: value}):
            pass
