"""The stream of the savings bench, and how what it saved is told from wrong answers."""

from collections import Counter

import pytest

from services.language import fold
from tests.bench.savings.figures import calls_over, figures
from tests.bench.savings.model import UNKNOWN, written
from tests.bench.savings.questions import Asked, Topic, load, stream
from tests.bench.savings.replay import Given, Way
from tests.support.mesh import ROOT

TOPICS = load()
ONE = Asked("How long?", "period", "7 days", "en")
OTHER = Asked("How long not?", "period-not", "never", "en")


def given(asked: Asked, way: Way, text: str, tokens: int = 0) -> Given:
    """What a customer got, for so many tokens."""
    return Given(asked, way, text, tokens, tokens // 10)


def test_there_are_enough_questions_in_both_languages() -> None:
    """At least 150, each with three further wordings, and no wording belongs to two of them."""
    assert len(TOPICS) >= 150
    assert all(len(topic.wordings) >= 4 for topic in TOPICS)
    assert min(Counter(topic.language for topic in TOPICS).values()) >= 60
    assert len({topic.id for topic in TOPICS}) == len(TOPICS)
    folded = [fold(text) for topic in TOPICS for text in topic.wordings]
    assert len(set(folded)) == len(folded)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_shop_s_knowledge_answers_them(language: str) -> None:
    """The words that tell a right answer stand in one of its documents."""
    folder = ROOT / "examples" / "shop" / "knowledge" / language
    text = "\n".join(path.read_text("utf-8") for path in folder.glob("*.md"))
    missing = [each.id for each in TOPICS if each.language == language and each.fact not in text]
    assert missing == []


def test_what_must_not_share_an_answer_is_among_them() -> None:
    """Neighbours that differ in a number, a size, a "not" or an order."""
    wordings = {text for topic in TOPICS for text in topic.wordings}
    assert {"分6期手续费多少", "分12期手续费多少"} <= wordings
    assert {"营地鞋二码是多大", "营地鞋四码是多大"} <= wordings
    assert {"发货后不能取消吗", "付款后还没发货能取消吗"} <= wordings
    assert any("{order}" in text for text in wordings)


def test_the_stream_is_always_the_same_and_follows_zipf() -> None:
    """The most wanted answer is wanted about twice as often as the second, and many only once."""
    asked = stream(TOPICS)
    assert asked == stream(TOPICS)
    assert len(asked) == 2000
    wanted = [
        count for _, count in Counter(each.fact + each.language for each in asked).most_common()
    ]
    assert 250 < wanted[0] < 450
    assert wanted[9] < wanted[0] / 4
    assert len({each.text for each in asked}) > 400


def test_each_order_is_an_answer_of_its_own() -> None:
    """What is said of one order is said of no other."""
    topic = Topic("return-en", "15 days", ("can I return {order}",), "en")
    asked = stream([topic], 50)
    assert {each.answer.removeprefix("return-en/") in each.text for each in asked} == {True}
    assert len({each.answer for each in asked}) > 30


def test_the_model_tells_the_sentence_that_answers() -> None:
    """Cited, or that it does not know."""
    topic = Topic("a-en", "7 days", ("q",), "en")
    passages = [
        {"text": "Nothing here.", "marker": "[1]"},
        {"text": "It is free. It takes 7 days. Bye.", "marker": "[2]"},
    ]
    assert written(topic, passages) == "It takes 7 days.[2]"
    assert written(topic, passages[:1]) == UNKNOWN["en"]


def test_a_shared_answer_must_have_been_written_for_the_same() -> None:
    """Another answer's words are wrong, and so is an FAQ without the fact."""
    replay = [
        given(ONE, Way.CALLED, "7 days.", 100),
        given(ONE, Way.SHARED, "7 days."),
        given(OTHER, Way.SHARED, "7 days."),
        given(OTHER, Way.FAQ, "never"),
        given(OTHER, Way.FAQ, "7 days."),
    ]
    found = figures(replay, 1, {ONE.text: 110, OTHER.text: 110})
    assert found.wrong == ["How long not? -> 7 days."] * 2
    assert "wrong answer: How long not? -> 7 days." in found.problems


def test_savings_are_told_against_sending_everything() -> None:
    """What the knowledge has nothing for would cost nothing anyway."""
    replay = [
        given(ONE, Way.CALLED, "7 days.", 100),
        given(ONE, Way.SHARED, "7 days."),
        given(ONE, Way.FAQ, "7 days."),
        given(ONE, Way.EXTRACTED, "", 100),
        given(OTHER, Way.NOTHING, ""),
    ]
    found = figures(replay, 2, {ONE.text: 110, OTHER.text: 110})
    assert (found.requests, found.nothing, found.reached) == (4, 1, 3)
    assert found.calls_saved == 0.5
    assert found.gateway_calls_saved == pytest.approx(1 / 3)
    assert (found.tokens, found.all_tokens) == (220, 440)
    assert found.tokens_saved == 0.5
    assert found.unanswered == 1
    assert found.problems == ["of the gateway's calls 33% were saved, 40% is meant"]


def test_a_slower_stream_finds_fewer_answers_still_kept() -> None:
    """At once one call a key; slower than answers are kept, a call a question."""
    keys = ["a", "b", "a", "a"]
    assert calls_over(keys, 1.0, 60.0) == 2
    assert calls_over(keys, 240.0, 60.0) == 4
    assert calls_over(keys, 240.0, 121.0) == 3
