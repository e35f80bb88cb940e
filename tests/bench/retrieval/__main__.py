"""`make bench-knowledge SIZES="10000 100000"`; prints the figures and writes them as JSON."""

# The first import of all: it limits grpc to TLS 1.3, which grpc reads once.
import services  # noqa: F401, I001

import argparse
import asyncio
import json
import logging
import resource
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import structlog
import uvloop
from kefu.errors import ModelUnavailable
from kefu.generation.v1.generation_pb2_grpc import (
    GenerationServiceServicer,
    add_GenerationServiceServicer_to_server,
)
from kefu.knowledge.v1 import knowledge_pb2 as pb
from kefu.knowledge.v1 import release_pb2
from kefu.knowledge.v1.knowledge_pb2_grpc import KnowledgeServiceStub
from kefu.knowledge.v1.release_pb2_grpc import KnowledgeReleaseServiceStub
from rich.console import Console

from services.knowledge.__main__ import build
from services.knowledge.catalog import BaseName
from services.knowledge.release_store import ReleaseStore
from services.knowledge.settings import Settings
from services.knowledge.sql import TENANT_ROLE
from services.knowledge.upkeep import COMPARED_VECTORS
from services.local import postgres
from services.mesh.database import open_pool
from services.mesh.server import Registration
from services.mesh.service import Mesh, settle_memory
from services.mesh.settings import ServiceSettings
from tests.bench import machine
from tests.bench.retrieval import stages
from tests.bench.retrieval.corpus import Corpus
from tests.support.mesh import Served, answering, serve

ROOT = Path(__file__).parents[3]
OUTPUT = ROOT / "build" / "bench-knowledge.json"
"""Where a run is written."""

DATABASE = {
    # A database server of a company: a quarter of this machine.
    "shared_buffers": "4GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "15min",
    "max_parallel_maintenance_workers": "2",
    "dynamic_shared_memory_type": "mmap",
}
"""Settings of PostgreSQL that differ from those of one laptop."""

RECALL_QUERIES, SEARCHES = 200, 1000
WARM_UP, WARM_UP_SHARE = 100, 500
"""Searches before those that are timed: at least so many, and one for so many passages. Building an
index leaves little of what searches read in memory."""


@asynccontextmanager
async def service(url: str) -> AsyncIterator[Served]:
    """The knowledge service over loopback mTLS, beside a service that makes no vectors."""

    async def embed(request: Any, context: Any) -> Any:
        raise ModelUnavailable()

    @asynccontextmanager
    async def silent(settings: ServiceSettings, mesh: Mesh) -> AsyncIterator[list[Registration]]:
        servicer = answering(GenerationServiceServicer, Embed=embed)
        yield [(add_GenerationServiceServicer_to_server, servicer)]

    async with serve("generation", silent) as generation:
        keys = generation.keys("knowledge")
        settings: dict[str, Any] = {
            "database_url": url,
            "redis_url": "unix:///nonexistent/redis.sock",
            "peers": {"generation": generation.address},
            "embedding_retry_seconds": 3600.0,
            "index_memory_mebibytes": stages.INDEX_MEMORY_MEBIBYTES,
        } | {name: getattr(keys, name) for name in ("cert_file", "key_file", "ca_file")}
        async with serve("knowledge", build, Settings, **settings) as served:
            served.authority, served.folder = generation.authority, generation.folder
            settle_memory()
            yield served


async def measure(size: int, url: str, say: Any) -> stages.Figures:
    """Measure one size in a knowledge base of its own."""
    figures, corpus = stages.Figures(size), Corpus(size)
    base = BaseName("bench", f"size-{size}")
    async with (
        service(url) as served,
        open_pool(url, role=TENANT_ROLE) as pool,
        open_pool(url, 2) as owner,
    ):
        stub = served.stub(KnowledgeServiceStub, role="content-owner")
        create = pb.CreateKnowledgeBaseRequest(
            parent=f"tenants/{base.tenant}", knowledge_base_id=base.base,
            request_id=stages.request_id(),
        )  # fmt: skip
        await stub.CreateKnowledgeBase(create, timeout=10)
        say(f"{size} passages: making them up")
        with tempfile.TemporaryDirectory(prefix="kefu-bench-", dir="/tmp") as folder:
            files = await asyncio.to_thread(stages.write, corpus, Path(folder))
            say("importing")
            figures.import_seconds, keys = await stages.import_all(pool, owner, base, files)
        figures.imported_per_second = size / figures.import_seconds
        number = await stages.known(owner, base)
        say(f"{figures.imported_per_second:.0f} a second; vectors")
        figures.vectors_seconds = await stages.embed_all(pool, base.tenant, number, corpus, keys)
        figures.with_vectors_per_second = size / (figures.import_seconds + figures.vectors_seconds)
        say("counting words, publishing")
        figures.count_words_seconds = await stages.timed(lambda: ReleaseStore(pool).count(base))
        releases = served.stub(KnowledgeReleaseServiceStub, role="content-owner")
        publish = release_pb2.PublishKnowledgeBaseRequest(
            name=str(base), request_id=stages.request_id()
        )
        figures.publish_seconds = await stages.timed(
            lambda: releases.PublishKnowledgeBase(publish, timeout=60)
        )
        say("building the index")
        figures.index_seconds = await stages.timed(lambda: stages.index_all(owner, number, size))
        say("tidying up")
        figures.settle_seconds = await stages.timed(lambda: asyncio.to_thread(stages.settle, url))
        figures.table_mib, figures.index_mib = stages.sizes(url)
        queries = list(corpus.queries(SEARCHES))
        if size >= COMPARED_VECTORS:
            say("recall")
            figures.recall_at_10 = await asyncio.to_thread(
                stages.recall, url, number, queries[:RECALL_QUERIES]
            )
        say("searching")
        warming = max(WARM_UP, size // WARM_UP_SHARE)
        warm_up = list(corpus.queries(SEARCHES + warming))[SEARCHES:]
        await stages.search(stub, str(base), warm_up, 8)
        for at_once in (1, 8):
            figures.search[str(at_once)] = await stages.search(stub, str(base), queries, at_once)
    figures.client_peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return figures


def main() -> None:
    """Measure the sizes that were asked for; the database ends with it, also where it is ended."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=[10_000])
    sizes = parser.parse_args().sizes
    console = Console(stderr=True, highlight=False)
    quiet = structlog.make_filtering_bound_logger(logging.WARNING)
    structlog.configure(wrapper_class=quiet)  # a line a call is no part of this bench
    facts = machine.describe()
    if warning := machine.busy_at_start(facts):
        console.print(f"[yellow]{warning}[/]")
    results = []
    with tempfile.TemporaryDirectory(prefix="kefu-bench-", dir="/tmp") as directory:
        server = postgres.start(Path(directory) / "cluster", Path(directory) / "log", DATABASE)
        try:
            url = server.ensure_database(
                "kefu_knowledge", extensions=["vector"], tenant_role=TENANT_ROLE
            )
            for size in sizes:
                figures = asdict(uvloop.run(measure(size, url, console.print)))
                console.print_json(json.dumps(figures))
                results.append(figures)
        finally:
            server.stop()
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(json.dumps({"machine": facts, "sizes": results}, indent=2) + "\n")
    console.print(f"written to {OUTPUT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
