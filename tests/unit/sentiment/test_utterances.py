"""The table of utterances: what customers write and how it is labelled."""

from collections import Counter
from pathlib import Path

import pytest

from services.language import Language, detect
from services.sentiment.analyzer import Analyzer

ROWS = [
    tuple(line.split("\t"))
    for line in Path(__file__).with_name("utterances.tsv").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]


@pytest.mark.parametrize(
    ("group", "label", "text"), ROWS, ids=[f"{group}:{text}" for group, _, text in ROWS]
)
def test_the_utterance_has_the_label(analyzer: Analyzer, group: str, label: str, text: str) -> None:
    """Each utterance is labelled as its author meant it."""
    assert analyzer.analyze(text).sentiment.label == label


def test_the_table_covers_both_languages_and_all_moods() -> None:
    """At least 120 utterances, at least ten of them in each language and mood."""
    languages = Counter(detect(text) for _, _, text in ROWS)
    moods = Counter(label for _, label, _ in ROWS)
    assert len(ROWS) >= 120
    assert min(languages[each] for each in (Language.ZH, Language.EN, Language.MIXED)) >= 10
    assert min(moods[each] for each in ("negative", "neutral", "positive")) >= 40


@pytest.mark.parametrize(("group", "text"), [(g, t) for g, label, t in ROWS if label == "neutral"])
def test_no_neutral_utterance_comes_near_escalation(
    analyzer: Analyzer, group: str, text: str
) -> None:
    """A request or a question stays far away from the escalation line."""
    assert abs(analyzer.analyze(text).sentiment.compound) < 0.05
