"""In doubt: a second opinion from a model provider, where it is set, and a note for labelling.

Both come with the last answer to a message, which a caller that can make a vector gives a hint of.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from kefu.intent.v1.intent_pb2 import Classification
from kefu.type.v1 import understanding_pb2 as types
from prometheus_client import REGISTRY

from tests.rpc.intent.conftest import Replica
from tests.rpc.intent.samples import MORE, Company, WordVectors, embedding, product, stored
from tests.support.intent_review import listed

LARGE = product("refund", "delivery", "invoice", "unknown")
DOUBTFUL = "钱的包裹的发票"


@pytest.fixture
async def asking(replica: Any, database_url: str) -> AsyncIterator[Company]:
    """A tenant at a service that asks whenever it is not certain."""
    async with replica(provider_below=1.0, provider_seconds=2) as server:
        company = Company(server)
        version = await stored(database_url, company.name, LARGE)
        await company.activates(version.name)
        yield company


def counted(outcome: str) -> float:
    """How often a provider was asked with this outcome."""
    labels = {"outcome": outcome}
    return REGISTRY.get_sample_value("kefu_intent_provider_choices_total", labels) or 0.0


async def test_a_provider_is_asked_only_where_it_is_set(
    company: Company, vectors: WordVectors, database_url: str
) -> None:
    """By default never, however doubtful the answer."""
    version = await stored(database_url, company.name, LARGE)
    await company.activates(version.name)
    assert (await company.classifies(DOUBTFUL)).method == Classification.METHOD_MODEL
    assert not vectors.choices


async def test_its_choice_is_the_answer(asking: Company, vectors: WordVectors) -> None:
    """It is told what each candidate means, with examples; the others become alternatives."""
    vectors.choice = "invoice"
    found = await asking.classifies(DOUBTFUL)
    assert found.method == Classification.METHOD_PROVIDER
    assert (found.best.intent, found.best.type) == ("invoice", types.INTENT_TYPE_QUERY)
    assert found.best.confidence == 1.0
    assert not found.ambiguous
    others = [each.intent for each in found.alternatives]
    assert "invoice" not in others
    [asked] = vectors.choices
    assert (asked.tenant, asked.text) == (asking.parent, DOUBTFUL)
    assert {each.choice for each in asked.choices} == {"invoice", *others}
    [choice] = [each for each in asked.choices if each.choice == "invoice"]
    assert choice.description == "About invoice."
    assert 2 <= len(choice.examples) <= 5
    assert any(each.isascii() for each in choice.examples)
    assert not all(each.isascii() for each in choice.examples)


async def test_none_of_them_is_unknown(asking: Company, vectors: WordVectors) -> None:
    """The model may say that nothing fits."""
    vectors.choice = ""
    found = await asking.classifies(DOUBTFUL)
    assert found.method == Classification.METHOD_PROVIDER
    assert found.best.type == types.INTENT_TYPE_UNKNOWN


async def test_what_is_sure_is_not_asked(asking: Company, vectors: WordVectors) -> None:
    """A known utterance has confidence 1."""
    assert (await asking.classifies("我要退款")).method == Classification.METHOD_EXACT
    assert not vectors.choices


async def test_a_provider_that_fails_leaves_the_local_answer(
    asking: Company, vectors: WordVectors, capfd: pytest.CaptureFixture[str]
) -> None:
    """The call succeeds; log and metric tell."""
    before = counted("failed")
    vectors.down = True
    found = await asking.classifies(DOUBTFUL)
    assert found.method == Classification.METHOD_MODEL
    assert counted("failed") == before + 1
    written = capfd.readouterr().out
    assert "provider_failed" in written
    assert DOUBTFUL not in written


async def test_a_provider_that_hangs_leaves_time_for_the_local_answer(
    asking: Company, vectors: WordVectors
) -> None:
    """The caller's deadline is shared: it hears the local answer in time."""
    vectors.open.clear()
    async with asyncio.timeout(1.0):
        found = await asking.classifies(DOUBTFUL, deadline=0.9)
    assert found.method == Classification.METHOD_MODEL
    vectors.open.set()


async def test_a_provider_may_not_invent_an_intent(asking: Company, vectors: WordVectors) -> None:
    """An answer that was not among the choices counts as none at all."""
    vectors.choice = "robbery"
    found = await asking.classifies(DOUBTFUL)
    assert found.method == Classification.METHOD_MODEL


@pytest.mark.parametrize(
    ("fields", "wants", "asked"),
    [
        ({}, True, 1),
        ({"embedding_follows": True}, True, 0),
        ({"embedding": embedding(DOUBTFUL), "embedding_follows": True}, False, 1),
        ({"embedding": embedding(DOUBTFUL, "words-2"), "embedding_follows": True}, True, 1),
    ],
    ids=["no vector will come", "a vector will come", "a vector", "a vector of another model"],
)
async def test_only_a_promised_vector_puts_the_last_answer_off(
    replica: Replica, vectors: WordVectors, database_url: str,
    fields: dict[str, Any], wants: bool, asked: int,
) -> None:  # fmt: skip
    """With a model that looks at vectors: provider and labelling get each message once."""
    async with replica() as server:
        company = Company(server)
        version = await stored(database_url, company.name, product(*MORE, vectors=True))
        await company.activates(version.name)
        async with replica(provider_below=1.0, provider_seconds=2, sure_confidence=1.0) as other:
            found = await company.at(other).classifies(DOUBTFUL, **fields)
        # The other replica has ended, so what it noted is written.
        noted = await listed(company.training, company.parent)
    assert found.wants_embedding == wants
    assert (len(vectors.choices), [each.text for each in noted]) == (asked, [DOUBTFUL] * asked)
