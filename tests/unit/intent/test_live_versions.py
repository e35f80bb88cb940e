"""What is kept of a model version, and how it is told."""

import time
from dataclasses import replace
from datetime import UTC, datetime

from services.intent.data_messages import intent_to
from services.intent.model_messages import model_to
from services.intent.quality import Confusion, Figures, Quality
from services.intent.training_data import Intent, Utterance
from services.intent.values import IntentType
from services.intent.versions.version import ModelVersion, summary
from services.mesh.operations.operation import new_id

FIGURES = Figures(10, 0.9, 0.85, None, 0.5, 0.02)
QUALITY = Quality(
    lexical=FIGURES,
    with_embedding=None,
    languages={"zh": FIGURES, "en": replace(FIGURES, unknown_recall=0.0)},
    confusions=(Confusion("refund", "exchange", 3, "zh", ("换一个", "退一个")),),
)


def intent(*utterances: tuple[str, str]) -> Intent:
    """An intent with these utterances, (language, text)."""
    return Intent(
        "refund", IntentType.OPERATION, "Money back.",
        tuple(Utterance(text, language) for language, text in utterances),
    )  # fmt: skip


def version(quality: Quality = QUALITY) -> ModelVersion:
    """A stored version."""
    return ModelVersion(
        tenant="shop", id="m1", data_hash="ab" * 32, embedding_model="e", utterance_count=10,
        intents=(summary(intent(("zh", "退款"), ("en", "refund"))),), quality=quality,
        train_seconds=1.5, create_time=datetime(2026, 1, 2, tzinfo=UTC), live=True, size_bytes=7,
    )  # fmt: skip


def test_ids_sort_by_time() -> None:
    """So an id alone orders a list and pages it."""
    ids = []
    for _ in range(5):
        ids.append(new_id())
        time.sleep(0.001)  # An id carries its millisecond; within one they need not be in order.
    assert ids == sorted(ids)
    assert all(len(each) == 24 and each.isalnum() for each in ids)


def test_examples_take_turns_between_languages() -> None:
    """A model that is asked about an intent sees every language of it, in at most five texts."""
    found = summary(intent(*(("zh", f"退{n}") for n in range(9)), ("en", "a"), ("en", "b")))
    assert found.examples == ("退0", "a", "退1", "b", "退2")
    assert (found.utterance_count, dict(found.language_counts)) == (11, {"zh": 9, "en": 2})


def test_long_utterances_are_no_examples() -> None:
    """The contract of the provider takes 500 code points."""
    found = summary(intent(("en", "a" * 501), ("en", "b" * 500)))
    assert found.examples == ("b" * 500,)
    assert found.utterance_count == 2


def test_a_version_is_told_with_its_figures() -> None:
    """What there was nothing to measure on is absent; a measured zero is there."""
    message = model_to(version())
    assert message.name == "tenants/shop/models/m1"
    assert (message.live, message.size_bytes, message.intent_count) == (True, 7, 1)
    quality = message.quality
    assert not quality.HasField("with_embedding")
    assert not quality.lexical.HasField("unknown_recall")
    assert quality.lexical.unknown_precision == 0.5
    english, chinese = quality.languages
    assert (english.language_code, chinese.language_code) == ("en", "zh")
    assert english.figures.HasField("unknown_recall")
    [confusion] = quality.confusions
    assert (confusion.intent, confusion.predicted, confusion.count) == ("refund", "exchange", 3)
    assert list(confusion.examples) == ["换一个", "退一个"]


def test_figures_with_vectors_are_told_where_there_are_some() -> None:
    """Beside those of the words alone."""
    message = model_to(version(replace(QUALITY, with_embedding=replace(FIGURES, accuracy=1.0))))
    assert message.quality.with_embedding.accuracy == 1.0
    assert message.quality.lexical.accuracy == 0.9


def test_an_intent_is_told_with_its_sizes() -> None:
    """By language and in all."""
    message = intent_to(summary(intent(("zh", "退款"), ("zh", "退钱"), ("en", "refund"))))
    assert (message.intent, message.utterance_count) == ("refund", 3)
    assert dict(message.language_counts) == {"zh": 2, "en": 1}
