"""A model is one value and one piece of bytes, and both answer alike."""

import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from services.intent.model.features import features
from services.intent.trained_model import FORMAT, ModelUnreadable, TrainedModel
from services.intent.training import train
from services.intent.values import UNKNOWN, IntentType
from tests.support.intent_vectors import vectors_of
from tests.support.intents import data_of

DATA = data_of("""
intents:
  - name: refund
    type: operation
    utterances: {zh: [我要退款, 退钱给我, 把钱退回来], en: [refund me please, money back now]}
  - name: hours
    type: query
    utterances: {zh: [几点开门, 几点关门, 营业时间], en: [when do you open, opening hours]}
entities:
  - {name: ticket, pattern: 'T\\d{4}'}
  - {name: mug, products: [Cat Mug]}
""")
VECTORS = vectors_of(DATA)


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    """Knows words and vectors."""
    return train(DATA, VECTORS, "fake", lambda stage, share: None)


@pytest.fixture(scope="module")
def copy(model: TrainedModel) -> TrainedModel:
    """The same out of bytes."""
    return TrainedModel.from_bytes(model.to_bytes())


def test_bytes_keep_everything(model: TrainedModel, copy: TrainedModel) -> None:
    """All that is not an array is equal; arrays are stored in two bytes a value."""
    for field in ("classes", "types", "entity_types", "exact", "near", "vocabulary"):
        assert getattr(copy, field) == getattr(model, field), field
    assert (copy.lexical, copy.combined) == (model.lexical, model.combined)
    assert copy.words.vectoriser == model.words.vectoriser
    assert (copy.embedding_model, copy.dimensions) == ("fake", len(next(iter(VECTORS.values()))))


def test_bytes_leave_out_what_was_said_of_single_utterances(
    model: TrainedModel, copy: TrainedModel
) -> None:
    """No answer needs it, and a server holds the models of all tenants; the figures are there."""
    assert model.quality.judged
    assert copy.quality == replace(model.quality, judged=())


@pytest.mark.parametrize("text", ["我的退款呢", "are you open today", "sing", ""])
@pytest.mark.parametrize("with_vector", [True, False])
def test_the_copy_answers_as_the_original(
    model: TrainedModel, copy: TrainedModel, text: str, with_vector: bool
) -> None:
    """On both paths, to less than a hundredth; and the probabilities sum to one."""
    vector = next(iter(VECTORS.values())) if with_vector else None
    one, other = (each.probabilities(text, "zh", vector) for each in (model, copy))
    assert one.sum() == pytest.approx(1)
    assert one == pytest.approx(other, abs=0.01)


def test_a_vector_changes_what_is_believed(model: TrainedModel) -> None:
    """A text of unseen words is understood by the company that its vector keeps."""
    alone = model.probabilities("reembolso", "en", None)
    together = model.probabilities("reembolso", "en", VECTORS["我要退款"])
    refund = model.classes.index("refund")
    assert alone[refund] < 0.5 < together[refund]


def test_classes_are_sorted_and_typed(model: TrainedModel) -> None:
    """The unknown class is among them, found by its place."""
    assert list(model.classes) == sorted(model.classes)
    assert model.classes[model.unknown] == UNKNOWN
    assert model.types["refund"] is IntentType.OPERATION
    assert model.types[UNKNOWN] is IntentType.UNKNOWN


def test_a_model_of_words_alone_ignores_vectors(shop_model: TrainedModel) -> None:
    """A vector that it was not trained for changes nothing."""
    assert (shop_model.embedding_model, shop_model.dimensions) == ("", 0)
    vector = np.ones(4, np.float32)
    one = shop_model.probabilities("退款", "zh", None)
    assert np.array_equal(one, shop_model.probabilities("退款", "zh", vector))


@pytest.mark.parametrize("content", [b"", b"nonsense", b"PK\x03\x04broken"])
def test_what_is_no_model_is_refused(content: bytes) -> None:
    """Whatever stands in the store, the server says so and goes on."""
    with pytest.raises(ModelUnreadable):
        TrainedModel.from_bytes(content)


def test_damaged_bytes_are_refused(model: TrainedModel) -> None:
    """Cut off, or with a byte changed in the middle."""
    content = model.to_bytes()
    with pytest.raises(ModelUnreadable):
        TrainedModel.from_bytes(content[: len(content) // 2])
    middle = len(content) // 2
    changed = bytes([content[middle] ^ 255])
    with pytest.raises(ModelUnreadable):
        TrainedModel.from_bytes(content[:middle] + changed + content[middle + 1 :])


def of_format(number: int, model: TrainedModel) -> bytes:
    """The model as a release of another format would have written it."""
    with np.load(io.BytesIO(model.to_bytes())) as arrays:
        parts = {name: arrays[name] for name in arrays.files}
    header = json.loads(parts["header"].tobytes()) | {"format": number}
    if number < FORMAT:
        del header["distant_pairs"]
    parts["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **parts)
    return content.getvalue()


@pytest.mark.parametrize("number", [99, FORMAT + 1, 1])
def test_another_format_is_refused_by_its_number(model: TrainedModel, number: int) -> None:
    """A server of the version before must not misread what it does not know."""
    with pytest.raises(ModelUnreadable, match=f"format {number},"):
        TrainedModel.from_bytes(of_format(number, model))


def test_a_model_of_the_format_before_answers_as_it_did(model: TrainedModel) -> None:
    """It never saw pairs of distant words; unseen features would make it doubt what it knows."""
    text = "能不能帮我把钱都退回来"
    older = TrainedModel.from_bytes(of_format(2, model))
    said = older.words.scores(features(text, distant_pairs=False))[None]
    expected = older.lexical.probabilities(said, "zh", older.unknown)[0]
    assert np.array_equal(older.probabilities(text, "zh", None), expected)
    assert not np.allclose(model.probabilities(text, "zh", None), expected, atol=0.01)
    again = TrainedModel.from_bytes(older.to_bytes())
    assert np.array_equal(again.probabilities(text, "zh", None), expected)


def test_nothing_in_it_is_code(model: TrainedModel) -> None:
    """Plain arrays: reading a model runs nothing that came with it."""
    with zipfile.ZipFile(io.BytesIO(model.to_bytes())) as parts:
        for name in parts.namelist():
            assert b"'descr': '|O'" not in parts.read(name)[:128]
