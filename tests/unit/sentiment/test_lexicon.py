"""The tables: complete, consistent, and used."""

from pathlib import Path

import pytest

from services.sentiment import lexicon
from services.sentiment.chinese import Chinese
from services.sentiment.english import English
from services.sentiment.lexicon import HEATED, Cue, Hit, asked, load_ratings, longest_terms
from tests.unit.sentiment.conftest import Cues

CHINESE = load_ratings("lexicon_zh.tsv", " ")
ENGLISH = load_ratings("lexicon_en.tsv", "; ")


def test_there_are_enough_chinese_ratings() -> None:
    """At least 500 rated terms, at least a sixth of them praise."""
    rated = [hit for hit in CHINESE.values() if hit.valence]
    assert len(rated) >= 500
    assert sum(1 for hit in rated if hit.valence > 0) >= len(rated) / 6


def test_every_chinese_term_is_found_as_it_is_rated() -> None:
    """No term of the table is cut apart by the segmenter or hidden behind a rule."""
    chinese = Chinese(English())
    wrong = {
        term
        for term, hit in CHINESE.items()
        if not _same_sign(sum(each.valence for each in chinese.hits(f"这里,{term}")), hit.valence)
    }
    assert wrong == set()


def test_every_english_term_is_found_as_it_is_rated() -> None:
    """Every word and phrase has its effect, or none where it is rated 0."""
    english = English()
    wrong = {
        term
        for term, hit in ENGLISH.items()
        if not _same_sign(sum(each.valence for each in english.hits(term)), hit.valence)
    }
    assert wrong == set()


def _same_sign(one: float, other: float) -> bool:
    return (one > 0) == (other > 0) and (one < 0) == (other < 0)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("-2.0\t差", "expected 3 columns"),
        ("-5\t-\t差", "outside"),
        ("-2\trage\t差", "rage"),
        ("-2\t-\t差 差", "rated twice"),
        ("-2\t-\t差\n1\t-\t差", "rated twice"),
        ("bad\t-\t差", "bad"),
    ],
)
def test_a_broken_table_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, problem: str
) -> None:
    """A contradiction or a slip in a table is named, and never silently decided."""
    (tmp_path / "table.tsv").write_text(content, encoding="utf-8")
    monkeypatch.setattr(lexicon, "__file__", str(tmp_path / "lexicon.py"))
    with pytest.raises(ValueError, match=problem):
        load_ratings("table.tsv", " ")


def test_comments_and_blank_lines_are_no_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table may explain itself; terms are folded, so that the table may be in any form."""
    (tmp_path / "table.tsv").write_text("# why\n\n-2\tanger,insult\t壞 ＢＡＤ\n", encoding="utf-8")
    monkeypatch.setattr(lexicon, "__file__", str(tmp_path / "lexicon.py"))
    expected = Hit(-2.0, frozenset({Cue.ANGER, Cue.INSULT}))
    assert load_ratings("table.tsv", " ") == {"坏": expected, "bad": expected}


def test_the_longest_term_wins_and_respects_words() -> None:
    """Terms start and end where words do."""
    known = {"不错", "很不错", "错过"}
    found = [term for *_, term in longest_terms(["很", "不错", "不", "错过"], known, 3, "")]
    assert found == ["很不错", "不", "错过"]


def test_a_question_weakens_praise_and_facts_but_not_anger() -> None:
    """Closed questions weaken all plain opinions, open ones presuppose their blame."""
    praise, blame = Hit(2.0), Hit(-2.0)
    fact, anger = Hit(-2.0, frozenset({Cue.FAILURE})), Hit(-2.0, frozenset({Cue.ANGER}))
    hits = [praise, blame, fact, anger]
    closed = [hit.valence for hit in asked(hits, closed=True)]
    opened = [hit.valence for hit in asked(hits, closed=False)]
    assert closed == pytest.approx([0.1, -0.4, -0.4, -2])
    assert opened == pytest.approx([0.1, -2, -0.8, -2])


def test_an_ironic_question_is_a_statement() -> None:
    """Irony keeps everything at full strength."""
    hits = [Hit(2.0), Hit(-1.0, frozenset({Cue.IRONY}))]
    assert asked(hits, closed=True) == hits


def test_negated_anger_is_not_heated(cues: Cues) -> None:
    """Who is not angry leaves no trace of anger in the cues."""
    for text in ("我没有生气", "I am not angry", "你们不是骗子"):
        assert Cue.ANGER not in cues(text)
        assert Cue.ACCUSE not in cues(text)


@pytest.mark.parametrize(
    ("asked_about", "charged"),
    [
        ("这是骗子吗", "你们就是骗子"),
        ("能不能举报", "我要举报你们"),
        ("is this a scam?", "this is a scam"),
        ("how do I sue", "I will sue you"),
    ],
)
def test_who_asks_about_a_fraud_or_a_lawsuit_is_not_heated(
    cues: Cues, asked_about: str, charged: str
) -> None:
    """A question charges nobody; anger and insults stay what they are in any form."""
    assert not cues(asked_about) & HEATED
    assert cues(charged) & HEATED
    assert cues("你们是不是有病") & HEATED


@pytest.mark.parametrize(
    "text",
    ["垃圾桶什么时候发货", "想咨询消协电话", "我遇到了电信诈骗", "恶心呕吐吃什么药", "我想起诉离婚",
     "someone stole my card", "I want to report fraud", "trash bags", "I need a lawyer",
     "hate to bother you"],
)  # fmt: skip
def test_a_heated_word_that_charges_nobody_is_none(cues: Cues, text: str) -> None:
    """Part of a longer noun, a crime of somebody else, a topic."""
    assert not cues(text) & HEATED
