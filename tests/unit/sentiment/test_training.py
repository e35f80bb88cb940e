"""Training: the same data gives the same model, which learns what is there and says how well."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from services.sentiment import model
from services.sentiment.features import Floats
from services.sentiment.fitting import (
    Design,
    calibration_error,
    fit_softmax,
    log_softmax,
    temperature,
)
from services.sentiment.learning import Corpus, Vocabulary, corpus, fit
from services.sentiment.model import columns
from services.sentiment.scale import Emotion
from services.sentiment.training import train
from services.sentiment.utterances import Utterance
from services.sentiment.validation import held_out, scales

SUBJECTS_ZH = ("快递", "客服", "质量", "包装", "价格", "味道", "房间", "电池", "尺码", "颜色")
SUBJECTS_EN = ("delivery", "support", "quality", "box", "price", "food", "room", "battery", "size")
OPINIONS = {
    -3: ("太垃圾了，骗子", "scam, disgusting"),
    -2: ("很差", "terrible"),
    -1: ("有点慢", "a bit slow"),
    0: ("怎么样", "question"),
    1: ("还行", "okay, not bad"),
    2: ("很好", "great"),
    3: ("太棒了，完美", "perfect, amazing"),
}


def rows() -> list[Utterance]:
    """A small world in which mood follows from the words."""
    made = []
    for level, (chinese, english) in OPINIONS.items():
        emotion = Emotion.ANGER if level < -2 else Emotion.NONE
        for plain in ("", "plain_"):
            made += [
                Utterance(f"{plain}{each}{chinese}", level, emotion, 0, f"{plain}zh")
                for each in SUBJECTS_ZH
            ]
            made += [
                Utterance(
                    f"{plain}{each} {english}", level, emotion, 2 * (level < -2), f"{plain}en"
                )
                for each in SUBJECTS_EN
            ]
    return made


def letters(text: str) -> Floats:
    """A vector without any meaning, the same for the same text."""
    seed = sum(map(ord, text))
    vector = np.random.default_rng(seed).normal(size=8).astype(np.float32)
    return vector / np.linalg.norm(vector)


@pytest.fixture(scope="module")
def small() -> Corpus:
    """The small world as the model sees it."""
    return corpus(rows(), letters)


def test_the_same_data_gives_the_same_file(small: Corpus, tmp_path: Path) -> None:
    """Byte by byte: a change of the artefact is a change of the data or of the code."""
    for name in ("one", "other"):
        model.save(train(small, "hash"), tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_what_is_in_the_words_is_learned(small: Corpus) -> None:
    """Held-out utterances of a simple world are judged right, and recorded as such."""
    made = train(small, "hash")
    assert made.record.data_hash == "hash"
    assert made.record.quality["lexical/mean"]["accuracy"] > 0.95
    assert made.record.quality["combined/mean"]["accuracy"] > 0.95
    assert made.dimensions == 8


def test_strength_and_emotion_are_learned(small: Corpus) -> None:
    """Expected levels rise with the rated ones, and fury is told from the rest."""
    scores = held_out(small, with_vectors=False)
    levels = np.array([each.level for each in small.utterances])
    mild, extreme = (
        np.mean([model.expected_level(row, "blame") for row in scores[levels == each]])
        for each in (-1, -3)
    )
    assert mild < extreme
    angry = scores[:, columns("emotion")].argmax(axis=1) == model.EMOTIONS.index(Emotion.ANGER)
    assert (angry == (levels == -3)).mean() > 0.95


def test_cuts_divide_the_levels_as_they_were_rated(small: Corpus) -> None:
    """As many held-out utterances lie beyond the cuts as raters put there."""
    scores = held_out(small, with_vectors=False)
    found = scales(small, scores)
    negative = [i for i, each in enumerate(small.utterances) if each.level < 0]
    levels = np.array([model.expected_level(scores[i], "blame") for i in negative])
    assert 1 <= found.blame_cuts[0] <= found.blame_cuts[1] <= 3
    assert (levels > found.blame_cuts[1]).mean() == pytest.approx(1 / 3, abs=0.1)


def test_what_was_not_rated_is_not_learned() -> None:
    """A plain row without emotion teaches polarity alone."""
    unrated = [Utterance(each.text, each.level, None, None, each.kind) for each in rows()]
    data = corpus([*unrated, *rows()[:40]], letters)
    assert (data.answers("emotion") >= 0).sum() == 40
    assert (data.answers("polarity") >= 0).all()
    assert np.isfinite(fit(data, with_vectors=True).weights).all()


def test_without_evidence_the_prior_is_believed() -> None:
    """Two texts against it move the weights a little, two hundred of them far."""
    prior = np.array([[-1.0, 0.0, 1.0]])
    moved = []
    for times in (1, 100):
        # Of both signs, or the bias alone would explain them.
        design = Design(np.array([[1.0], [-1.0]] * times), csr_matrix((2 * times, 0)))
        answers, counts = np.array([0, 2] * times), np.ones(2 * times)
        weights, _ = fit_softmax(design, answers, counts, prior, 0.1)
        moved.append(np.abs(weights - prior).max())
    assert 0.01 < moved[0] < 0.3
    assert moved[1] > 1


def test_a_text_that_stands_for_three_counts_as_three() -> None:
    """Counts are repetitions."""
    prior = np.zeros((1, 2))
    once = Design(np.array([[1.0], [-1.0]]), csr_matrix((2, 0)))
    thrice = Design(np.array([[1.0]] * 3 + [[-1.0]]), csr_matrix((4, 0)))
    one, _ = fit_softmax(once, np.array([0, 1]), np.array([3.0, 1.0]), prior, 1.0)
    other, _ = fit_softmax(thrice, np.array([0, 0, 0, 1]), np.ones(4), prior, 1.0)
    assert one == pytest.approx(other, abs=1e-3)


def test_temperature_undoes_overconfidence() -> None:
    """Scores ten times too large are divided by about ten."""
    random = np.random.default_rng(1)
    scores = random.normal(size=(4000, 3))
    shares = np.exp(log_softmax(scores))
    answers = np.array([random.choice(3, p=each) for each in shares])
    assert temperature(scores * 5, answers, np.ones(4000)) == pytest.approx(5, rel=0.15)
    assert calibration_error(shares, answers) < 0.03
    assert calibration_error(np.exp(log_softmax(scores * 5)), answers) > 0.2


def test_only_parts_that_stand_twice_are_counted() -> None:
    """What stands once cannot be told from chance."""
    vocabulary = Vocabulary.of(["好用", "好看", "well"])
    assert list(vocabulary.rows) == ["好"]
    assert vocabulary.matrix(["好", "坏"]).toarray()[1].sum() == 0


def test_folds_hold_every_utterance_once(small: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    """No utterance is judged by weights that have seen it."""
    from services.sentiment import validation

    fitted_on: list[set[str]] = []
    real: Callable[..., object] = validation.fit

    def watching(data: Corpus, with_vectors: bool) -> object:
        fitted_on.append({each.text for each in data.utterances})
        return real(data, with_vectors)

    monkeypatch.setattr(validation, "fit", watching)
    held_out(small, with_vectors=False)
    seen = [sum(each.text in texts for texts in fitted_on) for each in small.utterances]
    assert set(seen) == {len(fitted_on) - 1}
