"""The artefact: belongs to its data, survives the disk, refuses what it is not, is calibrated."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from services.sentiment import model, utterances
from services.sentiment.features import NAMES, Features, Floats
from services.sentiment.model import ARTEFACT, HEADS, OUTPUTS, Model, columns
from services.sentiment.reading import Reader
from services.sentiment.training import EMBEDDING_MODEL
from services.sentiment.vader import Vader

LARGEST_BYTES = 2_000_000


def test_the_shipped_model_belongs_to_the_shipped_tables(trained: Model) -> None:
    """Whoever changes an utterance or a word list trains again: services.sentiment.training."""
    assert trained.record.data_hash == utterances.data_hash()
    assert trained.record.embedding_model == EMBEDDING_MODEL


def test_the_artefact_is_small_and_holds_no_code(trained: Model) -> None:
    """Numbers and names only, read without pickle."""
    assert ARTEFACT.stat().st_size < LARGEST_BYTES
    with np.load(ARTEFACT, allow_pickle=False) as arrays:
        assert all(arrays[name].dtype.kind in "fu" for name in arrays.files)


def test_a_model_survives_the_disk(trained: Model, tmp_path: Path) -> None:
    """What was saved is what is loaded, and the same model makes the same bytes.

    On one release of Python: the next may pack the same arrays otherwise.
    """
    one, other = tmp_path / "one.npz", tmp_path / "other.npz"
    model.save(trained, one)
    model.save(model.load(one), other)
    assert one.read_bytes() == other.read_bytes()
    with np.load(one) as saved, np.load(ARTEFACT) as shipped:
        assert set(saved) == set(shipped)
        assert all(np.array_equal(saved[name], shipped[name]) for name in saved)
    assert model.load(one).record == trained.record


def test_a_model_with_other_features_is_refused(trained: Model, tmp_path: Path) -> None:
    """Its weights would be applied to the wrong numbers."""
    path = tmp_path / "model.npz"
    model.save(trained, path)
    with np.load(path) as arrays:
        content = dict(arrays)
    about = json.loads(content["about"].tobytes()) | {"features": ["one"]}
    content["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **content)
    with pytest.raises(ValueError, match="of another version"):
        model.load(path)


def test_the_quality_is_recorded_for_both_ways_and_languages(trained: Model) -> None:
    """Held-out figures of each kind; whoever confides in a label is right about that often."""
    for way in ("lexical", "combined"):
        for kind in ("zh", "en", "plain_zh", "plain_en", "mean"):
            assert set(trained.record.quality[f"{way}/{kind}"]) == {
                "accuracy", "macro_f1", "log_loss", "ece",
            }  # fmt: skip
    assert trained.record.quality["combined/mean"]["accuracy"] > 0.8
    assert trained.record.quality["combined/mean"]["ece"] < 0.06
    assert (
        trained.record.quality["combined/mean"]["log_loss"]
        < trained.record.quality["lexical/mean"]["log_loss"]
    )


def test_probabilities_are_probabilities(trained: Model, embed: Callable[[str], Floats]) -> None:
    """Each head's answers sum to 1, and strengths and urgency stay on their scales."""
    reader, features = Reader(), Features(Vader())
    for text in ("太差了", "great!", "", "？", "订单 12345", "a" * 4000):
        for vector in (None, embed(text or "x")):
            found = trained.opinion(text, features.of(text, reader.read(text).sentences), vector)
            assert sum(found.probabilities) == pytest.approx(1)
            assert sum(found.emotions) == pytest.approx(1)
            assert 0.05 <= min(found.blame, found.praise) <= max(found.blame, found.praise) <= 1
            assert 0 <= found.urgency <= 1


def test_unknown_parts_make_the_known_ones_weigh_less(trained: Model) -> None:
    """A text of which little is known says little."""
    _, alone = model.parts("太差", trained.vocabulary, trained.rarity)
    _, among = model.parts("太差 qwzx vbnq hjkl", trained.vocabulary, trained.rarity)
    assert 0 < np.linalg.norm(among) < np.linalg.norm(alone) <= 1.001


def test_a_higher_temperature_is_less_sure(trained: Model) -> None:
    """Calibration changes how sure an answer is, never which."""
    features = np.ones(len(NAMES), np.float32)
    hot = replace(trained, lexical=replace(trained.lexical, temperature=5.0))
    sure, unsure = (each.opinion("太差了", features, None).probabilities for each in (trained, hot))
    assert max(unsure) < max(sure)
    assert unsure.index(max(unsure)) == sure.index(max(sure))


def test_heads_share_the_outputs_without_gaps() -> None:
    """Each column answers one question."""
    taken = [number for head in HEADS for number in range(OUTPUTS)[columns(head)]]
    assert taken == list(range(OUTPUTS))


def test_the_tables_are_read_in_full() -> None:
    """Both languages, all levels, all emotions, and plain rows whose emotion was not rated."""
    rows = utterances.load()
    assert len(rows) > 3000
    assert {row.level for row in rows} == set(range(-3, 4))
    assert {row.kind for row in rows} == {"zh", "en", "plain_zh", "plain_en"}
    assert len({row.emotion for row in rows}) == 6
    assert len({row.text for row in rows}) == len(rows)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("only text", "expected 4 columns"),
        ("text\t4\tnone\t0", "out of range"),
        (" \t1\tnone\t0", "empty"),
        ("text\tx\tnone\t0", "invalid literal"),
        ("text\t1\tjoy\t0", "joy"),
    ],
)
def test_a_broken_row_is_named(tmp_path: Path, row: str, problem: str) -> None:
    """Table and line, so that its writer finds it."""
    (tmp_path / "bad.tsv").write_text(f"text\tlevel\temotion\turgency\nok\t0\tnone\t0\n{row}\n")
    with pytest.raises(ValueError, match=rf"bad\.tsv:3: .*{problem}"):
        utterances.load(tmp_path, ["bad.tsv"])
