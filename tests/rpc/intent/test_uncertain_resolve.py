"""Labelling what the live model was unsure of, through the front door."""

import asyncio
from typing import Any

import pytest
from kefu import errors
from kefu.intent.v1 import training_pb2 as pb
from kefu.intent.v1.training_pb2_grpc import IntentTrainingServiceStub

from services.intent.review.uncertain_store import UncertainStore
from tests.support.intent_data import (
    GOOD,
    QUERY,
    SECONDS,
    bring,
    draft,
    part,
    stub,
    tenant,
)
from tests.support.intent_review import listed, meet, resolving, store
from tests.support.mesh import Served, error_of

__all__ = ["store", "stub", "tenant"]


async def test_a_label_adds_the_utterance_to_the_draft(
    stub: IntentTrainingServiceStub, store: UncertainStore, tenant: str
) -> None:
    """The one that was shown, and its whole cluster is done with."""
    await bring(stub, tenant, GOOD)
    await meet(store, tenant, "周末几点关门", "周末几点关门呢", "请问周末几点关门", "怎么开发票")
    [closing] = [each for each in await listed(stub, tenant) if "关门" in each.text]
    done = await stub.ResolveUncertain(resolving(closing.name, intent="hours"), timeout=SECONDS)
    assert (done.utterance.text, done.utterance.intent) == (closing.text, "hours")
    assert done.utterance.language_code == "zh"
    assert closing.text in (await draft(stub, tenant))["hours"]
    assert [each.text for each in await listed(stub, tenant)] == ["怎么开发票"]


async def test_a_mended_text_is_added_in_its_place(
    stub: IntentTrainingServiceStub, store: UncertainStore, tenant: str
) -> None:
    """Such as without the placeholder of a number."""
    await bring(stub, tenant, GOOD)
    await meet(store, tenant, "打我手机13800138000")
    [entry] = await listed(stub, tenant)
    assert entry.text == "打我手机<PHONE>"
    done = await stub.ResolveUncertain(
        resolving(entry.name, intent="unknown", text=" 打我手机 "), timeout=SECONDS
    )
    assert done.utterance.text == "打我手机"
    assert (await draft(stub, tenant))["unknown"] == ["sing a song", "打我手机"]


async def test_a_label_may_be_an_intent_that_comes_with_the_service(
    stub: IntentTrainingServiceStub, store: UncertainStore, tenant: str
) -> None:
    """It becomes the tenant's own, with all that the service knows of it."""
    await meet(store, tenant, "吃了吗您")
    [entry] = await listed(stub, tenant)
    await stub.ResolveUncertain(resolving(entry.name, intent="greeting"), timeout=SECONDS)
    assert {"吃了吗您", "你好"} <= set((await draft(stub, tenant))["greeting"])


async def test_what_was_dismissed_is_not_shown_again(
    stub: IntentTrainingServiceStub, store: UncertainStore, tenant: str
) -> None:
    """However often customers say it, or anything else of its cluster, letter for letter."""
    await meet(store, tenant, "怎么开发票", "开发票")
    [entry] = await listed(stub, tenant)
    done = await stub.ResolveUncertain(resolving(entry.name, dismiss=True), timeout=SECONDS)
    assert not done.HasField("utterance")
    assert await draft(stub, tenant) == {}
    await meet(store, tenant, "怎么开发票！", "开发票")
    assert await listed(stub, tenant) == []


async def test_a_repeat_gets_the_first_result(
    stub: IntentTrainingServiceStub, store: UncertainStore, tenant: str
) -> None:
    """A retry after a lost answer adds nothing twice and misses nothing."""
    await bring(stub, tenant, GOOD)
    await meet(store, tenant, "周末几点关门", "怎么开发票")
    wishes: list[dict[str, Any]] = [{"intent": "hours"}, {"dismiss": True}]
    for entry, fields in zip(await listed(stub, tenant), wishes, strict=True):
        request = resolving(entry.name, **fields)
        first = await stub.ResolveUncertain(request, timeout=SECONDS)
        assert await stub.ResolveUncertain(request, timeout=SECONDS) == first
        request.text = "something else"
        error = await error_of(stub.ResolveUncertain(request, timeout=SECONDS))
        assert type(error) is errors.RequestIdReused


async def test_an_utterance_is_resolved_once(
    stub: IntentTrainingServiceStub, store: UncertainStore, tenant: str
) -> None:
    """Two reviewers at the same moment: one succeeds, the other is told."""
    await bring(stub, tenant, GOOD)
    await meet(store, tenant, "周末几点关门")
    [entry] = await listed(stub, tenant)
    calls = [
        stub.ResolveUncertain(resolving(entry.name, intent=intent), timeout=SECONDS)
        for intent in ("hours", "refund")
    ]
    ended = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(each, pb.ResolveUncertainResponse) for each in ended) == 1
    error = await error_of(
        stub.ResolveUncertain(resolving(entry.name, dismiss=True), timeout=SECONDS)
    )
    assert type(error) is errors.UncertainUtteranceNotFound
    assert error.metadata["uncertain_utterance"] == entry.name


@pytest.mark.parametrize("name", ["0" * 64, "none", "z" * 64, "0-1"])
async def test_an_utterance_that_is_not_there_is_not_found(
    stub: IntentTrainingServiceStub, tenant: str, name: str
) -> None:
    """Whatever its id looks like."""
    request = resolving(f"{tenant}/uncertainUtterances/{name}", dismiss=True)
    error = await error_of(stub.ResolveUncertain(request, timeout=SECONDS))
    assert type(error) is errors.UncertainUtteranceNotFound


async def test_an_unknown_intent_changes_nothing(
    stub: IntentTrainingServiceStub, store: UncertainStore, tenant: str
) -> None:
    """The utterance waits for a label that is one, and the request_id is not used up."""
    await meet(store, tenant, "周末几点关门")
    [entry] = await listed(stub, tenant)
    request = resolving(entry.name, intent="hours")
    error = await error_of(stub.ResolveUncertain(request, timeout=SECONDS))
    assert type(error) is errors.IntentNotFound
    assert error.metadata["intent"] == "hours"
    await bring(stub, tenant, part(intents=[("hours", QUERY)]))
    done = await stub.ResolveUncertain(request, timeout=SECONDS)
    assert done.utterance.intent == "hours"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"intent": "hours", "text": "？？"}, "text"),
        ({"intent": "hours", "text": "a\x07b"}, "text"),
        ({}, "resolution"),
        ({"intent": ""}, "intent"),
        ({"dismiss": False}, "dismiss"),
        ({"dismiss": True, "request_id": "1"}, "request_id"),
    ],
)
async def test_a_resolution_of_another_form_is_refused(
    stub: IntentTrainingServiceStub, store: UncertainStore, tenant: str, fields: dict[str, Any],
    field: str,
) -> None:  # fmt: skip
    """With the field that is wrong."""
    await bring(stub, tenant, GOOD)
    await meet(store, tenant, "周末几点关门")
    [entry] = await listed(stub, tenant)
    error = await error_of(stub.ResolveUncertain(resolving(entry.name, **fields), timeout=SECONDS))
    assert type(error) is errors.InvalidRequest
    assert [path for path, _ in error.violations] == [field]


async def test_a_review_is_audited_without_its_text(
    server: Served, stub: IntentTrainingServiceStub, store: UncertainStore, tenant: str
) -> None:
    """Who judged which entry, and how; not what a customer said."""
    await bring(stub, tenant, GOOD)
    await meet(store, tenant, "周末几点关门")
    [entry] = await listed(stub, tenant)
    await stub.ResolveUncertain(resolving(entry.name, intent="hours"), timeout=SECONDS)
    [event] = [each for each in server.spooled() if each.method.endswith("/ResolveUncertain")]
    assert (event.resource, dict(event.labels)) == (entry.name, {"resolution": "label"})
    assert "关门" not in "".join(map(str, server.spooled()))
