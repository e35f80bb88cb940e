"""The model over vectors: a network tells classes apart, examples tell what is near."""

import numpy as np
import numpy.typing as npt
import pytest

from services.intent.learning.meaning import fit_meaning
from services.intent.model.meaning import LEAST_LOG_SHARE, NOTHING_NEAR, MeaningModel, centred_on

DIMENSIONS = 16
Floats = npt.NDArray[np.float32]


def near(direction: int, count: int, seed: int) -> Floats:
    """Vectors around one axis, L2-normalised, all in one cone as those of an embedding are."""
    noise = np.random.default_rng(seed).normal(0, 0.1, (count, DIMENSIONS))
    vectors = noise + 3 * np.ones(DIMENSIONS) / DIMENSIONS**0.5 + np.eye(DIMENSIONS)[direction]
    normalised: Floats = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype("f4")
    return normalised


VECTORS = np.vstack([near(each, 30, each) for each in range(3)])
LABELS = np.repeat([0, 1, 3], 30)


@pytest.fixture(scope="module")
def model() -> MeaningModel:
    """A model of four classes; the third has no examples."""
    return fit_meaning(VECTORS, LABELS, 4)


def test_both_scores_find_the_right_class(model: MeaningModel) -> None:
    """New vectors of the same kinds, never seen."""
    scores = model.scores(np.vstack([near(each, 10, 90 + each) for each in range(3)]))
    assert scores.shape == (30, 4, 2)
    for kind in (0, 1):
        assert (scores[:, :, kind].argmax(axis=1) == np.repeat([0, 1, 3], 10)).mean() >= 0.95


def test_the_network_gives_logarithms_of_probabilities(model: MeaningModel) -> None:
    """They sum to one, and none is less than the least."""
    shares = model.scores(VECTORS)[:, :, 0]
    assert np.exp(shares).sum(axis=1) == pytest.approx(1, abs=1e-4)
    assert shares.min() >= LEAST_LOG_SHARE


def test_a_class_without_examples_is_neither_likely_nor_near(model: MeaningModel) -> None:
    """A fold of cross-validation may lack a class."""
    scores = model.scores(VECTORS)[:, 2]
    assert (scores[:, 1] == NOTHING_NEAR).all()
    assert (scores[:, 0] < -5).all()


def test_what_is_far_from_all_examples_looks_far(model: MeaningModel) -> None:
    """The similarity says what the network does not: nothing known is near."""
    strange = model.scores(near(9, 10, 5))[:, :, 1].max(axis=1)
    familiar = model.scores(VECTORS)[:, :, 1].max(axis=1)
    assert strange.max() < np.quantile(familiar, 0.05)


def test_two_classes_are_told_apart_too() -> None:
    """A network of two classes has one output; the other's is nought."""
    model = fit_meaning(VECTORS[:60], LABELS[:60], 2)
    assert (model.scores(VECTORS[:60])[:, :, 0].argmax(axis=1) == LABELS[:60]).all()


def test_training_twice_gives_the_same_model(model: MeaningModel) -> None:
    """Else a repeated training would change answers."""
    again = fit_meaning(VECTORS, LABELS, 4)
    assert np.array_equal(again.hidden, model.hidden)
    assert np.array_equal(again.prototypes, model.prototypes)


def test_many_examples_are_summed_up_by_some() -> None:
    """No more than 4,000 prototypes, so that one answer takes less than a millisecond."""
    vectors = np.vstack([near(each % 3, 1_500, each) for each in range(3)])
    model = fit_meaning(vectors, np.repeat([0, 1, 2], 1_500), 3)
    assert 3_000 <= len(model.prototypes) <= 4_000
    assert np.linalg.norm(model.prototypes, axis=1) == pytest.approx(1, abs=1e-4)


def test_centring_spreads_a_narrow_cone_over_all_directions() -> None:
    """Vectors of an embedding are all alike; their differences are not."""
    raw = VECTORS @ VECTORS.T
    centred = centred_on(VECTORS.mean(axis=0), VECTORS)
    assert raw.min() > 0.8
    assert (centred @ centred.T).min() < 0
    assert not np.isnan(centred_on(VECTORS[0], VECTORS[:1])).any()
