"""The work of a training: vectors of the utterances, a process that trains, a model that loads."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import structlog
from kefu.errors import KefuError

from services.intent.model.decision import UNKNOWN_THRESHOLD
from services.intent.quality import Quality
from services.intent.trained_model import TrainedModel
from services.intent.training_data import TrainingData
from services.intent.trainings.operation import REMEDY
from services.intent.trainings.process import (
    OUT_OF_MEMORY,
    Floats,
    read_model,
    read_quality,
    write_task,
)
from services.intent.versions.version import Product, summary
from services.mesh.operations.operation import Failure
from services.mesh.operations.patience import patiently
from services.mesh.operations.runner import Report
from services.mesh.operations.scratch import work_folder

if TYPE_CHECKING:
    from services.intent.trainings.vector_store import VectorStore

EMBED_BATCH = 64
"""Texts in a call of the embedding service: about a second of a core, so that customers' questions
are not kept waiting."""

FOLDER_PREFIX = "kefu-training-"
"""Of the name of the folder of each training."""

# What share of the whole the vectors are, where there are any.
_EMBEDDING_SHARE = 0.5

_MODULE = "services.intent.trainings.process"
_PAUSE_SECONDS = 1.0
_SAID_CHARACTERS = 4000


@dataclass(frozen=True, slots=True)
class Embedded:
    """Vectors of some texts, in their order."""

    model: str
    """What made them."""
    vectors: Sequence[bytes]
    """Little-endian float32 each, L2-normalised, all of one length."""


Embed = Callable[[str, Sequence[str]], Awaitable[Embedded]]
"""Turns utterances of a tenant into vectors; raises KefuError where it cannot."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a training may take."""

    seconds: float
    """From its beginning to its end."""
    memory_bytes: int
    """Address space of the process that trains."""
    patience_seconds: float
    """How long an embedding service that does not answer is waited for."""


class Trainer:
    """Makes models. Cancelling a call ends its process."""

    def __init__(
        self,
        vectors: "VectorStore",
        embed: Embed,
        limits: Limits,
        unknown_threshold: float = UNKNOWN_THRESHOLD,
    ) -> None:
        """Keep vectors in `vectors` and make the missing ones with `embed`.

        `unknown_threshold` is that with which the models will serve; quality is measured with it.
        """
        self._threshold = unknown_threshold
        self._store = vectors
        self._embed = embed
        self._limits = limits

    async def train(self, data: TrainingData, lexical_only: bool, progress: Report) -> Product:
        """Train a model.

        Args:
            data: What it learns; without problems.
            lexical_only: Whether to do without vectors.
            progress: Is told how far the work is.

        Raises:
            Failure: it cannot be trained, and why.
        """
        started = time.monotonic()
        try:
            async with asyncio.timeout(self._limits.seconds):
                model, vectors = "", dict[str, bytes]()
                if not lexical_only:
                    model, vectors = await self._vectors(data, progress)
                share = 0.0 if lexical_only else _EMBEDDING_SHARE
                artefact, quality = await self._run(
                    data, vectors, model, lambda s, p: progress(s, share + (1 - share) * p)
                )
        except TimeoutError:
            raise Failure(
                "DEADLINE_EXCEEDED",
                f"the training was ended after {self._limits.seconds:g} seconds; train on fewer "
                "utterances, or give it more time with KEFU_TRAINING_SECONDS",
            ) from None
        # In a thread: of 100,000 utterances this is a second's work.
        return await asyncio.to_thread(_product, data, model, artefact, quality, started)

    async def _vectors(self, data: TrainingData, progress: Report) -> tuple[str, dict[str, bytes]]:
        """Return the embedding model and the vectors of all utterances, by text."""
        texts = list(dict.fromkeys(utterance.text for utterance, _ in data.labelled()))
        progress("embedding", 0.0)
        # Which model is in use is only said beside a vector.
        model = (await self._embedded(data.tenant, texts[:1])).model
        vectors = await patiently(lambda: self._store.get(data.tenant, model, texts), REMEDY)
        missing = [text for text in texts if text not in vectors]
        for start in range(0, len(missing), EMBED_BATCH):
            batch = missing[start : start + EMBED_BATCH]
            made = await self._embedded(data.tenant, batch)
            if made.model != model:
                raise Failure(
                    "SERVICE_UNAVAILABLE",
                    "the embedding model was changed during the training; train again",
                )
            fresh = dict(zip(batch, made.vectors, strict=True))
            await patiently(partial(self._store.put, data.tenant, model, fresh), REMEDY)
            vectors |= fresh
            progress("embedding", _EMBEDDING_SHARE * len(vectors) / len(texts))
        await patiently(lambda: self._store.forget(data.tenant, texts), REMEDY)
        return model, vectors

    async def _embedded(self, tenant: str, texts: Sequence[str]) -> Embedded:
        """Embed a batch; a service that restarts is waited for."""
        deadline = time.monotonic() + self._limits.patience_seconds
        while True:
            try:
                return await self._embed(tenant, texts)
            except KefuError as error:
                if not error.retryable or time.monotonic() > deadline:
                    raise Failure(
                        error.reason,
                        f"the utterances could not be embedded: {error.message}. See that the "
                        "generation service runs and train again, or train on words alone "
                        "(lexical_only)",
                    ) from None
            await asyncio.sleep(min(_PAUSE_SECONDS, self._limits.patience_seconds))

    async def _run(
        self, data: TrainingData, vectors: dict[str, bytes], model: str, progress: Report
    ) -> tuple[bytes, Quality]:
        """Let a process train; return its model and how good that is."""
        with work_folder(FOLDER_PREFIX) as folder:
            arrays: dict[str, Floats] = {
                text: np.frombuffer(each, "<f4") for text, each in vectors.items()
            }
            progress("starting", 0.0)
            await asyncio.to_thread(write_task, folder, data, arrays, model, self._threshold)
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", _MODULE,
                str(folder), str(self._limits.memory_bytes),
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE, env=_environment(), start_new_session=True,
            )  # fmt: skip
            try:
                said = asyncio.create_task(_last_words(process))
                await _follow(process, progress)
                status = await process.wait()
            finally:
                with suppress(ProcessLookupError):
                    process.kill()
                await asyncio.shield(process.wait())
            _check(status, await said)
            return (
                await asyncio.to_thread(read_model, folder),
                await asyncio.to_thread(read_quality, folder),
            )


def _product(
    data: TrainingData, model: str, artefact: bytes, quality: Quality, started: float
) -> Product:
    """Sum up what was made; what cannot be read here could not be read by a server either."""
    TrainedModel.from_bytes(artefact)
    return Product(
        data.version(), model, tuple(map(summary, data.intents)), len(data.labelled()),
        quality, artefact, time.monotonic() - started,
    )  # fmt: skip


async def _follow(process: asyncio.subprocess.Process, progress: Report) -> None:
    """Pass on what the process says of its progress, until it says no more."""
    assert process.stdout is not None
    async for line in process.stdout:
        said = json.loads(line)
        progress(said["stage"], said["progress"])


async def _last_words(process: asyncio.subprocess.Process) -> str:
    """Return the end of what the process writes to standard error."""
    assert process.stderr is not None
    said = b""
    while part := await process.stderr.read(_SAID_CHARACTERS):
        said = (said + part)[-_SAID_CHARACTERS:]
    return said.decode(errors="replace")


def _check(status: int, said: str) -> None:
    """Raise Failure where a process did not end well."""
    if status == 0:
        return
    structlog.get_logger("training").error("process_failed", status=status, said=said)
    if status == OUT_OF_MEMORY or "MemoryError" in said:
        raise Failure(
            "INTERNAL",
            "the training needs more memory than it may take; train on fewer utterances, or give "
            "it more with KEFU_TRAINING_MEMORY_MEBIBYTES",
        )
    if status == -signal.SIGKILL:
        raise Failure(
            "INTERNAL",
            "the process that trained was killed (signal 9), most likely because the machine or "
            "the container has too little memory; give it more, or train on fewer utterances",
        )
    how = f"signal {-status}" if status < 0 else f"status {status}"
    raise Failure(
        "INTERNAL", f"the process that trained ended with {how}; its log says more; train again"
    )


def _environment() -> dict[str, str]:
    """Return what the process needs: no address, no secret, one thread."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("KEFU_")}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return kept | threads | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
