"""A mesh for one evaluation, and the calls that all evaluations make."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from kefu.generation.v1 import generation_pb2
from kefu.generation.v1.generation_pb2_grpc import GenerationServiceStub
from kefu.type.v1.text_pb2 import Embedding
from rich.console import Console

from services.cli.mesh import run_mesh
from services.cli.progress import Progress
from services.local import operator
from services.local.home import Home
from services.local.intent_training import LONG_CALL_SECONDS

TENANT = "evaluation"
"""No tenant of anybody's; its home is removed with it."""

BATCH = 64
"""Texts in a call: some seconds of embedding at the most."""

Result = TypeVar("Result")


def on_a_throwaway_mesh(body: Callable[[Home], Awaitable[Result]]) -> Result:
    """Start a mesh on a new home, do something with it, end it and remove the home.

    Raises:
        Problem: the mesh cannot start, or `body` met a problem.
        KefuError: a call of `body` failed.
    """
    results: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="kefu-eval-", dir="/tmp") as directory:
        place = Home.at(Path(directory) / "home")

        async def perform() -> None:
            results.append(await body(place))

        with Progress(place) as progress:
            asyncio.run(run_mesh(place, sample=False, on_change=progress.show_start, body=perform))
    return results[0]


@asynccontextmanager
async def channels(place: Home, *services: str) -> AsyncIterator[list[Any]]:
    """Open a channel to each of some services."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(operator.channel(place, service))
            for service in services
        ]


def batches(texts: Sequence[str], what: str) -> Iterator[Sequence[str]]:
    """Cut texts into batches, and show how far their reader has come."""
    console = Console(stderr=True, highlight=False)
    with console.status(what) as line:
        for start in range(0, len(texts), BATCH):
            line.update(f"{what} {start}/{len(texts)}")
            yield texts[start : start + BATCH]


async def embed(generation: Any, texts: Sequence[str]) -> list[Embedding]:
    """Return the vectors of texts, as the session has them made."""
    request = generation_pb2.EmbedRequest(
        tenant=f"tenants/{TENANT}", texts=texts, purpose=generation_pb2.EMBED_PURPOSE_QUERY
    )
    made = await GenerationServiceStub(generation).Embed(request, timeout=LONG_CALL_SECONDS)
    return list(made.embeddings)
