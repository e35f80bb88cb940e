"""Settings and requests of the tests, about the sample shop, and what answers look like."""

from collections.abc import AsyncIterable
from typing import Any

from kefu.generation.v1 import generation_pb2 as pb
from kefu.type.v1 import text_pb2, understanding_pb2

from tests.stubs.model_server import ModelServer

TENANT = "tenants/shop"
SECONDS = 10.0
"""Deadline of calls that are not about deadlines."""

KEY = "sk-very-secret-0123456789"

_DOCUMENTS = f"{TENANT}/knowledgeBases/help/documents"
RETURNS_TEXT = "自签收之日起7天内可无理由退货。退款在3个工作日内原路返回。"
DELIVERY_TEXT = "Delivery takes 3 days. Islands take 5 days."
PASSAGES = (
    pb.Passage(
        document=f"{_DOCUMENTS}/returns",
        revision="a" * 64,
        title="退换货",
        text=RETURNS_TEXT,
        span=text_pb2.TextSpan(start=100, end=100 + len(RETURNS_TEXT)),
    ),
    pb.Passage(
        document=f"{_DOCUMENTS}/delivery",
        revision="b" * 64,
        title="Delivery",
        text=DELIVERY_TEXT,
        span=text_pb2.TextSpan(start=0, end=len(DELIVERY_TEXT)),
    ),
)


def with_model(model: ModelServer, **overrides: Any) -> dict[str, Any]:
    """Settings that name the stub for chat and vectors, with limits that a test can wait for."""
    return {
        "chat_base_url": model.base_url,
        "chat_model": "stub",
        "chat_api_key": KEY,
        "chat_first_token_seconds": 1.0,
        "chat_between_tokens_seconds": 0.4,
        "chat_input_price": "2",
        "chat_output_price": "8",
        "embedding_base_url": model.base_url,
        "embedding_model": "stub-embedding",
        "embedding_price": "1",
        "embedding_api_key": KEY,
    } | overrides


def question(text: str = "怎么退货?", **fields: Any) -> pb.GenerateRequest:
    """A question with the shop's passages, unless `fields` say otherwise."""
    values = {"tenant": TENANT, "question": text, "passages": PASSAGES} | fields
    return pb.GenerateRequest(**values)


class Streamed:
    """A whole stream, read and taken apart."""

    def __init__(self, responses: list[pb.GenerateResponse]) -> None:
        self.kinds = [response.WhichOneof("event") for response in responses]
        self.deltas = [each.delta for each in responses if each.HasField("delta")]
        self.citations = [each for delta in self.deltas for each in delta.citations]
        self.text = "".join(delta.text for delta in self.deltas)
        self.end: pb.GenerationCompleted = responses[-1].completed

    def cited(self) -> list[tuple[str, str, str]]:
        """For each citation: document id, supported words of the answer, cited words."""
        return [
            (
                citation.document.rpartition("/")[2],
                self.text[citation.answer_span.start : citation.answer_span.end],
                citation.snippet,
            )
            for citation in self.end.citations
        ]


async def read(stream: AsyncIterable[pb.GenerateResponse]) -> Streamed:
    """Read a stream to its end."""
    return Streamed([response async for response in stream])


def has_price(usage: understanding_pb2.Usage) -> bool:
    """Whether a price is told, which may be 0."""
    return usage.HasField("price_micros")
