"""The sample company's intents, loaded into a real intent service at each start of a mesh."""

import asyncio
from pathlib import Path
from typing import Any

import grpc
import pytest
from kefu.intent.v1 import training_pb2 as pb
from kefu.type.v1.operation_pb2 import Operation

from services.local import sample
from services.local.intent_training import until_ended
from tests.rpc.intent.samples import DATA, SECONDS, Company, WordVectors
from tests.rpc.intent.samples import request_id as fresh_id
from tests.support.mesh import Served

FILE = """\
intents:
  - {name: refund, type: operation, utterances: {zh: [我要退款, 把钱退给我, 退钱], en: [refund it]}}
  - {name: hours, type: query, utterances: {zh: [几点开门, 周末营业吗], en: [when do you open]}}
"""


@pytest.fixture
def shop(server: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Company:
    """A sample company of this test alone."""
    (tmp_path / "intents.yaml").write_text(FILE)
    company = Company(server)
    monkeypatch.setattr(sample, "SHOP", tmp_path)
    monkeypatch.setattr(sample, "TENANT", company.name)
    return company


@pytest.fixture
def channel(server: Served) -> grpc.aio.Channel:
    """As the start of a mesh calls the service."""
    return server.channel(server.keys("test-content-owner"))


async def operations(shop: Company) -> list[Operation]:
    """The company's trainings, the newest first."""
    listing = pb.ListOperationsRequest(parent=shop.parent)
    return list((await shop.training.ListOperations(listing, timeout=SECONDS)).operations)


async def test_the_first_start_trains_twice_and_a_later_one_nothing(
    shop: Company, channel: grpc.aio.Channel
) -> None:
    """On words, so that there is a model at once, and on vectors behind it."""
    await sample.load_intents(channel)
    vectors, words = await operations(shop)
    assert words.state == Operation.STATE_SUCCEEDED
    assert not (await shop.model(words.result)).embedding_model
    ended = await shop.ended(vectors)
    assert (await shop.model()).name == ended.result
    assert (await shop.model()).embedding_model
    await sample.load_intents(channel)
    assert len(await operations(shop)) == 2


async def test_a_second_training_that_failed_is_made_up_for_at_the_next_start(
    shop: Company, channel: grpc.aio.Channel, vectors: WordVectors
) -> None:
    """The draft stays as it is now: somebody may have changed it."""
    vectors.down = True
    await sample.load_intents(channel)
    failed, _ = await operations(shop)
    assert (await shop.ended(failed)).state == Operation.STATE_FAILED
    vectors.down = False
    await shop.imports(DATA)
    await sample.load_intents(channel)
    again, *earlier = await operations(shop)
    assert len(earlier) == 2
    model = await shop.model((await shop.ended(again)).result)
    assert model.embedding_model
    assert model.utterance_count == sum(map(len, DATA.values()))


@pytest.mark.parametrize("good", [True, False])
async def test_a_start_waits_for_a_training_that_an_earlier_one_left_behind(
    shop: Company, channel: grpc.aio.Channel, vectors: WordVectors, good: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The service refuses a second one beside it; however it ends, the sample is there then."""
    vectors.open.clear()
    await shop.imports(DATA)
    left = await shop.begins(activate=True)
    await asyncio.wait_for(vectors.asked.wait(), SECONDS)

    async def waiting(channel: grpc.aio.Channel, operation: Operation, tell: Any) -> Operation:
        vectors.open.set()
        if not good:
            request = pb.CancelOperationRequest(name=left.name, request_id=fresh_id())
            await shop.training.CancelOperation(request, timeout=SECONDS)
        return await until_ended(channel, operation, tell)

    monkeypatch.setattr(sample, "until_ended", waiting)
    await sample.load_intents(channel)
    made = await operations(shop)
    assert len(made) == (1 if good else 3)
    assert (await shop.ended(made[0])).state == Operation.STATE_SUCCEEDED
    assert (await shop.model()).embedding_model
