"""The scale that all languages share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sentiment.lexicon import Hit
from services.sentiment.scale import Label, compound, confidence, emphasis, label

SUMS = st.floats(min_value=-1e6, max_value=1e6)


@given(SUMS, SUMS)
def test_compound_is_bounded_and_keeps_order(one: float, other: float) -> None:
    """More blame never scores higher, and no sum leaves [-1, 1]."""
    assert -1 <= compound(one) <= 1
    assert (one <= other) <= (compound(one) <= compound(other))


@given(SUMS)
def test_compound_is_odd(total: float) -> None:
    """Praise and blame of the same strength are equally far from 0."""
    assert compound(-total) == -compound(total)


def test_one_angry_word_reaches_the_default_line() -> None:
    """The default escalation line of -0.5 lies between a complaint and an angry word."""
    assert compound(-1.5) > -0.5 > compound(-2.3)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (-0.05, Label.NEGATIVE),
        (-0.049, Label.NEUTRAL),
        (0.0, Label.NEUTRAL),
        (0.049, Label.NEUTRAL),
        (0.05, Label.POSITIVE),
    ],
)
def test_the_neutral_band_is_open_at_its_edges(value: float, expected: Label) -> None:
    """As in VADER, exactly 0.05 is positive already."""
    assert label(value, 0.05) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0),
        ("?", 0),
        ("!", 0.292),
        ("！！", 0.584),
        ("!!!!!!!", 1.168),
        ("？？", 0.36),
        ("????", 0.96),
    ],
)
def test_punctuation_emphasises_up_to_a_limit(text: str, expected: float) -> None:
    """Half-width and full-width marks count the same; one question mark is just a question."""
    assert emphasis(text) == pytest.approx(expected)


def test_confidence_grows_with_evidence_and_agreement() -> None:
    """One word is little, three of a kind much, praise and blame together nothing."""
    word = Hit(-2.0)
    assert confidence([word], True) < confidence([word] * 3, True) <= 1
    assert confidence([word, Hit(2.0)], True) == 0


def test_confidence_without_opinions_depends_on_the_language() -> None:
    """No opinion in readable text is half sure; in unreadable text nothing is known."""
    assert confidence([], True) == 0.5
    assert confidence([], False) == 0
