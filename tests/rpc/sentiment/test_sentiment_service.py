"""The sentiment service through its front door: loopback mTLS, the production chain."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from functools import cache

import numpy as np
import pytest
from kefu.errors import DeadlineExceeded, InvalidRequest, MethodNotAllowed, TenantNotAllowed
from kefu.sentiment.v1 import sentiment_pb2 as pb
from kefu.sentiment.v1.sentiment_pb2_grpc import SentimentServiceStub
from kefu.type.v1 import text_pb2
from kefu.type.v1 import understanding_pb2 as types
from pydantic import ValidationError
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from services.sentiment.__main__ import build
from services.sentiment.analyzer import Analysis, Analyzer, Question
from services.sentiment.settings import Settings
from services.sentiment.training import EMBEDDING_MODEL, embedder
from tests.support.mesh import Served, error_of, serve

TENANT = "tenants/shop"
SECONDS = 10
Embed = Callable[[str], text_pb2.Embedding]


@pytest.fixture
async def server() -> AsyncIterator[Served]:
    """The running service."""
    async with serve("sentiment", build, Settings) as served:
        yield served


@pytest.fixture(scope="session")
def embed() -> Embed:
    """A text's vector as callers send it."""
    engine = cache(embedder())
    return lambda text: embedding(engine(text))


def embedding(values: object, model: str = EMBEDDING_MODEL) -> text_pb2.Embedding:
    """A vector of any shape."""
    return text_pb2.Embedding(model=model, vector=np.asarray(values, "<f4").tobytes())


def analyze(
    text: str,
    *history: float,
    tenant: str = TENANT,
    vector: text_pb2.Embedding | None = None,
    method: pb.Method = pb.METHOD_UNSPECIFIED,
) -> pb.AnalyzeRequest:
    """A request."""
    return pb.AnalyzeRequest(
        tenant=tenant, text=text, history=history, embedding=vector, method=method
    )


def batch(*texts: str, tenant: str = TENANT) -> pb.BatchAnalyzeRequest:
    """A request."""
    return pb.BatchAnalyzeRequest(tenant=tenant, texts=texts)


async def test_analyze_tells_mood_language_and_sentences(server: Served, embed: Embed) -> None:
    """One call gives all that a turn needs, with the places in the customer's own text."""
    stub = server.stub(SentimentServiceStub, role="session")
    text = "👍物流很快！但是客服态度太差了。Where is my refund?"
    answer = await stub.Analyze(analyze(text, vector=embed(text)), timeout=SECONDS)
    found = answer.analysis
    assert found.language_code == "mixed"
    assert found.sentiment.label == types.SENTIMENT_LABEL_NEGATIVE
    assert -1 <= found.sentiment.compound < -0.05
    assert 0 < found.sentiment.confidence <= 1
    assert found.sentiment.method == "bilingual/2"
    assert found.sentiment.emotion != types.EMOTION_UNSPECIFIED
    assert 0 <= found.sentiment.urgency <= 1
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


async def test_a_request_is_neutral_and_escalates_nothing(server: Served) -> None:
    """Neutral is a result: the field is set, and inside the band."""
    stub = server.stub(SentimentServiceStub, role="session")
    answer = await stub.Analyze(analyze("我要退货"), timeout=SECONDS)
    assert answer.analysis.sentiment.HasField("compound")
    assert abs(answer.analysis.sentiment.compound) < 0.05
    assert answer.analysis.sentiment.label == types.SENTIMENT_LABEL_NEUTRAL
    assert answer.analysis.sentiment.emotion == types.EMOTION_NONE
    assert not answer.escalation.escalate
    assert answer.escalation.reason == types.Escalation.REASON_UNSPECIFIED


@pytest.mark.parametrize(
    ("text", "emotion"),
    [
        ("气死我了，你们就是骗子", types.EMOTION_ANGER),
        ("非常失望，质量太差了", types.EMOTION_DISAPPOINTMENT),
        ("I'm worried my parcel is lost", types.EMOTION_WORRY),
        ("thank you so much for your help", types.EMOTION_GRATITUDE),
    ],
)
async def test_the_emotion_is_told(
    server: Served, embed: Embed, text: str, emotion: types.Emotion
) -> None:
    """What moves the customer, in both languages."""
    stub = server.stub(SentimentServiceStub, role="session")
    answer = await stub.Analyze(analyze(text, vector=embed(text)), timeout=SECONDS)
    assert answer.analysis.sentiment.emotion == emotion


async def test_urgency_is_told(server: Served, embed: Embed) -> None:
    """Who stands at the gate is told from who is curious."""
    stub = server.stub(SentimentServiceStub, role="session")
    urgencies = []
    for text in ("马上要登机了，订单还没出票，快帮帮我！", "请问几点关门"):
        answer = await stub.Analyze(analyze(text, vector=embed(text)), timeout=SECONDS)
        urgencies.append(answer.analysis.sentiment.urgency)
    assert urgencies[0] > 0.2 > urgencies[1]


async def test_vader_is_a_method(server: Served) -> None:
    """It measures as published: English only, without confidence, emotion and urgency."""
    stub = server.stub(SentimentServiceStub, role="session")
    moods = []
    for text in ("This is GREAT!!!", "我非常生气"):
        answer = await stub.Analyze(analyze(text, method=pb.METHOD_VADER), timeout=SECONDS)
        moods.append(answer.analysis.sentiment)
    published = SentimentIntensityAnalyzer().polarity_scores("This is GREAT!!!")
    assert moods[0].compound == published["compound"] > 0.5
    assert moods[1].compound == 0
    for mood in moods:
        assert mood.method == "vader/3"
        assert not mood.HasField("confidence")
        assert not mood.HasField("urgency")
        assert mood.emotion == types.EMOTION_UNSPECIFIED


async def test_the_vector_counts_and_another_model_s_does_not(server: Served, embed: Embed) -> None:
    """With a vector the answer is another; a foreign one is as good as none."""
    stub = server.stub(SentimentServiceStub, role="session")
    text = "就这质量，也敢卖这个价"
    with_vector, without, foreign = [
        (await stub.Analyze(analyze(text, vector=each), timeout=SECONDS)).analysis
        for each in (embed(text), None, embedding([1.0] * 7, "another-model"))
    ]
    assert with_vector != without
    assert foreign == without


@pytest.mark.parametrize(
    "values", [[0.1] * 383, [0.0] * 384, [float("nan")] * 384, [float("inf")] + [0.0] * 383]
)
async def test_a_broken_vector_of_the_right_model_is_refused(
    server: Served, values: list[float]
) -> None:
    """It would be measured wrong without anybody noticing."""
    stub = server.stub(SentimentServiceStub, role="session")
    error = await error_of(stub.Analyze(analyze("你好", vector=embedding(values)), timeout=SECONDS))
    assert isinstance(error, InvalidRequest)
    assert [path for path, _ in error.violations] == ["embedding.vector"]


@pytest.mark.parametrize(
    ("text", "history", "reason"),
    [
        ("气死我了，你们就是骗子", [], types.Escalation.REASON_STRONG),
        ("I am furious, this is a scam", [0.4], types.Escalation.REASON_STRONG),
        ("服务太差劲了", [-0.6], types.Escalation.REASON_REPEATED),
        ("服务太差劲了", [0.3, -0.2], types.Escalation.REASON_WORSENING),
        ("服务太差劲了", [], types.Escalation.REASON_UNSPECIFIED),
        ("我的快递还没到", [-0.9, -0.9], types.Escalation.REASON_NOT_RECOVERED),
        ("好的，谢谢你们，问题解决了", [-0.9, 0, 0, 0], types.Escalation.REASON_UNSPECIFIED),
        ("我的快递还没到", [], types.Escalation.REASON_UNSPECIFIED),
        ("my parcel has not arrived", [], types.Escalation.REASON_UNSPECIFIED),
    ],
)
async def test_escalation_follows_the_conversation(
    server: Served, embed: Embed, text: str, history: list[float], reason: int
) -> None:
    """The same words escalate or not, depending on what came before; with and without a vector."""
    stub = server.stub(SentimentServiceStub, role="session")
    for vector in (embed(text), None):
        request = analyze(text, *history, vector=vector)
        found = (await stub.Analyze(request, timeout=SECONDS)).escalation
        assert found.reason == reason
        assert found.escalate == (reason != types.Escalation.REASON_UNSPECIFIED)
        assert -1 <= found.trend <= 1


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


async def test_a_batch_takes_vectors_and_a_method(server: Served, embed: Embed) -> None:
    """Each text is measured as if it came alone with its vector."""
    stub = server.stub(SentimentServiceStub, role="content-owner")
    texts = ["就这质量，也敢卖这个价", "fast delivery"]
    request = batch(*texts)
    request.embeddings.extend(map(embed, texts))
    answer = await stub.BatchAnalyze(request, timeout=SECONDS)
    alone = [
        (await stub.Analyze(analyze(text, vector=embed(text)), timeout=SECONDS)).analysis
        for text in texts
    ]
    assert list(answer.analyses) == alone
    request.method = pb.METHOD_VADER
    answer = await stub.BatchAnalyze(request, timeout=SECONDS)
    assert {each.sentiment.method for each in answer.analyses} == {"vader/3"}


async def test_a_batch_with_too_few_vectors_is_refused(server: Served, embed: Embed) -> None:
    """Nobody could tell whose they are."""
    stub = server.stub(SentimentServiceStub, role="content-owner")
    request = batch("好", "坏")
    request.embeddings.append(embed("好"))
    error = await error_of(stub.BatchAnalyze(request, timeout=SECONDS))
    assert isinstance(error, InvalidRequest)
    assert [path for path, _ in error.violations] == ["embeddings"]


async def test_a_batch_does_not_hold_up_single_utterances(
    server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An utterance is answered while a text of somebody's batch is still being measured."""
    measure, arrived, gate = Analyzer.analyze, asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def held(analyzer: Analyzer, question: Question) -> Analysis:
        if question.text == "太差了":
            loop.call_soon_threadsafe(arrived.set)
            gate.wait()
        return measure(analyzer, question)

    monkeypatch.setattr(Analyzer, "analyze", held)
    stub = server.stub(SentimentServiceStub, role="content-owner")
    large = asyncio.ensure_future(stub.BatchAnalyze(batch("太差了"), timeout=6 * SECONDS))
    try:
        await arrived.wait()
        await stub.Analyze(analyze("你好"), timeout=SECONDS)
        assert not large.done()
    finally:
        gate.set()
    assert len((await large).analyses) == 1


async def test_the_longest_text_lists_its_first_sentences(server: Served) -> None:
    """The reply stays bounded."""
    stub = server.stub(SentimentServiceStub, role="content-owner")
    answer = await stub.BatchAnalyze(batch("差。" * 2000), timeout=SECONDS)
    assert len(answer.analyses[0].sentences) == 200


async def test_get_config_tells_method_lines_and_limits() -> None:
    """What it says is what it was set to."""
    async with serve(
        "sentiment", build, Settings, neutral_band=0.1, escalation_line=-0.05, recovery_line=0.1
    ) as server:
        stub = server.stub(SentimentServiceStub, role="operator")
        config = await stub.GetConfig(pb.GetConfigRequest(), timeout=SECONDS)
        assert config.method == "bilingual/2"
        assert list(config.language_codes) == ["zh", "en"]
        assert (config.neutral_band, config.escalation_line) == (0.1, -0.05)
        assert config.recovery_line == 0.1
        assert config.embedding_model == EMBEDDING_MODEL
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
    [
        ("neutral_band", 0),
        ("neutral_band", 1),
        ("escalation_line", 0.1),
        ("escalation_line", -2),
        ("recovery_line", 1.1),
        ("batch_limit", 0),
    ],
)
async def test_a_line_off_the_scale_stops_the_start(setting: str, value: float) -> None:
    """The operator is told which setting is wrong, and nothing is served."""
    with pytest.raises(ValidationError, match=setting):
        async with serve("sentiment", build, Settings, **{setting: value}):
            pass
