"""The plain-array model: the arithmetic that stands behind every answer."""

import math
from collections import Counter

import numpy as np
import pytest

from services.intent.linear_model import Calibration, Vectoriser

VECTORISER = Vectoriser(columns={"a": 0, "b": 1}, idf=[1.0, 2.0], unseen_idf=2.0)


def test_a_vector_has_length_one_and_only_known_columns() -> None:
    """TF-IDF with a logarithmic count, L2-normalised."""
    columns, values = VECTORISER.vector(Counter({"a": 1, "b": 2}))
    assert columns == [0, 1]
    assert math.hypot(*values) == pytest.approx(1)
    assert values[1] / values[0] == pytest.approx(2 * (1 + math.log(2)))


def test_unseen_features_shorten_what_is_known() -> None:
    """One known word among many strange ones must not carry the whole weight."""
    _, [alone] = VECTORISER.vector(Counter({"a": 1}))
    columns, [among_strangers] = VECTORISER.vector(Counter({"a": 1, "x": 1, "y": 1}))
    assert columns == [0]
    assert alone == pytest.approx(1)
    assert among_strangers == pytest.approx(1 / 3)


def test_an_empty_text_has_an_empty_vector() -> None:
    """No division by zero."""
    assert VECTORISER.vector(Counter()) == ([], [])


def test_a_lower_temperature_makes_surer() -> None:
    """The ranking stays, the confidence moves."""
    margins = np.array([[0.5, 0.2, -1.0]])
    cool = Calibration(0.05, -1.0).probabilities(margins, 2)[0]
    warm = Calibration(0.5, -1.0).probabilities(margins, 2)[0]
    assert cool.argmax() == warm.argmax() == 0
    assert cool[0] > warm[0]


def test_extreme_margins_do_not_overflow() -> None:
    """Probabilities stay finite and sum to one at any size of margin."""
    shares = Calibration(0.01, 0.0).probabilities(np.array([[1e6, -1e6, 0.0]]), 2)
    assert np.isfinite(shares).all()
    assert shares.sum() == pytest.approx(1)
