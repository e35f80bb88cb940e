"""The whole text: sentences, spans, thanks, confidence, language and cost."""

import time

import pytest

from services.language import Language
from services.sentiment.analyzer import MAX_SENTENCES, Analyzer
from services.sentiment.lexicon import Cue
from services.sentiment.scale import Label


def test_each_sentence_has_its_own_mood_and_place(analyzer: Analyzer) -> None:
    """Spans are code points of what the customer wrote, also behind an emoji."""
    text = "👍物流很快！客服太差了。 Where is it?"
    found = analyzer.analyze(text)
    assert [each.span.of(text) for each in found.sentences] == [
        "👍物流很快！",
        "客服太差了。",
        "Where is it?",
    ]
    assert [each.sentiment.label for each in found.sentences] == [
        Label.POSITIVE,
        Label.NEGATIVE,
        Label.NEUTRAL,
    ]
    assert found.sentences[1].span.start == 6


def test_a_single_sentence_scores_as_the_whole(analyzer: Analyzer) -> None:
    """There is one scale for parts and whole."""
    found = analyzer.analyze("客服太差了！")
    assert found.sentences[0].sentiment == found.sentiment


def test_blame_weighs_more_than_praise_in_the_same_text(analyzer: Analyzer) -> None:
    """Who praises one thing and complains about another has come to complain."""
    assert analyzer.analyze("物流很快。东西坏了。").sentiment.label is Label.NEGATIVE


def test_a_long_complaint_does_not_end_at_the_limit_by_its_length(analyzer: Analyzer) -> None:
    """Repeated evidence strengthens, with diminishing effect."""
    one, four = (analyzer.analyze("有点失望。" * n).sentiment.compound for n in (1, 4))
    assert -0.8 < four < one
    assert analyzer.analyze("有点失望。" * 100).sentiment.compound > -1


def test_sentences_without_opinion_do_not_dilute_anger(analyzer: Analyzer) -> None:
    """An order number before the anger changes nothing."""
    plain = analyzer.analyze("气死我了！").sentiment.compound
    assert analyzer.analyze("订单SO20260001。昨天下的单。气死我了！").sentiment.compound == plain


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("谢谢", Label.POSITIVE),
        ("谢谢你帮我查", Label.POSITIVE),
        ("帮我查一下，谢谢", Label.NEUTRAL),
        ("垃圾，谢谢", Label.NEGATIVE),
        ("Thanks!", Label.POSITIVE),
        ("Order SO20260001, thanks", Label.NEUTRAL),
        ("it is broken, thanks", Label.NEGATIVE),
    ],
)
def test_thanks_count_where_they_are_meant(analyzer: Analyzer, text: str, label: Label) -> None:
    """A thank-you is an opinion by itself, and a form of words behind a request or complaint."""
    assert analyzer.analyze(text).sentiment.label is label


@pytest.mark.parametrize(
    ("text", "cue"),
    [
        ("气死我了", Cue.ANGER),
        ("王八蛋", Cue.INSULT),
        ("骗子", Cue.ACCUSE),
        ("我要去消协投诉", Cue.THREAT),
        ("打12315", Cue.THREAT),
        ("呵呵", Cue.IRONY),
        ("还没收到货", Cue.FAILURE),
        ("很着急", Cue.WORRY),
        ("I am furious", Cue.ANGER),
        ("you scammers", Cue.ACCUSE),
        ("my lawyer will call you", Cue.THREAT),
        ("still waiting", Cue.FAILURE),
        ("😡", Cue.ANGER),
    ],
)
def test_cues_name_the_kind_of_blame(analyzer: Analyzer, text: str, cue: Cue) -> None:
    """What escalation and explanations need is named beside the number."""
    assert cue in analyzer.analyze(text).sentiment.cues


def test_praise_leaves_no_cues_of_blame(analyzer: Analyzer) -> None:
    """Cues are those of negative words."""
    assert analyzer.analyze("太棒了，谢谢").sentiment.cues == frozenset()


@pytest.mark.parametrize(
    ("text", "language", "confidence"),
    [
        ("", Language.UNKNOWN, 0),
        ("   \n", Language.UNKNOWN, 0),
        ("12345", Language.UNKNOWN, 0),
        ("Где мой заказ", Language.UNKNOWN, 0),
        ("我要退货", Language.ZH, 0.5),
    ],
)
def test_text_without_opinions_is_neutral(
    analyzer: Analyzer, text: str, language: Language, confidence: float
) -> None:
    """Neutral with half confidence where it can be read, with none where it cannot."""
    found = analyzer.analyze(text)
    assert (found.language, found.sentiment.compound) == (language, 0)
    assert found.sentiment.confidence == confidence


def test_a_smile_is_cold_in_chinese_only(analyzer: Analyzer) -> None:
    """The same emoji means different things to different readers."""
    assert analyzer.analyze("好的🙂").sentiment.compound < 0
    assert analyzer.analyze("see you tomorrow 🙂").sentiment.compound > 0


def test_sentences_are_limited_but_all_count(analyzer: Analyzer) -> None:
    """The reply stays bounded; what is not listed still changes the whole."""
    text = "好的。" * MAX_SENTENCES + "气死我了。"
    found = analyzer.analyze(text)
    assert len(found.sentences) == MAX_SENTENCES
    assert found.sentiment.label is Label.NEGATIVE


def test_the_neutral_band_is_a_setting() -> None:
    """A wider band calls a mild complaint neutral, and leaves the compound as it is."""
    wide = Analyzer(neutral_band=0.4).analyze("快递还没到").sentiment
    assert wide.label is Label.NEUTRAL
    assert wide.compound < -0.05


@pytest.mark.parametrize(
    "text",
    [
        "你们的服务太差了！！！我要投诉。",
        "My order is late and nobody answers, this is so frustrating!",
        "我的refund还没到，this is unacceptable",
    ],
)
def test_an_utterance_costs_less_than_a_millisecond(analyzer: Analyzer, text: str) -> None:
    """The turn waits for no sentiment."""
    assert _best_seconds(analyzer, text, 20) < 1e-3


@pytest.mark.parametrize(
    "piece",
    ["!", "吗!", "一", "不", "等了3天", "bad but ", "差bad", "能", "what if ", ":(", "差\n"],
)
def test_the_longest_text_costs_milliseconds(analyzer: Analyzer, piece: str) -> None:
    """No rule makes the work grow faster than the text."""
    assert _best_seconds(analyzer, (piece * 4000)[:4000], 2) < 0.2


def _best_seconds(analyzer: Analyzer, text: str, times: int) -> float:
    """Processor time of the cheapest run: what the work costs, whatever else the machine does."""
    best = float("inf")
    for _ in range(times):
        started = time.thread_time()
        analyzer.analyze(text)
        best = min(best, time.thread_time() - started)
    return best
