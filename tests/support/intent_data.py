"""Requests about training data, and a client and a tenant to send them for."""

import uuid
from collections.abc import Iterable, Iterator

import pytest
from kefu.intent.v1 import intent_pb2, training_pb2
from kefu.intent.v1.training_pb2_grpc import IntentTrainingServiceStub
from kefu.type.v1 import understanding_pb2

from tests.support.mesh import Served

SECONDS = 20.0
"""Deadline of calls that are not about deadlines."""

MERGE = training_pb2.TrainingDataHeader.MODE_MERGE
REPLACE = training_pb2.TrainingDataHeader.MODE_REPLACE
Mode = training_pb2.TrainingDataHeader.Mode

UNSPECIFIED = understanding_pb2.INTENT_TYPE_UNSPECIFIED
QUERY = understanding_pb2.INTENT_TYPE_QUERY
OPERATION = understanding_pb2.INTENT_TYPE_OPERATION


@pytest.fixture
def stub(server: Served) -> IntentTrainingServiceStub:
    """A client that may do everything to training data."""
    return server.stub(IntentTrainingServiceStub, role="content-owner")


@pytest.fixture
def tenant() -> str:
    """The name of a tenant of this test alone."""
    return fresh_tenant()


def request_id() -> str:
    """A fresh UUID."""
    return str(uuid.uuid4())


def fresh_tenant() -> str:
    """The name of a tenant that only one test uses."""
    return f"tenants/t-{uuid.uuid4().hex[:12]}"


def header(
    tenant: str, mode: Mode.ValueType = MERGE, **fields: bool
) -> training_pb2.ImportTrainingDataRequest:
    """The first message of an import."""
    return training_pb2.ImportTrainingDataRequest(
        header=training_pb2.TrainingDataHeader(
            parent=tenant, request_id=request_id(), mode=mode, **fields
        )
    )


def part(
    said: Iterable[tuple[str, str]] = (),
    intents: Iterable[tuple[str, understanding_pb2.IntentType.ValueType]] = (),
    entity_types: Iterable[training_pb2.EntityType] = (),
) -> training_pb2.ImportTrainingDataRequest:
    """A further message: (intent, text) pairs, (intent, type) pairs, entity types."""
    return training_pb2.ImportTrainingDataRequest(
        data=training_pb2.TrainingDataPart(
            intents=[intent_pb2.Intent(intent=name, type=kind) for name, kind in intents],
            utterances=[training_pb2.Utterance(intent=intent, text=text) for intent, text in said],
            entity_types=entity_types,
        )
    )


GOOD = part(
    [
        ("refund", "我要退款"), ("refund", "money back please"), ("refund", "把钱refund给我"),
        ("hours", "几点开门"), ("hours", "opening hours"), ("unknown", "sing a song"),
    ],
    [("refund", OPERATION), ("hours", QUERY)],
    [training_pb2.EntityType(entity_type="ticket", pattern=r"T\d{4}", description="A ticket.")],
)  # fmt: skip
"""Two intents with their utterances, an example of "unknown" and an entity type."""


async def bring(
    stub: IntentTrainingServiceStub,
    tenant: str,
    *parts: training_pb2.ImportTrainingDataRequest,
    mode: Mode.ValueType = MERGE,
    **fields: bool,
) -> training_pb2.ImportTrainingDataResponse:
    """Import messages."""

    def messages() -> Iterator[training_pb2.ImportTrainingDataRequest]:
        yield header(tenant, mode, **fields)
        yield from parts

    response: training_pb2.ImportTrainingDataResponse = await stub.ImportTrainingData(
        messages(), timeout=60
    )
    return response


async def draft(stub: IntentTrainingServiceStub, tenant: str) -> dict[str, list[str]]:
    """The draft's utterances by intent, in their order."""
    found: dict[str, list[str]] = {}
    token = ""
    while True:
        page = await stub.ListUtterances(
            training_pb2.ListUtterancesRequest(parent=tenant, page_size=100, page_token=token),
            timeout=SECONDS,
        )
        for each in page.utterances:
            found.setdefault(each.intent, []).append(each.text)
        token = page.next_page_token
        if not token:
            return found


def reasons(response: training_pb2.ImportTrainingDataResponse) -> list[str]:
    """The reasons of an import's problems, in order."""
    return [problem.reason for problem in response.problems]
