"""Training: the same data gives the same calibrated model of measured quality."""

from dataclasses import replace

import numpy as np
import pytest

from services.intent.learning import held_out
from services.intent.trained_model import TrainedModel
from services.intent.training import train
from services.intent.training_data import Intent, TrainingData, Utterance
from services.intent.values import UNKNOWN, IntentType
from tests.support.intent_vectors import vectors_of


def said(language: str, *texts: str) -> tuple[Utterance, ...]:
    """Utterances of one language."""
    return tuple(Utterance(text, language) for text in texts)


REFUND = Intent(
    "refund", IntentType.QUERY, "",
    said("zh", "退款多久到账", "什么时候退钱")
    + said("en", "when is my refund paid", "refund how long"),
)  # fmt: skip
ADDRESS = Intent(
    "address", IntentType.OPERATION, "",
    said("zh", "改一下地址", "地址写错了") + said("en", "change my address", "wrong address"),
)  # fmt: skip
DATA = TrainingData(
    "acme",
    (ADDRESS, REFUND),
    said("zh", "今天天气", "写一首诗") + said("en", "sing a song", "who is the king"),
    (),
)


def trained(data: TrainingData = DATA, *, with_vectors: bool = False) -> TrainedModel:
    """A model of the data."""
    vectors = vectors_of(data) if with_vectors else {}
    return train(data, vectors, "fake" if with_vectors else "", lambda stage, share: None)


def guess(model: TrainedModel, text: str) -> str:
    """The class that the words of a text speak for."""
    return model.classes[int(np.argmax(model.probabilities(text, "zh", None)))]


@pytest.mark.parametrize(("text", "label"), [("退款呢", "refund"), ("new address", "address")])
def test_what_was_learnt_is_recognised(text: str, label: str) -> None:
    """A dozen utterances are enough for the words that were in them."""
    assert guess(trained(), text) == label


@pytest.mark.parametrize("text", ["", "???", "qwxzk", "жжж"])
def test_a_text_without_known_features_is_unknown(text: str) -> None:
    """Where nothing is seen, the mass goes to "something else", not to the largest intent."""
    assert guess(trained(), text) == UNKNOWN


@pytest.mark.parametrize("with_vectors", [True, False])
def test_training_is_deterministic(with_vectors: bool) -> None:
    """Two replicas that train on the same data answer alike, to the last byte."""
    one, other = trained(with_vectors=with_vectors), trained(with_vectors=with_vectors)
    assert one.to_bytes() == other.to_bytes()


def test_without_examples_of_unknown_there_still_is_an_unknown() -> None:
    """Most companies begin without any; held-out intents show what something else looks like."""
    invoice = Intent("invoice", IntentType.QUERY, "", said("zh", "开发票", "发票怎么开", "发票"))
    model = trained(replace(DATA, intents=(ADDRESS, invoice, REFUND), unknown=()))
    assert UNKNOWN in model.classes
    assert guess(model, "qwxzk") == UNKNOWN
    assert guess(model, "改地址") == "address"
    assert model.quality.lexical.unknown_recall is None


def test_two_utterances_of_an_intent_are_enough() -> None:
    """The fewest that training data may have: some folds then lack the intent, none fails."""
    invoice = Intent("invoice", IntentType.QUERY, "", said("zh", "开发票", "发票呢"))
    data = replace(DATA, intents=(ADDRESS, invoice, REFUND))
    for with_vectors in (True, False):
        assert guess(trained(data, with_vectors=with_vectors), "发票") == "invoice"


def test_quality_is_measured_with_the_threshold_that_will_serve() -> None:
    """A service that answers "unknown" sooner is measured so."""

    def unknown(threshold: float) -> int:
        quality = train(DATA, {}, "", lambda stage, share: None, threshold).quality
        return sum(each.predicted.intent == UNKNOWN for each in quality.judged)

    assert unknown(0.0) < unknown(1.0) == len(DATA.labelled())


def test_every_utterance_is_judged_by_a_model_that_never_saw_it(shop_model: TrainedModel) -> None:
    """Comparing models and finding mislabelled utterances rest on it."""
    judged = shop_model.quality.judged
    assert (
        len(judged) == len({each.text for each in judged}) == shop_model.quality.lexical.utterances
    )
    assert 0.05 < 1 - shop_model.quality.lexical.accuracy < 0.12


def test_vectors_bring_figures_of_their_own() -> None:
    """Both paths are measured, so that a company sees what the embedding is worth to it."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    unlike = tuple(
        Intent(name, IntentType.QUERY, "", said("en", *(each * 6 for each in letters[start::3])))
        for start, name in enumerate(("one", "three", "two"))
    )
    model = trained(replace(DATA, intents=unlike), with_vectors=True)
    assert model.quality.with_embedding is not None
    assert model.quality.with_embedding.accuracy > 0.9 > model.quality.lexical.accuracy
    assert (model.embedding_model, trained().embedding_model) == ("fake", "")
    assert trained().quality.with_embedding is None


def test_vectors_of_some_utterances_only_are_refused() -> None:
    """A model of half the data would be a silent loss."""
    vectors = vectors_of(DATA)
    vectors.popitem()
    with pytest.raises(ValueError, match="missing"):
        train(DATA, vectors, "fake", lambda stage, share: None)


def test_progress_rises_to_the_end() -> None:
    """It names what is being done and never falls."""
    told: list[tuple[str, float]] = []
    train(DATA, {}, "", lambda stage, share: told.append((stage, share)))
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert 0.9 <= shares[-1] <= 1
    assert len({stage for stage, _ in told}) >= 3


def test_of_very_many_utterances_some_are_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measuring 20,000 is enough; 100,000 would take five times as long to train."""
    monkeypatch.setattr(held_out, "_ENOUGH", 300)
    texts = [f"word{number % 3} number {number}" for number in range(900)]
    intents = tuple(
        Intent(f"intent_{each}", IntentType.QUERY, "", said("en", *texts[each::3]))
        for each in range(3)
    )
    model = trained(TrainingData("acme", intents, (), ()))
    assert model.quality.lexical.utterances == 180
