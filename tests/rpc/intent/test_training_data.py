"""Importing training data through the front door: all of it or nothing, and repeatable."""

import asyncio

import psycopg
from kefu.intent.v1 import training_pb2 as pb
from kefu.intent.v1.training_pb2_grpc import IntentTrainingServiceStub

from services.intent.drafts.draft_store import DraftStore
from services.mesh.database import open_pool
from tests.support.intent_data import (
    GOOD,
    MERGE,
    OPERATION,
    QUERY,
    REPLACE,
    SECONDS,
    bring,
    draft,
    fresh_tenant,
    part,
    reasons,
    stub,
    tenant,
)
from tests.support.intents import data_of
from tests.support.mesh import Served

__all__ = ["stub", "tenant"]

Severity = pb.DataProblem

SAME_AS_GOOD = """
intents:
  - {name: refund, type: operation, utterances: {
      zh: [我要退款], en: [money back please], mixed: [把钱refund给我]}}
  - {name: hours, type: query, utterances: {zh: [几点开门], en: [opening hours]}}
unknown: {en: [sing a song]}
entities: [{name: ticket, pattern: 'T\\d{4}'}]
"""


async def test_an_import_fills_the_draft(stub: IntentTrainingServiceStub, tenant: str) -> None:
    """The answer counts what is there now, and names its content by a hash."""
    done = await bring(stub, tenant, GOOD)
    assert done.imported
    assert (done.intent_count, done.utterance_count, done.added_count) == (2, 6, 6)
    assert (done.problem_count, list(done.problems)) == (0, [])
    assert await draft(stub, tenant) == {
        "hours": ["几点开门", "opening hours"],
        "refund": ["我要退款", "money back please", "把钱refund给我"],
        "unknown": ["sing a song"],
    }


async def test_the_hash_is_that_of_the_data_that_models_are_trained_on(
    stub: IntentTrainingServiceStub, tenant: str, database_url: str
) -> None:
    """Equal data has it whoever imported it and however it was cut into messages."""
    whole = await bring(stub, tenant, GOOD)
    cut = [
        pb.ImportTrainingDataRequest(data=pb.TrainingDataPart(utterances=[each]))
        for each in reversed(GOOD.data.utterances)
    ]
    rest = pb.TrainingDataPart(intents=GOOD.data.intents, entity_types=GOOD.data.entity_types)
    other = await bring(stub, fresh_tenant(), *cut, pb.ImportTrainingDataRequest(data=rest))
    assert whole.data_hash == other.data_hash == data_of(SAME_AS_GOOD).version()
    async with open_pool(database_url) as pool:
        data = await DraftStore(pool).snapshot(tenant.removeprefix("tenants/"))
    assert data.version() == whole.data_hash


async def test_importing_again_changes_nothing(
    stub: IntentTrainingServiceStub, tenant: str
) -> None:
    """By content, whatever the request_id: a retry needs no thought."""
    first = await bring(stub, tenant, GOOD)
    for mode in (MERGE, REPLACE):
        again = await bring(stub, tenant, GOOD, mode=mode)
        assert again.imported
        assert (again.added_count, again.removed_count, again.moved_count) == (0, 0, 0)
        assert (again.data_hash, again.utterance_count) == (first.data_hash, 6)


async def test_merge_adds_changes_and_moves_but_removes_nothing(
    stub: IntentTrainingServiceStub, tenant: str
) -> None:
    """An utterance belongs to one intent; who says otherwise moves it."""
    await bring(stub, tenant, GOOD)
    done = await bring(
        stub, tenant,
        part(
            [("refund", "退钱"), ("late", "OPENING HOURS!"), ("unknown", "write a poem")],
            [("late", QUERY)],
        ),
    )  # fmt: skip
    assert (done.added_count, done.moved_count, done.removed_count) == (2, 1, 0)
    assert (done.intent_count, done.utterance_count) == (3, 8)
    found = await draft(stub, tenant)
    assert found["late"] == ["OPENING HOURS!"]
    assert found["hours"] == ["几点开门"]
    assert found["refund"][-1] == "退钱"


async def test_merge_keeps_what_the_import_does_not_say_of_an_intent(
    stub: IntentTrainingServiceStub, tenant: str
) -> None:
    """A table of utterances has neither types nor descriptions, and must not wipe them out."""
    described = pb.ImportTrainingDataRequest(data=pb.TrainingDataPart())
    described.data.intents.add(intent="refund", type=OPERATION, description="Money back.")
    await bring(stub, tenant, GOOD, described)
    bare = pb.ImportTrainingDataRequest(data=pb.TrainingDataPart())
    bare.data.intents.add(intent="refund")
    done = await bring(stub, tenant, bare)
    assert reasons(done) == []
    page = await stub.ListIntents(pb.ListIntentsRequest(parent=tenant), timeout=SECONDS)
    [refund] = [each for each in page.intents if each.intent == "refund"]
    assert (refund.type, refund.description) == (OPERATION, "Money back.")


async def test_replace_leaves_nothing_of_before(
    stub: IntentTrainingServiceStub, tenant: str, database_url: str
) -> None:
    """The draft is what the import holds: intents, utterances, entity types."""
    await bring(stub, tenant, GOOD)
    done = await bring(
        stub, tenant,
        part(
            [("pay", "money back please"), ("pay", "how to pay"), ("send", "发货"),
             ("send", "ship it")],
            [("pay", QUERY), ("send", QUERY)],
        ),
        mode=REPLACE,
    )  # fmt: skip
    assert (done.added_count, done.moved_count, done.removed_count) == (3, 1, 5)
    assert await draft(stub, tenant) == {
        "pay": ["money back please", "how to pay"],
        "send": ["发货", "ship it"],
    }
    async with open_pool(database_url) as pool:
        data = await DraftStore(pool).snapshot(tenant.removeprefix("tenants/"))
    assert data.entity_types == ()


async def test_validate_only_says_what_would_happen(
    stub: IntentTrainingServiceStub, tenant: str
) -> None:
    """The same counts, problems and hash as the import would give; the draft stays as it was."""
    await bring(stub, tenant, GOOD)
    wanted = part([("refund", "退钱"), ("refund", "退钱！")])
    tried = await bring(stub, tenant, wanted, validate_only=True)
    assert (tried.imported, tried.added_count, tried.utterance_count) == (False, 1, 7)
    assert "退钱" not in (await draft(stub, tenant))["refund"]
    done = await bring(stub, tenant, wanted)
    assert done.imported
    done.imported = False
    assert done == tried


async def test_the_base_intents_can_be_left_out(
    stub: IntentTrainingServiceStub, tenant: str, database_url: str
) -> None:
    """The wish is kept with the draft, and makes other data of it; REPLACE says it anew."""
    [with_base, without] = [
        await bring(stub, tenant, GOOD, omit_base_intents=omit) for omit in (False, True)
    ]
    assert with_base.data_hash != without.data_hash
    for merged in (await bring(stub, tenant, validate_only=True), await bring(stub, tenant, GOOD)):
        assert merged.data_hash == without.data_hash
    async with open_pool(database_url) as pool:
        data = await DraftStore(pool).snapshot(tenant.removeprefix("tenants/"))
    assert [each.name for each in data.intents] == ["hours", "refund"]
    assert [each.text for each in data.unknown] == ["sing a song"]
    assert reasons(await bring(stub, tenant, part([("thanks", "蟹蟹")]))) == ["INTENT_NOT_FOUND"]
    replaced = await bring(stub, tenant, GOOD, mode=REPLACE)
    assert replaced.data_hash == with_base.data_hash


async def test_an_utterance_for_a_base_intent_makes_it_the_tenant_s_own(
    stub: IntentTrainingServiceStub, tenant: str
) -> None:
    """With all that the service knows of it: one more greeting must not cost the others."""
    await bring(stub, tenant, GOOD)
    done = await bring(stub, tenant, part([("greeting", "吃了吗您")]))
    assert done.imported
    found = await draft(stub, tenant)
    assert {"吃了吗您", "你好", "hello"} <= set(found["greeting"])
    missing = await bring(stub, tenant, part([("thanks", "蟹蟹")]), omit_base_intents=True)
    assert reasons(missing) == ["INTENT_NOT_FOUND"]


async def test_an_import_is_audited_without_its_text(
    server: Served, stub: IntentTrainingServiceStub, tenant: str
) -> None:
    """The record says whether it was taken and how it ended, and nothing of what is in it."""
    done = await bring(stub, tenant, GOOD)
    [event] = [each for each in server.spooled() if each.method.endswith("/ImportTrainingData")]
    assert dict(event.labels) == {
        "imported": "true", "problems": "0", "data_hash": done.data_hash,
    }  # fmt: skip
    assert "退款" not in str(event)


async def test_simultaneous_imports_take_turns(
    stub: IntentTrainingServiceStub, tenant: str, database_url: str
) -> None:
    """Each of them is whole; none is mixed with another."""

    async def replace(name: str) -> pb.ImportTrainingDataResponse:
        said = [(name, f"{name} {number}") for number in range(200)]
        return await bring(stub, tenant, part(said, [(name, QUERY)]), mode=REPLACE)

    done = await asyncio.gather(*map(replace, ("one", "two", "three", "four", "five")))
    assert all(each.utterance_count == 200 for each in done)
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT DISTINCT intent FROM draft_utterances WHERE tenant = %s",
            (tenant.removeprefix("tenants/"),),
        ).fetchall()
    assert len(rows) == 1
