"""Looking at a draft through the front door, and who may."""

import grpc
import pytest
from kefu import errors
from kefu.intent.v1 import training_pb2 as pb
from kefu.intent.v1.training_pb2_grpc import IntentTrainingServiceStub

from services.mesh import paging
from tests.support.intent_data import (
    GOOD,
    OPERATION,
    QUERY,
    REPLACE,
    SECONDS,
    bring,
    draft,
    fresh_tenant,
    part,
    stub,
    tenant,
)
from tests.support.mesh import Served, error_of

__all__ = ["stub", "tenant"]


async def test_intents_are_listed_with_their_counts(
    stub: IntentTrainingServiceStub, tenant: str
) -> None:
    """By name, with type, and how many utterances there are in which language."""
    await bring(stub, tenant, GOOD)
    page = await stub.ListIntents(pb.ListIntentsRequest(parent=tenant), timeout=SECONDS)
    assert [each.intent for each in page.intents] == ["hours", "refund"]
    refund = page.intents[1]
    assert (refund.type, refund.utterance_count) == (OPERATION, 3)
    assert dict(refund.language_counts) == {"zh": 1, "en": 1, "mixed": 1}
    assert page.next_page_token == ""


async def test_lists_are_paged(stub: IntentTrainingServiceStub, tenant: str) -> None:
    """Pages follow each other without gap or repeat, and the last says that it is the last."""
    names = [f"intent_{number:02}" for number in range(7)]
    await bring(
        stub, tenant,
        part([(name, f"{name} {word}") for name in names for word in "ab"],
             [(name, QUERY) for name in names]),
    )  # fmt: skip
    intents, utterances, token, more = [], [], "", ""
    for expected in (3, 3, 1):
        page = await stub.ListIntents(
            pb.ListIntentsRequest(parent=tenant, page_size=3, page_token=token), timeout=SECONDS
        )
        assert len(page.intents) == expected
        intents += [each.intent for each in page.intents]
        token = page.next_page_token
    for expected in (5, 5, 4):
        said = await stub.ListUtterances(
            pb.ListUtterancesRequest(parent=tenant, page_size=5, page_token=more), timeout=SECONDS
        )
        assert len(said.utterances) == expected
        utterances += [each.text for each in said.utterances]
        more = said.next_page_token
    assert (intents, token, more) == (names, "", "")
    assert utterances == [f"{name} {word}" for name in names for word in "ab"]


async def test_the_utterances_of_one_intent_are_listed(
    stub: IntentTrainingServiceStub, tenant: str
) -> None:
    """Those of "unknown" too; an intent that is not there has none."""
    await bring(stub, tenant, GOOD)
    for intent, texts in (
        ("hours", ["几点开门", "opening hours"]),
        ("unknown", ["sing a song"]),
        ("other", []),
    ):
        page = await stub.ListUtterances(
            pb.ListUtterancesRequest(parent=tenant, intent=intent), timeout=SECONDS
        )
        assert [each.text for each in page.utterances] == texts


async def test_a_foreign_page_token_is_refused(
    stub: IntentTrainingServiceStub, tenant: str
) -> None:
    """A token of another list, or garbage, is the caller's mistake."""
    await bring(stub, tenant, GOOD)
    page = await stub.ListIntents(
        pb.ListIntentsRequest(parent=tenant, page_size=1), timeout=SECONDS
    )
    for token in ("garbage", page.next_page_token):
        other = fresh_tenant()
        for call in (
            stub.ListIntents(
                pb.ListIntentsRequest(parent=other, page_token=token), timeout=SECONDS
            ),
            stub.ListUtterances(
                pb.ListUtterancesRequest(parent=tenant, page_token=token), timeout=SECONDS
            ),
        ):
            assert type(await error_of(call)) is errors.PageTokenInvalid


@pytest.mark.parametrize("number", [-1, 2**63])
async def test_a_made_up_page_token_is_refused(
    stub: IntentTrainingServiceStub, tenant: str, number: int
) -> None:
    """It is no secret how they are made; the database cannot hold every number."""
    owner = tenant.removeprefix("tenants/")
    said = paging.encode(["hours", number], "utterances", owner, "")
    doubted = paging.encode([number, "0" * 64], "uncertain", owner)
    for call in (
        stub.ListUtterances(
            pb.ListUtterancesRequest(parent=tenant, page_token=said), timeout=SECONDS
        ),
        stub.ListUncertain(
            pb.ListUncertainRequest(parent=tenant, page_token=doubted), timeout=SECONDS
        ),
    ):
        assert type(await error_of(call)) is errors.PageTokenInvalid


async def test_tenants_do_not_see_each_other(
    stub: IntentTrainingServiceStub, server: Served, tenant: str
) -> None:
    """Intents of one name are each tenant's own; a caller of one tenant gets no other."""
    await bring(stub, tenant, GOOD)
    other = fresh_tenant()
    assert await draft(stub, other) == {}
    await bring(stub, other, part(), mode=REPLACE)
    assert len(await draft(stub, tenant)) == 3
    shop = server.stub(IntentTrainingServiceStub, identity="test-content-owner-shop")
    assert (await bring(shop, "tenants/shop", GOOD)).imported
    for call in (
        bring(shop, tenant, GOOD),
        shop.ListIntents(pb.ListIntentsRequest(parent=tenant), timeout=SECONDS),
        shop.ListUtterances(pb.ListUtterancesRequest(parent=tenant), timeout=SECONDS),
    ):
        assert type(await error_of(call)) is errors.TenantNotAllowed


async def test_the_session_service_may_not_change_what_is_learnt(
    server: Served, tenant: str
) -> None:
    """Who answers customers asks for intents and nothing more."""
    session = server.stub(IntentTrainingServiceStub, role="session")
    assert type(await error_of(bring(session, tenant, GOOD))) is errors.MethodNotAllowed


async def test_a_stranger_does_not_get_in(server: Served, tenant: str) -> None:
    """A certificate of another CA ends in the handshake."""
    async with grpc.aio.secure_channel(server.address, grpc.ssl_channel_credentials()) as channel:
        stub = IntentTrainingServiceStub(channel)
        with pytest.raises(grpc.RpcError) as caught:
            await stub.ListIntents(pb.ListIntentsRequest(parent=tenant), timeout=SECONDS)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
