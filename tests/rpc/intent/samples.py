"""Small companies with training data, and a generation service whose vectors are made of words."""

import asyncio
import hashlib
import math
import struct
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from kefu.errors import ModelUnavailable
from kefu.generation.v1 import generation_pb2
from kefu.generation.v1.generation_pb2_grpc import GenerationServiceServicer
from kefu.intent.v1 import intent_pb2, training_pb2
from kefu.intent.v1.intent_pb2_grpc import IntentServiceStub
from kefu.intent.v1.training_pb2_grpc import IntentTrainingServiceStub
from kefu.type.v1 import operation_pb2, understanding_pb2
from kefu.type.v1.text_pb2 import Embedding

from services.intent.training import train
from services.intent.training_data import Intent, TrainingData, Utterance
from services.intent.trainings.operation import Wish, training_request
from services.intent.values import IntentType
from services.intent.versions.model_store import ModelStore
from services.intent.versions.version import ModelVersion, Product, summary
from services.language import detect, words
from services.mesh.database import open_pool
from services.mesh.operations.operation_store import OperationStore
from tests.support.mesh import Served

SECONDS = 60.0
"""Deadline of calls that are not about deadlines: a training takes seconds on a busy machine."""

MODEL = "words-1"
DIMENSIONS = 64

TYPES = {
    "refund": understanding_pb2.INTENT_TYPE_OPERATION,
    "delivery": understanding_pb2.INTENT_TYPE_QUERY,
    "invoice": understanding_pb2.INTENT_TYPE_QUERY,
}
KINDS = {
    "refund": IntentType.OPERATION,
    "delivery": IntentType.QUERY,
    "invoice": IntentType.QUERY,
}
DATA: Mapping[str, Sequence[str]] = {
    "refund": (
        "我要退款", "把钱退给我", "申请退款怎么弄", "退款麻烦处理一下", "这个不要了退钱",
        "I want my money back", "please refund my order", "give me a refund", "refund it please",
    ),
    "delivery": (
        "什么时候到货", "我的快递到哪了", "包裹还有多久送到", "物流怎么不动了", "查一下快递",
        "when does my parcel arrive", "where is my package", "has it been shipped", "track parcel",
    ),
    "unknown": ("今天天气真好", "给我讲个笑话", "what is the capital of France", "sing me a song"),
}  # fmt: skip
"""Training data of two intents, in two languages."""

MORE: Mapping[str, Sequence[str]] = {
    **DATA,
    "invoice": (
        "给我开发票",
        "发票怎么开",
        "要一张增值税发票",
        "I need an invoice",
        "send the invoice",
    ),
}
"""The same with a third intent."""

Operation = operation_pb2.Operation
ENDED = {Operation.STATE_SUCCEEDED, Operation.STATE_FAILED, Operation.STATE_CANCELLED}


async def until(condition: Callable[[], Awaitable[object]], seconds: float = SECONDS) -> None:
    """Return once something holds that other processes bring about."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 (another process)
            await asyncio.sleep(0.02)


def request_id() -> str:
    """A fresh UUID."""
    return str(uuid.uuid4())


def vector(text: str) -> list[float]:
    """A vector that is near another one where the texts share words."""
    counts = [0.01] * DIMENSIONS
    for word in words(text):
        counts[hashlib.sha256(word.encode()).digest()[0] % DIMENSIONS] += 1
    length = math.sqrt(sum(count * count for count in counts))
    return [count / length for count in counts]


def embedding(text: str, model: str = MODEL) -> Embedding:
    """A text's vector as a message."""
    return Embedding(model=model, vector=struct.pack(f"<{DIMENSIONS}f", *vector(text)))


class WordVectors(GenerationServiceServicer):
    """Speaks the contract's Embed and Choose; a test may break it, hold it up and repair it.

    Attributes:
        down: while True, calls fail as they do without a model.
        model: the name that it gives its vectors.
        open: while it is not set, Embed waits.
        asked: set by the first Embed that came.
        batches: the texts of each Embed, in order.
        purposes: of each Embed.
        choices: the requests of Choose.
        choice: what Choose answers.
    """

    def __init__(self) -> None:
        self.down = False
        self.model = MODEL
        self.open = asyncio.Event()
        self.open.set()
        self.asked = asyncio.Event()
        self.batches: list[list[str]] = []
        self.purposes: list[int] = []
        self.choices: list[generation_pb2.ChooseRequest] = []
        self.choice = ""

    async def Embed(
        self, request: generation_pb2.EmbedRequest, context: Any
    ) -> generation_pb2.EmbedResponse:
        """Turn texts into vectors."""
        self.batches.append(list(request.texts))
        self.purposes.append(request.purpose)
        self.asked.set()
        await self.open.wait()
        if self.down:
            raise ModelUnavailable()
        return generation_pb2.EmbedResponse(
            embeddings=[embedding(text, self.model) for text in request.texts]
        )

    async def Choose(
        self, request: generation_pb2.ChooseRequest, context: Any
    ) -> generation_pb2.ChooseResponse:
        """Choose what the test says."""
        self.choices.append(request)
        await self.open.wait()
        if self.down:
            raise ModelUnavailable()
        return generation_pb2.ChooseResponse(choice=self.choice)


def importing(
    tenant: str, data: Mapping[str, Sequence[str]], entities: Mapping[str, str] | None = None
) -> Iterator[training_pb2.ImportTrainingDataRequest]:
    """The messages of an import that replaces the draft; entity types by their patterns."""
    header = training_pb2.TrainingDataHeader(
        parent=f"tenants/{tenant}", request_id=request_id(), omit_base_intents=True,
        mode=training_pb2.TrainingDataHeader.MODE_REPLACE,
    )  # fmt: skip
    yield training_pb2.ImportTrainingDataRequest(header=header)
    utterances = [
        training_pb2.Utterance(text=text, intent=name)
        for name, texts in data.items()
        for text in texts
    ]
    part = training_pb2.TrainingDataPart(
        intents=[
            intent_pb2.Intent(intent=name, type=TYPES[name], description=f"About {name}.")
            for name in data
            if name != "unknown"
        ],
        entity_types=[
            training_pb2.EntityType(entity_type=name, pattern=pattern)
            for name, pattern in (entities or {}).items()
        ],
    )
    yield training_pb2.ImportTrainingDataRequest(data=part)
    for some in batched(utterances, 2000):
        part = training_pb2.TrainingDataPart(utterances=some)
        yield training_pb2.ImportTrainingDataRequest(data=part)


def batched(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """The items in runs of at most `size`."""
    return (items[start : start + size] for start in range(0, len(items), size))


class Company:
    """A tenant of one test, and what its people do."""

    def __init__(self, server: Served, name: str = "") -> None:
        self.name = name or f"t-{uuid.uuid4().hex[:12]}"
        self.parent = f"tenants/{self.name}"
        self.server = server
        self.training = server.stub(IntentTrainingServiceStub, role="content-owner")
        self.intent = server.stub(IntentServiceStub, role="session")

    def tester(self) -> IntentServiceStub:
        """A stub for somebody who tries the model out."""
        return self.server.stub(IntentServiceStub, role="content-owner")

    def at(self, server: Served) -> "Company":
        """The same tenant by way of another replica."""
        return Company(server, self.name)

    async def imports(
        self, data: Mapping[str, Sequence[str]] = DATA, entities: Mapping[str, str] | None = None
    ) -> training_pb2.ImportTrainingDataResponse:
        """Replace the draft."""
        return await self.training.ImportTrainingData(
            importing(self.name, data, entities), timeout=SECONDS
        )

    async def begins(self, **wish: Any) -> Operation:
        """Begin a training; `wish` goes into the request."""
        request = training_pb2.TrainModelRequest(
            **({"parent": self.parent, "request_id": request_id()} | wish)
        )
        return (await self.training.TrainModel(request, timeout=SECONDS)).operation

    async def operation(self, name: str) -> Operation:
        """Read an operation."""
        request = training_pb2.GetOperationRequest(name=name)
        return (await self.training.GetOperation(request, timeout=SECONDS)).operation

    async def states(self, operation: Operation) -> AsyncIterator[Operation]:
        """The operation again and again, until it has ended."""
        async with asyncio.timeout(SECONDS):
            while operation.state not in ENDED:
                yield operation
                await asyncio.sleep(0.02)
                operation = await self.operation(operation.name)
        yield operation

    async def ended(self, operation: Operation) -> Operation:
        """The operation as it ended."""
        async for each in self.states(operation):
            operation = each
        return operation

    async def trains(
        self, data: Mapping[str, Sequence[str]] | None = None, **wish: Any
    ) -> Operation:
        """Import, where data is given, and train on words alone unless `wish` says otherwise."""
        if data is not None:
            await self.imports(data)
        return await self.ended(await self.begins(**({"lexical_only": True} | wish)))

    async def model(self, model: str = "live") -> Any:
        """Read a version by its id or name."""
        name = model if "/" in model else f"{self.parent}/models/{model}"
        request = training_pb2.GetModelRequest(name=name)
        return (await self.training.GetModel(request, timeout=SECONDS)).model

    async def activates(self, name: str, **more: Any) -> Any:
        """Put a version into service."""
        request = training_pb2.ActivateModelRequest(
            **({"name": name, "request_id": request_id()} | more)
        )
        return (await self.training.ActivateModel(request, timeout=SECONDS)).model

    async def rolls_back(self, **more: Any) -> Any:
        """Go back to the version before the live one."""
        request = training_pb2.RollbackModelRequest(
            **({"parent": self.parent, "request_id": request_id()} | more)
        )
        return (await self.training.RollbackModel(request, timeout=SECONDS)).model

    async def classifies(
        self, text: str, deadline: float = SECONDS, **more: Any
    ) -> intent_pb2.Classification:
        """Classify an utterance; `deadline` in seconds."""
        request = intent_pb2.ClassifyRequest(tenant=self.parent, text=text, **more)
        return (await self.intent.Classify(request, timeout=deadline)).classification


def training_data(tenant: str, data: Mapping[str, Sequence[str]]) -> TrainingData:
    """Training data as the draft would give it."""
    intents = tuple(
        Intent(name, KINDS[name], f"About {name}.", _utterances(texts))
        for name, texts in sorted(data.items())
        if name != "unknown"
    )
    return TrainingData(tenant, intents, _utterances(data.get("unknown", ())), ())


@cache
def product(*names: str, vectors: bool = False) -> Product:
    """What training makes of these parts of `MORE`, on words alone or not; made once a test run."""
    data = training_data("t", {name: MORE[name] for name in names})
    made = {
        utterance.text: np.array(vector(utterance.text), np.float32)
        for utterance, _ in data.labelled()
        if vectors
    }
    trained = train(data, made, MODEL if vectors else "", lambda stage, share: None)
    return Product(
        data.version(), trained.embedding_model, tuple(map(summary, data.intents)),
        len(data.labelled()), trained.quality, trained.to_bytes(), 0.5,
    )  # fmt: skip


async def stored(
    database_url: str, tenant: str, made: Product, activate: bool = False
) -> ModelVersion:
    """Store a model without training it; the newest version of the tenant."""
    async with open_pool(database_url, 1) as pool:
        wish = Wish(activate=activate, lexical_only=True)
        request = training_request(tenant, request_id(), wish, "")
        operation, _ = await OperationStore(pool).begin(request)
        assert await ModelStore(pool).finish(operation, made, activate)
        [version] = await ModelStore(pool).list_versions(tenant, "", 1)
        return version


def _utterances(texts: Sequence[str]) -> tuple[Utterance, ...]:
    return tuple(Utterance(text, str(detect(text).value)) for text in texts)
