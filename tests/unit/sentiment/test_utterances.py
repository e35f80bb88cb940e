"""The tables of utterances: what customers write, how it is labelled, alike in both languages."""

from collections import Counter
from collections.abc import Callable

import pytest

from services.language import Language, detect
from services.sentiment.analyzer import Analyzer, Question
from services.sentiment.features import Floats
from tests.unit.sentiment.conftest import Mood, table

ROWS = table("utterances.tsv")
PAIRS = table("pairs.tsv")

# With the scale as it is, mild and strong opinions of the same kind lie this close together.
FURTHEST_APART = 0.35


@pytest.mark.parametrize(
    ("group", "label", "text"), ROWS, ids=[f"{group}:{text}" for group, _, text in ROWS]
)
def test_the_utterance_has_the_label(mood: Mood, group: str, label: str, text: str) -> None:
    """Each utterance is labelled as its author meant it."""
    assert mood(text).sentiment.label == label


def test_the_table_covers_both_languages_and_all_moods() -> None:
    """At least 230 utterances; ten of them or more in each language, 40 or more in each mood."""
    languages = Counter(detect(text) for _, _, text in ROWS)
    moods = Counter(label for _, label, _ in ROWS)
    assert len(ROWS) >= 230
    assert min(languages[each] for each in (Language.ZH, Language.EN, Language.MIXED)) >= 10
    assert min(moods[each] for each in ("negative", "neutral", "positive")) >= 40


@pytest.mark.parametrize(("chinese", "english"), PAIRS)
def test_both_languages_are_measured_alike(
    analyzer: Analyzer, embed: Callable[[str], Floats], chinese: str, english: str
) -> None:
    """The same thing said in either language gets nearly the same compound."""
    one, other = (
        analyzer.analyze(Question(text, embed(text))).sentiment.compound
        for text in (chinese, english)
    )
    assert abs(one - other) <= FURTHEST_APART


def test_there_are_forty_pairs() -> None:
    """Requests, facts, complaints, anger, worry, thanks and praise."""
    assert len(PAIRS) >= 40


def test_without_vectors_the_languages_are_nearly_as_alike(analyzer: Analyzer) -> None:
    """By words alone the mean difference stays small, though single pairs lie further apart."""
    differences = [
        abs(
            analyzer.analyze(Question(one)).sentiment.compound
            - analyzer.analyze(Question(other)).sentiment.compound
        )
        for one, other in PAIRS
    ]
    assert sum(differences) / len(differences) < FURTHEST_APART / 2
