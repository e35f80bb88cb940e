"""The whole text: sentences, spans, emotion, urgency, confidence, language, methods and cost."""

import time
from collections.abc import Callable

import numpy as np
import pytest
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from services.language import Language
from services.sentiment.analyzer import MAX_SENTENCES, Analyzer, Method, Question
from services.sentiment.features import Floats
from services.sentiment.model import Model
from services.sentiment.scale import Emotion, Label
from services.session.understanding import Mood as SessionMood
from tests.unit.sentiment.conftest import Mood, table


def test_each_sentence_has_its_own_mood_and_place(mood: Mood) -> None:
    """Spans are code points of what the customer wrote, also behind an emoji."""
    text = "👍物流很快！客服太差了。 Where is my refund?"
    found = mood(text)
    assert [each.span.of(text) for each in found.sentences] == [
        "👍物流很快！",
        "客服太差了。",
        "Where is my refund?",
    ]
    assert [each.sentiment.label for each in found.sentences] == [
        Label.POSITIVE,
        Label.NEGATIVE,
        Label.NEUTRAL,
    ]
    assert found.sentences[1].span.start == 6


def test_a_single_sentence_scores_as_the_whole(mood: Mood) -> None:
    """There is one scale for parts and whole."""
    found = mood("客服太差了！")
    assert found.sentences[0].sentiment == found.sentiment


def test_sentences_are_measured_without_the_vector(
    analyzer: Analyzer, embed: Callable[[str], Floats]
) -> None:
    """A vector of the whole says nothing about the parts, and changes nothing in them."""
    text = "物流很快。东西坏了。"
    with_vector = analyzer.analyze(Question(text, embed(text)))
    without = analyzer.analyze(Question(text))
    assert with_vector.sentences == without.sentences
    assert with_vector.sentiment != without.sentiment


@pytest.mark.parametrize(
    "text", ["东西坏了，不过客服很热情地帮我换了，谢谢！", "the parcel was late but great support!"]
)
def test_the_whole_lies_between_praise_and_blame(informed: Mood, text: str) -> None:
    """Nobody who praises and blames in one breath is furious or enthusiastic."""
    assert abs(informed(text).sentiment.compound) < 0.8


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("谢谢", Label.POSITIVE),
        ("帮我查一下，谢谢", Label.NEUTRAL),
        ("Thanks!", Label.POSITIVE),
        ("Order SO20260001, thanks", Label.NEUTRAL),
        ("it is broken, thanks", Label.NEGATIVE),
    ],
)
def test_thanks_count_where_they_are_meant(mood: Mood, text: str, label: Label) -> None:
    """A thank-you is an opinion by itself, and a form of words behind a request or complaint."""
    assert mood(text).sentiment.label is label


def test_thanks_do_not_sweeten_contempt(informed: Mood) -> None:
    """With the vector at hand; by its words alone such a short text may pass for praise."""
    assert informed("垃圾，谢谢").sentiment.label is Label.NEGATIVE


@pytest.mark.parametrize(
    ("text", "emotion"),
    [
        ("气死我了，一群骗子", Emotion.ANGER),
        ("you are all liars and thieves", Emotion.ANGER),
        ("质量太差了，非常失望", Emotion.DISAPPOINTMENT),
        ("disappointed, it broke after two days", Emotion.DISAPPOINTMENT),
        ("我很担心收不到货", Emotion.WORRY),
        ("I'm worried my parcel is lost", Emotion.WORRY),
        ("太感谢你了，帮了我大忙", Emotion.GRATITUDE),
        ("thank you so much for your help", Emotion.GRATITUDE),
        ("请问几点关门", Emotion.NONE),
        ("what time do you close", Emotion.NONE),
    ],
)
def test_the_emotion_is_named(informed: Mood, text: str, emotion: Emotion) -> None:
    """What moves the customer, in both languages."""
    assert informed(text).sentiment.emotion is emotion


@pytest.mark.parametrize(
    ("urgent", "calm"),
    [
        ("马上要登机了，订单还没出票，快帮帮我！", "请问发票怎么开"),
        ("my flight leaves in 30 minutes and I can't check in, help!", "do you sell gift cards"),
    ],
)
def test_urgency_tells_now_from_any_time(mood: Mood, urgent: str, calm: str) -> None:
    """Who needs an answer at once stands out."""
    high, low = (mood(text).sentiment.urgency for text in (urgent, calm))
    assert high is not None
    assert low is not None
    assert 0 <= low < 0.2 < 0.7 < high <= 1


@pytest.mark.parametrize(("label", "text"), table("urgent.tsv"))
def test_who_cannot_wait_presses_and_is_neither_pleased_nor_angry(
    mood: Mood, label: str, text: str
) -> None:
    """By the line that a turn draws; a plain request in a hurry is neutral, a fear may be worry."""
    found = mood(text).sentiment
    assert SessionMood(found.compound, urgency=found.urgency).presses
    assert found.emotion in (Emotion.NONE, Emotion.WORRY)
    assert found.label == label if label != "-" else found.label is not Label.POSITIVE


def test_few_calm_messages_press(mood: Mood) -> None:
    """A line that everybody crosses puts nobody first."""
    calm = [text for _, label, text in table("utterances.tsv") if label == "neutral"]
    urgencies = [mood(text).sentiment.urgency for text in calm]
    pressing = sum(SessionMood(0.0, urgency=each).presses for each in urgencies)
    assert pressing <= len(calm) / 20


@pytest.mark.parametrize("text", ["", "   \n", "12345", "Где мой заказ", "？？", "SO20260001"])
def test_a_text_without_known_words_is_neutral_without_confidence(mood: Mood, text: str) -> None:
    """What cannot be read is not guessed at."""
    found = mood(text)
    assert found.language is Language.UNKNOWN
    assert (found.sentiment.compound, found.sentiment.confidence) == (0, 0)
    assert found.sentiment.label is Label.NEUTRAL


def test_an_emoji_alone_is_an_opinion(mood: Mood) -> None:
    """It needs no words to be understood."""
    assert mood("😡😡").sentiment.label is Label.NEGATIVE
    assert mood("👍👍").sentiment.label is Label.POSITIVE


def test_a_plain_request_is_surely_neutral(mood: Mood) -> None:
    """Confidence is the probability of the label."""
    confidence = mood("我要退货").sentiment.confidence
    assert confidence is not None
    assert 0.8 < confidence <= 1


def test_a_smile_is_cold_in_chinese_only(mood: Mood) -> None:
    """The same emoji means different things to different readers."""
    assert mood("知道了🙂").sentiment.compound < mood("see you tomorrow 🙂").sentiment.compound


def test_sentences_are_limited_but_all_count(mood: Mood) -> None:
    """The reply stays bounded; what is not listed still changes the whole."""
    calm = "好的。" * MAX_SENTENCES
    found = mood(calm + "气死我了，骗子！" * 50)
    assert len(found.sentences) == MAX_SENTENCES
    assert found.sentiment.compound < mood(calm).sentiment.compound


def test_the_neutral_band_is_a_setting(trained: Model) -> None:
    """A wider band calls a mild complaint neutral, and leaves the compound as it is."""
    wide = Analyzer(trained, neutral_band=0.6).analyze(Question("有点失望")).sentiment
    narrow = Analyzer(trained, neutral_band=0.05).analyze(Question("有点失望")).sentiment
    assert (wide.label, narrow.label) == (Label.NEUTRAL, Label.NEGATIVE)
    assert wide.compound == narrow.compound


@pytest.mark.parametrize("text", ["This is GREAT!!! :)", "我非常生气", "so bad 😡", "", "okay"])
def test_vader_is_published_vader(analyzer: Analyzer, text: str) -> None:
    """The method gives what the package gives, and no more than it can tell."""
    found = analyzer.analyze(Question(text, method=Method.VADER)).sentiment
    assert found.compound == SentimentIntensityAnalyzer().polarity_scores(text)["compound"]
    assert (found.confidence, found.emotion, found.urgency) == (None, None, None)
    assert found.method == "vader/3"


def test_vader_measures_sentences_too(analyzer: Analyzer) -> None:
    """Every method answers in the same form."""
    found = analyzer.analyze(Question("I love it. I hate it.", method=Method.VADER))
    assert [each.sentiment.label for each in found.sentences] == [Label.POSITIVE, Label.NEGATIVE]


def test_several_texts_are_measured_as_each_alone(
    analyzer: Analyzer, embed: Callable[[str], Floats]
) -> None:
    """What came in the same batch does not matter."""
    questions = [
        Question("太差了"),
        Question("great", embed("great")),
        Question("great", method=Method.VADER),
    ]
    assert analyzer.analyze_all(questions) == [analyzer.analyze(each) for each in questions]


@pytest.mark.parametrize("method", Method)
@pytest.mark.parametrize(
    "piece",
    [
        "!",
        "吗!",
        "一",
        "不",
        "等了3天",
        "good but ",
        "差bad",
        "能",
        "what if ",
        ":(",
        "差\n",
        "a.b ",
    ],
)
def test_the_longest_text_costs_milliseconds(
    analyzer: Analyzer, piece: str, method: Method
) -> None:
    """No rule makes the work grow faster than the text."""
    question = Question((piece * 4000)[:4000], np.zeros(384, np.float32), method)
    assert _best_seconds(analyzer, question, 2) < 0.4


def _best_seconds(analyzer: Analyzer, question: Question, times: int) -> float:
    """Processor time of the cheapest run: what the work costs, whatever else the machine does."""
    best = float("inf")
    for _ in range(times):
        started = time.thread_time()
        analyzer.analyze(question)
        best = min(best, time.thread_time() - started)
    return best


@pytest.mark.parametrize(
    "text",
    [
        "I am not 满意 with this",
        "don't 喜欢 this",
        "这家店 not 推荐",
        "服务 never 让人满意",
        "我不 recommend this shop",
        "不 happy with the 退款",
        "这个 product 不 good at all",
    ],
)
def test_who_negates_across_languages_is_not_pleased(mood: Mood, text: str) -> None:
    """What the rules read so, the model believes."""
    assert mood(text).sentiment.label is Label.NEGATIVE
