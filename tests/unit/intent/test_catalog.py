"""The catalog: one classifier a tenant, none for strangers, long texts off the event loop."""

import asyncio
import threading
from pathlib import Path

import pytest
from kefu.errors import IntentModelNotFound

from services.intent import catalog
from services.intent.catalog import Catalog
from services.intent.classifier import Classifier, Thresholds
from services.intent.training_data import TrainingDataInvalid
from services.intent.values import Classification

TENANT = "tenants/shop"


async def test_each_tenant_has_its_own_classifier(shop: Classifier) -> None:
    """A tenant is found by its resource name; nothing falls back to another tenant's model."""
    models = Catalog([shop])
    assert models.of(TENANT) is shop
    with pytest.raises(IntentModelNotFound) as caught:
        await models.classify("tenants/other", ["你好"])
    assert caught.value.metadata == {"tenant": "tenants/other"}


async def test_answers_come_in_the_order_of_the_texts(shop: Classifier) -> None:
    """A batch is its single answers."""
    texts = ["你好", "我要退款", "goodbye", "订单SO20260001到哪了"]
    verdicts = await Catalog([shop]).classify(TENANT, texts)
    assert verdicts == [shop.classify(text) for text in texts]


@pytest.mark.parametrize(("length", "in_place"), [(20, True), (4000, False)])
async def test_only_long_texts_leave_the_event_loop(
    shop: Classifier, monkeypatch: pytest.MonkeyPatch, length: int, in_place: bool
) -> None:
    """A thread costs more than a short text; a long text would keep the others waiting."""
    threads: list[threading.Thread] = []
    classify = shop.classify

    def watched(_: Classifier, text: str) -> Classification:
        threads.append(threading.current_thread())
        return classify(text)

    monkeypatch.setattr(Classifier, "classify", watched)
    await Catalog([shop]).classify(TENANT, ["退" * length])
    assert (threads == [threading.main_thread()]) is in_place


async def test_a_long_batch_lets_other_calls_through(shop: Classifier) -> None:
    """While 50 long texts are classified, the loop keeps turning."""
    batch = asyncio.create_task(Catalog([shop]).classify(TENANT, ["我要退款" * 500] * 50))
    turns = 0
    while not batch.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 50


def test_loading_trains_a_model_for_every_file(tmp_path: Path) -> None:
    """The directory is the list of tenants."""
    for tenant in ("a", "b"):
        (tmp_path / f"{tenant}.yaml").write_text(
            f"tenant: {tenant}\nintents:\n"
            f"  - {{name: buy, type: query, utterances: {{en: [buy {tenant}, get {tenant}]}}}}\n"
            "  - {name: sell, type: query, utterances: {en: [sell this, selling]}}\n"
        )
    models = catalog.load(tmp_path, Thresholds(0.35, 0.15))
    assert models.of("tenants/a").classify("buy a").best.intent == "buy"
    assert models.of("tenants/a").version != models.of("tenants/b").version


def test_loading_bad_data_trains_nothing(tmp_path: Path) -> None:
    """A service with half of its tenants would fail the other half silently."""
    (tmp_path / "a.yaml").write_text("tenant: a\n")
    with pytest.raises(TrainingDataInvalid):
        catalog.load(tmp_path, Thresholds(0.35, 0.15))
