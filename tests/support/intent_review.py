"""What customers said that the live model was unsure of, for tests of its review."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from kefu.intent.v1 import training_pb2 as pb
from kefu.intent.v1.training_pb2_grpc import IntentTrainingServiceStub

from services.intent.review.uncertain import Uncertain
from services.intent.review.uncertain_store import UncertainStore
from services.intent.values import Candidate, Classification, IntentType, Method
from services.language import detect
from services.mesh.database import open_pool
from tests.support.intent_data import (
    SECONDS,
    request_id,
)
from tests.support.mesh import Served


@pytest.fixture
async def store(server: Served, database_url: str) -> AsyncIterator[UncertainStore]:
    """Where the live service writes what it is unsure of."""
    async with open_pool(database_url) as pool:
        yield UncertainStore(pool)


def answer(text: str, confidence: float = 0.4) -> Classification:
    """What the live model made of an utterance."""
    return Classification(
        best=Candidate("hours", IntentType.QUERY, confidence),
        alternatives=(Candidate("refund", IntentType.OPERATION, 0.3),),
        ambiguous=False,
        entities=(),
        language=detect(text),
        method=Method.MODEL,
        model_version="m1",
    )


async def meet(store: UncertainStore, tenant: str, *said: str, confidence: float = 0.4) -> None:
    """Let customers say something that the live model is unsure of."""
    uncertain = Uncertain(store, below=0.6)
    for text in said:
        uncertain.note(tenant.removeprefix("tenants/"), text, answer(text, confidence))
    await uncertain.flush()


async def listed(
    stub: IntentTrainingServiceStub, tenant: str, **fields: Any
) -> list[pb.UncertainUtterance]:
    """The first page of what is to be reviewed."""
    request = pb.ListUncertainRequest(parent=tenant, **fields)
    return list((await stub.ListUncertain(request, timeout=SECONDS)).utterances)


def resolving(name: str, **fields: Any) -> pb.ResolveUncertainRequest:
    """A request to resolve an utterance."""
    return pb.ResolveUncertainRequest(name=name, **({"request_id": request_id()} | fields))
