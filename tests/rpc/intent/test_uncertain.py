"""What the live model was unsure of, through the front door: collected, clustered, listed."""

import asyncio
from typing import Any

import numpy as np
import psycopg
from kefu import errors
from kefu.intent.v1 import training_pb2 as pb
from kefu.intent.v1.training_pb2_grpc import IntentTrainingServiceStub

from services.intent.review.uncertain import Met
from services.intent.review.uncertain_store import UncertainStore
from services.intent.training_data import key_hash
from tests.rpc.intent.conftest import Replica
from tests.rpc.intent.samples import Company
from tests.support.intent_data import (
    GOOD,
    OPERATION,
    QUERY,
    SECONDS,
    bring,
    fresh_tenant,
    stub,
    tenant,
)
from tests.support.intent_review import listed, meet, resolving, store
from tests.support.mesh import Served, error_of

__all__ = ["store", "stub", "tenant"]


def rows(database_url: str, statement: str, *values: object) -> list[Any]:
    """Rows as they stand in the database."""
    with psycopg.connect(database_url) as connection:
        return connection.execute(statement, values).fetchall()


async def test_what_customers_say_is_listed_by_clusters(
    stub: IntentTrainingServiceStub, store: UncertainStore, tenant: str
) -> None:
    """One entry for what says nearly the same, with what the model made of it."""
    await meet(
        store, tenant, "怎么开发票", "怎么开发票？", "开发票怎么开", "how do I pay by card",
    )  # fmt: skip
    invoice, card = await listed(stub, tenant)
    assert invoice.name.startswith(f"{tenant}/uncertainUtterances/")
    assert (invoice.text, invoice.language_code, invoice.count) == ("怎么开发票？", "zh", 3)
    assert list(invoice.similar) == ["开发票怎么开"]
    assert [(each.intent, each.type) for each in invoice.candidates] == [
        ("hours", QUERY),
        ("refund", OPERATION),
    ]
    assert invoice.candidates[0].confidence == 0.4
    assert invoice.last_time.seconds > 0
    assert (card.text, card.language_code, card.count) == ("how do I pay by card", "en", 1)


async def test_the_largest_and_most_doubtful_come_first(
    stub: IntentTrainingServiceStub, store: UncertainStore, tenant: str
) -> None:
    """Doubt and number weigh alike: what a label would mend."""
    await meet(store, tenant, "地铁怎么走", confidence=0.2)
    await meet(store, tenant, *["积分有什么用"] * 5, confidence=0.5)
    await meet(store, tenant, "会员怎么升级", confidence=0.55)
    await meet(store, tenant, *["how do I pay by card"] * 2, confidence=0.5)
    assert [each.text for each in await listed(stub, tenant)] == [
        "积分有什么用", "how do I pay by card", "地铁怎么走", "会员怎么升级",
    ]  # fmt: skip


async def test_it_grows_over_time(
    stub: IntentTrainingServiceStub, store: UncertainStore, tenant: str
) -> None:
    """What is met again, today or by another replica, is counted where it stands."""
    for said in ("怎么开发票", "怎么开发票", "开发票"):
        await meet(store, tenant, said)
    [invoice] = await listed(stub, tenant)
    assert (invoice.text, invoice.count, list(invoice.similar)) == ("怎么开发票", 3, ["开发票"])


async def test_vectors_join_what_means_the_same(
    stub: IntentTrainingServiceStub, store: UncertainStore, tenant: str
) -> None:
    """Also with one that was written before; those of another model do not count."""
    vector = np.zeros(4, dtype=np.float32)
    vector[0] = 1
    for text, model in (("发票开错了", "m"), ("发票抬头不对", "m"), ("发票内容要改", "other")):
        met = Met(key_hash(text), text, "zh", (), 500, 1, vector, model)
        await store.write(tenant.removeprefix("tenants/"), [met], 100)
    assert sorted(each.count for each in await listed(stub, tenant)) == [1, 2]


async def test_lists_are_paged(
    stub: IntentTrainingServiceStub, store: UncertainStore, tenant: str
) -> None:
    """Pages follow each other without gap or repeat, equal ranks included."""
    said = ["发票", "地铁", "积分", "会员", "刻字", "礼盒", "门票"]
    await meet(store, tenant, *said)
    found: list[str] = []
    token = ""
    for expected in (3, 3, 1):
        page = await stub.ListUncertain(
            pb.ListUncertainRequest(parent=tenant, page_size=3, page_token=token), timeout=SECONDS
        )
        assert len(page.utterances) == expected
        found += [each.text for each in page.utterances]
        token = page.next_page_token
    assert (sorted(found), token) == (sorted(said), "")


async def test_a_foreign_page_token_is_refused(
    stub: IntentTrainingServiceStub, store: UncertainStore, tenant: str
) -> None:
    """A token of another tenant, or garbage, is the caller's mistake."""
    await meet(store, tenant, "发票", "地铁")
    page = await stub.ListUncertain(
        pb.ListUncertainRequest(parent=tenant, page_size=1), timeout=SECONDS
    )
    for parent, token in ((tenant, "garbage"), (fresh_tenant(), page.next_page_token)):
        call = stub.ListUncertain(
            pb.ListUncertainRequest(parent=parent, page_token=token), timeout=SECONDS
        )
        assert type(await error_of(call)) is errors.PageTokenInvalid


async def test_what_the_draft_holds_is_not_asked_for(
    stub: IntentTrainingServiceStub, store: UncertainStore, tenant: str
) -> None:
    """It was labelled since; the live model only does not know it yet."""
    await bring(stub, tenant, GOOD)
    await meet(store, tenant, "几点开门", "怎么开发票")
    assert [each.text for each in await listed(stub, tenant)] == ["怎么开发票"]


async def test_personal_data_is_nowhere_in_the_database(
    stub: IntentTrainingServiceStub, store: UncertainStore, tenant: str, database_url: str
) -> None:
    """No column of no table holds a customer's number."""
    await meet(store, tenant, "我的手机13800138000", "卡号6222020000000000000", "a@example.com退货")
    dump = " ".join(str(row) for row in rows(
        database_url, "SELECT * FROM uncertain_utterances WHERE tenant = %s",
        tenant.removeprefix("tenants/"),
    ))  # fmt: skip
    assert "<PHONE>" in dump
    assert not any(secret in dump for secret in ("13800138000", "6222020", "example.com"))


async def test_old_utterances_are_forgotten(
    stub: IntentTrainingServiceStub, store: UncertainStore, tenant: str, database_url: str
) -> None:
    """After 30 days in which nobody said it: not shown, then removed."""
    await meet(store, tenant, "怎么开发票", "地铁怎么走")
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "UPDATE uncertain_utterances SET last_time = now() - interval '31 days'"
            " WHERE text = '怎么开发票'"
        )
    assert [each.text for each in await listed(stub, tenant)] == ["地铁怎么走"]
    await store.purge()
    own = tenant.removeprefix("tenants/")
    left = rows(database_url, "SELECT text FROM uncertain_utterances WHERE tenant = %s", own)
    assert left == [("地铁怎么走",)]


async def test_a_tenant_s_share_is_bounded(
    stub: IntentTrainingServiceStub, store: UncertainStore, tenant: str
) -> None:
    """The surest leave first; another tenant's are not touched."""
    other = fresh_tenant()
    await meet(store, other, "怎么开发票")
    doubts = {"发票": 900, "地铁": 100, "积分": 500, "会员": 300}
    met = [
        Met(key_hash(text), text, "zh", (), doubt, 1, None, "") for text, doubt in doubts.items()
    ]
    await store.write(tenant.removeprefix("tenants/"), met, 2)
    assert [each.text for each in await listed(stub, tenant)] == ["发票", "积分"]
    assert len(await listed(stub, other)) == 1


async def test_ten_thousand_utterances_are_still_quick(
    stub: IntentTrainingServiceStub, store: UncertainStore, tenant: str
) -> None:
    """To add to and to list, as many as are kept."""
    own = tenant.removeprefix("tenants/")
    vector = np.random.default_rng(1).normal(size=384).astype(np.float32)
    met = [
        Met(key_hash(text), text, "zh", (), 500, 1, vector, "m")
        for text in (
            f"{chr(0x4E00 + number)}{chr(0x5E00 + number % 97)}" for number in range(10_000)
        )
    ]
    await store.write(own, met, 10_000)
    async with asyncio.timeout(10):
        await store.write(own, met[:1], 10_000)
        await meet(store, tenant, "怎么开发票")
        assert len(await listed(stub, tenant, page_size=100)) == 100


async def test_tenants_do_not_see_each_other(
    stub: IntentTrainingServiceStub, server: Served, store: UncertainStore, tenant: str
) -> None:
    """Neither what customers said nor who may judge it."""
    await meet(store, tenant, "怎么开发票")
    [entry] = await listed(stub, tenant)
    other = fresh_tenant()
    assert await listed(stub, other) == []
    foreign = entry.name.replace(tenant, other)
    error = await error_of(stub.ResolveUncertain(resolving(foreign, dismiss=True), timeout=SECONDS))
    assert type(error) is errors.UncertainUtteranceNotFound
    shop = server.stub(IntentTrainingServiceStub, identity="test-content-owner-shop")
    for call in (
        shop.ListUncertain(pb.ListUncertainRequest(parent=tenant), timeout=SECONDS),
        shop.ResolveUncertain(resolving(entry.name, dismiss=True), timeout=SECONDS),
    ):
        assert type(await error_of(call)) is errors.TenantNotAllowed


async def test_the_session_service_does_not_read_what_others_said(
    server: Served, tenant: str
) -> None:
    """It brings utterances, it does not get any."""
    session = server.stub(IntentTrainingServiceStub, role="session")
    call = session.ListUncertain(pb.ListUncertainRequest(parent=tenant), timeout=SECONDS)
    assert type(await error_of(call)) is errors.MethodNotAllowed


async def test_what_the_live_model_doubts_is_written_when_its_replica_ends_at_the_latest(
    replica: Replica, server: Served
) -> None:
    """From a customer's words to the reviewer's list, numbers of orders replaced by their type."""
    company = Company(server)
    await company.imports(entities={"order_number": r"SO\d{8}"})
    await company.trains(activate=True)
    async with replica() as other:
        for text in ("SO20261234能开箱验货吗", "SO20269999能开箱验货吗？", "我要退款"):
            await company.at(other).classifies(text)
    [entry] = await listed(company.training, company.parent)
    assert entry.text == "<ORDER_NUMBER>能开箱验货吗？"
    assert (entry.count, entry.language_code) == (2, "zh")
    assert {each.intent for each in entry.candidates} <= {"refund", "delivery", "unknown"}
