"""Requests about the sample shop, and a generation service whose vectors are made of characters."""

import asyncio
import hashlib
import itertools
import math
import struct
import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kefu.errors import ModelRefused, ModelUnavailable, QuotaExceeded
from kefu.generation.v1 import generation_pb2
from kefu.generation.v1.generation_pb2_grpc import GenerationServiceServicer
from kefu.knowledge.v1 import knowledge_pb2 as pb
from kefu.knowledge.v1 import release_pb2
from kefu.knowledge.v1.knowledge_pb2_grpc import KnowledgeServiceStub
from kefu.knowledge.v1.release_pb2_grpc import KnowledgeReleaseServiceStub
from kefu.type.v1.text_pb2 import Embedding

from services.language import fold

TENANT = "tenants/shop"
MODEL = "characters-1"
DIMENSIONS = 384
SECONDS = 20.0
"""Deadline of calls that are not about deadlines."""

RETURNS = """\
# 退货

## 期限

签收后十五天内可以无理由退货。

## 运费

因个人原因退货，运费由顾客承担。
"""
DELIVERY = "# Delivery\n\nStandard delivery takes three days. Islands take five days.\n"
FAQS = """\
{"id":"how","question":"怎么退货？","variants":["退货流程"],"answer":"在订单页点申请。"}
{"id":"excluded","question":"哪些商品不能退货","answer":"礼品卡不能退货。"}
{"id":"size","question":"Is size L available?","answer":"Yes, L is in stock."}
"""
FILES = {"zh/returns.md": RETURNS, "en/delivery.md": DELIVERY, "faqs.jsonl": FAQS}


def request_id() -> str:
    """A fresh UUID."""
    return str(uuid.uuid4())


def importing(base: str, files: Mapping[str, str | bytes]) -> Iterator[pb.ImportDocumentsRequest]:
    """The messages of an import."""
    header = pb.ImportHeader(parent=base, request_id=request_id())
    yield pb.ImportDocumentsRequest(header=header)
    for path, content in files.items():
        data = content.encode() if isinstance(content, str) else content
        yield pb.ImportDocumentsRequest(file=pb.SourceFile(path=path, content=data))


class KnowledgeStub(KnowledgeServiceStub):
    """A client of all the services that the process serves."""

    def __init__(self, channel: Any) -> None:
        super().__init__(channel)
        self.__dict__.update(vars(KnowledgeReleaseServiceStub(channel)))


async def published(
    stub: KnowledgeStub, base: str, files: Mapping[str, str | bytes]
) -> list[pb.ImportResult]:
    """Import files and put the draft live."""
    response = await stub.ImportDocuments(importing(base, files), timeout=SECONDS)
    await publish(stub, base)
    return list(response.results)


async def publish(stub: KnowledgeStub, base: str) -> release_pb2.Revision:
    """Put the draft live."""
    request = release_pb2.PublishKnowledgeBaseRequest(name=base, request_id=request_id())
    response = await stub.PublishKnowledgeBase(request, timeout=SECONDS)
    return response.revision


def vector(text: str) -> list[float]:
    """A vector that is near another one where the texts share pairs of characters.

    Cosines lie between 0.75 and 1, as those of the real model do.
    """
    counts = [0.0] * (DIMENSIONS - 1)
    folded = fold(text)
    for pair in itertools.pairwise(folded):
        digest = hashlib.sha256("".join(pair).encode()).digest()
        counts[int.from_bytes(digest[:4]) % len(counts)] += 1
    length = math.sqrt(sum(count * count for count in counts)) or 1.0
    return [math.sqrt(0.75), *(0.5 * count / length for count in counts)]


def embedding(text: str, model: str = MODEL) -> Embedding:
    """A question's vector as a message."""
    return Embedding(model=model, vector=struct.pack(f"<{DIMENSIONS}f", *vector(text)))


class CharacterVectors(GenerationServiceServicer):
    """Speaks the contract's Embed; a test may break it and repair it.

    Attributes:
        down: while True, calls fail as they do without a model.
        poor: tenants that have used up a limit, and when they are told to come back, in seconds.
        refused: when they were, in the loop's time.
        longest: texts that are longer, in code points, are refused.
        model: the name that it gives its vectors.
        held: while clear, calls wait.
        embedded: every text that it was asked for.
    """

    def __init__(self) -> None:
        self.down = False
        self.poor: dict[str, float] = {}
        self.refused: list[float] = []
        self.longest = 8000
        self.model = MODEL
        self.held = asyncio.Event()
        self.held.set()
        self.embedded: list[str] = []

    async def Embed(
        self, request: generation_pb2.EmbedRequest, context: Any
    ) -> generation_pb2.EmbedResponse:
        """Turn texts into vectors."""
        if self.down:
            raise ModelUnavailable()
        if request.tenant in self.poor:
            self.refused.append(asyncio.get_running_loop().time())
            raise QuotaExceeded(retry_after_seconds=self.poor[request.tenant])
        if any(len(text) > self.longest for text in request.texts):
            raise ModelRefused(cause="refused")
        await self.held.wait()
        self.embedded += request.texts
        return generation_pb2.EmbedResponse(
            embeddings=[embedding(text, self.model) for text in request.texts]
        )


def titles(passages: Iterable[pb.ScoredPassage]) -> list[str]:
    """The titles of passages, in order."""
    return [passage.title for passage in passages]
