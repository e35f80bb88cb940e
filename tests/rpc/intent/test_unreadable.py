"""Models that a release cannot read: refused, or passed over, and nobody is told otherwise."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import psycopg
import pytest
from kefu.errors import IntentModelNotFound
from kefu.intent.v1 import training_pb2 as pb
from prometheus_client import REGISTRY

from services.intent.trained_model import FORMAT
from tests.rpc.intent.samples import SECONDS, Company, product, request_id, stored, until
from tests.rpc.intent.test_live import LARGE, SMALL, answers_with, serving, versions
from tests.support.mesh import Served, error_of


def newer(artefact: bytes) -> bytes:
    """The model as a later release might write it."""
    with np.load(io.BytesIO(artefact)) as arrays:
        parts = {name: arrays[name] for name in arrays.files}
    header = json.loads(parts["header"].tobytes()) | {"format": FORMAT + 1}
    parts["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    content = io.BytesIO()
    np.savez(content, **parts)
    return content.getvalue()


async def spoilt(
    database_url: str, company: Company, spoil: Callable[[bytes], bytes], activate: bool = False
) -> str:
    """Store a model that this release cannot read; a later release may put it into service."""
    made = product(*SMALL)
    bad = replace(made, artefact=spoil(made.artefact))
    return (await stored(database_url, company.name, bad, activate)).name


def unreadable_tenants() -> float:
    """What the metric says."""
    return REGISTRY.get_sample_value("kefu_intent_models_unreadable") or 0.0


async def live_ones(company: Company) -> list[str]:
    """The names of the versions that are listed as live."""
    request = pb.ListModelsRequest(parent=company.parent, page_size=100)
    listed = await company.training.ListModels(request, timeout=SECONDS)
    return [model.name for model in listed.models if model.live]


@pytest.mark.parametrize(
    "spoil", [lambda artefact: b"damaged", lambda artefact: artefact[:-100], newer]
)
async def test_what_cannot_be_read_does_not_go_into_service(
    company: Company, database_url: str, spoil: Any
) -> None:
    """Damaged, cut short or of a later release: refused with the reason, nothing has changed."""
    bad = await spoilt(database_url, company, spoil)
    [good, other] = await versions(database_url, company, LARGE, SMALL)
    await company.activates(good)
    error = await error_of(company.activates(bad))
    assert isinstance(error, IntentModelNotFound)
    assert "cannot be read by this release" in error.message
    assert await serving(company) == (await company.model()).name == good
    assert await live_ones(company) == [good]
    await company.activates(other)
    assert (await company.rolls_back()).name == good


async def test_going_back_to_what_cannot_be_read_is_refused(
    company: Company, database_url: str
) -> None:
    """It was spoilt since it was live; what serves stays. A repeat of an old request succeeds."""
    first, second = await versions(database_url, company, SMALL, LARGE)
    same = request_id()
    await company.activates(first, request_id=same)
    await company.activates(second)
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute(
            "UPDATE models SET artefact = 'damaged' WHERE id = %s", (first.rpartition("/")[2],)
        )
    error = await error_of(company.rolls_back())
    assert isinstance(error, IntentModelNotFound)
    assert "cannot be read by this release" in error.message
    assert await serving(company) == second
    assert await live_ones(company) == [second]
    assert (await company.activates(first, request_id=same)).name == first


async def test_a_replica_of_an_older_release_goes_on_with_what_serves(
    company: Company, database_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """A later release has put its model into service: it is logged, once, and not called live."""
    [good] = await versions(database_url, company, LARGE)
    await company.activates(good)
    bad = await spoilt(database_url, company, newer, activate=True)
    logged: list[str] = []

    async def seen() -> bool:
        logged.extend(
            line for line in capfd.readouterr().out.splitlines() if "model_unreadable" in line
        )
        return bool(logged)

    await until(seen)
    assert await serving(company) == (await company.model()).name == good
    assert await live_ones(company) == [good]
    assert unreadable_tenants() == 1
    error = await error_of(company.activates(bad))
    assert isinstance(error, IntentModelNotFound)
    assert (await company.rolls_back()).name == good
    assert unreadable_tenants() == 0
    await seen()
    assert len(logged) == 1
    assert bad in logged[0]


async def test_a_replica_that_starts_takes_the_newest_that_it_can_read(
    company: Company, replica: Any, database_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Down the stack of activations; log, metric and lists say which one answers."""
    oldest, good = await versions(database_url, company, SMALL, LARGE)
    await company.activates(oldest)
    await company.activates(good)
    bad = [await spoilt(database_url, company, newer, activate=True) for _ in range(2)]
    async with replica() as fresh:
        elsewhere = company.at(fresh)
        assert await serving(elsewhere) == (await elsewhere.model()).name == good
        assert await live_ones(elsewhere) == [good]
        logged = capfd.readouterr().out
        assert "older_model_answers" in logged
        assert all(name in logged for name in bad)
        [readable] = await versions(database_url, company, SMALL)
        assert (await elsewhere.activates(readable)).live
        assert await live_ones(elsewhere) == [readable]


async def test_a_tenant_of_whom_nothing_can_be_read_has_no_model(
    company: Company, replica: Any, database_url: str
) -> None:
    """The replica starts all the same, and serves the others."""
    await spoilt(database_url, company, newer, activate=True)
    async with replica() as fresh:
        elsewhere = company.at(fresh)
        assert isinstance(await error_of(elsewhere.classifies("hi")), IntentModelNotFound)
        assert await live_ones(elsewhere) == []


async def test_a_record_that_cannot_be_read_holds_nobody_up(
    company: Company, server: Served, replica: Any, database_url: str
) -> None:
    """A later release may write records otherwise: other tenants switch, replicas start."""
    await versions(database_url, company, SMALL, activate=True)
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute(
            "UPDATE models SET quality = '{}' WHERE tenant = %s", (company.name,)
        )
    # Tenants are looked at in no order: of these one comes later.
    others = [Company(server), Company(server)]
    for other in others:
        [name] = await versions(database_url, other, LARGE, activate=True)
        await answers_with(other, name)
    async with replica() as fresh:
        for other in others:
            assert await serving(other.at(fresh))
