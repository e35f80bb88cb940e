"""What is added to VADER, and that VADER's own rules still hold."""

import pytest
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from services.sentiment.lexicon import Cue
from tests.unit.sentiment.conftest import Cues, Score


@pytest.mark.parametrize(
    "text",
    [
        "This is bad",
        "I am so sad",
        "It was awesome",
        "the food is not good but the view is beautiful",
        "VERY bad and really ugly",
    ],
)
def test_plain_sentences_score_as_vader_does(score: Score, text: str) -> None:
    """Where we changed no rating the published method's figures come out."""
    published = SentimentIntensityAnalyzer().polarity_scores(text)["compound"]
    assert score(text) == pytest.approx(published, abs=1e-3)


@pytest.mark.parametrize(
    "text",
    [
        "please",
        "credit card",
        "customer support",
        "I'd like to",
        "gift card",
        "yes, sure, ok",
        "no thanks",
        "cancel it",
        "really sorry to bother you",
        "what kind of box is it",
        "best regards",
        "tell me a joke",
    ],
)
def test_shop_talk_is_no_opinion(score: Score, text: str) -> None:
    """VADER's tweets rate these words; at a counter they are polite or technical."""
    assert score(text) == 0


@pytest.mark.parametrize(
    "rising",
    [
        ["I am extremely disappointed", "I am disappointed", "I am slightly disappointed"],
        ["it is baaaad", "it is bad"],
        ["it is SO bad", "it is so bad", "it is bad"],
        ["THIS IS A BAD SHOP", "this is a bad shop"],
        ["not good", "good", "very good", "veeeery good"],
    ],
)
def test_emphasis_orders_opinions(score: Score, rising: list[str]) -> None:
    """Degree words, elongation and capitals strengthen."""
    scores = [score(text) for text in rising]
    assert scores == sorted(scores)
    assert scores[0] < scores[-1]


def test_elongated_words_are_recognised(score: Score) -> None:
    """Soooo is so; baaaad is at least as bad as bad; a stretched unknown word is nothing."""
    assert score("soooo bad") == score("so bad")
    assert score("baaaad") < score("bad")
    assert score("aaaaaargh zzzzzz") == 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ｔｈｉｓ ｉｓ ｔｅｒｒｉｂｌｅ", "This is terrible"),
        ("I’m not happy", "I'm not happy"),
        ("dont recommend", "don't recommend"),
        ("it was bad,really bad", "it was bad, really bad"),
    ],
)
def test_spelling_makes_no_difference(score: Score, one: str, other: str) -> None:
    """Full-width letters, curly or missing apostrophes and missing blanks do not matter."""
    assert score(one) == score(other) < 0


@pytest.mark.parametrize(
    "text",
    [
        "Great, another delay",
        "Wonderful, my order is lost",
        "oh great",
        "thanks for nothing",
        "Thanks for wasting my time",
        "I just love being ignored",
        "how kind of you, it is broken again",
    ],
)
def test_praise_before_a_complaint_is_sarcasm(score: Score, cues: Cues, text: str) -> None:
    """The praise is turned round and the irony is named."""
    assert score(text) < -0.1
    assert Cue.IRONY in cues(text)


def test_praise_before_praise_is_praise(score: Score) -> None:
    """An opener is sarcastic only before a complaint."""
    assert score("Great, it works again") > 0.5


@pytest.mark.parametrize(
    "text", ["can't thank you enough", "I cannot recommend this shop enough", "can't complain"]
)
def test_praise_in_the_words_of_a_refusal(score: Score, text: str) -> None:
    """Can't recommend enough is not can't recommend."""
    assert score(text) > 0.3
    assert score("I can't recommend this shop") < -0.3


@pytest.mark.parametrize(
    ("question", "statement"),
    [
        ("Is it broken", "It is broken"),
        ("What if it is damaged?", "It is damaged"),
        ("Can you fix a cracked screen", "The screen is cracked"),
        ("Where can I return a faulty lamp", "I return a faulty lamp"),
    ],
)
def test_asking_about_a_fault_is_less_than_having_one(
    score: Score, question: str, statement: str
) -> None:
    """A question weakens facts."""
    assert score(statement) < score(question) <= 0


@pytest.mark.parametrize("text", ["Do not buy", "Does not work", "Is terrible", "Will never buy"])
def test_a_statement_without_subject_is_no_question(score: Score, text: str) -> None:
    """What begins with a verb and lacks a subject is said, not asked."""
    assert score(text) < -0.3


def test_an_expletive_is_anger_unless_it_praises(score: Score, cues: Cues) -> None:
    """An expletive counts by itself, and only strengthens praise."""
    assert score("where is my fucking parcel") < -0.2
    assert Cue.ANGER in cues("where is my fucking parcel")
    assert score("this is fucking awesome") > 0.3
