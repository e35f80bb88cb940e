"""What becomes of a training when the database, or the caller, goes at the worst moment."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from kefu.errors import StorageUnavailable
from kefu.intent.v1 import training_pb2 as pb
from prometheus_client import REGISTRY

from services.intent.versions.model_store import ModelStore
from services.mesh.operations.operation_store import OperationStore
from tests.rpc.intent.samples import (
    DATA,
    SECONDS,
    Company,
    Operation,
    WordVectors,
    request_id,
    until,
)
from tests.support.mesh import Served
from tests.support.postgres import database_away


@pytest.fixture
async def patient(replica: Any) -> AsyncIterator[Served]:
    """A replica that gives an operation up only when its database is away for a minute."""
    async with replica(stale_seconds=60) as served:
        yield served


async def test_a_database_that_fails_over_costs_no_training(
    patient: Served, vectors: WordVectors, database_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """It goes while vectors are made and comes back: they are kept, and the training succeeds."""
    company = Company(patient)
    await company.imports(DATA)
    vectors.open.clear()
    begun = await company.begins(activate=True)
    await asyncio.wait_for(vectors.asked.wait(), SECONDS)
    logged = ""

    async def missed() -> bool:
        nonlocal logged
        logged += "".join(capfd.readouterr())
        return "vector_store.py" in logged

    with database_away(database_url):
        vectors.open.set()
        await until(missed)

    async def ended() -> bool:
        try:
            return bool((await company.operation(begun.name)).HasField("end_time"))
        except grpc.RpcError:  # the pool reconnects after a pause that it chooses
            return False

    await until(ended)
    operation = await company.operation(begun.name)
    assert operation.state == Operation.STATE_SUCCEEDED, operation.problem
    assert (await company.model()).name == operation.result


async def test_a_caller_who_leaves_leaves_no_operation_without_work(
    patient: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its call ends when the operation is stored and before its work has begun."""
    company = Company(patient)
    await company.imports(DATA)
    begin = OperationStore.begin
    stored, go_on = asyncio.Event(), asyncio.Event()

    async def slow(*arguments: Any) -> Any:
        begun = await begin(*arguments)
        stored.set()
        await go_on.wait()
        return begun

    monkeypatch.setattr(OperationStore, "begin", slow)
    same = request_id()
    request = pb.TrainModelRequest(parent=company.parent, request_id=same, lexical_only=True)
    call = company.training.TrainModel(request)
    await asyncio.wait_for(stored.wait(), SECONDS)
    call.cancel()

    async def left() -> bool:
        return any(each.method.endswith("/TrainModel") for each in patient.spooled())

    await until(left)
    go_on.set()
    ended = await company.ended(await company.begins(request_id=same, lexical_only=True))
    assert ended.state == Operation.STATE_SUCCEEDED, ended.problem


async def test_a_commit_whose_answer_was_lost_has_succeeded(
    patient: Served, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The model is stored once, and nobody says that the training was cancelled."""
    finish = ModelStore.finish
    tries: list[bool] = []

    async def answers_later(*arguments: Any) -> bool:
        tries.append(await finish(*arguments))
        if len(tries) == 1:
            raise StorageUnavailable()
        return tries[-1]

    monkeypatch.setattr(ModelStore, "finish", answers_later)
    ended = {state: trainings(state) for state in ("succeeded", "cancelled")}
    company = Company(patient)
    operation = await company.trains(DATA)
    logged = ""

    async def said() -> bool:
        nonlocal logged
        logged += capfd.readouterr().out
        return "training_ended" in logged

    await until(said)
    assert tries == [True, False]
    assert operation.state == Operation.STATE_SUCCEEDED
    assert (await company.model(operation.result)).name == operation.result
    assert trainings("succeeded") == ended["succeeded"] + 1
    assert trainings("cancelled") == ended["cancelled"]
    listed = await company.training.ListModels(pb.ListModelsRequest(parent=company.parent))
    assert len(listed.models) == 1


def trainings(state: str) -> float:
    """How many have ended so."""
    labels = {"state": state}
    return REGISTRY.get_sample_value("kefu_intent_trainings_total", labels) or 0.0
