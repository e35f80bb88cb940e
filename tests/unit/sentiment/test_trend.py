"""When a conversation is escalated, when it stays so, and when it must not be."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sentiment import utterances
from services.sentiment.trend import Lines, Reason, escalation
from tests.unit.sentiment.conftest import Mood, table

LINES = Lines(escalation=-0.5, recovery=-0.2)
CALM = table("calm.tsv")
COMPOUNDS = st.floats(min_value=-1, max_value=1)


def reason(*compounds: float, lines: Lines = LINES) -> Reason:
    """Why a conversation is escalated."""
    return escalation(compounds, lines).reason


@pytest.mark.parametrize(
    "text",
    [
        "我的快递三天了还没到",
        "东西坏了，我要退货",
        "你们发错货了",
        "包裹丢了",
        "没有人给我回电话",
        "客服一直不回复",
        "服务太差劲了",
        "退款怎么还没到",
        "the parcel arrived damaged",
        "I was charged twice",
        "my parcel is lost",
        "nobody has called me back",
        "this is taking too long",
        "the quality is terrible",
        "收货地址写错了还没发货能改不",
        "怎么投诉",
        "how do I file a complaint",
        "my payment failed, what now",
        "我要退货",
    ],
)
def test_one_plain_complaint_never_escalates(mood: Mood, text: str) -> None:
    """A first utterance that states what went wrong is work for the bot, said however firmly."""
    assert reason(mood(text).sentiment.compound) is Reason.NONE


@pytest.mark.parametrize(("kind", "text"), CALM, ids=[f"{kind}:{text}" for kind, text in CALM])
def test_one_calm_message_never_escalates(mood: Mood, kind: str, text: str) -> None:
    """Heated words that charge nobody.

    A crime is reported, the name of a thing holds an insult, a law or an illness is asked about, a
    time was waited.
    """
    assert reason(mood(text).sentiment.compound) is Reason.NONE


def test_the_calm_messages_are_none_that_the_model_was_trained_on() -> None:
    """Sixty of them or more, some of each kind, none learned by heart."""
    kinds = Counter(kind for kind, _ in CALM)
    assert len(CALM) >= 60
    assert min(kinds[each] for each in ("crime", "noun", "law", "health", "waiting")) >= 8
    assert not {text for _, text in CALM} & {each.text for each in utterances.load()}


@pytest.mark.parametrize(
    "text",
    [
        "气死我了，你们就是骗子",
        "你们就是诈骗，退我钱",
        "恶心，什么垃圾店",
        "再不退款我就起诉你们",
        "you stole my money, you crooks",
        "垃圾客服，我要投诉",
        "再不处理我就去消协举报",
        "滚，骗子公司",
        "简直无耻，欺骗消费者",
        "I am furious, this is a scam",
        "This is the worst service ever, I will sue you",
        "you are all liars and thieves",
        "absolutely disgusting, I'm done with you scammers",
    ],
)
def test_one_furious_utterance_escalates(mood: Mood, text: str) -> None:
    """Rage needs no second time."""
    assert reason(mood(text).sentiment.compound) is Reason.STRONG


def test_far_below_the_line_escalates_at_once() -> None:
    """Furious is enough; a little below the line is not, and neither is the edge."""
    assert reason(-0.85) is Reason.STRONG
    assert reason(-0.8) is Reason.NONE
    assert reason(-0.6) is Reason.NONE
    assert reason(-0.5) is Reason.NONE


@pytest.mark.parametrize("line", [-0.05, -0.3, -0.5, -0.7, -0.8])
def test_rage_is_the_same_wherever_the_line_is(line: float) -> None:
    """Another line makes nobody furious, and no rage harmless; blame ends at -0.8 for all lines."""
    assert reason(-0.801, lines=Lines(line, -0.2)) is Reason.STRONG
    assert reason(-0.8, lines=Lines(line, -0.2)) is Reason.NONE


def test_worry_said_twice_is_no_anger(mood: Mood) -> None:
    """Who is locked out or waits for medicine needs help fast, and has nobody to complain about."""
    texts = ("我被锁在门外了，十万火急，马上派人来", "人在医院等着用药")
    assert reason(*(mood(text).sentiment.compound for text in texts)) is Reason.NONE


def test_twice_below_the_line_escalates() -> None:
    """Two of the last four utterances below the line are a pattern."""
    assert reason(-0.6, -0.6) is Reason.REPEATED
    assert reason(-0.6, 0.0, 0.0, -0.6) is Reason.REPEATED
    assert reason(-0.6, 0, 0, 0, -0.6) is Reason.NONE


def test_a_steady_fall_below_the_line_escalates() -> None:
    """Three utterances, each worse than the last, the third below the line."""
    assert reason(0.1, -0.3, -0.6) is Reason.WORSENING
    assert reason(-0.3, 0.1, -0.6) is Reason.NONE
    assert reason(0, 0, -0.6) is Reason.NONE
    assert reason(-0.3, -0.6) is Reason.NONE


def test_an_escalation_holds_until_the_mood_has_recovered() -> None:
    """One neutral word after rage is no peace; some of them, or some thanks, are."""
    assert reason(-0.9, 0.0) is Reason.NOT_RECOVERED
    assert reason(-0.9, 0.0, 0.0) is Reason.NOT_RECOVERED
    assert reason(-0.9, *[0.0] * 4) is Reason.NONE
    assert reason(-0.9, 0.6) is Reason.NONE


def test_a_conversation_that_never_was_escalated_does_not_hold() -> None:
    """A low trend alone calls nobody."""
    assert reason(-0.6, -0.4) is Reason.NONE
    assert reason(-0.4, -0.4, -0.4, -0.4) is Reason.NONE


def test_peace_once_made_is_not_undone_by_a_mild_word() -> None:
    """Below the recovery line again, but not below the line: the first escalation is over."""
    assert reason(-0.9, 0.6, 0.0, -0.45, -0.45) is Reason.NONE


def test_new_anger_is_named_before_the_old() -> None:
    """The reason is what was said last, where that is one."""
    assert reason(-0.9, 0.0, -0.9) is Reason.STRONG
    assert reason(-0.9, 0.0, -0.6) is Reason.REPEATED


def test_the_lines_are_settings() -> None:
    """A stricter line escalates earlier; at -1 nothing does; a higher end holds longer."""
    assert reason(-0.3, -0.3, lines=Lines(-0.2, -0.1)) is Reason.REPEATED
    assert reason(-1, -1, -1, lines=Lines(-1, 1)) is Reason.NONE
    assert reason(-0.9, *[0.0] * 9, lines=Lines(-0.5, 0.0)) is Reason.NOT_RECOVERED


def test_the_newest_utterance_weighs_most() -> None:
    """The same compounds in the other order make another trend; the weight halves every two."""
    falling, rising = (escalation(each, LINES).trend for each in ([0.8, 0, -0.8], [-0.8, 0, 0.8]))
    assert falling < 0 < rising
    assert escalation([0.4], LINES).trend == 0.4
    wanted = pytest.approx(0.5 / (0.5 + 0.5**0.5 + 1), abs=1e-4)
    assert escalation([1, 0, 0], LINES).trend == wanted


@given(st.lists(COMPOUNDS, min_size=1, max_size=51), st.floats(min_value=-1, max_value=0))
def test_no_conversation_above_the_line_is_ever_escalated(
    compounds: list[float], line: float
) -> None:
    """Without one utterance below the line nothing can begin, so nothing can hold."""
    found = escalation([max(each, line) for each in compounds], Lines(line, 1.0))
    assert not found.escalate


@given(st.lists(COMPOUNDS, min_size=1, max_size=51))
def test_the_trend_lies_between_the_extremes(compounds: list[float]) -> None:
    """A mean never leaves its values (to the four digits that it has)."""
    found = escalation(compounds, LINES).trend
    assert min(compounds) - 1e-4 <= found <= max(compounds) + 1e-4


@given(st.lists(COMPOUNDS, min_size=1, max_size=50))
def test_thanks_end_every_escalation_in_the_end(compounds: list[float]) -> None:
    """Whatever was said before, delight that lasts is believed."""
    assert not escalation([*compounds, 0.8, 0.8, 0.8, 0.8], LINES).escalate
