"""One stream of questions through knowledge and generation, as the session service asks them."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from kefu.client.channel import open_channel
from kefu.generation.v1 import generation_pb2
from kefu.generation.v1.generation_pb2_grpc import GenerationServiceStub
from kefu.knowledge.v1 import knowledge_pb2
from kefu.knowledge.v1.knowledge_pb2_grpc import KnowledgeServiceStub

from services.local import operator
from services.local.home import Home
from services.local.sample import KNOWLEDGE_BASE
from services.mesh.tls import KeyPair
from tests.bench.savings.questions import Asked

TENANT = "tenants/shop"
"""The sample company."""

CUSTOMERS = 8
"""Customers who ask at a time."""

_SECONDS = 20.0


class Way(StrEnum):
    """How a question was answered."""

    FAQ = "faq"
    """By an FAQ that asks the same; no model was needed."""
    SHARED = "shared"
    """By what the model had written for the identical question."""
    CALLED = "called"
    """By a call to the model."""
    EXTRACTED = "extracted"
    """By sentences of the passages, since the model's answer did not pass its checks."""
    NOTHING = "nothing"
    """Not at all: the knowledge has nothing, so no model would be asked either."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a customer got.

    Attributes:
        asked: her question.
        way: how it was answered.
        text: the answer.
        sent, written: tokens of the call, as the provider reports them; 0 where there was none.
    """

    asked: Asked
    way: Way
    text: str = ""
    sent: int = 0
    written: int = 0

    @property
    def is_right(self) -> bool:
        """Whether the answer says what was asked for."""
        return self.asked.fact in self.text


class Shop:
    """The services of a running mesh, for whoever holds the session service's certificate."""

    def __init__(self, knowledge: Any, generation: Any) -> None:
        self._knowledge = KnowledgeServiceStub(knowledge)
        self._generation = GenerationServiceStub(generation)

    @classmethod
    async def open(cls, home: Home, stack: AsyncExitStack) -> "Shop":
        """Connect to the mesh that runs on a home."""
        keys = KeyPair(home.cert_file("session"), home.key_file("session"), home.ca_file)
        channels = [
            await stack.enter_async_context(
                open_channel(operator.address(home, service), keys.channel_credentials())
            )
            for service in ("knowledge", "generation")
        ]
        return cls(*channels)

    async def ask(self, asked: Asked) -> Given:
        """Answer a question as a turn of a new session does."""
        found = await self._search(asked, None)
        if not found.HasField("faq"):
            found = await self._search(asked, await self._vector(asked.text))
        if found.HasField("faq"):
            return Given(asked, Way.FAQ, found.faq.answer)
        if found.verdict == knowledge_pb2.SearchResponse.VERDICT_NONE or not found.passages:
            return Given(asked, Way.NOTHING)
        return await self.generate(asked, found.passages)

    async def send(self, asked: Asked) -> Given:
        """Have the model answer a question, whatever an FAQ says."""
        found = await self._search(asked, await self._vector(asked.text))
        return await self.generate(asked, found.passages)

    async def generate(self, asked: Asked, passages: Sequence[Any]) -> Given:
        """Have an answer written from passages."""
        request = generation_pb2.GenerateRequest(
            tenant=TENANT, question=asked.text, language_code=asked.language,
            passages=[
                generation_pb2.Passage(
                    document=each.document, revision=each.revision, title=each.title,
                    text=each.text, span=each.span,
                )
                for each in passages
            ],
        )  # fmt: skip
        end = None
        async for response in self._generation.Generate(request, timeout=_SECONDS):
            end = response.completed
        assert end is not None
        way = Way.CALLED if end.mode == generation_pb2.ANSWER_MODE_MODEL else Way.EXTRACTED
        if end.shared:
            way = Way.SHARED
        return Given(asked, way, end.text, end.usage.input_tokens, end.usage.output_tokens)

    async def _search(self, asked: Asked, vector: Any) -> Any:
        scope = "SEARCH_SCOPE_FAQ" if vector is None else "SEARCH_SCOPE_ALL"
        request = knowledge_pb2.SearchRequest(
            parent=KNOWLEDGE_BASE, query=asked.text, language_code=asked.language, embedding=vector,
            scope=knowledge_pb2.SearchScope.Value(scope),
        )  # fmt: skip
        return await self._knowledge.Search(request, timeout=_SECONDS)

    async def _vector(self, text: str) -> Any:
        request = generation_pb2.EmbedRequest(
            tenant=TENANT, texts=[text], purpose=generation_pb2.EMBED_PURPOSE_QUERY
        )
        return (await self._generation.Embed(request, timeout=_SECONDS)).embeddings[0]


async def replay(shop: Shop, stream: Sequence[Asked]) -> list[Given]:
    """Ask everything, several customers at a time, in the order of the stream."""
    given: list[Given | None] = [None] * len(stream)
    places = iter(range(len(stream)))

    async def customer() -> None:
        for place in places:
            given[place] = await shop.ask(stream[place])

    async with asyncio.TaskGroup() as group:
        for _ in range(CUSTOMERS):
            group.create_task(customer())
    return [each for each in given if each is not None]
