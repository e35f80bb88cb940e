"""The linear model over n-grams: the arithmetic, and what is learnt from a few utterances."""

import math
from collections import Counter

import numpy as np
import pytest

from services.intent.learning.words import fit_vectoriser, fit_words, matrix_of
from services.intent.model.features import features
from services.intent.model.words import FAR, KINDS, Vectoriser, WordsModel, scores_of

VECTORISER = Vectoriser(columns={"a": 0, "b": 1}, idf=[1.0, 2.0], unseen_idf=2.0)
TEXTS = ["退款多久到账", "什么时候退钱", "改一下地址", "地址写错了", "今天天气", "写一首诗"]
LABELS = np.array([0, 0, 1, 1, 3, 3])


def fitted(labels: np.ndarray = LABELS) -> WordsModel:
    """A model of four classes, of which some have no examples."""
    counted = [features(text) for text in TEXTS]
    vectoriser = fit_vectoriser(counted, 4)
    return WordsModel(vectoriser, *fit_words(matrix_of(vectoriser, counted), labels, 4))


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


def test_the_words_of_a_class_speak_for_it() -> None:
    """The margin of the right class is the highest, and above 0 for what was learnt."""
    margins = fitted().scores(features("地址写错了"))[:, 0]
    assert int(margins.argmax()) == 1
    assert margins[1] > 0


def test_a_class_without_examples_is_far_from_everything() -> None:
    """A fold of cross-validation may lack a class; its margin is the same for every text."""
    for text in ("退款", "地址", ""):
        assert fitted().scores(features(text))[:, 0][2] == FAR


def test_two_classes_have_opposite_margins() -> None:
    """One machine tells two classes apart; both get a margin."""
    margins = fitted(np.array([0, 0, 0, 0, 3, 3])).scores(features("今天天气"))[:, 0]
    assert margins[3] > 0 > margins[0] == pytest.approx(-margins[3])
    assert margins[1] == margins[2] == FAR


def test_the_matrix_holds_the_vectors_of_the_texts() -> None:
    """Training sees what answering sees."""
    model = fitted()
    row = matrix_of(model.vectoriser, [features("改一下地址")]).toarray()[0]
    columns, values = model.vectoriser.vector(features("改一下地址"))
    assert row[columns] == pytest.approx(values)
    assert np.count_nonzero(row) == len(columns)


def test_the_rare_weighs_more_than_the_common_but_less_than_its_rarity_says() -> None:
    """Of three utterances: a feature of each, of two, of one and of none."""
    vectoriser = fit_vectoriser(
        [Counter(each) for each in (["w a", "w b", "w c"], ["w a"], ["w a", "w b"])], 2
    )
    weights = [vectoriser.idf[vectoriser.columns[f"w {name}"]] for name in "abc"]
    weights.append(vectoriser.unseen_idf)
    rarity = [1 + math.log(4 / (1 + frequency)) for frequency in (3, 2, 1, 0)]
    assert weights == sorted(weights)
    assert weights == pytest.approx([each**0.75 for each in rarity])


def test_a_concept_weighs_more_than_a_pair_of_them_and_that_more_than_a_word() -> None:
    """All as rare; a concept carries over to words that were never said."""
    vectoriser = fit_vectoriser([Counter(["w cancel", "k cancel", "k cancel order"])], 2)
    word, concept, pair = vectoriser.idf
    assert concept > pair > 2 * word


def test_rare_features_of_large_data_are_left_out() -> None:
    """Half of all features occur once; they would double the model and are worth nothing."""
    counted = [Counter({"w shared": 1, f"w own {number}": 1}) for number in range(50_001)]
    assert list(fit_vectoriser(counted, 2).columns) == ["w shared"]


def test_many_classes_leave_room_for_fewer_features() -> None:
    """The size of a model is bounded: the commonest features are kept."""
    counted = [Counter({"w common": 1, "w rarer": int(n > 1)}) for n in range(4)] + [
        Counter(f"w {number}" for number in range(60_000))
    ]
    kept = fit_vectoriser([+each for each in counted], 20_000_000)
    assert list(kept.columns) == ["w common"]


def test_a_margin_counts_by_two_slopes() -> None:
    """Between doubt and certainty the first score alone changes; below doubt both do."""
    scores = scores_of(np.array([1.0, 0.0, -0.5, -0.6, -1.0], np.float32))
    assert scores.shape == (5, KINDS)
    assert scores[:, 0] == pytest.approx([1.0, 0.0, -0.5, -0.6, -1.0])
    assert scores[:, 1] == pytest.approx([0, 0, 0, 0, -0.4])
