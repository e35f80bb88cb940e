"""When a conversation is escalated, and when it must not be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sentiment.analyzer import Analyzer, Sentiment
from services.sentiment.lexicon import Cue
from services.sentiment.scale import Label
from services.sentiment.trend import Reason, escalation, trend

LINE = -0.5
COMPOUNDS = st.floats(min_value=-1, max_value=1)


def mood(compound: float, *cues: Cue) -> Sentiment:
    """An utterance with a given compound."""
    return Sentiment(compound, Label.NEGATIVE, 0.8, frozenset(cues))


@pytest.mark.parametrize(
    "text",
    [
        "我的快递三天了还没到",
        "东西坏了，我要退货",
        "the parcel arrived damaged",
        "I was charged twice",
        "收货地址写错了还没发货能改不",
        "怎么投诉",
        "my payment failed, what now",
        "我要退货",
    ],
)
def test_one_plain_complaint_never_escalates(analyzer: Analyzer, text: str) -> None:
    """A first utterance that states what went wrong is work for the bot."""
    assert not escalation([], analyzer.analyze(text).sentiment, LINE).escalate


@pytest.mark.parametrize(
    "text",
    [
        "气死我了，你们就是骗子",
        "垃圾客服，我要投诉",
        "再不处理我就去消协举报",
        "I am furious, this is a scam",
        "This is the worst service ever, I will sue you",
        "你们太过分了！！！",
    ],
)
def test_one_furious_utterance_escalates(analyzer: Analyzer, text: str) -> None:
    """Words of anger below the line need no second time."""
    assert escalation([], analyzer.analyze(text).sentiment, LINE).reason is Reason.STRONG


def test_far_below_the_line_escalates_without_words_of_anger() -> None:
    """Very negative is enough; a little below the line is not."""
    assert escalation([], mood(-0.85), LINE).reason is Reason.STRONG
    assert escalation([], mood(-0.6), LINE).reason is Reason.NONE


def test_anger_above_the_line_does_not_escalate() -> None:
    """The line is the line."""
    assert escalation([], mood(-0.45, Cue.ANGER), LINE).reason is Reason.NONE
    assert escalation([], mood(LINE, Cue.ANGER), LINE).reason is Reason.NONE


def test_twice_below_the_line_escalates() -> None:
    """Two of the last four utterances below the line are a pattern."""
    assert escalation([-0.6], mood(-0.6), LINE).reason is Reason.REPEATED
    assert escalation([-0.6, 0.0, 0.0], mood(-0.6), LINE).reason is Reason.REPEATED
    assert escalation([-0.6, 0, 0, 0], mood(-0.6), LINE).reason is Reason.NONE


def test_a_steady_fall_below_the_line_escalates() -> None:
    """Three utterances, each worse than the last, the third below the line."""
    assert escalation([0.1, -0.3], mood(-0.6), LINE).reason is Reason.WORSENING
    assert escalation([-0.3, 0.1], mood(-0.6), LINE).reason is Reason.NONE
    assert escalation([0, 0], mood(-0.6), LINE).reason is Reason.NONE
    assert escalation([-0.3], mood(-0.6), LINE).reason is Reason.NONE


def test_who_has_calmed_down_is_left_alone() -> None:
    """Past anger does not escalate an utterance that is not negative itself."""
    assert not escalation([-0.9, -0.9, -0.9], mood(0.0), LINE).escalate


def test_the_line_is_a_setting() -> None:
    """A stricter line escalates earlier; at -1 nothing does."""
    assert escalation([-0.3], mood(-0.3), -0.2).reason is Reason.REPEATED
    assert not escalation([-1, -1], mood(-1.0, Cue.ANGER), -1.0).escalate


def test_the_newest_utterance_weighs_most() -> None:
    """The same compounds in the other order make another trend."""
    assert trend([0.8, 0.0, -0.8]) < 0 < trend([-0.8, 0.0, 0.8])
    assert trend([0.4]) == 0.4


def test_the_weight_halves_with_every_two_utterances() -> None:
    """The decay is as documented."""
    assert trend([1, 0, 0]) == pytest.approx(0.5 / (0.5 + 0.5**0.5 + 1), abs=1e-4)


@given(st.lists(COMPOUNDS, max_size=50), COMPOUNDS, st.floats(min_value=-1, max_value=0))
def test_the_decision_is_bounded_and_needs_the_line(
    history: list[float], newest: float, line: float
) -> None:
    """Whatever the history, the trend is in [-1, 1] and nothing above the line escalates."""
    found = escalation(history, mood(newest), line)
    assert -1 <= found.trend <= 1
    assert not (found.escalate and newest >= line)


@given(st.lists(COMPOUNDS, min_size=1, max_size=50))
def test_the_trend_lies_between_the_extremes(compounds: list[float]) -> None:
    """A mean never leaves its values (to the four digits that it has)."""
    assert min(compounds) - 1e-4 <= trend(compounds) <= max(compounds) + 1e-4
