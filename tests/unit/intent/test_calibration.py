"""From scores to probabilities: what is weighed how is learnt from held-out texts."""

import numpy as np
import pytest

from services.intent.learning.weighing import Sample, fit_calibration
from services.intent.model.calibration import Calibration
from services.mesh.measures import calibration_error

UNKNOWN = 3


def sample(
    temperature: float = 0.5, count: int = 3_000, language: str = "zh", seed: int = 1
) -> Sample:
    """Texts whose labels are drawn from a softmax of the first score; the second is noise."""
    random = np.random.default_rng(seed)
    scores = random.normal(0, 1, (count, 4, 2)).astype(np.float32)
    shares = np.exp(scores[:, :, 0] / temperature)
    shares /= shares.sum(axis=1, keepdims=True)
    labels = np.array([random.choice(4, p=each) for each in shares])
    return Sample(scores, labels, np.array([language] * count), np.ones(count))


def test_novelty_adds_to_the_unknown_class() -> None:
    """With all scores far below the novelty the text is something else."""
    calibration = Calibration((10.0,), (0.0,) * 3, -5.0, {})
    scores = np.array([[[-1.0], [-1.0], [-1.0]], [[1.0], [-1.0], [-1.0]]], np.float32)
    shares = calibration.probabilities(scores, "zh", unknown=2)
    assert shares[0, 2] > 0.95
    assert shares[1, 0] > 0.99
    assert shares.sum(axis=1) == pytest.approx(1)


def test_a_lower_temperature_makes_surer() -> None:
    """The ranking stays, the confidence moves; a language that was not measured has 1."""
    calibration = Calibration((1.0,), (0.0,) * 3, -9.0, {"zh": 0.1})
    scores = np.array([[[0.5], [0.2], [-1.0]]], np.float32)
    cool, plain = (calibration.probabilities(scores, each, 2)[0] for each in ("zh", "en"))
    assert cool.argmax() == plain.argmax() == 0
    assert cool[0] > plain[0]


def test_extreme_scores_do_not_overflow() -> None:
    """Probabilities stay finite and sum to one at any size of score."""
    scores = np.array([[[1e6], [-1e6], [0.0]]], np.float32)
    shares = Calibration((100.0,), (0.0,) * 3, 0.0, {}).probabilities(scores, "zh", 2)
    assert np.isfinite(shares).all()
    assert shares.sum() == pytest.approx(1)


def test_the_weights_are_found_from_which_texts_were_drawn() -> None:
    """The score that decides gets its true weight, the one that says nothing gets none."""
    found = fit_calibration(sample(temperature=0.5), UNKNOWN)
    assert found.weights[0] == pytest.approx(2, rel=0.15)
    assert found.weights[1] == pytest.approx(0, abs=0.15)


def test_fitted_confidence_means_what_it_says() -> None:
    """On texts drawn alike, 70 % sure is right in 70 of 100 cases."""
    drawn = sample(seed=2)
    shares = fit_calibration(sample(seed=1), UNKNOWN).probabilities(drawn.scores, "zh", UNKNOWN)
    right = shares.argmax(axis=1) == drawn.labels
    assert calibration_error(right.tolist(), shares.max(axis=1).tolist()) < 0.03


def test_a_language_that_is_less_certain_gets_its_own_temperature() -> None:
    """The same scores say less in it; few texts of a language say nothing about it."""
    parts = [sample(0.3, language="zh"), sample(1.2, language="en"), sample(1.2, 50, "mixed")]
    joined = Sample(
        *(
            np.concatenate([getattr(part, field) for part in parts])
            for field in ("scores", "labels", "languages", "importance")
        )
    )
    temperatures = fit_calibration(joined, UNKNOWN).temperatures
    assert temperatures["en"] > 1 > temperatures["zh"]
    assert "mixed" not in temperatures


def test_a_class_that_is_named_too_readily_loses() -> None:
    """Its scores are as high as those of the class that it is taken for, which is right more often.

    A class that no text belongs to and none is taken for stays as it is.
    """
    scores = np.full((1_000, 4, 1), -1, np.float32)
    scores[:, :2] = 1
    labels = np.where(np.arange(1_000) % 10 < 8, 0, 1)
    drawn = Sample(scores, labels, np.array(["zh"] * 1_000), np.ones(1_000))
    offsets = fit_calibration(drawn, UNKNOWN).offsets
    assert offsets[0] - offsets[1] > 0.5
    assert offsets[2] == pytest.approx(0, abs=0.2)


def test_texts_of_no_class_raise_the_line_of_something_else() -> None:
    """The heavier they weigh, the sooner a text is unknown."""
    random = np.random.default_rng(2)
    known = np.full((200, 4, 1), -1, np.float32)
    labels = random.integers(0, 3, 200)
    known[np.arange(200), labels, 0] = random.normal(1, 0.7, 200)
    novel = random.normal(-0.5, 0.4, (200, 4, 1)).astype(np.float32)

    def line(weight: float) -> float:
        importance = np.repeat([1, weight], 200)
        scores = np.concatenate([known, novel])
        right = np.concatenate([labels, np.full(200, UNKNOWN)])
        found = fit_calibration(Sample(scores, right, np.array(["zh"] * 400), importance), UNKNOWN)
        return found.novelty / found.weights[0]

    assert line(0.01) < line(0.1) < line(1.0)
