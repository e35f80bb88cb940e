"""What is measured, stage by stage: importing, vectors, the index, recall, searching."""

import asyncio
import itertools
import pickle
import struct
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from kefu.knowledge.v1 import knowledge_pb2 as pb
from kefu.type.v1.text_pb2 import Embedding

from services.knowledge.catalog import BaseName
from services.knowledge.document import ANYTIME, ParsedDocument
from services.knowledge.document_store import DocumentStore
from services.knowledge.indexing import Entry, entries, indexed
from services.knowledge.search_sql import NEIGHBOURS
from services.knowledge.sorting import Sorting
from services.knowledge.sql import vector_text
from services.knowledge.upkeep import COMPARED_VECTORS
from services.knowledge.upkeep_store import UpkeepStore
from services.knowledge.vector_store import VectorStore
from services.mesh.database import Pool
from tests.bench.retrieval.corpus import Corpus, Query
from tests.bench.stats import percentile

MODEL = "generated-1"
"""Name of the generated vectors' model."""

SEARCH_SECONDS = 20.0
"""Deadline of a search; what takes longer is counted as failed."""

INDEX_MEMORY_MEBIBYTES = 3072
"""What building the index may take: a million vectors fit."""

_LOOK_SECONDS = 0.5

_AHEAD = 4
"""Documents that are read and indexed ahead of the one that is stored."""


@dataclass(slots=True)
class Figures:
    """What one size gave; seconds, MiB, passages per second, milliseconds, shares in [0, 1].

    `recall_at_10` is None where there is no index, so that nothing was measured.
    """

    passages: int
    import_seconds: float = 0.0
    imported_per_second: float = 0.0
    vectors_seconds: float = 0.0
    with_vectors_per_second: float = 0.0
    count_words_seconds: float = 0.0
    publish_seconds: float = 0.0
    index_seconds: float = 0.0
    settle_seconds: float = 0.0
    index_mib: dict[str, float] = field(default_factory=dict)
    table_mib: dict[str, float] = field(default_factory=dict)
    recall_at_10: float | None = None
    search: dict[str, dict[str, float]] = field(default_factory=dict)
    client_peak_mib: float = 0.0


def _prepared(file: Path) -> tuple[ParsedDocument, list[Entry]]:
    document = indexed(pickle.loads(file.read_bytes()))
    return document, entries(document)


def write(corpus: Corpus, folder: Path) -> list[Path]:
    """Write the documents as files, so that no import waits for its words to be made up."""
    files = [folder / f"{number:06}" for number in range(corpus.documents)]
    for number, file in enumerate(files):
        file.write_bytes(pickle.dumps(corpus.document(number), pickle.HIGHEST_PROTOCOL))
    return files


async def import_all(
    pool: Pool, owner: Pool, base: BaseName, files: Sequence[Path]
) -> tuple[float, list[bytes]]:
    """Read, index and store all documents, without vectors.

    One process reads and indexes what the other stores, and what was stored is sorted in beside
    it, as in the service.

    Args:
        pool: sees the rows of a tenant.
        owner: sees all rows.
        base: where they belong.
        files: what `write` wrote.

    Returns:
        The seconds that it took, and the keys of the texts' vectors, document by document.
    """
    keys: list[bytes] = []
    store, loop = DocumentStore(pool), asyncio.get_running_loop()
    sorting = Sorting(UpkeepStore(owner).sort_in_words)
    beside = asyncio.create_task(sorting.run())
    with ProcessPoolExecutor(1) as other:
        began = time.perf_counter()
        waiting = iter(files)
        ahead = [
            loop.run_in_executor(other, _prepared, file)
            for file in itertools.islice(waiting, _AHEAD)
        ]
        while ahead:
            document, found = await ahead.pop(0)
            for file in itertools.islice(waiting, 1):
                ahead.append(loop.run_in_executor(other, _prepared, file))
            await store.put(base, document, ANYTIME, found, awaited=False)
            sorting.wake()
            keys.append(b"".join(entry.text_hash for entry in found))
        # What is in the list yet belongs to the import.
        await UpkeepStore(owner).sort_in_words()
        seconds = time.perf_counter() - began
    beside.cancel()
    await asyncio.gather(beside, return_exceptions=True)
    return seconds, keys


async def known(owner: Pool, base: BaseName) -> int:
    """Let the database count what it holds, and return the number of a knowledge base.

    Before there are vectors: an index that is built would wait for the counting, and it for that.
    """
    async with owner.connection() as connection:
        await connection.execute("ANALYZE")
        cursor = await connection.execute(
            "SELECT number FROM knowledge_bases WHERE id = %s", (base.base,)
        )
        row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


async def embed_all(
    pool: Pool, tenant: str, number: int, corpus: Corpus, keys: list[bytes]
) -> float:
    """Store the vectors of all documents; return the seconds that storing took."""
    store, seconds = VectorStore(pool), 0.0
    for document, joined in enumerate(keys):
        vectors = corpus.vectors(document)
        hashes = (joined[place : place + 32] for place in range(0, len(joined), 32))
        rows = dict(zip(hashes, vectors.tolist(), strict=True))
        began = time.perf_counter()
        await store.embed(tenant, number, MODEL, rows)
        seconds += time.perf_counter() - began
    return seconds


async def index_all(owner: Pool, number: int, size: int) -> None:
    """Return once the vectors of a knowledge base have their index, or need none.

    The service's own upkeep may be quicker and build it; then its end is waited for.
    """
    store = UpkeepStore(owner)
    while size >= COMPARED_VECTORS:
        await store.index_vectors(COMPARED_VECTORS, INDEX_MEMORY_MEBIBYTES)
        async with owner.connection() as connection:
            cursor = await connection.execute(
                "SELECT FROM knowledge_bases WHERE number = %s AND dense_index", (number,)
            )
            if await cursor.fetchone() is not None:
                return
        await asyncio.sleep(_LOOK_SECONDS)


async def timed(work: Callable[[], Awaitable[Any]]) -> float:
    """Return the seconds that some work takes."""
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


def settle(url: str) -> None:
    """Do what the database does by itself in the minutes after so many writes, and be done with it.

    Searches would share the two cores with it otherwise, and the figures tell of that.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def sizes(url: str) -> tuple[dict[str, float], dict[str, float]]:
    """Return the MiB of tables without their indexes, and of indexes."""
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT relname, pg_table_size(oid) FROM pg_class WHERE relname"
            " IN ('documents', 'entries', 'vectors', 'terms')"
        ).fetchall()
        indexes = connection.execute(
            "SELECT indexrelname, pg_relation_size(indexrelid) FROM pg_stat_user_indexes"
            " WHERE relname IN ('entries', 'vectors', 'terms')"
        ).fetchall()
    mebibytes = [
        {name: round(size / 2**20, 1) for name, size in rows if size > 2**20}
        for rows in (tables, indexes)
    ]
    return mebibytes[0], mebibytes[1]


def recall(url: str, base: int, queries: list[Query], most: int = 10) -> float:
    """Return the share of the exact ten nearest that the index finds, over all queries."""
    nearest = (
        f"SELECT text_hash FROM vectors WHERE base = {base} AND embedding IS NOT NULL"
        f" ORDER BY embedding <=> %s::halfvec LIMIT {most}"
    )
    shares = []
    with psycopg.connect(url) as connection:
        connection.execute(f"SET hnsw.ef_search = {NEIGHBOURS}".encode())
        for query in queries:
            vector = vector_text(query.vector.tolist())
            found = []
            for indexed in (True, False):
                connection.execute(f"SET enable_indexscan = {'on' if indexed else 'off'}")
                rows = connection.execute(nearest.encode(), (vector,)).fetchall()
                found.append({bytes(row[0]) for row in rows})
            shares.append(len(found[0] & found[1]) / most)
    return float(np.mean(shares))


async def search(stub: Any, name: str, queries: list[Query], at_once: int) -> dict[str, float]:
    """Search for all queries through the service; latencies in milliseconds."""
    waiting, taken, failed = iter(queries), [], 0

    async def customer() -> None:
        nonlocal failed
        for query in waiting:
            vector = struct.pack("<384f", *query.vector.tolist())
            request = pb.SearchRequest(
                parent=name, query=query.text, embedding=Embedding(model=MODEL, vector=vector)
            )
            began = time.perf_counter()
            try:
                found = await stub.Search(request, timeout=SEARCH_SECONDS)
            except Exception:
                failed += 1
                continue
            failed += not found.passages
            taken.append(1000 * (time.perf_counter() - began))

    began = time.perf_counter()
    await asyncio.gather(*(customer() for _ in range(at_once)))
    seconds = time.perf_counter() - began
    return {
        "searches": len(taken),
        "failed": failed,
        "per_second": round(len(taken) / seconds, 1),
        "p50_ms": round(percentile(taken, 0.5), 1),
        "p99_ms": round(percentile(taken, 0.99), 1),
    }


def request_id() -> str:
    """Return a fresh UUID."""
    return str(uuid.uuid4())
