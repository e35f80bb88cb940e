"""Which version answers: switching, going back, on every replica, without a call noticing."""

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from kefu.errors import IntentModelNotFound, PageTokenInvalid, RequestIdReused
from kefu.intent.v1 import training_pb2 as pb
from prometheus_client import REGISTRY

from services.intent.trainings.operation import Wish, training_request
from services.intent.versions.model_store import KEPT_VERSIONS, ModelStore
from services.mesh.database import open_pool
from services.mesh.operations.operation_store import OperationStore
from tests.rpc.intent.samples import (
    DATA,
    MORE,
    SECONDS,
    Company,
    Operation,
    product,
    request_id,
    stored,
    until,
)
from tests.support.mesh import Served, error_of

SMALL = ("refund", "delivery", "unknown")
LARGE = ("refund", "delivery", "invoice", "unknown")
TEXT = "发票怎么开"  # an utterance of the large model, which the small one has never seen


async def versions(
    database_url: str, company: Company, *kinds: Sequence[str], activate: bool = False
) -> list[str]:
    """Store models of these kinds; their names."""
    return [
        (await stored(database_url, company.name, product(*kind), activate)).name for kind in kinds
    ]


async def answers_with(company: Company, name: str) -> None:
    """Return once a replica answers with this version."""

    async def answers() -> bool:
        return await serving(company) == name

    await until(answers)


async def serving(company: Company) -> str:
    """The name of the version that answers; empty where none does."""
    try:
        found = await company.classifies(TEXT)
    except Exception:
        return ""
    return f"{company.parent}/models/{found.model_version}"


async def test_switching_drops_no_call(company: Company, database_url: str) -> None:
    """Calls run without a pause while versions come and go; each is answered by one of them."""
    small, large = await versions(database_url, company, SMALL, LARGE)
    await company.activates(small)
    done = asyncio.Event()

    async def calls() -> list[tuple[str, str]]:
        seen = []
        while not done.is_set():
            found = await company.classifies(TEXT)
            seen.append((found.model_version, found.best.intent))
        return seen

    running = [asyncio.create_task(calls()) for _ in range(4)]
    for _ in range(5):
        await company.activates(large)
        assert (await company.classifies(TEXT)).best.intent == "invoice"
        await company.rolls_back()
        assert (await company.classifies(TEXT)).best.intent != "invoice"
    done.set()
    seen = [each for task in running for each in await task]
    assert {version for version, _ in seen} == {name.rpartition("/")[2] for name in (small, large)}
    knows = {version: intent == "invoice" for version, intent in seen}
    assert all((intent == "invoice") == knows[version] for version, intent in seen)
    assert len(seen) > 100


async def test_every_replica_switches(company: Company, replica: Any, database_url: str) -> None:
    """Activated at one, live at the other within a second or two, forth and back."""
    small, large = await versions(database_url, company, SMALL, LARGE)
    async with replica() as other:
        elsewhere = company.at(other)
        await company.activates(small)
        await answers_with(elsewhere, small)
        await elsewhere.activates(large)
        await answers_with(company, large)
        await company.rolls_back()
        await answers_with(elsewhere, small)


async def test_a_replica_that_starts_answers_at_once(
    company: Company, replica: Any, database_url: str
) -> None:
    """The live models are loaded before the first call is taken."""
    [name] = await versions(database_url, company, LARGE, activate=True)
    async with replica() as fresh:
        assert await serving(company.at(fresh)) == name


async def test_going_back_twice_goes_further_back(company: Company, database_url: str) -> None:
    """Activations are a stack: back from C to B, from B to A, and then there is nothing."""
    first, second, third = await versions(database_url, company, SMALL, LARGE, SMALL)
    for name in (first, second, third, third):
        assert (await company.activates(name)).name == name
    assert (await company.rolls_back()).name == second
    assert (await company.rolls_back()).name == first
    assert isinstance(await error_of(company.rolls_back()), IntentModelNotFound)
    assert await serving(company) == first
    # What is activated now goes on top of what is live, not of what was left.
    await company.activates(third)
    assert (await company.rolls_back()).name == first


async def test_a_repeat_returns_the_first_result(company: Company, database_url: str) -> None:
    """A retried call must not go back twice, nor undo what came after it."""
    first, second, third = await versions(database_url, company, SMALL, LARGE, SMALL)
    again, back = request_id(), request_id()
    await company.activates(first, request_id=again)
    await company.activates(second)
    assert (await company.activates(first, request_id=again)).name == first
    assert (await company.model()).name == second
    await company.activates(third)
    assert (await company.rolls_back(request_id=back)).name == second
    assert (await company.rolls_back(request_id=back)).name == second
    assert (await company.model()).name == second
    for call in (
        company.activates(second, request_id=again),
        company.activates(second, request_id=back),
        company.rolls_back(request_id=again),
    ):
        assert isinstance(await error_of(call), RequestIdReused)


async def test_activations_at_the_same_moment_all_count(
    company: Company, replica: Any, database_url: str
) -> None:
    """Each goes on top of another; none is lost."""
    names = await versions(database_url, company, SMALL, LARGE, SMALL, LARGE)
    async with replica() as other:
        callers = itertools.cycle((company, company.at(other)))
        await asyncio.gather(*(next(callers).activates(name) for name in names))
        seen = [(await company.model()).name]
        seen += [(await company.rolls_back()).name for _ in range(3)]
    assert sorted(seen) == sorted(names)


async def test_a_version_that_is_not_there_is_said_to_be_missing(
    company: Company, server: Served, database_url: str
) -> None:
    """Whether read, activated or gone back to; another tenant's is not there either."""
    [foreign] = await versions(database_url, Company(server), SMALL, activate=True)
    foreign = foreign.replace(foreign.split("/")[1], company.name)
    for call in (
        company.model(f"{company.parent}/models/none"),
        company.model(),
        company.model(foreign),
        company.activates(foreign),
        company.activates(f"{company.parent}/models/live"),
        company.rolls_back(),
        company.classifies(TEXT),
    ):
        assert isinstance(await error_of(call), IntentModelNotFound)


async def test_old_versions_keep_their_record_and_lose_their_model(
    company: Company, database_url: str
) -> None:
    """The newest can be put into service, and what is live and next below; the rest is told of."""
    live, below, *others = await versions(database_url, company, *[SMALL] * KEPT_VERSIONS)
    for name in (below, live):
        await company.activates(name)
    # The next four trainings let the two oldest go that neither are live nor were before.
    await versions(database_url, company, *[LARGE] * 4)
    listed = await company.training.ListModels(
        pb.ListModelsRequest(parent=company.parent, page_size=100), timeout=SECONDS
    )
    sizes = {model.name: model.size_bytes for model in listed.models}
    assert len(sizes) == KEPT_VERSIONS + 4
    assert sizes[live] > 0
    assert sizes[below] > 0
    gone = [name for name, size in sizes.items() if not size]
    assert gone == others[1::-1]
    assert (await company.model(gone[0])).quality.lexical.utterances > 0
    error = await error_of(company.activates(gone[0]))
    assert isinstance(error, IntentModelNotFound)
    assert "record" in error.message
    assert (await company.rolls_back()).name == below


async def test_versions_are_listed_newest_first_in_pages(
    company: Company, database_url: str
) -> None:
    """With their figures, and which of them is live."""
    names = await versions(database_url, company, SMALL, LARGE, SMALL)
    await company.activates(names[1])
    first = await company.training.ListModels(
        pb.ListModelsRequest(parent=company.parent, page_size=2), timeout=SECONDS
    )
    request = pb.ListModelsRequest(
        parent=company.parent, page_size=2, page_token=first.next_page_token
    )
    rest = await company.training.ListModels(request, timeout=SECONDS)
    models = [*first.models, *rest.models]
    assert [model.name for model in models] == names[::-1]
    assert [model.live for model in models] == [False, True, False]
    assert [model.intent_count for model in models] == [2, 3, 2]
    assert rest.next_page_token == ""
    request.page_token = "x" + first.next_page_token
    error = await error_of(company.training.ListModels(request, timeout=SECONDS))
    assert isinstance(error, PageTokenInvalid)


def accuracy(company: Company, language: str, model: str = "live") -> float | None:
    """The figure that the alert watches."""
    labels = {"tenant": company.name, "model": model, "language": language}
    return REGISTRY.get_sample_value("kefu_intent_accuracy", labels)


async def test_the_accuracy_of_the_live_model_is_a_metric(
    company: Company, database_url: str
) -> None:
    """By language and over all; it is exchanged with the model, and old languages go."""
    small, large = product(*SMALL), product(*LARGE)
    english = {"en": small.quality.languages["en"]}
    only = replace(small, quality=replace(small.quality, languages=english))
    await stored(database_url, company.name, large, activate=True)
    version = await stored(database_url, company.name, only)
    await answers_with(company, (await company.model()).name)
    assert accuracy(company, "all") == pytest.approx(large.quality.lexical.accuracy)
    assert accuracy(company, "zh") == pytest.approx(large.quality.languages["zh"].accuracy)
    await company.activates(version.name)
    assert accuracy(company, "all") == pytest.approx(small.quality.lexical.accuracy)
    assert accuracy(company, "en") == pytest.approx(english["en"].accuracy)
    assert accuracy(company, "zh") is None


async def test_the_accuracy_of_what_was_trained_last_is_a_metric(company: Company) -> None:
    """Beside that of the live model, which an evaluation does not change."""
    first = await company.model((await company.trains(DATA, activate=True)).result)
    second = await company.model((await company.trains(MORE)).result)
    for model, label in ((first, "live"), (second, "trained")):
        found = accuracy(company, "all", label)
        assert found == pytest.approx(model.quality.lexical.accuracy)
    assert first.live
    assert not second.live


async def test_a_training_that_has_ended_otherwise_stores_nothing(
    company: Company, database_url: str
) -> None:
    """Cancelled at the last moment: neither a model nor an activation comes of it."""
    async with open_pool(database_url, 1) as pool:
        operations = OperationStore(pool)
        wish = Wish(activate=True, lexical_only=True)
        request = training_request(company.name, request_id(), wish, "")
        begun, _ = await operations.begin(request)
        await operations.cancel(company.name, begun.id)
        assert not await ModelStore(pool).finish(begun, product(*SMALL), activate=True)
    listed = await company.training.ListModels(pb.ListModelsRequest(parent=company.parent))
    assert not listed.models
    assert isinstance(await error_of(company.model()), IntentModelNotFound)
    assert (await company.operation(begun.name)).state == Operation.STATE_CANCELLED
