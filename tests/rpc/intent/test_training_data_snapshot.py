"""From a company's file to what a model is trained on: nothing is lost or changed on the way."""

import asyncio
from pathlib import Path

import grpc
import pytest
from kefu import errors
from kefu.client.status import from_rpc_error
from kefu.intent.v1 import training_pb2 as pb
from kefu.intent.v1.training_pb2_grpc import IntentTrainingServiceStub

from services.intent.drafts.draft_store import DraftStore
from services.intent.training_data import TrainingData
from services.local.training_file import parts
from services.mesh.database import open_pool
from tests.support.intent_data import (
    GOOD,
    REPLACE,
    SECONDS,
    bring,
    fresh_tenant,
    part,
    stub,
    tenant,
)
from tests.support.intents import SHOP, file_data
from tests.support.mesh import error_of
from tests.support.postgres import database_away

__all__ = ["stub", "tenant"]

TABLE = '''\
text,intent,language,type,description
我要退款,refund,zh,operation,Money back.
money back please,refund,,,
"Hello, ""you""",hello,en,chit_chat,
👋,hello,,,
唱首歌,unknown,,,
'''

LISTS = """
intents:
  - {name: refund, type: operation, utterances: {zh: [我要退款, 退钱]}}
  - {name: hours, type: query, description: 营业时间, utterances: {en: [opening hours, hours]}}
entities:
  - {name: product, products: [Camp Shoe, 帐篷, 'Nr. "5"\\n']}
  - {name: code, pattern: '[A-Z]{3}-\\d{4}|单号\\d+'}
  - {name: size, values: {small: [小号, small], 大: [大号, 'L\\\\']}, fuzzy: true}
"""


async def imported(
    stub: IntentTrainingServiceStub, tenant: str, path: Path
) -> pb.ImportTrainingDataResponse:
    """Import a file in place of the draft."""
    messages = [pb.ImportTrainingDataRequest(data=part) for part in parts(path)]
    return await bring(stub, tenant, *messages, mode=REPLACE)


async def snapshot(database_url: str, tenant: str) -> TrainingData:
    """What a model of the tenant would be trained on."""
    async with open_pool(database_url) as pool:
        return await DraftStore(pool).snapshot(tenant.removeprefix("tenants/"))


async def test_the_sample_company_s_file_is_taken_as_it_is(
    stub: IntentTrainingServiceStub, tenant: str, database_url: str
) -> None:
    """Without an error, and the data is what its file says, to the order of its utterances."""
    done = await imported(stub, tenant, SHOP)
    assert done.imported
    assert {each.severity for each in done.problems} <= {pb.DataProblem.SEVERITY_WARNING}
    data = file_data(SHOP, tenant.removeprefix("tenants/"))
    assert await snapshot(database_url, tenant) == data
    assert done.data_hash == data.version()


@pytest.mark.parametrize(("text", "ending"), [(TABLE, ".csv"), (LISTS, ".yaml")])
async def test_every_value_of_a_file_arrives(
    stub: IntentTrainingServiceStub, tenant: str, database_url: str, tmp_path: Path, text: str,
    ending: str,
) -> None:  # fmt: skip
    """Types, languages, descriptions, patterns and word lists with all their signs."""
    path = tmp_path / f"data{ending}"
    path.write_text(text, encoding="utf-8")
    assert (await imported(stub, tenant, path)).imported
    data = await snapshot(database_url, tenant)
    assert data == file_data(path, tenant.removeprefix("tenants/"))
    assert TrainingData.from_json(data.to_json()) == data


async def test_another_order_of_the_same_file_is_the_same_data(
    stub: IntentTrainingServiceStub, tenant: str, tmp_path: Path
) -> None:
    """Who sorts a table has not changed what is learnt."""
    header, *rows = TABLE.splitlines()
    hashes = set()
    for number, ordered in enumerate((rows, rows[::-1], sorted(rows))):
        path = tmp_path / f"{number}.csv"
        path.write_text("\n".join([header, *ordered]), encoding="utf-8")
        hashes.add((await imported(stub, tenant, path)).data_hash)
        hashes.add((await imported(stub, fresh_tenant(), path)).data_hash)
    assert len(hashes) == 1


async def test_a_tenant_without_a_draft_has_what_everybody_has(database_url: str) -> None:
    """The base intents; a model of them alone cannot be trained."""
    data = await snapshot(database_url, fresh_tenant())
    assert [each.name for each in data.intents] == ["goodbye", "greeting", "human", "thanks"]
    assert all(each.base for each in data.intents)


async def test_a_snapshot_is_one_moment_of_the_draft(
    stub: IntentTrainingServiceStub, tenant: str, database_url: str
) -> None:
    """An import beside it is in it as a whole or not at all."""
    before = await bring(stub, tenant, GOOD)
    rest = pb.TrainingDataPart(
        intents=GOOD.data.intents,
        utterances=[
            pb.Utterance(text=f"{intent} {number}", intent=intent)
            for intent in ("refund", "hours")
            for number in range(500)
        ],
    )
    importing = asyncio.create_task(
        bring(stub, tenant, pb.ImportTrainingDataRequest(data=rest), mode=REPLACE)
    )
    seen = {(await snapshot(database_url, tenant)).version()}
    while not importing.done():
        seen.add((await snapshot(database_url, tenant)).version())
    assert seen <= {before.data_hash, (await importing).data_hash}


async def test_a_lost_database_is_said_and_survived(
    stub: IntentTrainingServiceStub, tenant: str, database_url: str
) -> None:
    """While PostgreSQL refuses, callers are told to retry; afterwards the draft is what it was."""
    before = await bring(stub, tenant, GOOD)
    with database_away(database_url):
        for call in (
            bring(stub, tenant, GOOD),
            stub.ListIntents(pb.ListIntentsRequest(parent=tenant), timeout=SECONDS),
            stub.ListUncertain(pb.ListUncertainRequest(parent=tenant), timeout=SECONDS),
        ):
            error = await error_of(call)
            assert type(error) is errors.StorageUnavailable
            assert error.metadata["error_id"]
    # The pool reconnects by itself, after a pause that it chooses.
    async with asyncio.timeout(60):
        while not (after := await once_more(stub, tenant)):
            pass
    assert after.data_hash == before.data_hash


async def once_more(
    stub: IntentTrainingServiceStub, tenant: str
) -> pb.ImportTrainingDataResponse | None:
    """Import nothing; None while the service says that its storage is unavailable."""
    try:
        return await bring(stub, tenant, part())
    except grpc.RpcError as error:
        if type(from_rpc_error(error, "intent")) is errors.StorageUnavailable:
            return None
        raise
