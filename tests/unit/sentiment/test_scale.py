"""The scale that all methods share, and how the model's beliefs are put on it."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.sentiment.scale import (
    BAND,
    DISSATISFIED,
    FURIOUS,
    Emotion,
    Label,
    compound,
    graded,
    label,
    tempered,
)

SHARES = st.floats(min_value=0.001, max_value=1)
STRENGTHS = st.floats(min_value=BAND, max_value=1)
CUTS = (1.6, 2.1)


def normal(*shares: float) -> tuple[float, float, float]:
    """Three probabilities that sum to 1."""
    negative, neutral, positive = (share / sum(shares) for share in shares)
    return negative, neutral, positive


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


@given(SHARES, SHARES, SHARES, STRENGTHS, STRENGTHS)
def test_the_label_at_the_band_is_the_likeliest(
    negative: float, neutral: float, positive: float, blame: float, praise: float
) -> None:
    """Number and label never contradict each other."""
    beliefs = normal(negative, neutral, positive)
    value = compound(beliefs, blame, praise)
    assert -1 <= value <= 1
    likeliest = [each for each, p in zip(Label, beliefs, strict=True) if p == max(beliefs)]
    assert label(value, BAND) in likeliest or len(likeliest) > 1


@given(SHARES, SHARES, SHARES, STRENGTHS, STRENGTHS)
def test_the_scale_is_the_same_in_both_directions(
    negative: float, neutral: float, positive: float, blame: float, praise: float
) -> None:
    """Praise and blame of the same odds and strength are equally far from 0."""
    assume(negative != positive)
    one = compound(normal(negative, neutral, positive), blame, praise)
    other = compound(normal(positive, neutral, negative), praise, blame)
    assert one == pytest.approx(-other, abs=1e-4)


@given(
    st.floats(min_value=0.0, max_value=0.33),
    st.permutations((0, 1, 2)),
    STRENGTHS,
    STRENGTHS,
)
def test_nothing_jumps_where_the_label_changes(
    rest: float, order: list[int], blame: float, praise: float
) -> None:
    """Two labels lead, the third has the rest: a hair from one to the other is no leap.

    The compound moves from one edge of the neutral band to the inside of it, or across the band.
    """
    hair, even = 1e-6, (1 - rest) / 2

    def value(shift: float) -> float:
        shares = (even + shift, even - shift, rest)
        negative, neutral, positive = (shares[order.index(each)] for each in range(3))
        return compound((negative, neutral, positive), blame, praise)

    assert abs(value(hair) - value(-hair)) <= 2 * BAND + 1e-3


def test_an_unsure_opinion_is_weaker_than_a_sure_one() -> None:
    """The same strength counts in full only where the rival is half as likely."""
    unsure, likely, sure = (compound((p, 1 - p, 0.0), 0.9, 0.9) for p in (0.52, 0.6, 0.8))
    assert sure < likely < unsure < -BAND
    assert sure == -0.9


def test_a_neutral_text_still_leans() -> None:
    """Inside the band the sign says to which side, as files of two classes need."""
    assert -BAND < compound((0.3, 0.6, 0.1), 1, 1) < 0 < compound((0.1, 0.6, 0.3), 1, 1) < BAND


@given(st.floats(min_value=1, max_value=3), st.floats(min_value=1, max_value=3))
def test_strength_follows_the_level(one: float, other: float) -> None:
    """A higher level is never placed lower."""
    low, high = sorted((one, other))
    assert BAND <= graded(low, CUTS) <= graded(high, CUTS) <= 1


def test_levels_begin_where_the_lines_are() -> None:
    """Mild ends at 0.5, the default escalation line; extreme begins at 0.8."""
    assert graded(CUTS[0], CUTS) == DISSATISFIED
    assert graded(CUTS[1], CUTS) == pytest.approx(FURIOUS)
    assert (graded(1, CUTS), graded(3, CUTS)) == (BAND, 1)


@given(st.floats(min_value=-1, max_value=1), st.sampled_from(Emotion), st.booleans())
def test_only_heated_anger_is_extreme(value: float, emotion: Emotion, in_heat: bool) -> None:
    """Other blame ends before the range that calls a person at once, however sure it is."""
    assume(emotion is not Emotion.ANGER or not in_heat)
    assert tempered(value, emotion, in_heat) >= -FURIOUS


@given(st.floats(min_value=-1, max_value=1), st.booleans())
def test_worry_is_no_strong_blame(value: float, in_heat: bool) -> None:
    """It never lies below the line where an utterance counts for escalation."""
    assert tempered(value, Emotion.WORRY, in_heat) == max(value, -DISSATISFIED)
    assert tempered(value, Emotion.DISAPPOINTMENT, in_heat) == max(value, -FURIOUS)


@given(st.floats(min_value=-1, max_value=1))
def test_mild_blame_stays_mild_whatever_the_words(value: float) -> None:
    """Heat moves strong anger alone, and never out of the scale."""
    moved = tempered(value, Emotion.ANGER, in_heat=True)
    assert -1 <= moved <= value
    assert moved == value if value >= -DISSATISFIED else moved < -FURIOUS


def test_heat_keeps_the_order_of_angers() -> None:
    """The angrier of two utterances stays the angrier."""
    values = [tempered(each, Emotion.ANGER, in_heat=True) for each in (-0.55, -0.65, -0.79)]
    assert values == sorted(values, reverse=True)
    assert tempered(-0.65, Emotion.ANGER, in_heat=False) == -0.65


@pytest.mark.parametrize(("mixed", "value"), [(True, 0.7999), (False, 0.93)])
def test_who_blames_as_well_is_not_enthusiastic(mixed: bool, value: float) -> None:
    """Extreme praise is for those who praise alone."""
    assert tempered(0.93, Emotion.GRATITUDE, in_heat=False, mixed=mixed) == value
    assert tempered(0.3, Emotion.GRATITUDE, in_heat=False, mixed=mixed) == 0.3
