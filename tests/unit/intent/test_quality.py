"""The figures of a model: computed by hand on a handful of verdicts."""

import json

import pytest

from services.intent.quality import Judged, Quality, assess, figures
from services.intent.values import UNKNOWN, Candidate, IntentType
from services.mesh.measures import calibration_error


def judged(
    meant: str, given: str, confidence: float = 0.9, language: str = "zh", text: str = "x"
) -> Judged:
    """One verdict."""
    kind = IntentType.UNKNOWN if given == UNKNOWN else IntentType.QUERY
    return Judged(text, meant, language, Candidate(given, kind, confidence))


VERDICTS = [
    judged("a", "a"),
    judged("a", "b", 0.6, text="first"),
    judged("a", "b", 0.8, "en", text="second"),
    judged("a", "b", 0.7, "en", text="third"),
    judged("b", "b"),
    judged("b", UNKNOWN, 0.5),
    judged(UNKNOWN, UNKNOWN),
    judged(UNKNOWN, "a"),
]


def test_accuracy_counts_unknown_as_one_of_the_classes() -> None:
    """Three of eight are right."""
    assert figures(VERDICTS).accuracy == pytest.approx(3 / 8)
    assert figures(VERDICTS).utterances == 8


def test_macro_f1_weighs_every_class_alike() -> None:
    """a: 2·1/(4+2), b: 2·1/(2+4), unknown: 2·1/(2+2)."""
    assert figures(VERDICTS).macro_f1 == pytest.approx((1 / 3 + 1 / 3 + 1 / 2) / 3)


def test_macro_f1_averages_over_what_was_meant_alone() -> None:
    """One of 19 is called unknown, which nothing was meant to be; it costs its own intent alone."""
    verdicts = [judged("a", "a")] * 9 + [judged("b", "b")] * 9 + [judged("b", UNKNOWN)]
    assert figures(verdicts).macro_f1 == pytest.approx((1 + 2 * 9 / (10 + 9)) / 2)


def test_unknown_has_a_recall_and_a_precision_of_its_own() -> None:
    """One of two examples was found, one of two answers "unknown" was right."""
    assert figures(VERDICTS).unknown_recall == pytest.approx(1 / 2)
    assert figures(VERDICTS).unknown_precision == pytest.approx(1 / 2)


def test_what_was_never_asked_has_no_figure() -> None:
    """Nought would read as a bad model."""
    assert figures([judged("a", "a")]).unknown_recall is None
    assert figures([judged("a", "a")]).unknown_precision is None


def test_the_calibration_error_is_the_mean_gap_of_the_bins() -> None:
    """Two bins: 0.9 sure and right every time, 0.5 sure and right never."""
    assert calibration_error([True, True, False, False], [0.9, 0.9, 0.5, 0.5]) == pytest.approx(
        (2 * 0.1 + 2 * 0.5) / 4
    )
    assert calibration_error([True], [1.0]) == 0


def test_confusions_come_with_their_surest_mistakes() -> None:
    """The most frequent pair first, its language, and utterances to look at."""
    worst, *others = assess(VERDICTS).confusions
    assert (worst.intent, worst.predicted, worst.count, worst.language) == ("a", "b", 3, "en")
    assert worst.examples == ("second", "third", "first")
    assert [(each.intent, each.predicted) for each in others] == [("b", UNKNOWN), (UNKNOWN, "a")]


def test_languages_and_confusions_follow_the_better_equipped_path() -> None:
    """With vectors, that is what customers get."""
    quality = assess(VERDICTS, [judged("a", "a", language="en")])
    assert quality.lexical.accuracy == pytest.approx(3 / 8)
    assert quality.with_embedding is not None
    assert quality.with_embedding.accuracy == 1
    assert set(quality.languages) == {"en"}
    assert quality.confusions == ()


def test_it_survives_json_with_and_without_the_verdicts() -> None:
    """What was said of single utterances is stored apart."""
    quality = assess(VERDICTS, VERDICTS)
    content = json.loads(json.dumps(quality.to_json()))
    assert Quality.from_json(content) == quality
    content.pop("judged")
    assert Quality.from_json(content).judged == ()
    assert Quality.from_json(content).confusions == quality.confusions
